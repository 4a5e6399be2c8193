"""A loop that asks to be woken soon, whenever it is."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from spread import _poller
from spread._node import Node
from spread._reactor import Reactor
from spread._snapshot import Snapshots
from tests.daemon.harness.waiting import DEADLINE

if sys.platform == "win32":
    from tests.windows import winsock

__all__ = ["IDLE_NS", "IDLE_TURNS_MAX", "SHORT_NS", "Clock"]

SHORT_NS: Final = 40_000_000
IDLE_WAITS: Final = 10
IDLE_NS: Final = IDLE_WAITS * SHORT_NS
IDLE_TURNS_MAX: Final = 15 * IDLE_WAITS
"""Waits may end early a few times; a loop that does not sleep has thousands of turns."""


class Clock:
    """The upcalls of a node whose loop is woken again and again."""

    def __init__(self) -> None:
        self.woken = 0
        self.ended: list[int] = []
        self.is_over: Callable[[], bool] = lambda: False
        self.node = Node(
            self,  # type: ignore[arg-type]  # The other upcalls belong to sessions.
            route_seed=1,
            session_messages_max=1000,
            session_bytes_max=1 << 26,
            session_messages_exact=False,
            queued_bytes_max=1 << 26,
            inbound_bytes_max=1 << 24,
        )
        with ExitStack() as stack:
            if sys.platform == "win32":
                # Daemons wait in another way there, for the sake of those that are killed.
                winsock.unlike_wine(_poller, stack)
            self.reactor = Reactor(self.node)
        self.end_ns = self.reactor.now() + int(DEADLINE * 1e9)

    def deadline(self, _: int) -> None:
        self.woken += 1
        assert self.reactor.now() < self.end_ns, "nothing came"
        if self.is_over():
            self.reactor.stop()
        self.ask()

    def handshake(self, slot: int, data: bytes) -> int:
        if not data:
            self.node.refuse(slot)
        return 0

    def session_ended(self, slot: int, *_: int) -> None:
        self.ended.append(slot)

    def ask(self) -> None:
        self.node.set_deadline(self.reactor.now() + SHORT_NS)

    def run_until(self, is_over: Callable[[], bool]) -> None:
        self.is_over = is_over
        self.reactor.run()

    def turns_while_idle(self) -> int:
        """Return how often the loop looks for events while it is woken IDLE_WAITS times."""
        before, begin = self.woken, self.turns()
        self.run_until(lambda: self.woken >= before + IDLE_WAITS)
        return self.turns() - begin

    def turns(self) -> int:
        return Snapshots(self.node).take().counters()["turns"]
