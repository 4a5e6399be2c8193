"""Groups of several daemons, fed by hand as their rings would feed them.

    ring = Ring.of(3)            three daemons, tables exchanged
    ring.join(b"#amy#d3", b"g")  ordered, and delivered at all of them
    ring.part(0), ring.part(1, 2)  transitional and regular configuration on each side
    merged(left, right)          both come together: transitional, regular, exchange

What a daemon's groups tell is kept in `told`, by the number of the daemon.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from spread.daemon.groups import Groups, Notice, Outcome
from spread.daemon.views import RingId, View

__all__ = ["ADDRESS", "Ring", "merged"]

ADDRESS = 0x7F000001


@dataclass
class Ring:
    """Daemons that have installed the same ring."""

    groups: dict[int, Groups]
    id: RingId
    times: Iterator[int]
    told: dict[int, list[Notice]] = field(default_factory=dict)
    submitted: list[tuple[int, bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, size: int, time: int = 100) -> "Ring":
        """Form a ring of so many daemons; its id bears the given time."""
        names = [b"d%d" % (number + 1) for number in range(size)]
        alone = [
            cls({me: Groups(RingId(ADDRESS + me, 1), names, me)}, RingId(ADDRESS + me, 1), count())
            for me in range(size)
        ]
        ring = merged(*alone, time=time)
        ring.times = count(time + 1)
        return ring

    @property
    def members(self) -> list[int]:
        return sorted(self.groups)

    def take(self, daemon: int) -> list[Notice]:
        """Return what a daemon's groups have told since the last call."""
        return self.told.pop(daemon, [])

    def views(self, daemon: int) -> list[View]:
        """Return the views among that; nothing else may be there."""
        notices = self.take(daemon)
        views = [notice for notice in notices if isinstance(notice, View)]
        assert views == notices
        return views

    # -- Requests ---------------------------------------------------------------------------------

    def join(self, member: bytes, group: bytes) -> None:
        self.order(lambda groups: groups.join(member, group))

    def leave(self, member: bytes, group: bytes) -> None:
        self.order(lambda groups: groups.leave(member, group)[1])

    def end(self, member: bytes) -> None:
        self.order(lambda groups: groups.end(member))

    def order(self, request: Callable[[Groups], list[Notice]]) -> None:
        """Let all daemons see a request."""
        for daemon in self.members:
            self.told.setdefault(daemon, []).extend(request(self.groups[daemon]))

    # -- Configurations ---------------------------------------------------------------------------

    def transitional(self, *members: int, time: int | None = None) -> "Ring":
        """Let some members see that only they stay together; they are a ring of their own now."""
        if time is None:
            time = next(self.times)
        part = Ring(
            {daemon: self.groups[daemon] for daemon in members},
            RingId(ADDRESS + min(members), time),
            self.times,
        )
        for daemon in members:
            part.follow(daemon, part.groups[daemon].transitional(members, part.id))
        return part

    def regular(self, *, time: int | None = None) -> None:
        """Install the ring; messages of an exchange are submitted, not ordered."""
        if time is None:
            time = next(self.times)
        self.id = RingId(ADDRESS + min(self.members), time)
        for daemon in self.members:
            self.follow(daemon, self.groups[daemon].regular(self.members, self.id))

    def part(self, *members: int) -> "Ring":
        """Let some members stay together and go on without the others."""
        part = self.transitional(*members)
        part.regular()
        part.exchange()
        return part

    def follow(self, daemon: int, outcome: Outcome) -> None:
        """Do what control does with an outcome."""
        self.told.setdefault(daemon, []).extend(outcome.notices)
        self.submitted.extend((daemon, body) for body in outcome.submissions)

    def deliver(self, origin: int, body: bytes) -> None:
        """Let all see a message of the exchange."""
        for daemon in self.members:
            self.follow(daemon, self.groups[daemon].state(origin, body))

    def exchange(self) -> None:
        """Let all see all messages of the exchange."""
        while self.submitted:
            self.deliver(*self.submitted.pop(0))


def merged(*parts: Ring, time: int | None = None) -> Ring:
    """Let rings come together; each sees a transitional configuration with all its members."""
    for part in parts:
        between = part.transitional(*part.members, time=None if time is None else time - 1)
        part.told.update(between.told)
    ring = joined(*parts)
    ring.regular(time=time)
    ring.exchange()
    return ring


def joined(*parts: Ring) -> Ring:
    """Return a ring of the daemons of others, before its regular configuration."""
    groups = {daemon: groups for part in parts for daemon, groups in part.groups.items()}
    told = {daemon: told for part in parts for daemon, told in part.told.items()}
    return Ring(groups, parts[0].id, parts[0].times, told)
