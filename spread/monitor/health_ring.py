"""What only the reports of all daemons together show: a function for each rule.

A function looks at what each daemon answered last, and at its course, and says for each subject
what is true now; it keeps nothing. Texts and reasons stand in `spread.monitor.health_rules`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Final

from spread.monitor.health_hysteresis import Level, Verdict
from spread.monitor.health_reload import rollout
from spread.monitor.health_span import Course, Span
from spread.monitor.report import Report

__all__ = ["RING_JUDGES", "Answers", "RingJudge", "late_us"]

HEARD_MS: Final = 2_000
"""Heard: well above the time between two ALIVE or two tokens."""

UNHEARD_MS: Final = 5_000
"""Not heard: longer than any member of a ring is silent."""

SPAN_S: Final = 10.0
LATE_WARNING: Final = 0.05
LATE_CRITICAL: Final = 0.20
US_PER_S: Final = 1_000_000
US_PER_MS: Final = 1_000
BUCKET_MIDDLE: Final = 0.75
"""Of its upper bound; the lower one is half of that."""
NAMES_MAX: Final = 8
"""Names in a sentence; a ring may have 128."""


@dataclass(frozen=True, slots=True)
class Answers:
    """All daemons of the configuration by name: last reports (None: no answer), and courses."""

    reports: Mapping[str, Report | None]
    courses: Mapping[str, Course]

    def present(self) -> list[Report]:
        """Return the reports of those that answer."""
        return [each for each in self.reports.values() if each is not None]


RingJudge = Callable[[Answers], Iterable[Verdict]]


def late_us(counts: Iterable[int]) -> int:
    """Return the least time that a histogram's counts can be: the lower bounds of its buckets."""
    return sum((1 << number >> 1) * count for number, count in enumerate(counts))


def _no_answer(answers: Answers) -> Iterator[Verdict]:
    for name, report in answers.reports.items():
        if report is None:
            yield Verdict(name, Level.CRITICAL, {"daemon": name})


def _split_ring(answers: Answers) -> Iterator[Verdict]:
    rings: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for report in answers.present():
        if report.partition:
            return
        rings[report.ring.leader, report.ring.time].append(report.daemon)
    if len(rings) > 1 and rollout(answers.present()) is None:
        words = "; ".join(_listed(each) for each in sorted(rings.values()))
        yield Verdict("ring", Level.CRITICAL, {"count": len(rings), "rings": words})


def _two_configurations(answers: Answers) -> Iterator[Verdict]:
    rings = _sides(answers, lambda report: report.ring_hash)
    files = _sides(answers, lambda report: report.configuration_hash)
    if rollout(answers.present()) is not None:
        return  # The daemons are being reloaded; what is seen at the moment is told elsewhere.
    if len(rings) > 1:
        values = {"what": "segments or daemons of the configurations", "sides": _against(rings)}
        yield Verdict("configuration", Level.CRITICAL, values)
    elif len(files) > 1:
        values = {"what": "configurations", "sides": _against(files)}
        yield Verdict("configuration", Level.WARNING, values)


def _one_way(answers: Answers) -> Iterator[Verdict]:
    heard = {
        (report.daemon, peer.name): peer.heard_ms
        for report in answers.present()
        if not report.partition and report.uptime_s * 1000 > UNHEARD_MS
        for peer in report.peers
        if not peer.is_member  # In a ring, a daemon at rest hears its neighbour only.
    }
    for (deaf, silent), age_ms in heard.items():
        other_ms = heard.get((silent, deaf))
        if (silent, deaf) not in heard or other_ms is None or other_ms > HEARD_MS:
            continue
        if age_ms is None or age_ms > UNHEARD_MS:
            yield Verdict(f"{silent} -> {deaf}", Level.CRITICAL, {"deaf": deaf, "heard": silent})


def _slow_host(answers: Answers) -> Iterator[Verdict]:
    spans = {
        name: span
        for name, course in answers.courses.items()
        if answers.reports.get(name) is not None
        and (span := course.span(SPAN_S)) is not None
        and span.seconds > 0
    }
    late = {name: _often_late_us(span) for name, span in spans.items()}
    if len(late) < 2:
        return
    worst = max(late, key=lambda name: late[name])
    others = [each for name, each in late.items() if name != worst]
    share = late[worst] / (SPAN_S * US_PER_S)
    if share >= LATE_WARNING and late[worst] > sum(others) and late[worst] >= 2 * max(others):
        values = {
            "daemon": worst,
            "late_ms": late[worst] / US_PER_MS,
            "others_ms": sum(others) / US_PER_MS,
            "seconds": spans[worst].seconds,
            "rotation_ms": _rotation_us(spans[worst]) / US_PER_MS,
        }
        yield Verdict(worst, Level.CRITICAL if share >= LATE_CRITICAL else Level.WARNING, values)


def _often_late_us(span: Span) -> int:
    """Return the lateness of a span without its worst interval: one pause is no slow host."""
    growth = [
        late_us(after.lateness) - late_us(before.lateness)
        for before, after in pairwise(span.reports)
    ]
    return sum(growth) - max(growth)


def _rotation_us(span: Span) -> float:
    """Return the mean of the times between two visits of a token that did not rest."""
    before, after = span.first.rotation, span.last.rotation
    counts = [new - old for old, new in zip_longest(before, after, fillvalue=0)]
    whole_us = sum(count * (1 << number) * BUCKET_MIDDLE for number, count in enumerate(counts))
    return whole_us / max(1, sum(counts))


def _sides(answers: Answers, key: Callable[[Report], int]) -> dict[int, list[str]]:
    """Return the daemons that tell each hash; one that tells 0 does not know it."""
    sides: dict[int, list[str]] = {}
    for report in answers.present():
        if key(report):
            sides.setdefault(key(report), []).append(report.daemon)
    return sides


def _against(sides: Mapping[int, list[str]]) -> str:
    return "; ".join(f"{_listed(names)} have {number:08x}" for number, names in sides.items())


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES_MAX])
    return shown if len(names) <= NAMES_MAX else f"{shown} and {len(names) - NAMES_MAX} more"


RING_JUDGES: Final[dict[str, RingJudge]] = {
    "no-answer": _no_answer,
    "split-ring": _split_ring,
    "two-configurations": _two_configurations,
    "one-way": _one_way,
    "slow-host": _slow_host,
}
"""The function of each rule, by the rule's name."""
