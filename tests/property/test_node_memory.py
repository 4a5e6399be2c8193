"""Little memory and clients that misbehave: bounds hold, nobody hangs, everything is given back."""

from collections.abc import Iterator
from random import Random

import pytest

from tests.daemon.harness import wire
from tests.memory.daemon import NOTHING_IN_USE, SECOND_NS, Client, Limits, MemoryDaemon

KIB = 1024
SEEDS = range(20)
STEPS = 600
READ_SIZE = 4 * KIB  # What the reactor reads at once while memory is short.
MESSAGE_SIZE_MAX = 140_080


class Crowd:
    """Clients that send messages in pieces, stall, do not read, and go."""

    def __init__(self, seed: int) -> None:
        self.choose = Random(seed)
        self.limits = Limits(
            messages=self.choose.choice((5, 50, 1_000)),
            message_bytes=self.choose.choice((50, 500)) * KIB,
            exact=self.choose.random() < 0.3,
            queued_bytes=self.choose.choice((512, 1_024, 4_096)) * KIB,
            inbound_bytes=self.choose.choice((150, 300, 600)) * KIB,
        )
        payload_max = self.choose.choice((1_400, 65_472))
        self.daemon = MemoryDaemon(self.limits, payload_max=payload_max)
        self.unsent: dict[Client, bytes] = {}
        self.opened = 0

    def open(self) -> Client:
        self.opened += 1
        client = self.daemon.open(b"c%d" % self.opened, membership=self.choose.random() < 0.5)
        client.join(b"g")
        self.unsent[client] = b""
        return client

    def clients(self) -> list[Client]:
        return [client for client in self.unsent if not client.is_closed()]

    def step(self) -> None:
        clients = self.clients()
        dice = self.choose.random()
        if len(clients) < 3 or (dice < 0.1 and len(clients) < 12):
            self.open()
        elif dice < 0.8:
            self.send(self.choose.choice(clients))
        elif dice < 0.9:
            client = self.choose.choice(clients)
            client.room = client.room or 0
            self.daemon.make_room(client, self.choose.choice((0, 0, 1_000, 200_000)))
        elif dice < 0.92:
            self.choose.choice(clients).close()
        else:
            self.daemon.advance(self.choose.randint(1, 3_000) * SECOND_NS // 1_000)

    def send(self, client: Client) -> bool:
        """Send a piece of what the client has begun, or begin something."""
        if not self.unsent[client]:
            self.unsent[client] = self.message(client)
        size = self.choose.choice((10, READ_SIZE, READ_SIZE, 200_000))
        piece = self.unsent[client][:size]
        was_read = client.send(piece)
        if was_read:
            self.unsent[client] = self.unsent[client][len(piece) :]
        return was_read

    def message(self, client: Client) -> bytes:
        others = [other.private_group for other in self.clients()]
        group = self.choose.choice((b"g", self.choose.choice(others)))
        size = self.choose.choice((0, 100, 10_000, 60_000, 140_000))
        return wire.data_frame(client.private_group, wire.AGREED, (group,), b"x" * size)

    def relieve(self) -> None:
        """Let everybody read and finish what it has begun."""
        for client in self.clients():
            self.daemon.make_room(client, None)
        for _ in range(600):
            open_clients = [client for client in self.clients() if self.unsent[client]]
            if not open_clients:
                return
            for client in open_clients:
                if client.send(self.unsent[client][:READ_SIZE]):
                    self.unsent[client] = self.unsent[client][READ_SIZE:]
            self.daemon.advance(SECOND_NS // 10)
        raise AssertionError(f"{len(open_clients)} clients are never read again")

    def frames(self) -> Iterator[wire.Frame]:
        for client in self.unsent:
            yield from client.take_frames()


@pytest.fixture(params=SEEDS)
def crowd(request: pytest.FixtureRequest) -> Crowd:
    crowd = Crowd(request.param)
    for _ in range(STEPS):
        crowd.step()
        statistics = crowd.daemon.statistics()
        assert statistics["buffer_bytes"] <= crowd.limits.queued_bytes
        assert statistics["inbound_bytes"] <= crowd.limits.inbound_bytes + 12 * MESSAGE_SIZE_MAX
    return crowd


def test_everybody_is_read_again_when_all_read(crowd: Crowd) -> None:
    crowd.relieve()

    survivors = crowd.clients()
    for client in survivors:
        client.multicast(client.private_group, b"still served")
    served = [frame for frame in crowd.frames() if frame.data == b"still served"]
    assert len(served) == len(survivors)


def test_everything_is_given_back_when_all_have_gone(crowd: Crowd) -> None:
    for client in crowd.clients():
        client.close()

    assert crowd.daemon.in_use() == NOTHING_IN_USE
    assert crowd.daemon.statistics()["sessions"] == 0
    assert len(crowd.daemon.control.sessions) == len(crowd.daemon.control.groups) == 0
    assert len(list(crowd.daemon.logged("session closed"))) == crowd.opened
