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
    def image(self) -> bytes:
        """Return everything recorded, as it would stand in a file."""
    def note_datagram(
        self, datagram: Buffer, *, target: int | None = None, now_ns: int, fault: int = 0
    ) -> None:
        """Record a datagram as the core does: one that came in, or one for `target`."""
    def counts(self) -> tuple[int, int]:
        """Return how many packets and texts were recorded since the start."""
