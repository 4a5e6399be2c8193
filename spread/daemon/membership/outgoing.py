"""Control packets on their way out: made into bytes and counted.

The compiled ring numbers the control packets of an incarnation from 1; the count here is the number
of the last one, which FORM1 carries so that others know what was sent before.
"""

from spread.daemon.membership.codec import encode, kind_of
from spread.daemon.membership.core import RingCore
from spread.daemon.membership.packets import Packet

__all__ = ["Outgoing"]


class Outgoing:
    """Sends the packets of one machine."""

    def __init__(self, core: RingCore) -> None:
        self._core = core
        self.count = 0
        self.is_muted = False
        """Nothing is sent: this daemon has said that it goes."""

    def send(self, target: int, packet: Packet) -> None:
        """Send a packet to a daemon or to SEGMENT."""
        if self.is_muted:
            return
        self.count += 1
        self._core.send_control(kind_of(packet), target, encode(packet))
