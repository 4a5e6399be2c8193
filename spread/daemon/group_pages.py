"""The groups in pages, read in the watching thread while the ring's thread goes on changing them.

What is read is a list of names at one moment and, group by group, its members at a later one: a
page may show a member that has left since, never one that was not there. No step holds the
interpreter for long, whatever the number of groups: names are copied at once and sorted in
portions, and the sorted list is used again for a while.

Clients choose the names, and a page fits a reply whatever they choose: the members of a page
share `MEMBERS_SIZE` bytes, and what small groups do not need of their shares goes to large ones.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import accumulate
from json.encoder import encode_basestring_ascii
from typing import Final

from spread.daemon.group_table import Group
from spread.daemon.groups import Groups
from spread.monitor.report import GroupLine, GroupPage

__all__ = ["COUNT_MAX", "GroupPages"]

COUNT_MAX: Final = 100
"""Groups of a page, and members that it names of each at most."""

MEMBERS_SIZE: Final = 32 * 1024
"""Bytes of JSON that the members of a page take together."""

PORTION: Final = 1_000
"""Names sorted at a time: about 0.2 ms in which the ring's thread may have to wait."""

FRESH_NS: Final = 2_000_000_000
"""So long a sorted list of names is used again; ten times that if there are very many."""

MANY: Final = 20_000


class GroupPages:
    """Pages of one daemon's groups; used by the watching thread only."""

    def __init__(self, groups: Groups, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._groups = groups
        self._clock_ns = clock_ns
        self._names: list[bytes] = []
        self._read_ns: int | None = None

    def page(self, offset: int, count: int, prefix: str = "") -> GroupPage:
        """Return groups in the byte order of their names, those whose names begin so."""
        names: Sequence[bytes] = self._sorted_names()
        if prefix:
            start = prefix.encode("utf-8", "replace")
            names = [name for name in names if name.startswith(start)]
        chosen = names[max(offset, 0) : max(offset, 0) + min(count, COUNT_MAX)]
        return GroupPage(len(names), offset, tuple(self._lines(chosen)))

    def _sorted_names(self) -> list[bytes]:
        now_ns = self._clock_ns()
        age_max = FRESH_NS * (10 if len(self._names) > MANY else 1)
        if self._read_ns is None or now_ns - self._read_ns > age_max:
            names = self._groups.names()
            portions = [
                sorted(names[start : start + PORTION]) for start in range(0, len(names), PORTION)
            ]
            self._names = portions[0] if len(portions) == 1 else list(merge(*portions))
            self._read_ns = now_ns
        return self._names

    def _lines(self, names: Sequence[bytes]) -> Iterator[GroupLine]:
        found = [(name, group) for name in names if (group := self._groups.get(name)) is not None]
        members = _fitting([_members(group) for _, group in found])
        for (name, group), shown in zip(found, members, strict=True):
            yield GroupLine(name.decode("utf-8", "replace"), group.size(), tuple(shown))


def _members(group: Group) -> list[str]:
    members: list[bytes] = []
    for part in tuple(group.parts):
        members += part.members[: COUNT_MAX - len(members)]
    return [each.decode("utf-8", "replace") for each in members]


def _fitting(groups: list[list[str]]) -> list[list[str]]:
    """Return as many members of each group as there is room for on a page."""
    needs = [sum(map(_size, members)) for members in groups]
    room = MEMBERS_SIZE
    fitting = list(groups)
    order = sorted(range(len(groups)), key=needs.__getitem__)
    for place, number in enumerate(order):
        share = room // (len(order) - place)
        if needs[number] > share:
            fitting[number] = _beginning(groups[number], share)
            needs[number] = share
        room -= needs[number]
    return fitting


def _beginning(members: list[str], room: int) -> list[str]:
    end = bisect_right(list(accumulate(map(_size, members))), room)
    return members[:end]


def _size(name: str) -> int:
    """Return how many bytes of JSON a name takes, comma included."""
    return len(encode_basestring_ascii(name)) + 1
