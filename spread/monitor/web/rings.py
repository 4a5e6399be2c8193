"""Which rings there are, and who is in none: from the reports of all daemons.

A ring is what those say who answer. A member that does not answer stays in the ring for as long as
the others count on it; afterwards it stands outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from spread.monitor.report import Report, RingName, View
from spread.monitor.web.sight import Seen, Sight

__all__ = ["Ring", "is_forming", "outside", "rings"]


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


def is_forming(report: Report) -> bool:
    """Return whether the daemon is between two rings."""
    return report.state != "OP"


def rings(sight: Sight) -> tuple[Ring, ...]:
    """Return the rings, the largest first, then in the order of the configuration."""
    found: dict[tuple[RingName, tuple[str, ...]], list[Seen]] = {}
    for seen in sight.seen:
        report = seen.report
        if seen.is_answering and report is not None and report.members:
            found.setdefault((report.ring, report.members), []).append(seen)
    made = [_ring(name, members, seen) for (name, members), seen in found.items()]
    return tuple(sorted(made, key=lambda ring: -len(ring.members)))


def outside(sight: Sight, found: Sequence[Ring]) -> tuple[str, ...]:
    """Return the daemons that no ring counts among its members."""
    inside = {name for ring in found for name in ring.members}
    return tuple(seen.name for seen in sight.seen if seen.name not in inside)


def _ring(name: RingName, members: tuple[str, ...], answering: Sequence[Seen]) -> Ring:
    view = _view(name, members, answering)
    return Ring(
        name=name,
        members=members,
        answering=tuple(seen.name for seen in answering),
        since_s=view.time_s if view is not None else 0.0,
        cause=view.cause if view is not None else "",
        left=view.left if view is not None else (),
        is_forming=any(seen.report is not None and is_forming(seen.report) for seen in answering),
    )


def _view(name: RingName, members: tuple[str, ...], answering: Sequence[Seen]) -> View | None:
    """Return the view that installed the ring; of several accounts one that names a cause."""
    accounts = [
        view
        for seen in answering
        if seen.report is not None
        for view in seen.report.views
        if view.ring == name and set(view.members) == set(members)
    ]
    return min(accounts, key=lambda view: (not view.cause, view.time_s), default=None)
