"""What a minute of a daemon's reports says: rates, and their course.

    reports, one a second -> History -> rate of any counter over the last seconds
                                     -> series of a rate or a gauge over the minute

Counters grow while a daemon lives. A rate is taken between two reports; one that spans a restart,
or a counter that begins anew with a ring, has none (None), so that a curve shows a gap and never
a spike. Times are seconds of one clock of the caller's that does not jump.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from spread.monitor.report import Report

__all__ = ["HISTORY_S", "History", "Sample"]

HISTORY_S: Final = 60.0
SAMPLES_MAX: Final = 256
"""A minute at more than four reports a second; older ones go, whatever their age."""

RATE_SPAN_S: Final = 3.0
"""What a present rate is taken over: short enough to follow, long enough to be calm."""

RESTART_S: Final = 2.0
"""An uptime that falls back further than rounding can explain is that of another process."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A report, and when it came in."""

    at_s: float
    report: Report


class History:
    """The reports of one daemon over the last minute, oldest first.

    Invariant: times rise strictly, and all samples are of one process.
    """

    def __init__(self, span_s: float = HISTORY_S) -> None:
        self._span_s = span_s
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(tuple(self._samples))

    @property
    def last(self) -> Sample | None:
        """The latest sample."""
        return self._samples[-1] if self._samples else None

    def add(self, report: Report, at_s: float) -> bool:
        """Keep a report; false if it says nothing that the one before did not say.

        Reports of another process than the one before take the place of all its reports.
        """
        last = self.last
        if last is not None and _is_restart(last.report, report):
            self._samples.clear()
            last = None
        if last is not None and (at_s <= last.at_s or report == last.report):
            return False
        self._samples.append(Sample(at_s, report))
        while self._samples[0].at_s < at_s - self._span_s:
            self._samples.popleft()
        return True

    def rate(self, counter: str, span_s: float = RATE_SPAN_S) -> float | None:
        """Return how fast a counter grew over the last `span_s`, per second."""
        if len(self._samples) < 2:
            return None
        last = self._samples[-1]
        first = self._samples[-2]
        for sample in reversed(self._samples):
            if sample.at_s < last.at_s - span_s:
                break
            if sample is not last:
                first = sample
        return _rate(first, last, counter)

    def rates(self, span_s: float = RATE_SPAN_S) -> dict[str, float]:
        """Return the rate of every counter that has one."""
        last = self.last
        names = last.report.counters if last is not None else {}
        found = ((name, self.rate(name, span_s)) for name in names)
        return {name: rate for name, rate in found if rate is not None}

    def rate_series(self, counter: str) -> list[tuple[float, float | None]]:
        """Return times and rates between neighbouring reports, oldest first."""
        return [
            (later.at_s, _rate(earlier, later, counter))
            for earlier, later in pairwise(self._samples)
        ]

    def series(self, value: Callable[[Report], float | None]) -> list[tuple[float, float | None]]:
        """Return times and what `value` makes of each report, oldest first."""
        return [(sample.at_s, value(sample.report)) for sample in self._samples]

    def gauge_series(self, gauge: str) -> list[tuple[float, float | None]]:
        """Return times and values of a gauge, oldest first."""
        return self.series(lambda report: report.gauges.get(gauge))


def _is_restart(earlier: Report, later: Report) -> bool:
    if earlier.process != later.process:
        return True
    return later.uptime_s < earlier.uptime_s - RESTART_S


def _rate(first: Sample, last: Sample, counter: str) -> float | None:
    before, after = (each.report.counters.get(counter) for each in (first, last))
    if before is None or after is None or after < before:
        return None
    return (after - before) / _elapsed_s(first, last)


def _elapsed_s(first: Sample, last: Sample) -> float:
    """Return the time between two reports: by the daemon's clock, unless it is too coarse.

    Reports wait for the next question, by up to a second, so the times at which they come in say
    less than the ages that they state; a classic daemon states whole seconds only.
    """
    stated = last.report.uptime_s - first.report.uptime_s
    is_coarse = last.report.uptime_s.is_integer() and first.report.uptime_s.is_integer()
    return stated if stated > 0 and not is_coarse else last.at_s - first.at_s
