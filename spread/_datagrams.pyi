from collections.abc import Callable
from typing import Final, final

from spread._faults import Faults
from spread._node import Node
from spread.daemon.ring_sockets import RingSockets

COUNTERS: Final[tuple[tuple[str, str], ...]]
"""Name and meaning of each counter."""

@final
class Datagrams:
    """The UDP sockets of a daemon in a ring of several; hand it to `Reactor.attach_ring`.

    `sockets` says which sockets and where everybody is (`spread.daemon.ring_sockets`); the caller
    owns the sockets and closes them after the reactor has stopped. `window` is the ring's largest
    window in packets: the token waits for at most twice as many packets of data.

    `report(cause, count, error, target)` is called, at most once a minute for one cause, when
    datagrams could not be sent: name of the cause as in COUNTERS, how many since the last report,
    the system's error number (0 if there is none), and the number of the daemon the last of them
    was for (256: the segment). Whatever it raises ends `Reactor.run`.

    Without `offload` each datagram crosses the system on its own, as on systems that cannot join
    them.
    """

    def __init__(
        self,
        node: Node,
        sockets: RingSockets,
        *,
        window: int,
        report: Callable[[str, int, int, int], object],
        faults: Faults | None = None,
        offload: bool = True,
    ) -> None: ...
    def renumber(self, sockets: RingSockets) -> None: ...
    @property
    def segmentation(self) -> bool:
        """Whether datagrams leave joined (GSO), wherever the way takes that."""
    @property
    def coalescing(self) -> bool:
        """Whether the system joins datagrams that arrive (GRO)."""
    def statistics(self) -> dict[str, int]:
        """Return the counters, by the names of COUNTERS."""
