"""Which rings there are, and who is in none: from the reports of all daemons.

A ring is what those say who answer. A member that does not answer stays in the ring for as long as
the others count on it; afterwards it stands outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spread.monitor.causes import knowledge
from spread.monitor.report import RingName, View
from spread.monitor.web.sight import Seen, Sight

__all__ = ["Ring", "outside", "rings"]


@dataclass(frozen=True, slots=True)
class Ring:
    """An installed ring that at least one daemon answers from."""

    name: RingName
    members: tuple[str, ...]
    """In ring order."""
    answering: tuple[str, ...]
    since_s: float
    """When it was installed; 0 if nobody says."""
    cause: str = ""
    """Why the ring before it ended."""
    left: tuple[str, ...] = ()
    is_forming: bool = False
    """Whether a member is about to leave it for another one."""
    is_past: bool = False
    """Whether others of its members have told of a later ring: these have not, until now."""


def rings(sight: Sight) -> tuple[Ring, ...]:
    """Return the rings, the largest first, then in the order of the configuration."""
    found: dict[tuple[RingName, tuple[str, ...]], list[Seen]] = {}
    for seen in sight.seen:
        report = seen.report
        if seen.is_answering and report is not None and report.members:
            found.setdefault((report.ring, report.members), []).append(seen)
    made = [_ring(name, members, seen) for (name, members), seen in found.items()]
    return tuple(sorted(_apart(made), key=lambda ring: -len(ring.members)))


def outside(sight: Sight, found: Sequence[Ring]) -> tuple[str, ...]:
    """Return the daemons that no ring counts among its members."""
    inside = {name for ring in found for name in ring.members}
    return tuple(seen.name for seen in sight.seen if seen.name not in inside)


def _apart(told: Sequence[Ring]) -> list[Ring]:
    """Return rings that share no daemon: reports are of moments up to a second apart."""
    kept: list[Ring] = []
    for ring in sorted(told, key=lambda each: -each.name.time):
        later = {name for each in kept for name in each.members}
        rest = [name for name in ring.answering if name not in later]
        if later.isdisjoint(ring.members):
            kept.append(ring)
        elif rest:
            kept.append(
                replace(
                    ring, members=tuple(rest), answering=tuple(rest), is_forming=True, is_past=True
                )
            )
    return kept


def _ring(name: RingName, members: tuple[str, ...], answering: Sequence[Seen]) -> Ring:
    view = _view(name, members, answering)
    return Ring(
        name=name,
        members=members,
        answering=tuple(seen.name for seen in answering),
        since_s=view.time_s if view is not None else 0.0,
        cause=view.cause if view is not None else "",
        left=view.left if view is not None else (),
        is_forming=any(seen.report is not None and seen.report.is_forming for seen in answering),
    )


def _view(name: RingName, members: tuple[str, ...], answering: Sequence[Seen]) -> View | None:
    """Return the view that installed the ring; of several accounts the one that knows why."""
    accounts = [
        view
        for seen in answering
        if seen.report is not None
        for view in seen.report.views
        if view.ring == name and set(view.members) == set(members)
    ]
    return min(accounts, key=lambda view: (-knowledge(view.cause), view.time_s), default=None)
