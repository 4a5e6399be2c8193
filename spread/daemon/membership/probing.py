"""When a ring looks for daemons that it lacks.

A lookup every LookupTimeout finds whoever is silent; after a view that lost members a short series
heals a partition sooner. Traffic of another ring may start a lookup at any time, but not so often
that a stranger keeps the ring busy.
"""

from typing import Final

__all__ = ["Lookups"]

STEP_PARTS: Final = 30
"""LookupTimeout in steps of the series: one second of the default 30."""

SERIES: Final = (1, 2, 4, 8)
"""Steps from one lookup to the next after members were lost; then LookupTimeout."""

JITTER_PARTS: Final = 64
JITTER_SHARE: Final = 4
"""Each wait is shorter by up to a quarter, in 64 parts, so that two rings do not stay in step."""


class Lookups:
    """The schedule of one daemon's lookups."""

    def __init__(self, period_ns: int, number: int) -> None:
        """`period_ns` is LookupTimeout; `number` is the daemon's, from which the jitter comes."""
        self._period_ns = period_ns
        self._step_ns = max(period_ns // STEP_PARTS, 1)
        self._number = number
        self._count = 0
        self._next_step = 0
        self._quiet_until_ns = 0

    def start_series(self) -> None:
        """Members were lost: look for them soon, then less and less often."""
        self._next_step = 0

    def wait_ns(self) -> int:
        """Return the time until the next lookup and step on."""
        wait_ns = self._period_ns
        if self._next_step < len(SERIES):
            wait_ns = SERIES[self._next_step] * self._step_ns
            self._next_step += 1
        self._count += 1
        # Odd multipliers spread daemons and rounds over all parts.
        part = (self._number * 37 + self._count * 23) % JITTER_PARTS
        return wait_ns - wait_ns * part // (JITTER_PARTS * JITTER_SHARE)

    def hold(self, now_ns: int) -> None:
        """Take no hint for a step: a lookup begins, or one has found nobody."""
        self._quiet_until_ns = now_ns + self._step_ns

    def release(self) -> None:
        """Take hints again at once: a ring was formed."""
        self._quiet_until_ns = 0

    def takes_hint(self, now_ns: int) -> bool:
        """Whether foreign traffic or a stranger's JOIN may start a lookup."""
        return now_ns >= self._quiet_until_ns
