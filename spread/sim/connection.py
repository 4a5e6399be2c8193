"""A client's connection to a simulated daemon: bytes both ways, and how fast the client reads."""

from typing import TYPE_CHECKING, Protocol

from spread.sim.trace import Closure

if TYPE_CHECKING:
    from spread.sim.host import Host

__all__ = ["Connection", "Listener"]


class Listener(Protocol):
    """Who is told what the daemon says."""

    def received(self, data: bytes) -> None:
        """Bytes came."""

    def ended(self, closure: Closure) -> None:
        """The connection is over."""


class Connection:
    """One connection. Neither side is delayed: what the client asks arrives when it asks."""

    def __init__(self, host: "Host", slot: int, listener: Listener) -> None:
        self.host = host
        self.slot = slot
        self.listener = listener
        self.pending = bytearray()  # Written, and not yet read by the daemon.
        self.reads = True
        self.is_full = False
        self.is_over = False

    def write(self, data: bytes) -> None:
        """Send bytes; the daemon takes them when it reads."""
        if not self.is_over:
            self.pending += data
            self.host.input_waits(self)

    def stop_reading(self) -> None:
        """Take nothing from now on, as a client that hangs does."""
        self.reads = False

    def read_again(self) -> None:
        """Take what waits, and all that comes."""
        self.reads = True
        if not self.is_over:
            self.host.room_made(self)

    def close(self) -> None:
        """Break the connection, as the death of the client does."""
        if not self.is_over:
            self.host.hang_up(self)

    def end(self, closure: Closure) -> None:
        """The host says that it is over."""
        self.is_over = True
        self.listener.ended(closure)
