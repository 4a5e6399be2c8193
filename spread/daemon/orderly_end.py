"""The end of a daemon that is told to stop: nobody loses what the daemon has taken.

    leave_ring         no more requests; the ring has what clients have sent; the others hear of it
    end_sessions       what is queued for clients is written, then their connections are closed
    outlive_ring_time  the port is kept until no ring of the next daemon can have an id of ours

Each step waits for a bounded time. Used in the loop's thread, when the loop has ended.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from spread.config.listens import Purpose
from spread.daemon.composition import Parts
from spread.daemon.listeners import Listeners

if TYPE_CHECKING:
    from spread._reactor import Reactor

__all__ = ["OrderlyEnd"]

FAREWELL_NS: Final = 1_000_000_000
"""How long clients get to take what is queued for them."""

SETTLE_NS: Final = 2_000_000_000
"""How long the ring gets to take what clients have sent."""

OUTLIVE_S: Final = 2
"""How long is waited at most for the time of the last ring to be over."""


class OrderlyEnd:
    """The steps, to be taken in their order."""

    def __init__(self, reactor: "Reactor", parts: Parts, listeners: Listeners) -> None:
        self._reactor = reactor
        self._parts = parts
        self._listeners = listeners

    def leave_ring(self) -> None:
        """Take no more requests, let the ring have those that came, and tell the others."""
        for each in self._listeners.serving(Purpose.CLIENTS):
            self._reactor.unwatch(each.socket.fileno())
        if self._parts.membership is not None:
            self._reactor.settle_ring(SETTLE_NS)
            self._parts.membership.leave()
            self._reactor.settle()

    def end_sessions(self) -> None:
        """Write what is queued, then close every connection."""
        self._reactor.drain(FAREWELL_NS)
        for session in list(self._parts.control.sessions):
            self._parts.node.end(session.slot)
        self._reactor.settle()

    def outlive_ring_time(self, own_time: int, wall_seconds: Callable[[], int]) -> None:
        """Wait until the times in our rings' ids are over: the next daemon needs others.

        Only a daemon whose last ring is young waits here, and only if nothing keeps that time,
        `own_time` in seconds, for the next daemon.
        """
        end = time.monotonic() + OUTLIVE_S
        while wall_seconds() <= own_time and time.monotonic() < end:
            time.sleep(1 - time.time() % 1)
