"""Many clients that talk, join, leave, hang, die and come back, as a seed decides."""

from collections.abc import Callable
from random import Random
from typing import Final

from spread.service import (
    AGREED_MESS,
    CAUSAL_MESS,
    FIFO_MESS,
    RELIABLE_MESS,
    SAFE_MESS,
    UNRELIABLE_MESS,
)
from spread.sim.agenda import MS
from spread.sim.clients import Messages, TraceClient
from spread.sim.world import World

__all__ = ["Workload"]

GROUPS: Final = (b"g0", b"g1", b"g2", b"g3")
SERVICES: Final = (
    SAFE_MESS, SAFE_MESS, SAFE_MESS, AGREED_MESS, AGREED_MESS, AGREED_MESS,
    FIFO_MESS, CAUSAL_MESS, RELIABLE_MESS, UNRELIABLE_MESS,
)  # fmt: skip
PENDING_MAX: Final = 200_000  # Bytes that the daemon has not read; a client waits with more.


class Workload:
    """Clients by their places; each is one connection after another, mostly at the same daemon."""

    def __init__(self, world: World, count: int, pause_ns: int, numbers: Random) -> None:
        self.messages = Messages()
        self.clients: list[TraceClient | None] = [None] * count
        self._world = world
        self._pause_ns = pause_ns
        self._numbers = numbers
        self._names = 0
        self._runs = True
        size = world.cluster.size
        self._homes = [place % size for place in range(count)]
        self._actions: tuple[tuple[float, Callable[[TraceClient], None]], ...] = (
            (0.80, self._send),
            (0.85, self._send_privately),
            (0.92, self._join),
            (0.965, self._leave),
            (0.98, self._hang),
            (0.99, self._disconnect),
            (1.00, self._die),
        )

    def start(self) -> None:
        """Let every client connect soon."""
        for place in range(len(self.clients)):
            self._world.agenda.after(self._numbers.randrange(5 * MS), self._connect, place)

    def stop(self) -> None:
        """Ask for nothing from now on; those that hang read again."""
        self._runs = False
        for client in self._open():
            client.connection.read_again()

    def say_farewell(self) -> None:
        """Let every client send once more to each of its groups."""
        for client in self._open():
            for group in sorted(client.groups):
                client.multicast(SAFE_MESS, [group])

    def is_quiet(self) -> bool:
        """Tell whether the daemons have read all requests."""
        return not any(client.connection.pending for client in self._open())

    def _open(self) -> list[TraceClient]:
        return [client for client in self.clients if client is not None and client.is_open]

    # -- Coming and going -------------------------------------------------------------------------

    def _connect(self, place: int) -> None:
        numbers = self._numbers
        if not self._runs:
            return
        if numbers.random() < 0.1:
            self._homes[place] = numbers.randrange(self._world.cluster.size)
        host = self._world.hosts[self._homes[place]]
        if not host.serves:
            self._world.agenda.after(numbers.randrange(20 * MS), self._connect, place)
            return
        if numbers.random() < 0.7:
            self._names += 1
        client = TraceClient(
            self._world,
            self.messages,
            b"c%d-%d" % (place, self._names),
            membership=numbers.random() < 0.9,
            opened=lambda client: self._opened(place, client),
            over=lambda client: self._over(place, client),
        )
        self.clients[place] = client
        client.connect(host)

    def _opened(self, place: int, client: TraceClient) -> None:
        if not self._runs:
            return
        for group in self._numbers.sample(GROUPS, self._numbers.randint(1, 3)):
            client.join(group)
        self._plan(place, client)

    def _over(self, place: int, client: TraceClient) -> None:
        if self.clients[place] is client:
            self.clients[place] = None
            self._world.agenda.after(self._numbers.randrange(MS, 20 * MS), self._connect, place)

    # -- Requests ---------------------------------------------------------------------------------

    def _plan(self, place: int, client: TraceClient) -> None:
        pause_ns = int(self._numbers.expovariate(1 / self._pause_ns))
        self._world.agenda.after(pause_ns, self._act, place, client)

    def _act(self, place: int, client: TraceClient) -> None:
        if not self._runs or not client.is_open:
            return
        if len(client.connection.pending) < PENDING_MAX:
            chance = self._numbers.random()
            next(action for limit, action in self._actions if chance < limit)(client)
        if client.is_open:
            self._plan(place, client)

    def _send(self, client: TraceClient) -> None:
        """Send to one or two groups, now and then as a burst, or one group named twice."""
        numbers = self._numbers
        groups = numbers.choices(GROUPS, k=1 if numbers.random() < 0.7 else 2)
        for _ in range(1 if numbers.random() < 0.9 else 8):
            client.multicast(
                numbers.choice(SERVICES),
                groups,
                self._size(),
                mess_type=numbers.randrange(-100, 100),
                discards_self=numbers.random() < 0.1,
            )

    def _send_privately(self, client: TraceClient) -> None:
        others = self._open()
        targets = [self._numbers.choice(others).private_group]
        if self._numbers.random() < 0.3:
            targets.append(self._numbers.choice(GROUPS))
        client.multicast(self._numbers.choice(SERVICES), targets, self._size())

    def _size(self) -> int:
        chance = self._numbers.random()
        if chance < 0.85:
            return self._numbers.randrange(8, 200)
        if chance < 0.99:
            return self._numbers.randrange(200, 4_000)
        return self._numbers.randrange(4_000, 60_000)

    def _join(self, client: TraceClient) -> None:
        client.join(self._numbers.choice(GROUPS))

    def _leave(self, client: TraceClient) -> None:
        client.leave(self._numbers.choice(GROUPS))

    def _hang(self, client: TraceClient) -> None:
        """Read nothing for a while."""
        client.connection.stop_reading()
        duration_ns = self._numbers.randrange(50 * MS)
        self._world.agenda.after(duration_ns, client.connection.read_again)

    def _disconnect(self, client: TraceClient) -> None:
        client.disconnect()

    def _die(self, client: TraceClient) -> None:
        client.break_connection()
