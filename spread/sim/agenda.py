"""Virtual time: what happens next, and when."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

__all__ = ["MS", "SECOND", "START_NS", "Agenda"]

MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
START_NS: Final = 1_000 * SECOND
"""When a run begins. Not 0: that means "no deadline" to the node."""

IDLE_EVENTS_MAX: Final = 200_000
"""Events without any progress of time; more of them are a loop without an end."""


class Agenda:
    """Events in the order of their times; those of one time in the order in which they came."""

    def __init__(self) -> None:
        self.now_ns = START_NS
        self.events = 0
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()

    def at(self, when_ns: int, action: Callable[..., None], *arguments: Any) -> None:
        """Call `action(*arguments)` when it is `when_ns`, which is not past."""
        heappush(self._heap, (when_ns, next(self._numbers), action, arguments))

    def after(self, delay_ns: int, action: Callable[..., None], *arguments: Any) -> None:
        """Call `action(*arguments)` in `delay_ns`."""
        heappush(self._heap, (self.now_ns + delay_ns, next(self._numbers), action, arguments))

    def run(self, until_ns: int) -> None:
        """Let time pass, with all that happens up to `until_ns` and at it.

        Raises RuntimeError when time stands still.
        """
        heap = self._heap
        idle = 0
        while heap and heap[0][0] <= until_ns:
            when_ns, _, action, arguments = heappop(heap)
            idle = idle + 1 if when_ns == self.now_ns else 0
            if idle > IDLE_EVENTS_MAX:
                raise RuntimeError(f"{idle} events at one time, the last one {action}")
            self.now_ns = when_ns
            self.events += 1
            action(*arguments)
        self.now_ns = max(self.now_ns, until_ns)
