from typing import Final, final

from typing_extensions import Buffer

MAGIC: Final[bytes]

@final
class Recorder:
    """Headers of the last packets and the last control events, in memory that the caller hands in.

    Raises MisuseError if the memory is too small.
    """

    def __init__(self, memory: Buffer, *, text_room: int, description: bytes) -> None: ...
    def text(self, now_ns: int, text: bytes) -> None:
        """Record a control event; what is longer than 240 bytes is cut."""
    def describe(self, description: bytes) -> None:
        """Say who records, as JSON; raises MisuseError if that is too long."""
    def set_moment(self, now_ns: int, wall_ns: int) -> None:
        """Say how the clock of the records stands to the time of day, now and then."""
    def image(self) -> bytes:
        """Return everything recorded, as it would stand in a file; packets may come meanwhile."""
    def tail(self, packets: int, texts: int) -> bytes:
        """Return so many of the last records, at most, as they would stand in a file."""
    def note_datagram(
        self, datagram: Buffer, *, target: int | None = None, now_ns: int, fault: int = 0
    ) -> None:
        """Record a datagram as the core does: one that came in, or one for `target`."""
    def counts(self) -> tuple[int, int]:
        """Return how many packets and texts were recorded since the start."""
