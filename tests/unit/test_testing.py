"""Rings for users' own tests: what the documentation of `spread.testing` promises."""

from collections.abc import Callable

import pytest

from spread import Membership, Message
from spread.errors import SessionClosedError
from spread.pytest_plugin import spread_ring
from spread.service import AGREED_MESS, MembershipKind
from spread.testing import Client, Ring

__all__ = ["spread_ring"]  # A fixture is used by its name.


def payloads(client: Client) -> list[bytes]:
    return [each.payload for each in client.receive_all() if isinstance(each, Message)]


def last_view(client: Client) -> Membership:
    views = [
        each
        for each in client.receive_all()
        if isinstance(each, Membership) and each.kind is MembershipKind.VIEW
    ]
    return views[-1]


def two_in_a_room(ring: Ring) -> tuple[Client, Client]:
    alice, bob = ring.connect("alice", 0), ring.connect("bob", 2)
    alice.join("room")
    bob.join("room")
    ring.settle()
    return alice, bob


def test_daemons_have_met_when_the_ring_is_there() -> None:
    ring = Ring(3)

    assert [ring.members(daemon) for daemon in range(3)] == [("d1", "d2", "d3")] * 3


def test_a_message_reaches_members_at_other_daemons() -> None:
    ring = Ring(3)
    alice, bob = two_in_a_room(ring)

    alice.multicast("room", b"hello", service=AGREED_MESS, mess_type=7)
    ring.settle()

    assert payloads(bob) == payloads(alice) == [b"hello"]


def test_received_messages_are_those_of_the_client_library() -> None:
    ring = Ring(3)
    alice, bob = two_in_a_room(ring)
    bob.receive_all()

    alice.send(["room", bob.private_group], b"x", service=AGREED_MESS, mess_type=-3)
    ring.step()

    message = bob.receive()
    assert isinstance(message, Message)
    assert (message.sender, message.groups) == ("#alice#d1", ("room", "#bob#d3"))
    assert (message.mess_type, message.payload) == (-3, b"x")
    assert bob.receive() is None


def test_a_partition_keeps_messages_apart_and_healing_joins_the_views() -> None:
    ring = Ring(3)
    alice, bob = two_in_a_room(ring)

    ring.partition([0, 1], [2])
    ring.settle()
    split = last_view(alice).members, last_view(bob).members
    alice.multicast("room", b"alone")
    ring.settle()
    unheard = payloads(bob)
    ring.heal()
    ring.settle()

    assert split == (("#alice#d1",), ("#bob#d3",))
    assert unheard == []
    assert last_view(alice).members == ("#alice#d1", "#bob#d3")
    assert ring.members(0) == ("d1", "d2", "d3")


def test_a_crash_closes_its_clients_and_a_restart_serves_new_ones() -> None:
    ring = Ring(3)
    alice, bob = two_in_a_room(ring)

    ring.crash(2)
    ring.settle()
    after_crash = ring.members(0), ring.members(2), last_view(alice).members
    ring.restart(2)
    ring.settle()
    ring.connect("bob", 2).join("room")
    ring.settle()

    assert after_crash == (("d1", "d2"), (), ("#alice#d1",))
    assert not bob.is_open
    assert last_view(alice).members == ("#alice#d1", "#bob#d3")
    with pytest.raises(SessionClosedError, match="#bob#d3 is not connected"):
        bob.join("room")


def test_nobody_connects_to_a_daemon_that_is_down() -> None:
    ring = Ring(2)
    ring.crash(1)

    with pytest.raises(ConnectionRefusedError):
        ring.connect("bob", 1)


def test_a_paused_daemon_is_left_behind_and_comes_back() -> None:
    ring = Ring(3)

    ring.pause(1)
    ring.settle()
    without = ring.members(0)
    ring.resume(1)
    ring.settle()

    assert without == ("d1", "d3")
    assert ring.members(1) == ("d1", "d2", "d3")


def test_losses_lose_no_message() -> None:
    ring = Ring(3)
    alice, bob = two_in_a_room(ring)
    ring.lose(0.2)

    for number in range(50):
        alice.multicast("room", b"%d" % number)
        ring.step(0.002)
    ring.heal()
    ring.settle()

    assert payloads(bob) == [b"%d" % number for number in range(50)]


def test_a_client_that_hangs_gets_everything_when_it_reads_again() -> None:
    ring = Ring(3)
    alice, bob = two_in_a_room(ring)
    payloads(bob)

    bob.stop_reading()
    alice.multicast("room", b"wait")
    ring.settle()
    before = payloads(bob)
    bob.read_again()

    assert (before, payloads(bob)) == ([], [b"wait"])


def test_a_client_that_disconnects_leaves_its_groups() -> None:
    ring = Ring(3)
    alice, bob = two_in_a_room(ring)

    bob.disconnect()
    ring.settle()

    assert not bob.is_open
    assert last_view(alice).members == ("#alice#d1",)


def test_segments_are_as_asked_for() -> None:
    ring = Ring(segments=[2, 1])

    assert ring.members(2) == ("d1", "d2", "d3")


def test_a_split_that_cannot_settle_is_told() -> None:
    ring = Ring(2)
    ring.world.cut([(0, 1)])
    ring.world.run(500_000_000)

    with pytest.raises(TimeoutError, match="rings are"):
        ring.settle()


def test_the_fixture_seeds_rings_by_the_name_of_the_test(
    spread_ring: Callable[..., Ring],
) -> None:
    first, second, other = spread_ring(2), spread_ring(2), spread_ring(2, seed=5)

    assert first.world.seed == second.world.seed
    assert other.world.seed == 5
    assert first.members(0) == ("d1", "d2")
