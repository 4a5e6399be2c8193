"""How much of a source's datagrams is looked at, and how much of it is logged.

Sources are forged at will, so both tables are bounded: who was not seen longest is forgotten.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

__all__ = ["Budgets", "Minutes"]

RATE: Final = 50
"""Datagrams a second of one source; a page that shows a ring asks each daemon a few times."""

BURST: Final = 100
"""Datagrams at once."""

ALL_RATE: Final = 400
"""Datagrams a second of all sources together that have not shown to receive at their address."""

ALL_BURST: Final = 800

REPLY_RATE: Final = 100
"""Datagrams a second in which one source is answered: a page asks for about ten."""

REPLY_BURST: Final = 200
"""Datagrams at once: three of the longest replies."""

RELOAD_RATE: Final = 1
"""Times a second that the file is read for all with a cookie, and for all without, together."""

RELOAD_BURST: Final = 5

MINUTE_NS: Final = 60_000_000_000
NS_PER_S: Final = 1_000_000_000
ENTRIES_MAX: Final = 256


@dataclass(slots=True)
class _Bucket:
    tokens: float
    when_ns: int


class Budgets:
    """A token bucket for each source."""

    def __init__(self, clock_ns: Callable[[], int], rate: float = RATE, burst: int = BURST) -> None:
        self._clock_ns = clock_ns
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, _Bucket] = {}  # Least recently seen first.

    def take(self, source: str) -> bool:
        """Take one of the source's datagrams; False if it has sent too many of late."""
        bucket = self._filled(source)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def has(self, source: str) -> bool:
        """Tell whether the source has one left."""
        return self._filled(source).tokens >= 1

    def take_some(self, source: str, most: int) -> int:
        """Take as many as there are, `most` at most; return how many."""
        bucket = self._filled(source)
        taken = max(0, min(most, int(bucket.tokens)))
        bucket.tokens -= taken
        return taken

    def charge(self, source: str, count: int) -> None:
        """Take so many, be they there or not: a debt is paid before there is one left again."""
        self._filled(source).tokens -= count

    def _filled(self, source: str) -> _Bucket:
        """Return the source's bucket with what it has earned by now."""
        now_ns = self._clock_ns()
        bucket = self._buckets.pop(source, None)
        if bucket is None:
            bucket = _Bucket(float(self._burst), now_ns)
            _make_room(self._buckets)
        self._buckets[source] = bucket
        earned = (now_ns - bucket.when_ns) * self._rate / NS_PER_S
        bucket.tokens = min(bucket.tokens + earned, float(self._burst))
        bucket.when_ns = now_ns
        return bucket


@dataclass(slots=True)
class _Told:
    when_ns: int
    since: int = 0


class Minutes:
    """One line a minute for each key."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._told: dict[Hashable, _Told] = {}  # Least recently told first.

    def since(self, key: Hashable) -> int | None:
        """Return how often this was held back since its last line, or None to hold it back now."""
        now_ns = self._clock_ns()
        told = self._told.get(key)
        if told is not None and now_ns - told.when_ns < MINUTE_NS:
            told.since += 1
            return None
        self._told.pop(key, None)
        _make_room(self._told)
        self._told[key] = _Told(now_ns)
        return 0 if told is None else told.since


def _make_room(table: dict[str, _Bucket] | dict[Hashable, _Told]) -> None:
    if len(table) >= ENTRIES_MAX:
        del table[next(iter(table))]  # type: ignore[arg-type]
