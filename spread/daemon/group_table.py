"""The table of groups: which members they have at which daemons, and what that is known by.

    group "chat" --+-- daemon 0, tag (ring), members  #amy#d1 #bob#d1
                   +-- daemon 2, tag (ring), members  #carl#d3

The tag of a part is the ring part of the group's id in the last view that the part's members saw,
so parts of one tag saw the same views. None marks a daemon that is outside the transitional
configuration: it is not known what its members see from there on.

Invariants
    a group has at least one part, a part at least one member
    parts are sorted by daemon, members by name, all distinct
    the index by member and the parts are the same relation
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from spread.daemon.views import GroupId, RingId

__all__ = ["Group", "GroupTable", "Part", "by_tag", "united"]

_DAEMON = attrgetter("daemon")


@dataclass(slots=True)
class Part:
    """The members of a group at one daemon."""

    daemon: int
    tag: RingId | None
    members: list[bytes]


@dataclass(slots=True)
class Group:
    """One group.

    `is_changed`: a change of the ring touched it, it gets a new id with the next regular ring.
    `is_doubtful`: daemons that have left the ring may have given the next index to another view.
    The last two speak of the members at this daemon and are not the same everywhere:
    `is_signalled`: they got the transitional signal in their present view. `lost` are the daemons
    whose members were taken out of the table since that view without a signal.
    """

    id: GroupId
    parts: list[Part]
    is_changed: bool = False
    is_doubtful: bool = False
    is_signalled: bool = False
    lost: set[int] = field(default_factory=set)

    def part(self, daemon: int) -> Part | None:
        """The members at one daemon."""
        for part in self.parts:
            if part.daemon == daemon:
                return part
        return None

    def members(self) -> tuple[bytes, ...]:
        """All members in the order that clients get."""
        return tuple([name for part in self.parts for name in part.members])

    def members_at(self, daemon: int) -> tuple[bytes, ...]:
        """The members at one daemon."""
        part = self.part(daemon)
        return () if part is None else tuple(part.members)

    def renumber(self, ring: RingId) -> None:
        """Give a new id to the group and a new tag to the daemons that are known to be with us."""
        self.id = GroupId(ring, 1)
        self.is_doubtful = False
        for part in self.parts:
            if part.tag is not None:
                part.tag = ring

    def advance(self, ring: RingId) -> None:
        """Count one change; a doubtful group begins again, under the ring id of now."""
        if self.is_doubtful:
            self.renumber(ring)
        else:
            self.id = GroupId(self.id.ring, self.id.index + 1)

    def absorb(self, other: "Group") -> None:
        """Add the parts that others know of this group; they have other daemons."""
        self.parts = sorted([*self.parts, *other.parts], key=_DAEMON)
        self.is_doubtful |= other.is_doubtful
        tags = {part.tag for part in self.parts}
        if other.is_changed or other.id != self.id or len(tags) > 1:
            self.is_changed = True


def by_tag(parts: Iterable[Part]) -> list[list[Part]]:
    """Parts of one tag together, in the order of the tags; each part without a tag last, alone."""
    known: dict[RingId, list[Part]] = {}
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
                present.absorb(group)
    return result


class GroupTable:
    """Groups by name, and the groups of each member."""

    def __init__(self, groups: dict[bytes, Group] | None = None) -> None:
        """Take over groups whose parts are as the invariants say."""
        self._groups: dict[bytes, Group] = {} if groups is None else groups
        self._joined: dict[int, dict[bytes, set[bytes]]] = {}
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

    def get(self, name: bytes) -> Group | None:
        """The group of this name."""
        return self._groups.get(name)

    def items(self) -> Iterator[tuple[bytes, Group]]:
        """Names and groups in byte order of the names, as they are at the time of the call."""
        return iter(sorted(self._groups.items()))

    def joined(self, daemon: int, member: bytes) -> Collection[bytes]:
        """The groups of a member."""
        return self._joined.get(daemon, {}).get(member, ())

    def joined_at(self, daemon: int) -> Mapping[bytes, Collection[bytes]]:
        """The groups of each member of a daemon."""
        return self._joined.get(daemon, {})

    def create(self, name: bytes, group_id: GroupId) -> Group:
        """Make a group; a member must be added next."""
        group = self._groups[name] = Group(group_id, [])
        return group

    def add(self, name: bytes, daemon: int, member: bytes, tag: RingId | None) -> None:
        """Add a member; `tag` counts if it is the first of its daemon."""
        group = self._groups[name]
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
        group = self._groups[name]
        position = bisect_left(group.parts, daemon, key=_DAEMON)
        members = group.parts[position].members
        del members[bisect_left(members, member)]
        if not members:
            del group.parts[position]
        if not group.parts:
            del self._groups[name]
        return bool(group.parts)

    def doubt(self, gone: Collection[int]) -> None:
        """Daemons have left the ring, if any: no index of now may be followed by the next one."""
        if gone:
            for group in self._groups.values():
                group.is_doubtful = True

    def keep(self, daemons: Collection[int]) -> None:
        """Take out the members of all other daemons, and groups that have no more members."""
        for name, group in list(self._groups.items()):
            gone = [part for part in group.parts if part.daemon not in daemons]
            if not gone:
                continue
            group.is_changed = True
            group.lost.update(part.daemon for part in gone if part.tag == group.id.ring)
            group.parts = [part for part in group.parts if part.daemon in daemons]
            if not group.parts:
                del self._groups[name]
        self._joined = {
            daemon: joined for daemon, joined in self._joined.items() if daemon in daemons
        }
