"""How each daemon is, and how the whole is, in a word and in sentences.

The rules over counters stand in `spread.monitor.health`; here is only what can be seen from
outside: who answers, who is in which ring.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from spread.monitor.agreement import reloading
from spread.monitor.health_reload import rollout
from spread.monitor.report import Finding
from spread.monitor.silence import DETECTED_S
from spread.monitor.web.rings import Ring, outside
from spread.monitor.web.sight import GONE_S, Seen, Sight
from spread.monitor.web.wording import age, cause, count_word, listed, times

__all__ = ["Condition", "Level", "Sentence", "condition", "overall", "sentences"]


class Level(Enum):
    """How urgent something is."""

    GOOD = "good"
    NOTE = "note"
    """Nothing to do, but good to know."""
    WARN = "warn"
    BAD = "bad"

    @property
    def rank(self) -> int:
        """A number that rises with the urgency."""
        return _RANKS.index(self)


_RANKS: Final = tuple(Level)

_STATES: Final[Mapping[str, str]] = {
    "SEG": "looking for others",
    "REPRESENTED": "waiting for its representative",
    "GATHER": "gathering a ring",
    "FORM": "forming a ring",
    "EVS": "recovering messages",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """How a daemon is."""

    level: Level
    word: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something to know about the whole, in plain words."""

    key: str
    """The same while the same is meant, whatever ages or numbers the text has."""
    level: Level
    text: str
    """May hold `{time}`, which stands for `time_s`: readers see their own time zone."""
    time_s: float | None = None
    remedy: str = ""


def condition(seen: Seen, ring: Ring | None, findings: Sequence[Finding]) -> Condition:
    """Return how a daemon is; `findings` are those about it."""
    report = seen.report
    if seen.silent_s is None or report is None:
        is_asked = not seen.why_silent
        return (
            Condition(Level.NOTE, "asked") if is_asked else Condition(Level.BAD, "never answered")
        )
    if not seen.is_answering:
        level = Level.BAD if seen.silent_s >= GONE_S or ring is None else Level.WARN
        return Condition(level, f"no answer for {age(seen.silent_s)}")
    if report.is_forming:
        return Condition(Level.WARN, _STATES.get(report.state, report.state))
    if any(each.severity == "critical" for each in findings):
        return Condition(Level.BAD, "in trouble")
    if findings:
        return Condition(Level.WARN, "needs a look")
    return Condition(Level.GOOD, "well")


def sentences(
    sight: Sight, found: Sequence[Ring], findings: Sequence[Finding] = ()
) -> list[Sentence]:
    """Return what is to be known of the whole, the most urgent first."""
    if not any(seen.is_answering for seen in sight.seen):
        told = [_nobody(sight)]
    else:
        told = [*_silent(sight, found), *_splits(sight, found), *_forming(sight, found)]
    if not told:
        told = [_well(sight, found, findings)]
    return sorted(told, key=lambda each: -each.level.rank)


def overall(told: Sequence[Sentence], findings: Sequence[Finding]) -> Level:
    """Return the level of the whole."""
    levels = [each.level for each in told]
    levels += [Level.BAD if each.severity == "critical" else Level.WARN for each in findings]
    return max(levels, key=lambda level: level.rank, default=Level.GOOD)


def _nobody(sight: Sight) -> Sentence:
    if all(seen.silent_s is None and not seen.why_silent for seen in sight.seen):
        return Sentence("asking", Level.NOTE, "Asking the daemons.")
    return Sentence(
        key="nobody",
        level=Level.BAD,
        text=f"None of {count_word(len(sight.seen))} daemons answers."
        if len(sight.seen) > 1
        else f"{sight.seen[0].name} does not answer.",
        remedy=_remedy(sight.seen[0]),
    )


def _silent(sight: Sight, found: Sequence[Ring]) -> list[Sentence]:
    """One sentence for those who are silent in the same way."""
    never = [seen for seen in sight.seen if seen.silent_s is None and seen.why_silent]
    told = [_silent_one(seen, found) for seen in sight.seen if _is_silent(seen)]
    if never:
        names = listed(seen.name for seen in never)
        told.append(
            Sentence(
                key=f"never {names}",
                level=Level.BAD,
                text=f"{names} {'has' if len(never) == 1 else 'have'} never answered.",
                remedy=_remedy(never[0]),
            )
        )
    return told


def _is_silent(seen: Seen) -> bool:
    return seen.silent_s is not None and not seen.is_answering


