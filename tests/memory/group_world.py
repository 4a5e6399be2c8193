"""Rings that split and come together at random, with groups in them and clients that remember.

    Line      the total order of one ring: requests, messages, messages of the exchange
    Host      one daemon: its groups and how far it has come in its line
    Client    a session and the trace of what it got

Hosts leave their line as recovery takes them out: those who stay together come to the same point of
the order, see the transitional configuration, see what else they hold of the order, and begin a
new line. Behind a lost entry only what came from themselves is delivered. A join is delivered as
SAFE messages are: before the transitional configuration only when everybody holds it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from spread.daemon.groups import Groups, Notice, Outcome, Stage
from spread.daemon.views import GroupId, RingId, Signal, View
from spread.service import Cause

__all__ = ["Client", "Got", "World"]

Kind = Literal["join", "leave", "end", "message", "state"]


@dataclass(frozen=True)
class Entry:
    """One place in the order of a line."""

    number: int
    origin: int
    kind: Kind
    member: bytes = b""
    group: bytes = b""
    body: bytes = b""


@dataclass(frozen=True)
class Got:
    """One event of a client: a view with its own set, a signal, a message, or its leave."""

    group: bytes
    view: View | None = None
    own: int = 0
    signal: GroupId | None = None
    message: int | None = None
    left: bool = False


@dataclass(eq=False)
class Client:
    """One session; a name may be used again by another."""

    name: bytes
    daemon: int
    trace: list[Got] = field(default_factory=list)
    is_open: bool = True


@dataclass(eq=False)
class Line:
    """The order of one ring."""

    id: RingId
    members: tuple[int, ...]
    held: dict[int, int]  # How many entries from the first on each member holds without a gap.
    entries: list[Entry] = field(default_factory=list)
    is_broken: bool = False  # A member has left: nothing is ordered any more.

    @classmethod
    def of(cls, ring: RingId, members: Sequence[int]) -> "Line":
        return cls(ring, tuple(members), dict.fromkeys(members, 0))

    @property
    def stable(self) -> int:
        """How many entries everybody holds."""
        return min(self.held.values())

    def limit(self, start: int, end: int, stable: int) -> int:
        """How far the regular part goes for one who knows that so many are stable."""
        for place in range(start, end):
            if self.entries[place].kind == "join" and place >= stable:
                return place
        return end


@dataclass(eq=False)
class Host:
    """One daemon."""

    number: int
    groups: Groups
    line: Line
    reached: int = 0  # Entries of the line that have been delivered.
    waiting: list[Entry] = field(default_factory=list)  # Submitted, without a place yet.
    clients: dict[bytes, Client] = field(default_factory=dict)
    joined: set[tuple[bytes, bytes]] = field(default_factory=set)  # As its own requests say.


class World:
    """All daemons; every entry and every time is used once."""

    def __init__(self, size: int) -> None:
        self._names = [b"d%d" % number for number in range(size)]
        self._times = count(2)
        self._entries = count()
        self.clients: list[Client] = []
        self.hosts = [self._start(number) for number in range(size)]

    def _start(self, number: int) -> Host:
        ring = RingId(number + 1, next(self._times))
        return Host(number, Groups(ring, self._names, number), Line.of(ring, (number,)))

    # -- Clients ----------------------------------------------------------------------------------

    def client(self, daemon: int, name: bytes) -> Client:
        """Return the open session of this name at a daemon, or open one."""
        host = self.hosts[daemon]
        full = b"#%s#%s" % (name, self._names[daemon])
        if full not in host.clients:
            host.clients[full] = Client(full, daemon)
            self.clients.append(host.clients[full])
        return host.clients[full]

    def submit(self, client: Client, kind: Kind, group: bytes) -> None:
        """Let a client ask or send; it waits for its place."""
        if kind == "end":
            client.is_open = False
        entry = Entry(next(self._entries), client.daemon, kind, client.name, group)
        self.hosts[client.daemon].waiting.append(entry)

    def order(self, daemon: int, amount: int) -> None:
        """Give a place to what waits at a daemon, messages of an exchange first."""
        host = self.hosts[daemon]
        for entry in sorted(host.waiting, key=lambda entry: entry.kind != "state")[:amount]:
            if host.line.is_broken or (entry.kind != "state" and host.groups.is_exchanging):
                return
            host.waiting.remove(entry)
            host.line.entries.append(entry)

    # -- Delivery ---------------------------------------------------------------------------------

    def hold(self, daemon: int, amount: int) -> None:
        """Let a daemon get more entries of its line."""
        line = self.hosts[daemon].line
        line.held[daemon] = min(len(line.entries), line.held[daemon] + amount)

    def deliver(self, daemon: int, amount: int) -> None:
        """Let a daemon go on in its line, as far as it may."""
        host = self.hosts[daemon]
        line = host.line
        end = min(host.reached + amount, line.held[daemon])
        self._advance(host, line.limit(host.reached, end, line.stable))

    def _advance(self, host: Host, end: int) -> None:
        while host.reached < end:
            host.reached += 1
            self._apply(host, host.line.entries[host.reached - 1])

    def _apply(self, host: Host, entry: Entry) -> None:
        match entry.kind:
            case "state":
                self._follow(host, host.groups.state(entry.origin, entry.body))
            case "message":
                for member in host.groups.members(entry.group):
                    self._give(host, member, Got(entry.group, message=entry.number))
            case "join":
                self._note_own(host, entry)
                self._tell(host, host.groups.join(entry.member, entry.group))
            case "leave":
                was_member, notices = host.groups.leave(entry.member, entry.group)
                if was_member:
                    self._give(host, entry.member, Got(entry.group, left=True))
                self._note_own(host, entry)
                self._tell(host, notices)
            case "end":
                self._note_own(host, entry)
                self._tell(host, host.groups.end(entry.member))

    def _note_own(self, host: Host, entry: Entry) -> None:
        if entry.origin != host.number:
            return
        if entry.kind == "join":
            host.joined.add((entry.member, entry.group))
        elif entry.kind == "leave":
            host.joined.discard((entry.member, entry.group))
        else:
            host.joined = {pair for pair in host.joined if pair[0] != entry.member}
            del host.clients[entry.member]

    def _follow(self, host: Host, outcome: Outcome) -> None:
        assert not outcome.expelled
        assert outcome.fault is None
        for body in outcome.submissions:
            entry = Entry(next(self._entries), host.number, "state", body=body)
            host.waiting.append(entry)
        self._tell(host, outcome.notices)

    def _tell(self, host: Host, notices: Iterable[Notice]) -> None:
        for notice in notices:
            if isinstance(notice, Signal):
                for member in notice.receivers:
                    self._give(host, member, Got(notice.group, signal=notice.id))
                continue
            sets = notice.together if notice.cause is Cause.NETWORK else (notice.members,)
            for own, members in enumerate(sets):
                for member in members:
                    self._give(host, member, Got(notice.group, view=notice, own=own))

    def _give(self, host: Host, member: bytes, got: Got) -> None:
        if member in host.clients:
            host.clients[member].trace.append(got)

    # -- Configurations ---------------------------------------------------------------------------

    def crash(self, daemon: int) -> None:
        """Start a daemon anew; its clients are gone."""
        self.hosts[daemon].line.is_broken = True
        for client in self.hosts[daemon].clients.values():
            client.is_open = False
        self.hosts[daemon] = self._start(daemon)

    def install(self, members: Sequence[int], holes: Iterator[int]) -> None:
        """Form a ring of these daemons, wherever they come from; `holes` tells what is lost."""
        lines = {id(self.hosts[number].line): self.hosts[number].line for number in members}
        for line in lines.values():
            together = [number for number in members if self.hosts[number].line is line]
            self._leave(line, together, next(holes))
        new = Line.of(RingId(min(members) + 1, next(self._times)), members)
        for number in members:
            host = self.hosts[number]
            host.line, host.reached = new, 0
            host.waiting = [entry for entry in host.waiting if entry.kind != "state"]
            self._follow(host, host.groups.regular(members, new.id))

    def _leave(self, line: Line, together: list[int], choice: int) -> None:
        """Take some members of a line through its last messages and their transition."""
        line.is_broken = True
        ring = RingId(min(together) + 1, next(self._times))
        hosts = [self.hosts[number] for number in together]
        hole = self._hole(line, together, choice)
        for number in together:
            line.held[number] = hole
        reached = max(host.reached for host in hosts)
        turn = line.limit(reached, hole, line.stable if choice % 2 else reached)
        for host in hosts:
            self._advance(host, turn)
            self._follow(host, host.groups.transitional(together, ring))
            for place in range(turn, len(line.entries)):
                entry = line.entries[place]
                if place < hole or entry.origin in together:
                    self._apply(host, entry)

    def _hole(self, line: Line, together: list[int], choice: int) -> int:
        """The first entry that those who stay together have lost: one that came from elsewhere."""
        held = max(line.held[number] for number in together)
        place = held + choice % (len(line.entries) - held + 1)
        while place < len(line.entries) and line.entries[place].origin in together:
            place += 1
        return place

    # -- What must hold ---------------------------------------------------------------------------

    def settle(self) -> None:
        """Bring all daemons together and let everything take place."""
        self.install(range(len(self.hosts)), count())
        self.go_on()

    def go_on(self) -> None:
        """Let everything take place that can."""
        for _ in range(3):
            for host in self.hosts:
                self.order(host.number, len(host.waiting))
            for host in self.hosts:
                self.hold(host.number, len(host.line.entries))
            for host in self.hosts:
                self.deliver(host.number, len(host.line.entries))

    def check_agreement(self) -> None:
        """Daemons that have come equally far in one line know the same."""
        known: dict[tuple[int, int], dict[bytes, object]] = {}
        for host in self.hosts:
            host.groups.invariants()
            if host.groups.stage is Stage.OPERATIONAL:
                mine = {
                    name: (host.groups.id(name), host.groups.members(name)) for name in host.groups
                }
                assert known.setdefault((id(host.line), host.reached), mine) == mine

    def check_settled(self) -> None:
        """Every daemon knows what the sessions of all daemons have asked for."""
        wanted: dict[bytes, set[bytes]] = {}
        for host in self.hosts:
            assert host.groups.stage is Stage.OPERATIONAL
            for member, group in host.joined:
                wanted.setdefault(group, set()).add(member)
        for host in self.hosts:
            assert {name: set(host.groups.members(name)) for name in host.groups} == wanted
