"""The network between simulated hosts: what it loses, repeats, reorders, delays and cuts off."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from random import Random
from typing import Final, Protocol

from spread.sim.agenda import Agenda
from spread.sim.cluster import Cluster

__all__ = ["Network", "Port", "Weather"]

SEGMENT: Final = 256  # The target that stands for all of the own segment.
LATE_FACTOR: Final = 20  # How much later than usual a packet comes that others overtake.


class Port(Protocol):
    """Where a host is attached."""

    def datagram(self, origin: int, channel: int, data: bytes, *, wants_answer: bool) -> None:
        """Take a datagram of another host; `wants_answer` if it was for this host alone."""

    def unreachable(self, daemon: int) -> None:
        """The host of that daemon says that nobody listens there."""


@dataclass(slots=True)
class Weather:
    """What happens to every packet: chances from 0 to 1, and a factor of the delay."""

    loss: float = 0.0
    repeats: float = 0.0
    overtakes: float = 0.0
    damage: float = 0.0
    slowness: float = 1.0


class Network:
    """Carries datagrams; a host is in one part, and links can be cut in one direction."""

    def __init__(self, cluster: Cluster, agenda: Agenda, numbers: Random) -> None:
        self.weather = Weather()
        self.parts = [0] * cluster.size
        self.cut: set[tuple[int, int]] = set()
        self.narrow: dict[tuple[int, int], int] = {}
        """Bytes of the largest datagram that a link carries; larger ones vanish."""
        self.drop: Callable[[int, int, int, bytes], bool] | None = None
        """Asked about (origin, target, channel, datagram); scripted tests lose with it."""
        self.watch: Callable[[int, bytes], None] | None = None
        """Told the origin and the bytes of every token."""
        self.sent = 0
        self._cluster = cluster
        self._agenda = agenda
        self._numbers = numbers
        self._ports: list[Port] = []
        self._last = [[[0] * cluster.size for _ in range(cluster.size)] for _ in range(2)]
        self._neighbours = _neighbours(cluster.segments)

    def attach(self, port: Port) -> None:
        """Connect the next host, in configuration order."""
        self._ports.append(port)

    def can_reach(self, origin: int, target: int) -> bool:
        """Tell whether a packet of `origin` may come to `target`."""
        return self.parts[origin] == self.parts[target] and (origin, target) not in self.cut

    def send(self, origin: int, target: int, channel: int, data: bytes) -> None:
        """Carry a datagram to a host or to the other hosts of the own segment."""
        self.sent += 1
        if channel == 1 and self.watch is not None:
            self.watch(origin, data)
        if target == SEGMENT:
            for each in self._neighbours[origin]:
                self._carry(origin, each, channel, data, wants_answer=False)
        else:
            self._carry(origin, target, channel, data, wants_answer=True)

    def answer_unreachable(self, origin: int, target: int) -> None:
        """The kernel of host `origin` tells `target` that its daemon does not run."""
        if self.can_reach(origin, target):
            self._agenda.after(self._delay(), self._ports[target].unreachable, origin)

    def heal(self) -> None:
        """Join all parts and links, and widen them; the weather stays as it is."""
        self.parts = [0] * len(self.parts)
        self.cut.clear()
        self.narrow.clear()

    def _carry(
        self, origin: int, target: int, channel: int, data: bytes, *, wants_answer: bool
    ) -> None:
        if self.parts[origin] != self.parts[target] or (origin, target) in self.cut:
            return
        if self.narrow and len(data) > self.narrow.get((origin, target), len(data)):
            return
        if self.drop is not None and self.drop(origin, target, channel, data):
            return
        weather = self.weather
        random = self._numbers.random
        if weather.loss and random() < weather.loss:
            return
        if weather.damage and random() < weather.damage:
            data = self._damaged(data)
        self._arrive(origin, target, channel, data, wants_answer)
        if weather.repeats and random() < weather.repeats:
            self._arrive(origin, target, channel, data, wants_answer)

    def _arrive(
        self, origin: int, target: int, channel: int, data: bytes, wants_answer: bool
    ) -> None:
        """Let it arrive behind what the same socket got from there before, if nothing overtakes."""
        when_ns = self._agenda.now_ns + self._delay()
        overtakes = self.weather.overtakes
        if overtakes and self._numbers.random() < overtakes:
            when_ns += self._delay() * LATE_FACTOR
        else:
            last = self._last[channel][origin]
            when_ns = last[target] = max(when_ns, last[target])
        self._agenda.at(when_ns, self._deliver, origin, target, channel, data, wants_answer)

    def _deliver(
        self, origin: int, target: int, channel: int, data: bytes, wants_answer: bool
    ) -> None:
        # A packet on its way when the link breaks is lost with it.
        if self.can_reach(origin, target):
            self._ports[target].datagram(origin, channel, data, wants_answer=wants_answer)

    def _delay(self) -> int:
        cluster = self._cluster
        jitter_ns = -cluster.jitter_ns * log(1.0 - self._numbers.random())
        return int((cluster.delay_ns + jitter_ns) * self.weather.slowness)

    def _damaged(self, data: bytes) -> bytes:
        place = self._numbers.randrange(len(data))
        other = data[place] ^ (1 << self._numbers.randrange(8))
        return data[:place] + bytes((other,)) + data[place + 1 :]


def _neighbours(segments: tuple[int, ...]) -> list[list[int]]:
    """For each host, the others of its segment."""
    neighbours: list[list[int]] = []
    first = 0
    for count in segments:
        members = range(first, first + count)
        neighbours += [[other for other in members if other != host] for host in members]
        first += count
    return neighbours
