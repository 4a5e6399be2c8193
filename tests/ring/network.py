"""Several cores on one clock and a network that loses, repeats and reorders, seeded.

    network = VirtualNetwork(3, seed=1)
    network.form([0, 1, 2])           what membership does, without its packets
    network.submit(0, b"hello", SAFE)
    network.run(20 * MS)
    network.transcripts[0]            what the client of daemon 0 heard, by rings

Each daemon exchanges a state with the others when a ring begins and holds what its client sends
until it has the states of all members, as the groups do.
"""

import heapq
from dataclasses import dataclass, field
from random import Random

from tests.ring.station import (
    AGREED,
    MS,
    SEGMENT,
    START_NS,
    Heard,
    Shape,
    Station,
    Upcalls,
)

__all__ = ["Chapter", "VirtualNetwork", "Weather"]

DELAY_NS = 20_000
RingId = tuple[int, int]


@dataclass(slots=True)
class Weather:
    """Chances, from 0 to 1, of what happens to a datagram."""

    loss: float = 0.0
    repeats: float = 0.0
    overtakes: float = 0.0


@dataclass(slots=True)
class Chapter:
    """What one client heard in one ring: its regular part, and the transitional one behind it."""

    ring: RingId
    regular: list[bytes] = field(default_factory=list)
    transitional: list[bytes] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    states_come_first: bool = True
    together: tuple[int, ...] = ()  # Who went on together into the next ring.

    @property
    def messages(self) -> list[bytes]:
        return self.regular + self.transitional


class _Exchange(Upcalls):
    """The groups of a daemon, as far as the core sees them."""

    def __init__(self, network: "VirtualNetwork", me: int) -> None:
        super().__init__()
        self._network = network
        self._me = me
        self._states: set[int] = set()

    def ring_transitional(self) -> None:
        self.mark("transitional " + " ".join(map(str, self._network.together[self._me])))

    def ring_regular(self) -> None:
        leader, time = self._network.stations[self._me].ring
        self.mark(f"regular {leader} {time}")
        self._states.clear()
        self.node.hold_requests(True)
        self.node.submit_state(b"%d/%d" % (leader, time))

    def ordered_state(self, origin: int, body: bytes) -> None:
        super().ordered_state(origin, body)
        self._states.add(origin)
        if self._states >= set(self._network.stations[self._me].members):
            self.node.hold_requests(False)


