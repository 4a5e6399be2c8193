"""Mistakes that group layers of this kind have had: state exchange, clients that go, sizes.

The numbers are those of the list in the documentation.
"""

import pytest

from spread.service import AGREED_MESS, SAFE_MESS
from spread.sim.clients import TraceClient
from spread.sim.trace import Closure
from tests.sim.arena import DATA, GROUP, Arena, Tap, delivered, never, views

PAYLOAD_MAX = 143_952 - 32


def test_14_thousands_of_groups_come_together_again() -> None:
    arena = Arena(3)
    names = [b"group-%d" % number for number in range(2000)]
    clients = [arena.client(daemon, *names, membership=daemon == 1) for daemon in range(3)]
    arena.settle()

    arena.world.partition([[0], [1, 2]])
    arena.settle()
    arena.world.partition([])
    arena.settle()

    members = tuple(client.private_group for client in clients)
    assert {views(clients[1], name)[-1].members for name in names} == {members}
    arena.finish()


def test_14_a_group_whose_members_need_many_messages_comes_together_again() -> None:
    arena = Arena(2)
    clients = [arena.client(number % 2, GROUP, membership=number < 2) for number in range(1500)]
    arena.settle()

    arena.world.partition([[0], [1]])
    arena.settle()
    arena.world.partition([])
    arena.settle()

    assert {len(views(client)[-1].members) for client in clients[:2]} == {1500}
    assert len({views(client)[-1].group_id for client in clients[:2]}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_21_joins_leaves_and_ends_during_the_exchange_of_group_states(seed: int) -> None:
    arena = Arena(4, seed=seed)
    arena.clients_everywhere(GROUP)
    arena.world.partition([[0, 1], [2, 3]])
    arena.settle()

    arena.world.partition([])
    for number in range(120):
        daemon = number % 4
        newcomer = arena.client(daemon, GROUP)
        leaver = arena.clients[number % len(arena.clients)]
        if leaver.is_open and leaver is not newcomer:
            leaver.leave(GROUP)
        if number % 3 == 0:
            newcomer.disconnect()
        elif number % 7 == 0:
            newcomer.break_connection()
        arena.run(1.3)

    arena.finish()


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_22_clients_that_go_during_their_handshake_leave_nothing(steps: int) -> None:
    arena = Arena(2)
    arena.client(0, GROUP)
    host = arena.world.hosts[1]
    pieces = [b"\x04\x04\x00", b"\x01\x03bob", b"NULL".ljust(45, b"\0"), bytes(45)]

    class Silent:
        def received(self, data: bytes) -> None: ...

        def ended(self, closure: Closure) -> None: ...

    for _ in range(20):
        connection = host.connect(Silent())
        for piece in pieces[:steps]:
            connection.write(piece)
        connection.close()
    arena.run(10)

    assert not host.connections
    bob = arena.client(1, GROUP, name=b"bob")
    arena.settle()
    assert views(bob)[-1].members == (arena.clients[0].private_group, bob.private_group)
    arena.finish()


def test_22_a_farewell_and_a_broken_connection_make_one_departure() -> None:
    arena = Arena(2)
    watcher = arena.client(0, GROUP)
    arena.settle()

    for number in range(20):
        client = arena.client(1, GROUP)
        arena.run(5)
        client.multicast(AGREED_MESS, [GROUP])
        client.disconnect()
        if number % 2:
            client.break_connection()
        arena.run(5)

    assert views(watcher)[-1].members == (watcher.private_group,)
    assert len(views(watcher)) == 41
    arena.finish()


@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_23_the_largest_messages_are_delivered_whole(loss: float) -> None:
    arena = Arena(3)
    clients = arena.clients_everywhere(GROUP)
    arena.world.change_weather(loss=loss)

    for size in (PAYLOAD_MAX - 8, PAYLOAD_MAX):
        for client in clients:
            client.multicast(SAFE_MESS, [GROUP], size)
            arena.run(20)
    arena.run(500)

    assert all(len(delivered(client)) == 6 for client in clients)
    arena.finish()


def test_23_a_large_message_cut_by_a_split_comes_whole_or_not_at_all() -> None:
    arena = Arena(3)
    clients = arena.clients_everywhere(GROUP)

    for pause_ms in (0.1, 0.5, 1, 2, 4):
        for client in clients:
            client.multicast(SAFE_MESS, [GROUP], 100_000)
        arena.run(pause_ms)
        arena.world.partition([[0], [1, 2]])
        arena.run(250)
        arena.world.partition([])
        arena.run(400)

    arena.finish()


def test_names_are_free_again_on_another_daemon_after_a_crash() -> None:
    """Not of the list: the client comes back elsewhere while its old self is still in views."""
    arena = Arena(3)
    arena.clients_everywhere(GROUP)
    arena.world.crash(2, silent=True)
    again: TraceClient = arena.client(1, GROUP, name=b"c2")
    arena.settle()

    assert views(again)[-1].members[-1] == b"#c2#d2"
    arena.finish()


def test_two_sides_of_a_split_never_give_one_id_to_two_views() -> None:
    """Not of the list: a join that only its own daemon has, and one that the other side orders."""
    arena = Arena(2)
    arena.client(0, GROUP)
    arena.settle()
    Tap(arena.world, never, lambda caught: caught.origin == 1 and caught.kind == DATA)

    lone = arena.client(1, GROUP)
    arena.run(3)
    other = arena.client(0, GROUP)
    arena.run(5)
    early = list(views(lone))
    arena.world.partition([[0], [1]])
    arena.settle()

    assert early == []
    assert views(lone)[-1].members == (lone.private_group,)
    assert other.private_group in views(other)[-1].members
    arena.finish()
