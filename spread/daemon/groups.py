"""Who is in which group: the state that ordered requests change, the same at every daemon.

    join, leave, end  -- in the total order -->  Groups  -->  views

A request that changes nothing (a join by a member, a leave by somebody else) gives no view. The
index of a view grows by one with each change. A group that becomes empty is forgotten, but its last
index is not: a group of that name which is created again in the same ring goes on counting, so
that a group id names one view for ever (semantics, S8).

Invariants
    a group has at least one member; members are sorted by (daemon, name) and distinct
    `_memberships` and `_groups` are the same relation
    every index given out for a name in this ring is larger than those before
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from spread.daemon.views import GroupId, RingId, View
from spread.service import Cause

__all__ = ["Groups"]

FORGOTTEN_MAX: Final = 10_000
"""Names of vanished groups whose last index is kept; older ones share one floor."""


@dataclass(slots=True)
class _Group:
    index: int
    members: list[tuple[int, bytes]] = field(default_factory=list)  # (daemon order, name).


class Groups:
    """Groups and their members in one ring membership."""

    def __init__(self, ring: RingId, daemons: Iterable[bytes]) -> None:
        """Begin without groups; `daemons` are the names in configuration order."""
        self._ring = ring
        self._order: Mapping[bytes, int] = {name: number for number, name in enumerate(daemons)}
        self._groups: dict[bytes, _Group] = {}
        self._memberships: dict[bytes, set[bytes]] = {}
        self._vanished: dict[bytes, int] = {}
        self._index_floor = 0

    def join(self, member: bytes, group: bytes) -> View | None:
        """Add a member; returns the new view, or None when it already is one."""
        joined = self._memberships.setdefault(member, set())
        if group in joined:
            return None
        joined.add(group)
        state = self._groups.get(group)
        if state is None:
            last = self._vanished.pop(group, self._index_floor)
            state = self._groups[group] = _Group(index=last)
        insort(state.members, self._key(member))
        return self._view(group, state, Cause.JOIN, member)

    def leave(self, member: bytes, group: bytes) -> tuple[bool, View | None]:
        """Take a member out.

        Returns whether it was one, and the new view of those who stay, if there are any.
        """
        joined = self._memberships.get(member)
        if joined is None or group not in joined:
            return False, None
        joined.discard(group)
        if not joined:
            del self._memberships[member]
        return True, self._remove(member, group, Cause.LEAVE)

    def end(self, member: bytes) -> list[View]:
        """Take a member out of all its groups, in byte order of their names."""
        views = [
            self._remove(member, group, Cause.DISCONNECT)
            for group in sorted(self._memberships.pop(member, ()))
        ]
        return [view for view in views if view is not None]

    def of(self, member: bytes) -> frozenset[bytes]:
        """The groups of a member."""
        return frozenset(self._memberships.get(member, ()))

    def members(self, group: bytes) -> tuple[bytes, ...]:
        """The members of a group in the order that clients get."""
        state = self._groups.get(group)
        return () if state is None else tuple(name for _, name in state.members)

    def __len__(self) -> int:
        return len(self._groups)

    def _key(self, member: bytes) -> tuple[int, bytes]:
        daemon = member[member.index(b"#", 1) + 1 :]
        return self._order[daemon], member

    def _remove(self, member: bytes, group: bytes, cause: Cause) -> View | None:
        state = self._groups[group]
        del state.members[bisect_left(state.members, self._key(member))]
        if state.members:
            return self._view(group, state, cause, member)
        del self._groups[group]
        self._forget(group, state.index)
        return None

    def _forget(self, group: bytes, index: int) -> None:
        """Keep the last index of a vanished group, in bounded memory."""
        self._vanished[group] = index
        if len(self._vanished) > FORGOTTEN_MAX:
            oldest = next(iter(self._vanished))
            self._index_floor = max(self._index_floor, self._vanished.pop(oldest))

    def _view(self, group: bytes, state: _Group, cause: Cause, member: bytes) -> View:
        state.index += 1
        return View(
            group=group,
            id=GroupId(self._ring, state.index),
            cause=cause,
            members=tuple(name for _, name in state.members),
            together=((member,),),
        )
