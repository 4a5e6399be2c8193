"""The history of views of all daemons as one story: partitions, merges, deaths.

    reports -> views, each once -> steps: who was in which ring from then on, and what happened

A daemon remembers its last 32 views; this keeps the views of all of them, also of those that have
died since. A step says for every daemon which ring it is in: a number that is the same for those
who are together, or None for one that nobody has heard of since it was left behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from spread.monitor.causes import FOUND, knowledge, of_partition
from spread.monitor.report import Report, RingName, View
from spread.monitor.web.wording import cause, count_word, listed

__all__ = ["STEPS_MAX", "Step", "Story"]

STEPS_MAX: Final = 120
"""Views that are kept; older ones are forgotten."""

SPLIT_S: Final = 5.0
"""Sides of a partition form their rings within this time of each other."""

Key = tuple[RingName, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Step:
    """A view, and where everybody is from then on."""

    time_s: float
    kind: str
    """first, merge, partition, join, loss or change."""
    text: str
    rings: Mapping[str, int | None]
    """Number of the ring of each daemon; None if it is in none that is known."""
    sides: tuple[tuple[str, ...], ...]
    """The members of the ring, or of the rings, that came into being."""
    cause: str = ""


class Story:
    """The views of all daemons in the order of their times."""

    def __init__(self) -> None:
        self._views: dict[Key, View] = {}
        self.version = 0
        """Rises with every view that is added."""

    def take(self, reports: Iterable[Report], daemons: Sequence[str] = ()) -> bool:
        """Add the views of reports; false if all were known.

        `daemons` are those of the configuration, in the order in which a partition counts them.
        """
        before = self.version
        for report in reports:
            for view in report.views:
                # A ring that was there before the partition was not made by it.
                is_new = _key(view) not in self._views
                self._add(of_partition(view, report, daemons) if is_new else view)
        return self.version != before

    def steps(self, daemons: Iterable[str]) -> list[Step]:
        """Return what happened, oldest first, for the daemons of the configuration."""
        now: dict[str, int | None] = dict.fromkeys(daemons)
        steps: list[Step] = []
        lost: set[str] = set()  # By the last step.
        for number, view in enumerate(self._in_order()):
            before = dict(now)
            left = _leave(now, view)
            now.update(dict.fromkeys(view.members, number))
            if steps and lost.issuperset(view.members) and _is_soon(steps[-1], view):
                steps[-1] = _split(steps[-1], view, now)
                lost -= set(view.members)
                continue
            kind, text = _tell(view, before, is_first=not steps)
            sides = (view.members,)
            steps.append(Step(view.time_s, kind, text, dict(now), sides, view.cause))
            lost = left
        return steps

    def _add(self, view: View) -> None:
        key = _key(view)
        known = self._views.get(key)
        if known is not None and knowledge(known.cause) >= knowledge(view.cause):
            return
        self._views[key] = view
        self.version += 1
        if len(self._views) > STEPS_MAX:
            oldest = min(self._views, key=lambda each: self._views[each].time_s)
            del self._views[oldest]

    def _in_order(self) -> list[View]:
        return sorted(self._views.values(), key=lambda view: (view.time_s, view.ring.time))


def _key(view: View) -> Key:
    return view.ring, frozenset(view.members)


def _leave(now: dict[str, int | None], view: View) -> set[str]:
    """Take those out of their ring whom the members of a view leave behind, and return them."""
    rings = {now.get(member) for member in view.members} - {None}
    lost = {name for name, ring in now.items() if ring in rings and name not in view.members}
    now.update(dict.fromkeys(lost))
    return lost


def _is_soon(step: Step, view: View) -> bool:
    return view.time_s - step.time_s < SPLIT_S


def _split(step: Step, view: View, now: Mapping[str, int | None]) -> Step:
    """Return a loss as the partition it is: those who were lost have a ring of their own."""
    sides = tuple(sorted((*step.sides, view.members), key=lambda side: (-len(side), side)))
    causes = [each for each in (step.cause, view.cause) if each != FOUND]
    known = max(causes, key=knowledge, default="")
    why = f", because {cause(known)}" if known else ""
    text = f"The ring split: {'; '.join(listed(side) for side in sides)}{why}."
    return Step(step.time_s, "partition", text, dict(now), sides, known)


def _tell(view: View, before: Mapping[str, int | None], *, is_first: bool) -> tuple[str, str]:
    """Return kind and sentence of a view, given who was together before it."""
    parts: dict[int, list[str]] = {}
    for name in view.members:
        ring = before.get(name)
        if ring is not None:
            parts.setdefault(ring, []).append(name)
    alone = [name for name in view.members if before.get(name) is None]
    rings_before = set(parts)
    lost = [
        name for name, ring in before.items() if ring in rings_before and name not in view.members
    ]
    why = f", because {cause(view.cause)}" if cause(view.cause) else ""
    if not parts and not is_first and view.cause:
        return "partition", f"{_forms(view.members)}{why}."
    if is_first or not parts:
        return "first", f"{_forms(view.members)}."
    if lost and (len(parts) > 1 or alone):
        return "change", f"{_forms(view.members)} without {listed(lost)}{why}."
    if lost:
        return "loss", f"{_goes_on(view.members)} without {listed(lost)}{why}."
    if len(parts) > 1:
        sides = sorted((listed(part) for part in parts.values()), key=len, reverse=True)
        joined = f", and {listed(alone)} joined" if alone else ""
        return "merge", f"{' met '.join(sides)}: {_forms(view.members)}{joined}."
    if alone:
        old = next(iter(parts.values()))
        return "join", f"{listed(alone)} joined {listed(old)}."
    return "change", f"{_forms(view.members)} once more{why}."


def _forms(members: tuple[str, ...]) -> str:
    if len(members) == 1:
        return f"{members[0]} formed a ring of its own"
    return f"{listed(members)} formed a ring of {count_word(len(members))}"


def _goes_on(members: tuple[str, ...]) -> str:
    return f"{listed(members)} {'goes on' if len(members) == 1 else 'go on'}"
