"""Health that judges: what is wrong with a daemon or a ring, in a sentence, and what to do.

own reports   ->  `OwnHealth.update`   the daemon's own; they travel in `Report.findings`
all reports   ->  `RingHealth.update`  of the ring as a whole, and those of all daemons

`health_rules`  the table: thresholds, reasons, sentences, remedies
`health_own`, `health_ring`  a function for each rule
`health_span`   the last minute of a daemon
`health_hysteresis`  when a finding begins and ends
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from spread.monitor.causes import quoted
from spread.monitor.health_hysteresis import Changes, Hysteresis
from spread.monitor.health_own import OWN_JUDGES
from spread.monitor.health_reload import rollout
from spread.monitor.health_ring import RING_JUDGES, Answers
from spread.monitor.health_rules import RING_RULES, RULES
from spread.monitor.health_span import Course
from spread.monitor.report import Finding, Report

__all__ = ["Changes", "OwnHealth", "RingHealth"]


class OwnHealth:
    """Judges one daemon by its own reports."""

    def __init__(self) -> None:
        self._course = Course()
        self._hysteresis = Hysteresis()

    def update(self, report: Report) -> Changes:
        """Take the next report of the daemon; return what is in force, and what has changed."""
        self._course.add(report)
        said = [(RULES[name], list(judge(self._course))) for name, judge in OWN_JUDGES.items()]
        return self._hysteresis.update(said, report.uptime_s, report.time_s)


AT_ONCE: Final = ("one-way", "slow-host")
"""What a single look shows well enough; for the others it may be a moment between two states."""


EXPLAINED: Final = ("other-configuration",)
"""What a daemon finds by itself, and a reload explains that is under way.

One that is started with the new list cannot know that the others are about to get it.
"""


class RingHealth:
    """Judges a ring by the reports of all its daemons."""

    def __init__(self) -> None:
        self._courses: dict[str, Course] = {}
        self._hysteresis = Hysteresis()

    def update(
        self,
        answers: Mapping[str, Report | None],
        now_s: float,
        time_s: float,
        *,
        is_only_look: bool = False,
    ) -> tuple[Finding, ...]:
        """Return what is wrong now, the worst first.

        `answers` has the last report of each daemon of the configuration by its name, None for one
        that does not answer. `now_s` is a clock that never goes back, `time_s` the wall clock.
        Call it about once a second. Who does not go on looking sets `is_only_look`, and is told at
        once what has no time to last.
        """
        for name, report in answers.items():
            if report is not None:
                self._courses.setdefault(name, Course()).add(report)
        known = Answers(answers, self._courses)
        said = [(RING_RULES[name], list(judge(known))) for name, judge in RING_JUDGES.items()]
        found = list(self._hysteresis.update(said, now_s, time_s).findings)
        if is_only_look:
            known_already = {(each.rule, each.subject) for each in found}
            found += [
                rule.finding(verdict, verdict.level, time_s)
                for rule, verdicts in said
                for verdict in verdicts
                if rule.name in AT_ONCE and (rule.name, verdict.subject) not in known_already
            ]
        reports = [report for report in answers.values() if report is not None]
        explained = EXPLAINED if rollout(reports) is not None else ()
        for report in reports:
            found += [
                replace(each, sentence=quoted(each.sentence, report, reports))
                for each in report.findings
                if each.rule not in explained
            ]
        found.sort(key=lambda each: (each.severity != "critical", each.rule, each.subject))
        return tuple(found)
