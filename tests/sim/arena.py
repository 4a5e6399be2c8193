"""A simulated cluster for scripted scenarios: daemons that have met, clients, and a verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from spread.service import AGREED_MESS, CAUSAL_MESS, FIFO_MESS, SAFE_MESS
from spread.sim.agenda import MS
from spread.sim.checkers import check_all
from spread.sim.clients import Messages, TraceClient
from spread.sim.cluster import Cluster, scaled_timeouts
from spread.sim.run import liveness_ns
from spread.sim.trace import Delivered, Viewed
from spread.sim.world import World

__all__ = [
    "DATA",
    "FORM1",
    "FORM2",
    "GROUP",
    "TOKEN",
    "TOKEN_ACK",
    "WANT",
    "Arena",
    "Caught",
    "Tap",
    "delivered",
    "kind_of",
    "never",
    "views",
]

DATA, TOKEN, TOKEN_ACK, WANT = 1, 2, 3, 4
FORM1, FORM2 = 19, 20
GROUP = b"room"
SERVICES = (FIFO_MESS, CAUSAL_MESS, AGREED_MESS, SAFE_MESS)


def kind_of(datagram: bytes) -> int:
    """Return the kind in a datagram's header."""
    return datagram[3]


@dataclass(frozen=True)
class Caught:
    """A datagram on its way."""

    origin: int
    target: int
    channel: int
    data: bytes

    @property
    def kind(self) -> int:
        return kind_of(self.data)


def never(caught: Caught) -> bool:  # noqa: ARG001
    """Nothing is caught, or nothing is lost."""
    return False


class Tap:
    """Sees every datagram; keeps those that `wanted` asks for, and takes away what `lost` says."""

    def __init__(
        self,
        world: World,
        wanted: Callable[[Caught], bool],
        lost: Callable[[Caught], bool] = never,
    ) -> None:
        self.caught: list[Caught] = []
        self.wanted = wanted
        self.lost = lost
        self._world = world
        world.network.drop = self._see

    def _see(self, origin: int, target: int, channel: int, data: bytes) -> bool:
        caught = Caught(origin, target, channel, data)
        if self.wanted(caught):
            self.caught.append(caught)
        return self.lost(caught)

    def replay(self, caught: Caught, target: int | None = None) -> None:
        """Let a datagram arrive once more, or somewhere else."""
        host = self._world.hosts[caught.target if target is None else target]
        host.datagram(caught.origin, caught.channel, caught.data, wants_answer=False)


class Arena:
    """So many daemons in each segment, started, in one ring unless `forms` is false."""

    def __init__(
        self, *segments: int, seed: int = 1, forms: bool = True, **options: object
    ) -> None:
        cluster = replace(Cluster(segments, scaled_timeouts()), **options)  # type: ignore[arg-type]
        self.world = World(cluster, seed)
        self.messages = Messages()
        self.clients: list[TraceClient] = []
        self.world.start()
        if forms:
            self.settle()

    def client(
        self, daemon: int, *groups: bytes, name: bytes = b"", membership: bool = True
    ) -> TraceClient:
        """Connect a client, and let it ask to join groups."""
        name = name or b"c%d" % len(self.clients)
        client = TraceClient(self.world, self.messages, name, membership=membership)
        client.connect(self.world.hosts[daemon])
        assert client.is_open, "the daemon does not answer"
        self.clients.append(client)
        for group in groups:
            client.join(group)
        return client

    def clients_everywhere(self, *groups: bytes) -> list[TraceClient]:
        """Connect one client to each daemon, and wait until all are members."""
        clients = [self.client(number, *groups) for number in range(self.world.cluster.size)]
        self.settle()
        return clients

    def run(self, milliseconds: float) -> None:
        """Let time pass."""
        self.world.run(int(milliseconds * MS))

    def run_until(self, condition: Callable[[], bool], milliseconds: float = 1000) -> None:
        """Let time pass until the condition holds; it must within the time given."""
        assert self.world.run_until(condition, int(milliseconds * MS), MS // 10)

    def settle(self) -> None:
        """Wait until each part of the network has one ring, and then until nothing is under way."""
        timeouts = self.world.cluster.timeouts
        assert self.world.run_until(self.world.is_settled, liveness_ns(timeouts), MS), (
            f"the rings are {self.world.rings()}"
        )
        self.world.run(2 * timeouts.token)

    def talk(
        self,
        milliseconds: float,
        *,
        gap_ms: float = 1.0,
        services: Sequence[int] = SERVICES,
        groups: Sequence[bytes] = (GROUP,),
        size: int = 64,
    ) -> None:
        """Let every open client send in turn, one message in each gap, while time passes."""
        end_ns = self.world.now_ns + int(milliseconds * MS)
        number = 0
        while self.world.now_ns < end_ns:
            able = [client for client in self.clients if client.is_open]
            sender = able[number % len(able)]
            if len(sender.connection.pending) < 100_000:
                sender.multicast(services[number // len(able) % len(services)], groups, size)
            number += 1
            self.run(gap_ms)

    def finish(self) -> None:
        """Heal all, wait, let everybody say a last word, and judge what was seen."""
        history = self.world.history
        self.world.network.drop = None
        self.world.heal()
        healed_at = history.tick()
        self.settle()
        for client in self.clients:
            if client.is_open:
                for group in sorted(client.groups):
                    client.multicast(SAFE_MESS, [group])
        self.settle()
        history.healed_at = healed_at
        found = [str(each) for each in check_all(history)]
        assert self.world.watch.violations + found == []


def delivered(client: TraceClient) -> list[int]:
    """Return the identities of what a client delivered."""
    assert client.trace is not None
    return [each.message.identity for each in client.trace.events if isinstance(each, Delivered)]


def views(client: TraceClient, group: bytes = GROUP) -> list[Viewed]:
    """Return the views of a group that a client got."""
    assert client.trace is not None
    return [
        each for each in client.trace.events if isinstance(each, Viewed) and each.group == group
    ]
