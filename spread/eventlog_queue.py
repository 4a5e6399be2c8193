"""Events on their way to a log that may be slow: as many as have room, and a count of the others.

When the queue is full, the newest events are lost and counted. Once it is half empty, one event in
their place says how many; so a log at its limit gets one report, not hundreds.

Whoever has a queue has the lock for it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

__all__ = ["LOST", "QUEUE_SIZE_MAX", "BoundedQueue"]

LOST: Final = "events lost, the log could not be written"
"""What is told in the place of events that are lost, with their count."""

QUEUE_SIZE_MAX: Final = 1 << 20
"""Of all that waits for a log; the events of 5,000 sessions that come at once fill half of it."""

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """A queue of events; `bool` of it tells whether there is anything to write.

    Invariant: the events of `items` have `size` together.
    """

    def __init__(
        self, size_max: int, size_of: Callable[[T], int], report: Callable[[int], T]
    ) -> None:
        """Take events of `size_max` together; `report(n)` is the event for n that are lost."""
        self.items: deque[T] = deque()
        self.size = 0
        self.unreported = 0
        """How many are lost since the last report of losses."""
        self._size_max = size_max
        self._size_of = size_of
        self._report = report

    def __bool__(self) -> bool:
        return bool(self.items or self.unreported)

    def offer(self, item: T) -> bool:
        """Take an event, or count it as lost; return whether it has been taken."""
        items, limit = [item], self._size_max
        if self.unreported:
            items.insert(0, self._report(self.unreported))
            limit //= 2
        if self.size + sum(map(self._size_of, items)) > limit:
            self.unreported += 1
            return False
        self.unreported = 0
        self._append(items)
        return True

    def report_losses(self) -> None:
        """Let a report of the losses wait, too, if nothing else does."""
        if self.unreported and not self.items:
            self._append([self._report(self.unreported)])
            self.unreported = 0

    def pop(self) -> T:
        """Take the first one out."""
        item = self.items.popleft()
        self.size -= self._size_of(item)
        return item

    def put_back(self, items: Iterable[T], unreported: int) -> None:
        """Let events of an earlier queue, and its losses, wait before all others."""
        earlier = list(items)
        self.items.extendleft(reversed(earlier))
        self.size += sum(map(self._size_of, earlier))
        self.unreported += unreported

    def clear(self) -> None:
        """Forget everything."""
        self.items.clear()
        self.size = self.unreported = 0

    def _append(self, items: list[T]) -> None:
        self.items.extend(items)
        self.size += sum(map(self._size_of, items))
