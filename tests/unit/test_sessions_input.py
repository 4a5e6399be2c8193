"""The budget for messages that are still coming in: who gets room, who waits, who is ended."""

import pytest

from tests.daemon.harness import wire
from tests.memory.daemon import NOTHING_IN_USE, SECOND_NS, Client, Limits, MemoryDaemon

READ_SIZE = 4_096  # Of one read while memory for incomplete messages is short.


@pytest.fixture
def daemon() -> MemoryDaemon:
    return MemoryDaemon(Limits(inbound_bytes=200_000))


def begun(daemon: MemoryDaemon, name: bytes, size: int, sent: int) -> tuple[Client, bytes]:
    """Open a session that begins a message to itself; returns the rest of it, too."""
    client = daemon.open(name, membership=False)
    group = client.private_group
    frame = wire.data_frame(group, wire.AGREED, (group,), b"x" * (size - 80))
    client.send(frame[:sent])
    return client, frame[sent:]


def test_room_for_the_whole_message_is_reserved_with_its_header(daemon: MemoryDaemon) -> None:
    begun(daemon, b"a", 1_000, 47)
    assert daemon.in_use()["inbound_bytes"] == 0

    begun(daemon, b"b", 1_000, 48)
    assert daemon.in_use()["inbound_bytes"] == 1_000


def test_room_is_given_back_when_the_message_is_whole(daemon: MemoryDaemon) -> None:
    client, rest = begun(daemon, b"a", 1_000, 500)

    client.send(rest)

    assert client.take_data() == [b"x" * 920]
    assert daemon.in_use() == NOTHING_IN_USE


def test_room_is_given_back_when_the_client_goes(daemon: MemoryDaemon) -> None:
    client, _ = begun(daemon, b"a", 1_000, 500)

    client.close()

    assert daemon.in_use() == NOTHING_IN_USE


def test_a_message_without_room_waits_until_another_is_whole(daemon: MemoryDaemon) -> None:
    holder, holders_rest = begun(daemon, b"holder", 140_000, 100)
    waiter, waiters_rest = begun(daemon, b"waiter", 100_000, 100)
    assert not waiter.send(waiters_rest)

    holder.send(holders_rest)

    assert waiter.send(waiters_rest)
    assert [len(data) for data in waiter.take_data()] == [100_000 - 80]
    assert daemon.in_use() == NOTHING_IN_USE


def test_whole_messages_pass_while_others_wait_for_room(daemon: MemoryDaemon) -> None:
    begun(daemon, b"holder", 140_000, 100)
    begun(daemon, b"waiter", 100_000, 100)
    other = daemon.open(b"other")

    assert other.multicast(other.private_group, b"x" * 100_000)

    assert len(other.take_data()) == 1


def test_what_waits_stays_in_order(daemon: MemoryDaemon) -> None:
    holder, holders_rest = begun(daemon, b"holder", 140_000, 100)
    waiter = daemon.open(b"waiter")
    bodies = [b"first", b"x" * 99_000, b"third"]
    frames = b"".join(
        wire.data_frame(waiter.private_group, wire.AGREED, (waiter.private_group,), body)
        for body in bodies
    )
    waiter.send(frames[:5_000])

    holder.send(holders_rest)
    waiter.send(frames[5_000:])

    assert waiter.take_data() == bodies


@pytest.mark.parametrize("sent", [20, 47, 48, 79, 80, 81])
def test_a_message_cut_anywhere_goes_on_after_its_wait(daemon: MemoryDaemon, sent: int) -> None:
    holder, holders_rest = begun(daemon, b"holder", 140_000, 100)
    waiter, waiters_rest = begun(daemon, b"waiter", 100_000, sent)
    if sent < 48:
        waiter.send(waiters_rest[:100])
        waiters_rest = waiters_rest[100:]
    assert not waiter.send(waiters_rest)

    holder.send(holders_rest)
    waiter.send(waiters_rest)

    assert [len(data) for data in waiter.take_data()] == [100_000 - 80]


