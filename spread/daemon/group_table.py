"""The table of groups: which members they have at which daemons, and what that is known by.

    group "chat" --+-- daemon 0, tag, members  #amy#d1 #bob#d1
                   +-- daemon 2, tag, members  #carl#d3

The tag of a part is the id of the view that the part's members have, so parts of one tag have seen
the same. It is the group's id, except where tables have just been united. None marks a daemon that
is outside the transitional configuration: it is not known what its members see from there on.

Most groups of an application with very many have one member, and nothing has happened to them
since they arose: for each member these share one record, until one of them is to change.

Invariants
    a group has at least one part, a part at least one member
    parts are sorted by daemon, members by name, all distinct
    the index by member and the parts are the same relation
    a shared group has one member, whose part has the group's id as its tag, and no change is noted
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from spread.daemon.views import GroupId, RingId

__all__ = ["Group", "GroupTable", "Part", "by_tag", "united"]

_DAEMON = attrgetter("daemon")

_NOBODY: Final[frozenset[tuple[int, GroupId]]] = frozenset()


@dataclass(slots=True)
class Part:
    """The members of a group at one daemon."""

    daemon: int
    tag: GroupId | None
    members: list[bytes]


@dataclass(slots=True)
class Group:
    """One group.

    `id` counts its views. `is_changed`: a change of the ring has touched it, it gets a new id with
    the next regular ring. `lost` are parts, as daemon and tag, that have been taken out since the
    view of that tag. `is_signalled`: the members at this daemon got the transitional signal in
    their present view; alone among these it is not the same everywhere. `is_shared`: other names
    have the same record, so it must be copied before it is changed.
    """

    id: GroupId
    parts: list[Part]
    is_changed: bool = False
    is_signalled: bool = False
    lost: frozenset[tuple[int, GroupId]] = _NOBODY
    is_shared: bool = field(default=False, compare=False)

    @classmethod
    def shared(cls, daemon: int, member: bytes, group_id: GroupId) -> "Group":
        """Make what groups with this one member, which all have this id, can share."""
        return cls(group_id, [Part(daemon, group_id, [member])], is_shared=True)

    def own(self) -> "Group":
        """The group itself, or a copy if it is shared."""
        if not self.is_shared:
            return self
        return Group(self.id, [Part(each.daemon, each.tag, [*each.members]) for each in self.parts])

    def part(self, daemon: int) -> Part | None:
        """The members at one daemon."""
        for part in self.parts:
            if part.daemon == daemon:
                return part
        return None

    def members(self) -> tuple[bytes, ...]:
        """All members in the order that clients get."""
        return tuple([name for part in self.parts for name in part.members])

    def size(self) -> int:
        """The number of members."""
        return sum([len(part.members) for part in self.parts])

    def members_at(self, daemon: int) -> tuple[bytes, ...]:
        """The members at one daemon."""
        part = self.part(daemon)
        return () if part is None else tuple(part.members)

    def renumber(self, ring: RingId) -> None:
        """Give a new id to the group and a new tag to the daemons that are known to be with us."""
        self._show(GroupId(ring, 1))

    def advance(self) -> None:
        """Count one change."""
        self._show(GroupId(self.id.ring, self.id.index + 1))

    def _show(self, group_id: GroupId) -> None:
        self.id = group_id
        for part in self.parts:
            if part.tag is not None:
                part.tag = group_id

    def absorb(self, other: "Group") -> None:
        """Take over what others know of this group: parts at other daemons."""
        self.parts = sorted([*self.parts, *other.parts], key=_DAEMON)
        self.is_changed |= other.is_changed
        self.lost |= other.lost

    def lacks(self, tag: GroupId | None) -> bool:
        """Whether parts that had the view of this tag are missing."""
        concerned = {daemon for daemon, lost_tag in self.lost if lost_tag == tag}
        return not concerned <= {part.daemon for part in self.parts if part.tag == tag}

    def keeps_its_view(self) -> bool:
        """Whether all members have the same view, and it still shows who there is."""
        if self.is_changed or any(part.tag != self.id for part in self.parts):
            return False
        return not self.lost or not self.lacks(self.id)


def by_tag(parts: Iterable[Part]) -> list[list[Part]]:
    """Parts of one tag together, in the order of the tags; each part without a tag last, alone."""
    known: dict[GroupId, list[Part]] = {}
    unknown = []
    for part in parts:
        if part.tag is None:
            unknown.append([part])
        else:
            known.setdefault(part.tag, []).append(part)
    return [known[tag] for tag in sorted(known)] + unknown


def united(tables: Iterable[Mapping[bytes, Group]]) -> dict[bytes, Group]:
    """What several sets of daemons know, together; takes the groups over."""
    result: dict[bytes, Group] = {}
    for table in tables:
        for name, group in table.items():
            present = result.setdefault(name, group)
            if present is not group:
                present = result[name] = present.own()
                present.absorb(group.own())
    return result


class GroupTable:
    """Groups by name, and the groups of each member."""

    def __init__(self, groups: dict[bytes, Group] | None = None) -> None:
        """Take over groups whose parts are as the invariants say."""
        self._groups: dict[bytes, Group] = {} if groups is None else groups
        self._joined: dict[int, dict[bytes, set[bytes]]] = {}
        self._shared: dict[bytes, Group] = {}  # By member, the last one each.
        for name, group in self._groups.items():
            for part in group.parts:
                joined = self._joined.setdefault(part.daemon, {})
                for member in part.members:
                    if member in joined:
                        joined[member].add(name)
                    else:
                        joined[member] = {name}

    def __len__(self) -> int:
        return len(self._groups)

    def names(self) -> list[bytes]:
        """The names in no order; copied at once, so that any thread may ask."""
        return list(self._groups)

    def get(self, name: bytes) -> Group | None:
        """The group of this name."""
        return self._groups.get(name)

    def items(self) -> Iterator[tuple[bytes, Group]]:
        """Names and groups in byte order of the names, as they are at the time of the call."""
        return iter(sorted(self._groups.items()))

    def changeable(self) -> list[tuple[bytes, Group]]:
        """Those of them that are not shared: all to which anything has happened."""
        return sorted(each for each in self._groups.items() if not each[1].is_shared)

    def beyond(self, daemons: Collection[int]) -> list[tuple[bytes, Group]]:
        """Names and groups with members at other daemons, in byte order, to be changed."""
        return [(name, self.own(name)) for name in sorted(self._names_beyond(daemons))]

    def _names_beyond(self, daemons: Collection[int]) -> set[bytes]:
        return {
            name
            for daemon, joined in self._joined.items()
            if daemon not in daemons
            for names in joined.values()
            for name in names
        }

    def joined(self, daemon: int, member: bytes) -> Collection[bytes]:
        """The groups of a member."""
        return self._joined.get(daemon, {}).get(member, ())

    def joined_at(self, daemon: int) -> Mapping[bytes, Collection[bytes]]:
        """The groups of each member of a daemon."""
        return self._joined.get(daemon, {})

    def own(self, name: bytes) -> Group:
        """A group that there is, to be changed: it shares nothing with others any more."""
        group = self._groups[name]
        if group.is_shared:
            group = self._groups[name] = group.own()
        return group

    def create(self, name: bytes, group_id: GroupId) -> Group:
        """Make a group; a member must be added next."""
        group = self._groups[name] = Group(group_id, [])
        return group

    def found(self, name: bytes, group_id: GroupId, daemon: int, member: bytes) -> Group:
        """Make a group of one member, whose tag is this id."""
        group = self._shared.get(member)
        if group is None or group.id != group_id:
            group = self._shared[member] = Group.shared(daemon, member, group_id)
        self._groups[name] = group
        self._joined.setdefault(daemon, {}).setdefault(member, set()).add(name)
        return group

    def add(self, name: bytes, daemon: int, member: bytes, tag: GroupId | None) -> None:
        """Add a member; `tag` counts if it is the first of its daemon."""
        group = self.own(name)
        part = group.part(daemon)
        if part is None:
            part = Part(daemon, tag, [])
            insort(group.parts, part, key=_DAEMON)
        insort(part.members, member)
        self._joined.setdefault(daemon, {}).setdefault(member, set()).add(name)

    def remove(self, name: bytes, daemon: int, member: bytes) -> bool:
        """Take a member out; returns whether the group has others, else it is forgotten."""
        joined = self._joined[daemon]
        joined[member].remove(name)
        if not joined[member]:
            del joined[member]
            self._shared.pop(member, None)
        group = self._groups[name]
        if group.is_shared:
            del self._groups[name]
            return False
        position = bisect_left(group.parts, daemon, key=_DAEMON)
        members = group.parts[position].members
        del members[bisect_left(members, member)]
        if not members:
            del group.parts[position]
        if not group.parts:
            del self._groups[name]
        return bool(group.parts)

    def keep(self, daemons: Collection[int]) -> None:
        """Take out the members of all other daemons, and groups that have no more members."""
        for name in self._names_beyond(daemons):
            group = self._groups[name]
            stay = [part for part in group.parts if part.daemon in daemons]
            if not stay:
                del self._groups[name]
                continue
            gone = [part for part in group.parts if part.daemon not in daemons]
            group.parts = stay
            group.lost |= {(part.daemon, part.tag) for part in gone if part.tag is not None}
        self._joined = {
            daemon: joined for daemon, joined in self._joined.items() if daemon in daemons
        }
        self._shared.clear()

    def move(self, daemon: int, number: int) -> None:
        """Give a daemon another number; nobody else has members here."""
        for group in (*self._groups.values(), *self._shared.values()):
            for part in group.parts:
                part.daemon = number
        self._joined = {number: self._joined.get(daemon, {})}

    def invariants(self) -> None:
        """Check what the header of this module says; raises AssertionError."""
        joined: dict[int, dict[bytes, set[bytes]]] = {}
        for name, group in self._groups.items():
            daemons = [part.daemon for part in group.parts]
            assert daemons, f"group {name!r} has no part"
            assert daemons == sorted(set(daemons)), f"group {name!r} has daemons {daemons}"
            if group.is_shared:
                ((part,), (member,)) = group.parts, group.members()
                assert group == Group.shared(part.daemon, member, group.id), f"{name!r} changed"
            for part in group.parts:
                assert part.members, f"group {name!r} has nobody at daemon {part.daemon}"
                assert part.members == sorted(set(part.members)), f"{name!r}: {part.members}"
                for member in part.members:
                    joined.setdefault(part.daemon, {}).setdefault(member, set()).add(name)
        indexed = {daemon: members for daemon, members in self._joined.items() if members}
        assert indexed == joined, "the index by member is not that of the groups"
