"""What a reload looks like in reports, so that what it brings with it is not taken for trouble.

Daemons are reloaded one after the other. Until the last one has its new list of daemons there are
two rings, and each side drops datagrams of the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from spread.monitor.health_span import Span
from spread.monitor.report import Report, View

__all__ = [
    "LEFT",
    "RELOADED",
    "UNDER_WAY_S",
    "Rollout",
    "foreign_datagrams",
    "rollout",
    "unsettling",
]

UNDER_WAY_S: Final = 30.0
"""After a daemon has another list of daemons, the next one gets so long until it has it, too."""

RELOADED: Final = "the configuration has another network"
"""Cause of the end of a ring: the daemon itself has reloaded."""

LEFT: Final = "a member left"
"""How the cause begins if another daemon has said that it goes, to stop or to reload."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """A list of daemons that some have, and others not yet."""

    has_it: tuple[str, ...]
    has_not: tuple[str, ...]


def rollout(reports: Sequence[Report]) -> Rollout | None:
    """Return what is under way if daemons differ, and one of them has just got another list.

    A start is no reload, and neither is a file that is read again with the list that it had: a
    daemon that goes on starting with a list of its own is trouble.
    """
    told = [each for each in reports if each.ring_hash]  # A classic daemon does not say.
    if len({each.ring_hash for each in told}) < 2:
        return None
    age_s, latest = min(
        ((each.time_s - each.network_changed_s, each) for each in told),
        key=lambda pair: abs(pair[0]),
    )
    if abs(age_s) > UNDER_WAY_S:
        return None
    return Rollout(
        tuple(each.daemon for each in told if each.ring_hash == latest.ring_hash),
        tuple(each.daemon for each in told if each.ring_hash != latest.ring_hash),
    )


def foreign_datagrams(span: Span) -> int:
    """Return how many datagrams of another configuration came that no reload explains.

    One does for some time after this daemon has reloaded, or another one has said that it goes.
    """
    count, explained_until_s = 0, float("-inf")
    for before, after in pairwise(span.reports):
        step = Span((before, after))
        views = _last(after.views, step.grown("installs"))
        is_change = bool(views) and after.uptime_s <= explained_until_s
        is_reloaded = after.network_changed_s != before.network_changed_s
        if is_reloaded:
            count = 0  # What came before was of its old configuration.
        if is_reloaded or is_change or any(map(_is_orderly, views)):
            explained_until_s = after.uptime_s + UNDER_WAY_S
        if after.state == "OP" and after.uptime_s > explained_until_s:
            count += step.grown("dropped_network")
    return count


def unsettling(span: Span) -> tuple[int, tuple[View, ...]]:
    """Return how many rings came into being for no good reason, and those that are remembered.

    Good reasons are a reload, a daemon that has said that it goes, and one that comes for the first
    time since this one has its configuration.
    """
    report, installs = span.last, span.grown("installs")
    known: set[str] = set()
    is_current, settling = False, []
    for view in report.views:
        if not is_current and view.time_s >= report.network_changed_s:
            known.clear()
            is_current = True
        is_coming = bool(view.joined) and not view.left and known.isdisjoint(view.joined)
        if is_coming or _is_orderly(view):
            settling.append(view)
        known.update(view.members)
    views = _last(report.views, installs)
    rest = tuple(each for each in views if each not in settling)
    return installs - (len(views) - len(rest)), rest


def _is_orderly(view: View) -> bool:
    return view.cause.startswith((RELOADED, LEFT))


def _last(views: Sequence[View], count: int) -> Sequence[View]:
    return views[-count:] if count else ()