def test_a_message_of_a_header_only_goes_on_after_its_wait(daemon: MemoryDaemon) -> None:
    holder, holders_rest = begun(daemon, b"holder", 140_000, 100)
    other, others_rest = begun(daemon, b"other", 59_970, 100)
    waiter = daemon.open(b"waiter")
    kill = wire.header(wire.KILL, waiter.private_group, 0, wire.hint_bytes(0), 0, "little")
    waiter.send(kill[:20], kill[20:])

    holder.send(holders_rest)
    other.send(others_rest)
    daemon.advance(SECOND_NS)

    assert waiter.is_closed()


def test_a_waiter_that_goes_is_forgotten(daemon: MemoryDaemon) -> None:
    holder, holders_rest = begun(daemon, b"holder", 140_000, 100)
    waiter, _ = begun(daemon, b"waiter", 100_000, 100)

    waiter.close()
    holder.send(holders_rest)

    assert daemon.in_use() == NOTHING_IN_USE


def test_a_holder_that_stalls_is_ended_for_those_who_wait(daemon: MemoryDaemon) -> None:
    holder, _ = begun(daemon, b"holder", 140_000, 100)
    waiter, waiters_rest = begun(daemon, b"waiter", 100_000, 100)

    daemon.advance(10 * SECOND_NS)

    assert holder.is_closed()
    assert daemon.statistics()["ended_stalled"] == 1
    assert waiter.send(waiters_rest)
    assert len(waiter.take_data()) == 1


def test_a_holder_may_stall_as_long_as_nobody_waits(daemon: MemoryDaemon) -> None:
    holder, rest = begun(daemon, b"holder", 140_000, 100)

    daemon.advance(3_600 * SECOND_NS)
    holder.send(rest)

    assert len(holder.take_data()) == 1


def test_a_holder_that_is_slow_but_steady_is_not_ended(daemon: MemoryDaemon) -> None:
    holder, rest = begun(daemon, b"holder", 140_000, 100)
    waiter, waiters_rest = begun(daemon, b"waiter", 100_000, 100)

    for start in range(0, len(rest), 10_000):
        daemon.advance(SECOND_NS)
        assert holder.send(rest[start : start + 10_000])

    assert len(holder.take_data()) == 1
    assert waiter.send(waiters_rest)


def test_of_many_who_stall_only_so_many_are_ended_as_others_need(daemon: MemoryDaemon) -> None:
    first, _ = begun(daemon, b"first", 100_000, 100)
    daemon.advance(SECOND_NS)
    second, _ = begun(daemon, b"second", 90_000, 100)
    waiter, waiters_rest = begun(daemon, b"waiter", 100_000, 100)

    daemon.advance(20 * SECOND_NS)

    assert first.is_closed()
    assert not second.is_closed()
    assert waiter.send(waiters_rest)


@pytest.mark.parametrize("piece_size", [100, 1_000, READ_SIZE])
def test_many_senders_of_large_messages_all_come_through(
    daemon: MemoryDaemon, piece_size: int
) -> None:
    senders = [begun(daemon, b"s%d" % number, 100_000, 100) for number in range(12)]

    send_in_turns(dict(senders), piece_size)

    assert [len(client.take_data()) for client, _ in senders] == [1] * 12
    assert daemon.in_use() == NOTHING_IN_USE


def test_more_may_wait_than_the_budget_holds() -> None:
    daemon = MemoryDaemon(Limits(inbound_bytes=4 * 144_000))
    senders = [begun(daemon, b"s%d" % number, 140_000, READ_SIZE) for number in range(150)]

    send_in_turns(dict(senders), READ_SIZE)

    assert [len(client.take_data()) for client, _ in senders] == [1] * 150


def send_in_turns(unsent: dict[Client, bytes], piece_size: int) -> None:
    """Send a piece of each in turn until nothing is left; somebody must be read in every round."""
    while any(unsent.values()):
        was_read = 0
        for client, rest in unsent.items():
            if rest and client.send(rest[:piece_size]):
                unsent[client] = rest[piece_size:]
                was_read += 1
        assert was_read > 0
