"""The last minute of one daemon, as rules of health look at it.

    reports -> `Course.add` -> `Course.span(seconds)` -> growth of counters, steps between reports

Times are those of the daemon's own uptime, which no setting of a clock moves. A restart begins a
new course.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from spread.monitor.report import Peer, Report

__all__ = ["COURSE_S", "Course", "PeerGrowth", "Span", "clock_offset_s"]

COURSE_S: Final = 60.0
"""The longest span that a rule looks at."""

REPORTS_MAX: Final = 256
"""Four reports a second for a minute; a daemon publishes one."""

REPORT_LATE_S: Final = 0.5
"""A report may be a little late."""


@dataclass(frozen=True, slots=True)
class PeerGrowth:
    """What came from another daemon within a span."""

    peer: Peer
    received: int
    missed: int


@dataclass(frozen=True, slots=True)
class Span:
    """Reports of one life of a daemon, oldest first, at least one."""

    reports: Sequence[Report]

    @property
    def last(self) -> Report:
        """The latest report."""
        return self.reports[-1]

    @property
    def first(self) -> Report:
        """The earliest report of the span."""
        return self.reports[0]

    @property
    def seconds(self) -> float:
        """How long the span really is; less than asked for after a start."""
        return self.last.uptime_s - self.first.uptime_s

    def tail(self, seconds: float) -> "Span":
        """Return the last `seconds` of the span."""
        begin_s = self.last.uptime_s - seconds - REPORT_LATE_S
        return Span([each for each in self.reports if each.uptime_s >= begin_s])

    def grown(self, *names: str) -> int:
        """Return what the counters of these names grew by, all together."""
        return sum(
            max(0, self.last.counters.get(name, 0) - self.first.counters.get(name, 0))
            for name in names
        )

    def gauge(self, name: str) -> float:
        """Return how a gauge is now; 0 if the daemon does not tell."""
        return self.last.gauges.get(name, 0)

    def peers(self) -> Iterator[PeerGrowth]:
        """Return what came from each other daemon."""
        before = {each.name: each for each in self.first.peers}
        for peer in self.last.peers:
            old = before.get(peer.name)
            if old is not None:
                yield PeerGrowth(
                    peer,
                    max(0, peer.received - old.received),
                    max(0, peer.missed - old.missed),
                )

    def clock_step_s(self) -> float:
        """Return the largest step of the wall clock against the uptime between two reports."""
        offsets = map(clock_offset_s, self.reports)
        steps = (after - before for before, after in pairwise(offsets))
        return max(steps, key=abs, default=0.0)


def clock_offset_s(report: Report) -> float:
    """Return when the daemon started, as its clock says now; it moves when the clock is set."""
    return report.time_s - report.uptime_s


class Course:
    """The reports of one daemon over the last minute."""

    def __init__(self) -> None:
        self._reports: deque[Report] = deque(maxlen=REPORTS_MAX)

    def add(self, report: Report) -> None:
        """Take the next report; one that is not later than the last is left out."""
        if self._reports:
            last = self._reports[-1]
            if report.process != last.process or report.uptime_s < last.uptime_s:
                self._reports.clear()
            elif report.uptime_s == last.uptime_s:
                return
        self._reports.append(report)
        while self._reports[0].uptime_s < report.uptime_s - COURSE_S:
            self._reports.popleft()

    def span(self, seconds: float) -> Span | None:
        """Return the reports of the last `seconds`; None if there is none yet."""
        return Span(list(self._reports)).tail(seconds) if self._reports else None
