"""Findings that begin and end with hysteresis, from rules without a memory.

A rule says of the last seconds what is true now, with a level. A finding begins when its rule has
said so for the rule's `raise_after_s` without a break, and ends when it has not said so for
`clear_after_s`; its severity rises and falls in the same way. So a value at the edge of its
threshold makes one finding and not many.

Nothing here fetches the time, so the same verdicts give the same findings.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from spread.monitor.report import Finding

__all__ = ["Changes", "Hysteresis", "Level", "Rule", "Verdict"]

SUBJECTS_MAX: Final = 256
"""Findings of one rule; a ring of 128 daemons has as many pairs in trouble as it likes."""


class Level(IntEnum):
    """How bad it is."""

    WARNING = 1
    """Somebody should look at it: it costs speed, or will do harm."""
    CRITICAL = 2
    """It does harm now: messages wait, or daemons part."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says at one moment."""

    subject: str
    level: Level
    values: Mapping[str, object] = field(default_factory=dict)
    """What the rule's sentence and remedy have places for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table of rules; the page of the documentation is made of it."""

    name: str
    about: str
    """What is judged, in a few words."""
    warning: str
    """The threshold of a warning, in words; empty if there is none."""
    critical: str
    """The threshold of what is critical; empty if there is none."""
    reason: str
    """Why these thresholds."""
    sentence: str
    """What is said, with places for values."""
    remedy: str
    raise_after_s: float = 3.0
    clear_after_s: float = 15.0

    def finding(self, verdict: Verdict, level: Level, since_s: float) -> Finding:
        """Return the finding of a verdict."""
        return Finding(
            rule=self.name,
            severity=level.name.lower(),
            subject=verdict.subject,
            sentence=self.sentence.format(**verdict.values),
            remedy=self.remedy.format(**verdict.values),
            since_s=since_s,
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """What is in force, and what of it has begun, grown worse or better, or ended just now."""

    findings: tuple[Finding, ...] = ()
    begun: tuple[Finding, ...] = ()
    changed: tuple[Finding, ...] = ()
    """Of another severity than before."""
    ended: tuple[Finding, ...] = ()


@dataclass(slots=True)
class _Track:
    """One rule and subject. `held_s[n]`, `seen_s[n]` are of levels of n + 1 and above."""

    verdict: Verdict
    held_s: list[float | None] = field(default_factory=lambda: [None, None])
    """Since when it has been said without a break."""
    seen_s: list[float] = field(default_factory=lambda: [float("-inf")] * 2)
    """When it was said last."""
    is_raised: list[bool] = field(default_factory=lambda: [False, False])
    since_s: float = 0.0
    finding: Finding | None = None

    def note(self, rule: Rule, verdict: Verdict | None, now_s: float) -> None:
        """Take what the rule says now."""
        if verdict is not None:
            self.verdict = verdict
        for place, level in enumerate(Level):
            is_said = verdict is not None and verdict.level >= level
            self._note_level(rule, place, now_s, is_said=is_said)

    def _note_level(self, rule: Rule, place: int, now_s: float, *, is_said: bool) -> None:
        if is_said:
            held_s = self.held_s[place]
            held_s = self.held_s[place] = now_s if held_s is None else held_s
            self.seen_s[place] = now_s
            self.is_raised[place] |= now_s - held_s >= rule.raise_after_s
        else:
            self.held_s[place] = None
            self.is_raised[place] &= now_s - self.seen_s[place] < rule.clear_after_s

    @property
    def level(self) -> Level | None:
        """The highest level that is raised."""
        return next((level for level in reversed(Level) if self.is_raised[level - 1]), None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is known of it any more."""
        return self.finding is None and self.held_s[0] is None


class Hysteresis:
    """What rules say from moment to moment, made into findings that last."""

    def __init__(self) -> None:
        self._tracks: dict[tuple[str, str], _Track] = {}

    def update(
        self, said: Iterable[tuple[Rule, Iterable[Verdict]]], now_s: float, time_s: float
    ) -> Changes:
        """Take what all rules say at `now_s`, which never falls; `time_s` is of the wall clock."""
        begun: list[Finding] = []
        changed: list[Finding] = []
        ended: list[Finding] = []
        for rule, verdicts in said:
            for track in self._noted(rule, verdicts, now_s):
                before, level = track.finding, track.level
                if level is None:
                    track.finding = None
                    if before is not None:
                        ended.append(before)
                    continue
                if before is None:
                    track.since_s = time_s
                track.finding = rule.finding(track.verdict, level, track.since_s)
                if before is None:
                    begun.append(track.finding)
                elif before.severity != track.finding.severity:
                    changed.append(track.finding)
        self._tracks = {key: each for key, each in self._tracks.items() if not each.is_idle}
        found = [each.finding for each in self._tracks.values() if each.finding is not None]
        found.sort(key=lambda each: (each.severity != "critical", each.rule, each.subject))
        return Changes(tuple(found), tuple(begun), tuple(changed), tuple(ended))

    def _noted(self, rule: Rule, verdicts: Iterable[Verdict], now_s: float) -> Iterator[_Track]:
        said = {each.subject: each for each in verdicts}
        known = [subject for name, subject in self._tracks if name == rule.name]
        fresh = [subject for subject in said if (rule.name, subject) not in self._tracks]
        for subject in (*known, *fresh[: max(0, SUBJECTS_MAX - len(known))]):
            verdict = said.get(subject)
            track = self._tracks.get((rule.name, subject))
            if track is None:
                track = self._tracks[rule.name, subject] = _Track(said[subject])
            track.note(rule, verdict, now_s)
            yield track
