"""Exchanges recorded with rings of the classic daemon, byte for byte in the simulator.

What was done to the daemons is done to the simulated ones. Ring times differ, but equal ones stay
equal. `ring2_transitional_traffic` depends on the place of the token from a certain event on: up to
there it is replayed, and what it shows behind has a test of its own.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from spread.service import SAFE_MESS
from spread.sim.connection import Connection
from spread.sim.trace import Cause, Closure, Transitional, Viewed
from tests.daemon.harness import transcript
from tests.daemon.harness.replay import MismatchError, VolatileFields
from tests.daemon.harness.transcript import Event
from tests.sim.arena import Arena

RECORDED = [name for name in transcript.names() if name.startswith("ring")]
QUIET_MS = 20  # Long enough for every message on its way.


@dataclass
class RawClient:
    """A connection that keeps the bytes."""

    connection: Connection = field(init=False)
    buffer: bytearray = field(default_factory=bytearray)
    is_over: bool = False

    def received(self, data: bytes) -> None:
        self.buffer += data

    def ended(self, closure: Closure) -> None:  # noqa: ARG002
        self.is_over = True


class RingReplay:
    """Plays the clients and the environment of a transcript."""

    def __init__(self, name: str) -> None:
        self.record: dict[str, Any] = json.loads((transcript.VECTORS / f"{name}.json").read_text())
        self.recorded = transcript.load(name)
        segments = [line for line in self.record["daemon_config"] if "Spread_Segment" in line]
        self.arena = Arena(*[1] * len(segments), is_loopback=True)
        self.clients: dict[str, RawClient] = {}
        self.fields = VolatileFields()

    def run(self) -> None:
        for event in self.recorded.events[: self.recorded.exact_until]:
            match event.direction, event.closes:
                case "note", _:
                    self.act(self.record["events"][event.index]["action"])
                case "c2d", False:
                    self.send(event)
                case "c2d", True:
                    self.client_of(event).connection.close()
                case "d2c", False:
                    self.receive(event)
                case _:
                    client = self.client_of(event)
                    self.arena.run_until(lambda client=client: client.is_over)
        self.arena.run(QUIET_MS)

    def number(self, daemon: str) -> int:
        return int(daemon.removeprefix("d")) - 1

    def client_of(self, event: Event) -> RawClient:
        if event.who not in self.clients:
            client = self.clients[event.who] = RawClient()
            daemon = self.record["clients"][event.who]
            client.connection = self.arena.world.hosts[self.number(daemon)].connect(client)
        return self.clients[event.who]

    def act(self, action: dict[str, Any]) -> None:
        world = self.arena.world
        match action["do"]:
            case "kill":
                world.crash(self.number(action["daemon"]))
            case "start":
                world.restart(self.number(action["daemon"]))
                self.arena.settle()
            case "stop":
                world.pause(self.number(action["daemon"]))
            case "resume":
                world.resume(self.number(action["daemon"]))
            case "partition":
                world.partition([map(self.number, part) for part in action["components"]])
            case other:
                raise AssertionError(f"nobody knows how to {other}")

    def send(self, event: Event) -> None:
        client = self.client_of(event)
        self.arena.run(QUIET_MS)
        client.connection.write(self.fields.to_send(event))

    def receive(self, event: Event) -> None:
        client, size = self.client_of(event), len(event.data)
        self.arena.world.run_until(lambda: len(client.buffer) >= size, 3_000_000_000, 1_000_000)
        actual = bytes(client.buffer[:size])
        del client.buffer[:size]
        expected = self.fields.expected(event, actual)
        if actual != expected:
            raise MismatchError(event, "other bytes came", expected, actual)

    def left_over(self) -> dict[str, bytes]:
        return {who: bytes(client.buffer) for who, client in self.clients.items() if client.buffer}


@pytest.mark.parametrize("name", RECORDED)
def test_clients_of_a_ring_get_what_was_recorded(name: str) -> None:
    replay = RingReplay(name)

    replay.run()

    if replay.recorded.exact_until is None:
        assert replay.left_over() == {}
    assert replay.arena.world.watch.violations == []


def test_requests_behind_the_signal_count_who_is_lost_until_the_view_of_the_new_ring() -> None:
    """The end of `ring2_transitional_traffic`: d2 is frozen in the middle of joins and leaves."""
    arena = Arena(1, 1, is_loopback=True)
    dave, bob = arena.client(0, b"grp", name=b"dave"), arena.client(1, b"grp", name=b"bob")
    carl = arena.client(0, name=b"carl")
    arena.settle()

    for number in range(12):
        carl.multicast(SAFE_MESS, [b"grp"])
        carl.join(b"grp") if number % 2 == 0 else carl.leave(b"grp")
        arena.run(0.1)
        if number == 4:
            arena.world.pause(1)
    arena.settle()

    assert dave.trace is not None
    seen = [each for each in dave.trace.events if isinstance(each, Viewed | Transitional)]
    behind = seen[next(at for at, each in enumerate(seen) if isinstance(each, Transitional)) :]
    kinds = [type(each) for each in behind]
    changes = [each for each in behind if isinstance(each, Viewed)]
    last_old = max(at for at, each in enumerate(changes) if bob.private_group in each.members)
    assert kinds[: 2 * last_old + 3] == [Transitional, Viewed] * (last_old + 1) + [Transitional]
    assert {each.cause for each in changes[: last_old + 2]} == {Cause.NETWORK}
    assert dave.private_group in changes[last_old + 1].members
    assert bob.private_group not in changes[last_old + 1].members
    arena.finish()


def test_all_recorded_rings_are_here() -> None:
    assert len(RECORDED) == 6
