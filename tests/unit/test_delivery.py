"""Messages through packets of all sizes: packed, fragmented, cut in their heads, always whole."""

import pytest

from spread.errors import MisuseError
from tests.daemon.harness import wire
from tests.memory.daemon import Client, Limits, MemoryDaemon

PACKET_SIZES = (64, 100, 1_400, 65_472)
ROOMY = Limits(queued_bytes=8 << 30)  # Each packet, however small, has a buffer of 2 KiB.


@pytest.fixture(params=PACKET_SIZES, ids="packets of {}".format)
def daemon(request: pytest.FixtureRequest) -> MemoryDaemon:
    return MemoryDaemon(ROOMY, payload_max=request.param)


@pytest.fixture
def alice(daemon: MemoryDaemon) -> Client:
    return daemon.open(b"alice")


def body_of(size: int) -> bytes:
    """Return bytes of which no long stretch repeats."""
    return b"".join(b"%07d," % number for number in range(size // 8 + 1))[:size]


@pytest.mark.parametrize("payload_max", [0, 63, 65_473])
def test_a_packet_size_that_cannot_work_is_refused(payload_max: int) -> None:
    with pytest.raises(MisuseError, match=f"packets of {payload_max} bytes; give 64 to 65472"):
        MemoryDaemon(payload_max=payload_max)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 63, 64, 65, 1_319, 1_320, 1_321, 3_000, 70_000])
def test_a_message_of_any_size_arrives_whole(alice: Client, size: int) -> None:
    frame = wire.data_frame(alice.private_group, wire.AGREED, (alice.private_group,), body_of(size))

    alice.send(frame)

    assert alice.take() == frame


@pytest.mark.parametrize("groups", [1, 2, 42, 43, 44, 99, 100])
def test_a_group_list_of_any_length_is_found(alice: Client, groups: int) -> None:
    names = (*(b"nobody-%d" % number for number in range(groups - 1)), alice.private_group)
    frame = wire.data_frame(alice.private_group, wire.AGREED, names, b"body")

    alice.send(frame)

    assert alice.take() == frame


def test_messages_of_all_sizes_in_one_burst_stay_in_order(alice: Client) -> None:
    sizes = (0, 5_000, 1, 70_000, 2, 3, 1_240, 1_241, 64, 0, 0, 9_999)
    frames = [
        wire.data_frame(alice.private_group, wire.AGREED, (alice.private_group,), body_of(size))
        for size in sizes
    ]

    alice.send(b"".join(frames))

    assert alice.take() == b"".join(frames)


def test_a_header_of_the_next_message_may_lie_in_two_packets(alice: Client) -> None:
    # The first frame leaves 1 to 47 bytes of a packet of 100 or 1,400.
    for size in range(1_220, 1_320):
        frames = [
            wire.data_frame(alice.private_group, wire.AGREED, (alice.private_group,), data)
            for data in (body_of(size), b"next")
        ]

        alice.send(b"".join(frames))

        assert alice.take() == b"".join(frames)


def test_messages_of_many_senders_in_one_turn_are_not_mixed(daemon: MemoryDaemon) -> None:
    clients = [daemon.open(b"c%d" % number, membership=False) for number in range(5)]
    for client in clients:
        client.join(b"g")

    for number, client in enumerate(clients):
        client.multicast(b"g", body_of(500 * number), turn=False)
    daemon.turn()

    assert [client.take_data() for client in clients] == [
        [body_of(500 * number) for number in range(5)]
    ] * 5


@pytest.mark.parametrize("service", [0x01, 0x02, 0x04, 0x08, 0x10, 0x20])
def test_every_service_delivers_in_the_order_of_sending(alice: Client, service: int) -> None:
    for number in range(20):
        alice.multicast(alice.private_group, b"%d" % number, service, turn=False)
    alice.daemon.turn()

    frames = alice.take_frames()
    assert [frame.data for frame in frames] == [b"%d" % number for number in range(20)]
    assert {frame.type for frame in frames} == {service}


def test_data_behind_a_join_of_the_same_burst_sees_the_member(alice: Client) -> None:
    alice.send(
        wire.data_frame(alice.private_group, wire.SAFE, (b"g",), b"before")
        + wire.request_frame(alice.private_group, wire.JOIN, b"g")
        + wire.data_frame(alice.private_group, wire.SAFE, (b"g",), b"within")
        + wire.request_frame(alice.private_group, wire.LEAVE, b"g")
        + wire.data_frame(alice.private_group, wire.SAFE, (b"g",), b"behind")
    )

    frames = alice.take_frames()
    assert [(frame.type, frame.data[56:] or frame.data) for frame in frames if frame.is_data] == [
        (wire.SAFE, b"within")
    ]
    assert [frame.type for frame in frames] == [0x1100, wire.SAFE, 0x0200]


def test_more_packets_than_the_window_holds_pass_in_one_turn() -> None:
    daemon = MemoryDaemon(ROOMY, payload_max=64)
    alice = daemon.open(b"alice")
    for _ in range(3_000):
        alice.multicast(alice.private_group, b"x" * 16, turn=False)

    daemon.turn()

    assert daemon.statistics()["packets"] > 2 * 2_048
    assert len(alice.take()) == 3_000 * 96
    assert daemon.statistics()["buffer_bytes"] == 0


def test_nothing_is_kept_of_delivered_packets(alice: Client) -> None:
    alice.multicast(alice.private_group, body_of(100_000))

    assert alice.daemon.statistics()["buffer_bytes"] == 0


def test_a_slow_receiver_keeps_what_it_has_not_taken_and_no_more(alice: Client) -> None:
    alice.room = 1_000
    alice.multicast(alice.private_group, body_of(3_000))
    assert alice.waiting == (1, 2_080)

    alice.daemon.make_room(alice, 2_079)
    assert alice.waiting == (1, 1)

    alice.daemon.make_room(alice, 1)
    assert alice.waiting == (0, 0)
    assert alice.take_data() == [body_of(3_000)]
    assert alice.daemon.statistics()["buffer_bytes"] == 0


def test_packets_of_1400_bytes_do_not_pin_64_kib_each() -> None:
    daemon = MemoryDaemon(payload_max=1_400)
    alice = daemon.open(b"alice")
    alice.room = 0

    alice.multicast(alice.private_group, body_of(100_000))

    assert daemon.statistics()["buffer_bytes"] <= 2 * 100_000