def _silent_one(seen: Seen, found: Sequence[Ring]) -> Sentence:
    """Return what is known of a daemon that answered once and does not any more."""
    start = f"{seen.name} has not answered for {age(seen.silent_s or 0.0)}"
    counting = next((ring for ring in found if seen.name in ring.members), None)
    after = next((ring for ring in found if seen.name in ring.left), None)
    remedy = _remedy(seen)
    if counting is not None:
        others = listed(name for name in counting.answering)
        is_one = len(counting.answering) == 1
        then = (
            f"{others} {'is' if is_one else 'are'} looking for a new ring"
            if counting.is_forming
            else f"{others} still {'counts' if is_one else 'count'} on it"
        )
        silent_s = seen.silent_s or 0.0
        level = Level.BAD if silent_s >= GONE_S else Level.WARN
        remedy = remedy if silent_s >= DETECTED_S else ""
        return Sentence(f"late {seen.name}", level, f"{start}; {then}.", remedy=remedy)
    if after is None:
        return Sentence(f"gone {seen.name}", Level.BAD, f"{start}.", remedy=remedy)
    why = f" because {cause(after.cause, seen.name)}" if after.cause else ""
    formed = f"{listed(after.members)} formed a ring of {count_word(len(after.members))}"
    return Sentence(
        key=f"gone {seen.name} {after.name.time}",
        level=Level.BAD,
        text=f"{start}; {formed} at {{time}}{why}.",
        time_s=after.since_s,
        remedy=remedy,
    )


def _remedy(seen: Seen) -> str:
    """Return why a daemon may be silent, and what to look at first."""
    if not seen.why_silent:
        return ""
    return _sentence(seen.why_silent) + "".join(
        f" Check: {seen.checks[0]}." for _ in seen.checks[:1]
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _splits(sight: Sight, found: Sequence[Ring]) -> list[Sentence]:
    if len(found) < 2:
        return []
    sides = [listed(ring.members) for ring in found]
    is_asked = any(
        seen.report is not None and seen.report.partition and seen.is_answering
        for seen in sight.seen
    )
    reasons = [ring.cause for ring in found if ring.cause]
    why = f" because {cause(reasons[0])}" if reasons else ""
    why = " because a monitor asked for a partition" if is_asked else why
    if any(ring.is_forming for ring in found):
        return []
    reports = [seen.report for seen in sight.seen if seen.is_answering and seen.report is not None]
    if (under_way := rollout(reports)) is not None:
        text = _sentence(reloading(under_way))
        return [Sentence("reload", Level.NOTE, text)]
    return [
        Sentence(
            key="split " + " / ".join(sorted(sides)),
            level=Level.WARN if is_asked else Level.BAD,
            text=f"There are {count_word(len(found))} rings since {{time}}{why}: "
            f"{'; '.join(sides)}.",
            time_s=max(ring.since_s for ring in found),
            remedy="Heal it with `spmonitor heal`, or wait a minute: it ends by itself."
            if is_asked
            else "Daemons of different rings do not hear each other: look at the network "
            "between them.",
        )
    ]


def _forming(sight: Sight, found: Sequence[Ring]) -> list[Sentence]:
    past = {name for ring in found if ring.is_past for name in ring.members}
    busy = [
        seen.name
        for seen in sight.seen
        if seen.is_answering
        and seen.report is not None
        and (seen.report.is_forming or seen.name in past)
    ]
    told = {name for ring in found if _has_silent(ring) for name in ring.members}
    rest = [name for name in busy if name not in told]
    if not rest:
        return []
    verb = "is" if len(rest) == 1 else "are"
    return [Sentence(f"forming {rest}", Level.NOTE, f"{listed(rest)} {verb} forming a ring.")]


def _has_silent(ring: Ring) -> bool:
    return len(ring.answering) < len(ring.members)


def _well(sight: Sight, found: Sequence[Ring], findings: Sequence[Finding]) -> Sentence:
    if not found:
        names = listed(seen.name for seen in sight.seen)
        return Sentence("start", Level.NOTE, f"{names} answer, and have no ring yet.")
    members = found[0].members
    if len(members) == 1:
        text = f"{members[0]} is a ring of its own"
    else:
        text = f"{listed(members)} are one ring of {count_word(len(members))}"
    missing = outside(sight, found)
    if missing:
        text += f"; {listed(missing)} {'is' if len(missing) == 1 else 'are'} outside"
    if findings:
        text += f", with {times(len(findings), 'finding', 'findings')}"
    level = Level.WARN if missing else Level.GOOD
    return Sentence(f"well {sorted(members)}", level, f"{text}.")
