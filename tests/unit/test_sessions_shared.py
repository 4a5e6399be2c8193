"""What a slow session holds: buffers shared with others, and copies of what uses little of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.daemon.harness import wire
from tests.memory.daemon import NOTHING_IN_USE, Client, Limits, MemoryDaemon

SHARED_SLICES = 64
BUFFER_SIZE = 65_536
FILLING = b"f" * 900  # Of messages to somebody else, in the same packet.


def bound(owed: int) -> int:
    """Bytes of buffers that a queue holds at most."""
    return (SHARED_SLICES + 3) * BUFFER_SIZE + 8 * owed


def turn_with_filling(
    sender: Client, other: Client, slow: Client, bodies: list[bytes], count: int = 60
) -> bytes:
    """Send each body in one packet with `count` messages to the other; return the slow one's."""
    sent = b""
    for body in bodies:
        frame = wire.data_frame(sender.private_group, wire.AGREED, (slow.private_group,), body)
        sender.send(frame, turn=False)
        sent += frame
        for _ in range(count // len(bodies)):
            sender.multicast(other.private_group, FILLING, turn=False)
    sender.daemon.turn()
    other.take()
    return sent


def three_sessions(exact: bool) -> tuple[Client, Client, Client]:
    """Open a sender, one that reads everything, and one that reads nothing."""
    daemon = MemoryDaemon(Limits(messages=10_000, exact=exact))
    sender, other, slow = (daemon.open(name, membership=False) for name in (b"s", b"o", b"slow"))
    slow.room = 0
    return sender, other, slow


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("per_packet", [1, 3])
def test_a_slow_session_does_not_hold_packets_of_which_it_is_owed_little(
    exact: bool, per_packet: int
) -> None:
    sender, other, slow = three_sessions(exact)
    sent = b""

    for number in range(400):
        sent += turn_with_filling(sender, other, slow, [b"%d" % number] * per_packet)

    assert slow.waiting == (400 * per_packet, len(sent))
    assert sender.daemon.statistics()["buffer_bytes"] <= bound(len(sent))
    sender.daemon.make_room(slow, len(sent))
    assert slow.take() == sent
    assert sender.daemon.statistics().items() >= NOTHING_IN_USE.items()


def test_slow_sessions_that_are_owed_whole_packets_share_them() -> None:
    daemon = MemoryDaemon(Limits(messages=100_000))
    sender = daemon.open(b"s", membership=False)
    slow = [daemon.open(b"slow%d" % number, membership=False) for number in range(10)]
    for client in slow:
        client.join(b"g")
        client.room = 0

    for _ in range(150):
        for _ in range(60):
            sender.multicast(b"g", FILLING, turn=False)
        daemon.turn()

    assert daemon.statistics()["buffer_bytes"] < 2 * slow[0].waiting[1]


@pytest.mark.parametrize("exact", [False, True])
def test_a_message_counts_until_its_last_byte_is_taken(exact: bool) -> None:
    sender, other, slow = three_sessions(exact)
    sent = b"".join(turn_with_filling(sender, other, slow, [b"body"]) for _ in range(70))
    size = len(sent) // 70

    for number in range(70):
        sender.daemon.make_room(slow, size - 1)
        assert slow.waiting[0] >= 70 - number
        sender.daemon.make_room(slow, 1)
        assert slow.waiting[0] >= 69 - number
        if exact:
            assert slow.waiting[0] == 69 - number

    assert slow.waiting == (0, 0)
    assert slow.take() == sent


def turns_of(size_max: int) -> st.SearchStrategy[list[tuple[list[int], int, int]]]:
    """Turns: sizes of the slow one's messages, messages to the other, and room made when 0."""
    sizes = st.lists(st.integers(0, size_max), min_size=1, max_size=3)
    counts = st.sampled_from([60, 60, 3, 0])
    return st.lists(st.tuples(sizes, counts, st.integers(0, 9)), min_size=20, max_size=60)


@settings(max_examples=60, deadline=None)
@given(
    turns=st.one_of(turns_of(100), turns_of(600), turns_of(20_000)),
    exact=st.booleans(),
    room_size=st.sampled_from([0, 70, 3_000, 200_000]),
)
def test_a_slow_session_gets_what_was_sent_and_holds_little_more(
    turns: list[tuple[list[int], int, int]], exact: bool, room_size: int
) -> None:
    sender, other, slow = three_sessions(exact)
    sent = b"".join(turn_with_filling(sender, other, slow, [b"first"]) for _ in range(62))

    for number, (sizes, count, rooms) in enumerate(turns):
        bodies = [bytes((number % 251,)) * size for size in sizes]
        sent += turn_with_filling(sender, other, slow, bodies, count)
        if rooms == 0 and room_size:
            sender.daemon.make_room(slow, room_size)
        owed = len(sent) - len(slow.received)
        assert slow.waiting[1] == owed
        assert sender.daemon.statistics()["buffer_bytes"] <= bound(owed)

    sender.daemon.make_room(slow, len(sent))
    assert slow.take() == sent
    assert sender.daemon.statistics().items() >= NOTHING_IN_USE.items()
