"""Ways that carry less than the daemons hope: rings form, recover and deliver all the same."""

from collections.abc import Sequence

import pytest

from spread.service import SAFE_MESS
from spread.sim.clients import TraceClient
from tests.sim.arena import GROUP, Arena, delivered

LEAST = 548  # What every host with IPv4 takes.
LARGE = 20_000


def links_of(arena: Arena, daemon: int) -> list[tuple[int, int]]:
    others = [each for each in range(arena.world.cluster.size) if each != daemon]
    return [(each, daemon) for each in others] + [(daemon, each) for each in others]


def send_large(clients: Sequence[TraceClient], count: int = 3) -> int:
    for client in clients:
        for _ in range(count):
            client.multicast(SAFE_MESS, [GROUP], LARGE)
    return count * len(clients)


@pytest.mark.parametrize("size", [LEAST, 600, 1_000])
@pytest.mark.parametrize("segments", [(3,), (2, 2)])
def test_a_narrow_way_lets_large_messages_through(size: int, segments: tuple[int, ...]) -> None:
    arena = Arena(*segments, measures=True, payload_max=8_000)
    clients = arena.clients_everywhere(GROUP)
    before = arena.world.rings()
    arena.world.narrow(links_of(arena, 1), size)

    due = send_large(clients)
    arena.run_until(lambda: all(len(delivered(each)) == due for each in clients), 10_000)

    assert arena.world.rings() == before
    arena.finish()


@pytest.mark.parametrize("count", [2, 9])
def test_a_ring_forms_over_narrow_ways_only(count: int) -> None:
    arena = Arena(count, forms=False, measures=True)
    for daemon in range(count):
        arena.world.narrow(links_of(arena, daemon), LEAST)

    arena.settle()
    clients = arena.clients_everywhere(GROUP)
    due = send_large(clients)
    arena.run_until(lambda: all(len(delivered(each)) == due for each in clients), 10_000)

    arena.finish()


@pytest.mark.parametrize("loss", [0.02, 0.15])
def test_what_was_sent_over_wide_ways_is_recovered_over_narrow_ones(loss: float) -> None:
    arena = Arena(4, measures=True, payload_max=8_000)
    clients = arena.clients_everywhere(GROUP)
    send_large(clients)
    arena.run(100)
    assert {each.parts.node.ring_statistics()["datagram_size"] for each in arena.world.hosts} == {
        8_064
    }

    arena.world.change_weather(loss=loss)
    send_large(clients, 10)
    arena.run(1)
    for daemon in range(3):
        arena.world.narrow(links_of(arena, daemon), LEAST)
    arena.world.crash(3, silent=True)
    arena.run_until(lambda: arena.world.rings()[:3] == [(0, 1, 2)] * 3, 2_000)

    assert sum(each.parts.node.statistics()["recovered"] for each in arena.world.hosts[:3]) > 0
    arena.finish()
