"""Membership machines without the compiled ring: a core that keeps no messages, and a network.

Time passes only in `Fleet.run`; a packet takes one millisecond. A ring is installed at all members
as soon as its last member has made the token.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

from spread.daemon.membership.codec import decode, encode, kind_of
from spread.daemon.membership.core import SEGMENT
from spread.daemon.membership.machine import Membership
from spread.daemon.membership.packets import Alive, Heard, Join, Packet, Role
from spread.daemon.membership.settings import NetworkSettings, RingTimeouts
from spread.daemon.membership.table import State
from spread.daemon.ring_time import RingTimes
from tests.unit.daemon.event_list import EventList

__all__ = ["MS", "TIMEOUTS", "Core", "Fleet", "Log"]

MS = 1_000_000
WALL_SECONDS = 10_000_000
PACKET_MS = 1

TIMEOUTS = RingTimeouts(
    token=1250 * MS,
    hurry=400 * MS,
    alive=250 * MS,
    join=250 * MS,
    rep=625 * MS,
    seg=500 * MS,
    gather=1250 * MS,
    form=1250 * MS,
    lookup=30_000 * MS,
    token_retransmit=2 * MS,
    want_retry=5 * MS,
    form_retry=30 * MS,
    heartbeat=100 * MS,
)


class Log(EventList):
    """Keeps what was logged."""

    def causes(self) -> list[str]:
        """Return the causes of all troubles that were told."""
        return [str(fields["cause"]) for wording, fields in self.events if "trouble" in wording]


@dataclass
class Core:
    """A ring without messages."""

    fleet: "Fleet"
    me: int
    calls: list[str] = field(default_factory=list)
    sent: list[tuple[int, Packet]] = field(default_factory=list)
    accepts: bool = True  # What `ring_commit` returns.
    reported: tuple[int, int] = (0, 0)
    forming: tuple[tuple[int, int], list[int]] | None = None

    def ring_lost(self) -> None:
        self.calls.append("lost")
        self.forming = None

    def ring_freeze(self) -> tuple[int, int]:
        self.calls.append("freeze")
        return self.reported

    def ring_held(self, after: int, last: int) -> bytes:
        return bytes((last - after + 7) // 8)

    def ring_obligations(self) -> list[int]:
        return [self.me]

    def ring_commit(
        self,
        ring: tuple[int, int],
        members: list[int],
        **report: object,  # noqa: ARG002
    ) -> bool:
        self.calls.append("commit")
        if self.accepts:
            self.forming = ring, members
            if len(members) == 1:
                self.fleet.installs(ring, members)
        return self.accepts

    def ring_start(self) -> None:
        assert self.forming is not None
        self.calls.append("start")
        self.fleet.installs(*self.forming)

    def ring_settled(self) -> bool:
        return True

    def ring_wake(self) -> None:
        self.calls.append("wake")

    def set_incarnation(self, incarnation: int) -> None:
        self.fleet.incarnations[self.me] = incarnation

    def send_control(self, kind: int, target: int, body: bytes) -> None:
        packet = decode(kind, body, self.fleet.size)
        self.sent.append((target, packet))
        self.fleet.send(self.me, target, packet)


class Fleet:
    """Daemons 0, 1, ... in segments of the sizes given; `idle` ones exist only as names."""

    def __init__(self, *sizes: int, idle: Sequence[int] = ()) -> None:
        self.size = sum(sizes)
        self.now_ns = 0
        self.segments = tuple(
            number for number, members in enumerate(sizes) for _ in range(members)
        )
        self.ids = tuple(0x0A000001 + number for number in range(self.size))
        self.incarnations = [1] * self.size
        self.is_up = [False] * self.size
        self.counters = [0] * self.size
        self.installs_rings = True
        self.blocks: Callable[[int, int, Packet], bool] = lambda _source, _target, _packet: False
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self.logs = [Log() for _ in range(self.size)]
        self.cores: list[Core] = []
        self.machines: list[Membership] = []
        for number in range(self.size):
            core, machine = self._make(number)
            self.cores.append(core)
            self.machines.append(machine)
        for number in range(self.size):
            if number not in idle:
                self.start(number)

    # -- Daemons ----------------------------------------------------------------------------------

    def start(self, daemon: int) -> None:
        """Start a daemon."""
        self.is_up[daemon] = True
        self.machines[daemon].start()

    def crash(self, daemon: int) -> None:
        """Stop a daemon; nobody is told."""
        self.is_up[daemon] = False

    def restart(self, daemon: int, incarnation: int | None = None) -> None:
        """Let another daemon of the same name start."""
        if incarnation is None:
            incarnation = self.incarnations[daemon] + 1
        self.incarnations[daemon] = incarnation
        self.counters[daemon] = 0
        self.cores[daemon], self.machines[daemon] = self._make(daemon)
        self.start(daemon)

    def lose_token(self, *daemons: int, reason: int = 1) -> None:
        """Let the cores of these daemons declare the ring broken."""
        for each in daemons:
            self.machines[each].token_lost(reason)

    # -- Time -------------------------------------------------------------------------------------

    def run(self, milliseconds: float) -> None:
        """Let time pass."""
        end_ns = self.now_ns + int(milliseconds * MS)
        while (when_ns := self._next_ns()) <= end_ns:
            self.now_ns = max(self.now_ns, when_ns)
            while self._agenda and self._agenda[0][0] <= self.now_ns:
                heappop(self._agenda)[2]()
            for number, machine in enumerate(self.machines):
                if self.is_up[number] and 0 < machine.next_deadline_ns <= self.now_ns:
                    machine.deadline(self.now_ns)
                if self.is_up[number]:
                    machine.invariants()
        self.now_ns = end_ns

    def run_until(self, condition: Callable[[], bool], milliseconds: int = 60_000) -> None:
        """Let time pass until the condition holds; it must within the time given."""
        end_ns = self.now_ns + milliseconds * MS
        while not condition():
            assert self.now_ns < end_ns, f"the rings are {self.rings()}"
            self.run(1)

    def rings(self) -> list[tuple[int, ...]]:
        """Return the members of each daemon's installed ring; () where none works."""
        return [
            machine.members if up and machine.state in (State.OP, State.GATHER_ALIVE) else ()
            for machine, up in zip(self.machines, self.is_up, strict=True)
        ]

    def form(self) -> None:
        """Wait until all that are up have one ring."""
        up = tuple(number for number in range(self.size) if self.is_up[number])
        self.run_until(lambda: all(self.rings()[each] == up for each in up))

    # -- Packets ----------------------------------------------------------------------------------

    def send(self, source: int, target: int, packet: Packet) -> None:
        """Carry a packet to a daemon or a segment."""
        targets = [target]
        if target == SEGMENT:
            targets = [
                each
                for each in range(self.size)
                if self.segments[each] == self.segments[source] and each != source
            ]
        self.counters[source] += 1
        header = {
            "ring": self.machines[source].ring,
            "incarnation": self.incarnations[source],
            "counter": self.counters[source],
        }
        for each in targets:
            self._after(PACKET_MS, partial(self._arrive, source, each, packet, header))

    def hear(  # noqa: PLR0913 - the fields of a header.
        self,
        target: int,
        source: int,
        packet: Packet,
        *,
        ring: tuple[int, int] | None = None,
        incarnation: int | None = None,
        counter: int | None = None,
        address: int | None = None,
    ) -> None:
        """Let a daemon hear a packet at once, whoever may have sent it."""
        if counter is None:
            self.counters[source] += 1
            counter = self.counters[source]
        self.machines[target].control_packet(
            kind_of(packet),
            source,
            self.ids[source] if address is None else address,
            self.incarnations[source] if incarnation is None else incarnation,
            counter,
            (self.ids[source], 1) if ring is None else ring,
            encode(packet),
        )

    def sent(self, daemon: int, kind: type[Packet], since: int = 0) -> list[tuple[int, Packet]]:
        """Return what a daemon has sent of one kind, with targets."""
        return [each for each in self.cores[daemon].sent[since:] if isinstance(each[1], kind)]

    def alive(self, *hears: int, failed: tuple[int, ...] = ()) -> Alive:
        """Return the ALIVE of somebody who hears these daemons."""
        return Alive(tuple(Heard(each, self.incarnations[each]) for each in hears), failed)

    def join(
        self,
        role: Role,
        members: tuple[int, ...],
        *hears: int,
        reps: tuple[tuple[int, Role], ...] = (),
        failed: tuple[int, ...] = (),
    ) -> Join:
        """Return the JOIN of somebody who hears these daemons."""
        heard = tuple(Heard(each, self.incarnations[each]) for each in hears)
        return Join(role, members, reps, heard, failed, is_probe=role is Role.RING_REP)

    def installs(self, ring: tuple[int, int], members: list[int]) -> None:
        """Let the members install the ring, a moment later."""
        if self.installs_rings:
            for each in members:
                self._after(PACKET_MS, partial(self._install, each, ring))

    # -- Inside -----------------------------------------------------------------------------------

    def _make(self, number: int) -> tuple[Core, Membership]:
        core = Core(self, number)
        network = NetworkSettings(
            me=number,
            ids=self.ids,
            names=tuple(b"d%d" % each for each in range(self.size)),
            segments=self.segments,
            network_hash=1,
            incarnation=self.incarnations[number],
        )
        times = RingTimes(lambda: WALL_SECONDS + self.now_ns // (1000 * MS))
        times.next()
        machine = Membership(
            network,
            TIMEOUTS,
            core=core,
            log=self.logs[number],
            clock_ns=lambda: self.now_ns,
            ring_times=times,
            deadline_changed=lambda: None,
        )
        return core, machine

    def _after(self, milliseconds: int, action: Callable[[], None]) -> None:
        heappush(self._agenda, (self.now_ns + milliseconds * MS, next(self._order), action))

    def _next_ns(self) -> int:
        deadlines = [
            machine.next_deadline_ns
            for machine, up in zip(self.machines, self.is_up, strict=True)
            if up and machine.next_deadline_ns
        ]
        packets = [self._agenda[0][0]] if self._agenda else []
        return min(deadlines + packets, default=1 << 62)

    def _arrive(self, source: int, target: int, packet: Packet, header: dict[str, Any]) -> None:
        if self.is_up[target] and not self.blocks(source, target, packet):
            self.hear(target, source, packet, **header)

    def _install(self, daemon: int, ring: tuple[int, int]) -> None:
        core = self.cores[daemon]
        if self.is_up[daemon] and core.forming is not None and core.forming[0] == ring:
            core.forming = None
            self.machines[daemon].transitional()
            self.machines[daemon].regular()