class VirtualNetwork:
    """Daemons 0 to n-1; each starts in a ring of its own and hears of no other."""

    def __init__(self, daemons: int, *, seed: int = 0, shape: Shape | None = None) -> None:
        self.now_ns = START_NS
        self.weather = Weather()
        self.parts = [0] * daemons  # Daemons of the same number reach each other.
        self.together: list[tuple[int, ...]] = [()] * daemons
        self.broken: set[int] = set()  # Daemons whose ring is lost.
        self._random = Random(seed)
        self._times = 2
        self._flights: list[tuple[int, int, int, bytes]] = []
        self._flown = 0
        shape = (shape or Shape()).but(daemons=daemons)
        self._segments = shape.segments or (0,) * daemons
        self.stations = [Station(me, shape, _Exchange(self, me)) for me in range(daemons)]
        self._heard: list[list[Heard]] = [[] for _ in range(daemons)]

    # -- Membership -------------------------------------------------------------------------------

    def lose(self, daemon: int) -> None:
        """Let a daemon give up its ring."""
        self.stations[daemon].node.ring_lost()
        self.broken.add(daemon)

    def form(self, members: list[int], *, between_ns: int = 0) -> None:
        """Form a ring; packets fly on for a while between the reports and the commitments."""
        members = sorted(members)
        for member in members:
            self.lose(member)
        old: dict[RingId, list[int]] = {}
        reports = {}
        for member in members:
            station = self._at(member)
            reports[member] = station.node.ring_freeze()
            old.setdefault(self._installed[member], []).append(member)
        self.run(between_ns)
        self._times += 1
        ring = (100 + members[0], self._times)
        for group in old.values():
            self._commit(ring, members, group, [reports[member] for member in group])
        self.broken -= set(members)
        last = self.stations[members[-1]]
        if len(members) > 1:
            last.node.ring_start()
        self._after(last.me)

    def _commit(
        self,
        ring: RingId,
        members: list[int],
        group: list[int],
        reports: list[tuple[int, int]],
    ) -> None:
        """Commit those who come from one old ring to what they hold of it together."""
        stable = max(stable for stable, _ in reports)
        high = max(high for _, high in reports)
        union = 0
        obligations: set[int] = set(group)
        for member in group:
            node = self.stations[member].node
            union |= int.from_bytes(node.ring_held(stable, high), "little")
            obligations |= set(node.ring_obligations())
        for member in group:
            station = self._at(member)
            self.together[member] = tuple(group)
            assert station.node.ring_commit(
                ring,
                members,
                stable=stable,
                high=high,
                have=union.to_bytes((high - stable + 7) // 8, "little"),
                transitional=group,
                obligations=sorted(obligations),
            )
            station.ring, station.members = ring, members
            self._after(member)

    @property
    def _installed(self) -> list[RingId]:
        """The ring that each daemon has installed last."""
        return [
            next(
                (
                    (int(words[1]), int(words[2]))
                    for each in reversed(heard)
                    if isinstance(each, str) and (words := each.split())[0] == "regular"
                ),
                (100 + me, 1),
            )
            for me, heard in enumerate(self._heard)
        ]

    # -- Clients ----------------------------------------------------------------------------------

    def submit(self, daemon: int, body: bytes, service: int = AGREED) -> bool:
        """Let a client send; False when it is not read now."""
        station = self._at(daemon)
        accepted = station.offer(body, service)
        self._after(daemon)
        return accepted

    @property
    def transcripts(self) -> list[list[Chapter]]:
        """What each client heard; rings of one at the start are the first chapters."""
        return [self._chapters(me, heard) for me, heard in enumerate(self._heard)]

    def _chapters(self, me: int, heard: list[Heard]) -> list[Chapter]:
        chapters = [Chapter((100 + me, 1))]
        for each in heard:
            chapter = chapters[-1]
            if isinstance(each, bytes):
                part = chapter.transitional if chapter.together else chapter.regular
                part.append(each)
                continue
            words = each.split()
            if words[0] == "regular":
                chapters.append(Chapter((int(words[1]), int(words[2]))))
            elif words[0] == "transitional":
                chapter.together = tuple(map(int, words[1:]))
            else:
                chapter.states.append(each)
                chapter.states_come_first &= not chapter.messages
        return chapters

    # -- Time -------------------------------------------------------------------------------------

    def run(self, duration_ns: int) -> None:
        """Let time pass: datagrams arrive, deadlines come."""
        end_ns = self.now_ns + duration_ns
        while True:
            deadlines = [
                (deadline, station.me)
                for station in self.stations
                if (deadline := station.driver.deadline())
            ]
            deadline, daemon = min(deadlines, default=(end_ns + 1, -1))
            if self._flights and self._flights[0][0] <= min(deadline, end_ns):
                when_ns, _, target, datagram = heapq.heappop(self._flights)
                self.now_ns = max(self.now_ns, when_ns)
                self._at(target).receive(datagram)
                self._after(target)
            elif deadline <= end_ns:
                self.now_ns = max(self.now_ns, deadline)
                self._at(daemon).turn()
                self._after(daemon)
            else:
                self.now_ns = end_ns
                return

    def run_quietly(self) -> None:
        """Let everything that was sent arrive and settle, without faults."""
        weather, self.weather = self.weather, Weather()
        self.run(400 * MS)
        self.weather = weather

    def _at(self, daemon: int) -> Station:
        station = self.stations[daemon]
        station.now_ns = self.now_ns
        return station

    def _after(self, daemon: int) -> None:
        """Take what a daemon has to say."""
        station = self._at(daemon)
        station.turn()
        self._heard[daemon] += station.take_heard()
        if any(call[0] == "lost" for call in station.upcalls.take()):
            self.lose(daemon)
        for sent in station.take_sent():
            targets = [sent.target]
            if sent.target == SEGMENT:
                targets = [
                    other
                    for other, segment in enumerate(self._segments)
                    if other != daemon and segment == self._segments[daemon]
                ]
            for target in targets:
                self._carry(daemon, target, sent.data)

    def _carry(self, source: int, target: int, datagram: bytes) -> None:
        chance = self._random.random
        if self.parts[source] != self.parts[target] or chance() < self.weather.loss:
            return
        for _ in range(2 if chance() < self.weather.repeats else 1):
            delay_ns = DELAY_NS
            if chance() < self.weather.overtakes:
                delay_ns += self._random.randrange(40 * DELAY_NS)
            self._flown += 1
            heapq.heappush(self._flights, (self.now_ns + delay_ns, self._flown, target, datagram))
