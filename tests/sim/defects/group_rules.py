"""Rules of groups and their exchange, and of sessions."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

import spread.daemon.groups
from spread.daemon.composition import Parts
from spread.daemon.control import Control
from spread.daemon.control_groups import GroupControl
from spread.daemon.group_table import Group
from spread.daemon.group_table import Part as GroupPart
from spread.daemon.groups import Audience, Groups, Notice, Outcome
from spread.daemon.sessions import Session
from spread.daemon.views import GroupId, RingId, Signal, View, view_frame
from spread.service import LEAVE_MESS, Cause
from tests.sim.defects.defect import Defect, Part, Patch, each_daemon

__all__ = ["GROUP_RULES"]


def _keep_routes(patch: Patch) -> None:
    """Keep them until the session ends: the core ends a process that writes to one that is gone."""
    part, end = GroupControl._part, GroupControl.end
    kept: dict[tuple[int, int], set[bytes]] = {}

    def stay(control: GroupControl, session: Session, group: bytes) -> None:
        node = control._node
        control._node = _NodeWithoutRule(node, "remove_route")  # type: ignore[assignment]
        part(control, session, group)
        control._node = node
        kept.setdefault((id(control), session.slot), set()).add(group)

    def go(control: GroupControl, sender: bytes) -> None:
        session = control._sessions.named(sender)
        if session is not None:
            for group in kept.pop((id(control), session.slot), set()):
                control._node.remove_route(group, session.slot)
        end(control, sender)

    patch.setattr(GroupControl, "_part", stay)
    patch.setattr(GroupControl, "end", go)


class _NodeWithoutRule:
    """A node for which one of its methods does nothing."""

    def __init__(self, node: Any, method: str) -> None:
        self._node = node
        self._method = method

    def __getattr__(self, name: str) -> Any:
        return _nothing if name == self._method else getattr(self._node, name)


def _nothing(*_: object) -> None:
    """Do nothing."""


def _show_leavers(patch: Patch) -> None:
    send = GroupControl._send

    def with_leaver(control: GroupControl, notice: Notice) -> None:
        send(control, notice)
        if isinstance(notice, View) and notice.cause is Cause.LEAVE:
            control._node.send(control._slots(notice.together[0]), view_frame(notice, 0))

    patch.setattr(GroupControl, "_send", with_leaver)


def _unsorted_union(patch: Patch) -> None:
    def absorb(group: Group, other: Group) -> None:
        group.parts = [*other.parts, *group.parts]
        group.is_changed |= other.is_changed
        group.lost |= other.lost

    patch.setattr(Group, "absorb", absorb)


def _own_first(patch: Patch) -> None:
    """Let every daemon show its own members before all others."""

    def own_first(control: GroupControl, notice: Notice) -> None:
        if isinstance(notice, View) and len(notice.members) > 2:
            own = [name for name in notice.members if control._sessions.named(name)]
            others = [name for name in notice.members if name not in own]
            notice = replace(notice, members=tuple(own + others))
        send(control, notice)

    send = GroupControl._send
    patch.setattr(GroupControl, "_send", own_first)


def _forget_indexes(patch: Patch) -> None:
    patch.setattr(Groups, "_forget", lambda *_: None)


def _skip_indexes(patch: Patch) -> None:
    advance = Group.advance

    def twice(group: Group) -> None:
        advance(group)
        if len(group.parts) > 1:
            advance(group)

    patch.setattr(Group, "advance", twice)


def _ends_are_leaves(patch: Patch) -> None:
    remove = Groups._remove

    def as_leave(
        groups: Groups, group: bytes, daemon: int, member: bytes, _: Cause, hears: Audience
    ) -> list[Notice]:
        return remove(groups, group, daemon, member, Cause.LEAVE, hears)

    patch.setattr(Groups, "_remove", as_leave)


def _no_signals(patch: Patch) -> None:
    patch.setattr(Groups, "_signal", lambda *_: [])


def _one_set(patch: Patch) -> None:
    def together(parts: Iterable[GroupPart]) -> list[list[GroupPart]]:
        return [list(parts)]

    patch.setattr(spread.daemon.groups, "by_tag", together)


def _always_changed(patch: Patch) -> None:
    patch.setattr(Group, "keeps_its_view", lambda _: False)


def _views_in_any_order(patch: Patch) -> None:
    follow = GroupControl._follow

    def reversed_views(control: GroupControl, outcome: Outcome, wording: str) -> None:
        views = [notice for notice in outcome.notices if isinstance(notice, View)]
        signals = [notice for notice in outcome.notices if isinstance(notice, Signal)]
        follow(control, replace(outcome, notices=(*signals, *reversed(views))), wording)

    patch.setattr(GroupControl, "_follow", reversed_views)


def _no_hold(patch: Patch) -> None:
    def change(parts: Parts, _: int) -> None:
        control = parts.control._in_order
        control._node = _NodeWithoutRule(control._node, "hold_requests")  # type: ignore[assignment]

    each_daemon(patch, change)


def _leave_at_once(patch: Patch) -> None:
    request = Control.request

    def hasty(
        control: Control, slot: int, type_bits: int, groups: list[bytes], mess_type: int
    ) -> bool:
        admitted = request(control, slot, type_bits, groups, mess_type)
        session = control.sessions.at(slot)
        member = b"" if session is None else session.private_group
        is_leave = admitted and type_bits & LEAVE_MESS and groups
        if is_leave and groups[0] in control.groups.of(member):
            control._in_order.leave(member, groups[0])
        return admitted

    patch.setattr(Control, "request", hasty)


def _no_private_route(patch: Patch) -> None:
    accept = Control._accept

    def unreachable(control: Control, opening: Any, accepted: Any) -> None:
        accept(control, opening, accepted)
        session = control.sessions.at(opening.slot)
        assert session is not None
        if session.slot % 2:
            control._node.remove_route(session.private_group, session.slot)

    patch.setattr(Control, "_accept", unreachable)


def _ids_of_now(patch: Patch) -> None:
    def renumber(group: Group, _: RingId) -> None:
        group._show(GroupId(group.id.ring, group.id.index + 1))

    patch.setattr(Group, "renumber", renumber)


def _defect(
    name: str,
    rule: str,
    caught: tuple[str, ...],
    apply: Callable[[Patch], None],
    part: str = Part.GROUPS,
) -> Defect:
    return Defect(name, rule, part, caught, apply)


GROUP_RULES: Final = (
    _defect("routes that stay", "who leaves a group gets no more of it", ("S3",), _keep_routes),
    _defect(
        "leavers are shown",
        "who leaves gets the self-leave notice, not the view of those who stay",
        ("S6",),
        _show_leavers,
    ),
    _defect(
        "tables in any order",
        "members stand in configuration order, whoever told of them",
        ("S7",),
        _unsorted_union,
    ),
    _defect("own first", "all members get the same list", ("S7",), _own_first),
    _defect(
        "ids kept",
        "a change of the network gives a group the id of its ring",
        ("S9",),
        _ids_of_now,
    ),
    _defect(
        "indexes forgotten",
        "a group that is created again in the same ring goes on counting",
        ("S8",),
        _forget_indexes,
    ),
    _defect("indexes skipped", "the index grows by one with each view", ("S9",), _skip_indexes),
    _defect("ends are leaves", "the end of a session is told as that", ("S10",), _ends_are_leaves),
    _defect("no signals", "a signal comes before a loss", ("S11",), _no_signals),
    _defect("one set", "vs-sets keep apart who came from different views", ("S12",), _one_set),
    _defect(
        "always changed",
        "a group that a change does not concern keeps its view",
        ("S13",),
        _always_changed,
    ),
    _defect(
        "views in any order",
        "views of one change come in byte order of the groups' names",
        ("S14",),
        _views_in_any_order,
    ),
    _defect(
        "no hold",
        "requests of clients wait for the end of the exchange",
        ("S25",),
        _no_hold,
    ),
    _defect(
        "leave at once",
        "a leave takes effect at its place in the order",
        ("S27",),
        _leave_at_once,
        Part.SESSIONS,
    ),
    _defect(
        "no private route",
        "an accepted session is reached by its private name",
        ("S31",),
        _no_private_route,
        Part.SESSIONS,
    ),
)
