"""What is delivered when: order, gaps, SAFE, and bytes of a peer that are no frames."""

import pytest

from tests.daemon.harness import wire
from tests.ring.station import SAFE, Station, frame_of

NO_FRAME = 0xFFFF


@pytest.fixture
def station() -> Station:
    return Station.in_ring(1)


def test_a_missing_packet_holds_back_what_is_behind_it(station: Station) -> None:
    station.data(0, 2)
    station.data(2, 3)
    assert station.take_heard() == []

    station.data(0, 1)

    assert station.take_heard() == [b"1", b"2", b"3"]


def test_own_messages_wait_for_their_place_too(station: Station) -> None:
    station.submit(b"own")
    station.next_token(seq=1, acks=(1, 0, 1))
    assert station.take_heard() == []

    station.data(0, 1)

    assert station.take_heard() == [b"1", b"own"]


# -- SAFE -----------------------------------------------------------------------------------------


def test_safe_waits_until_every_member_has_it(station: Station) -> None:
    station.data(0, 1, frame_of(0, b"safe", SAFE))

    station.next_token(seq=1, acks=(1, 0, 0))
    assert station.take_heard() == []

    station.next_token(seq=1, acks=(1, 1, 1))
    assert station.take_heard() == [b"safe"]


def test_data_of_the_last_member_is_enough_to_know(station: Station) -> None:
    station.data(0, 1, frame_of(0, b"safe", SAFE), ack=1)
    assert station.take_heard() == []

    station.data(2, 2, ack=1)

    assert station.take_heard() == [b"safe", b"2"]


def test_everything_behind_an_unstable_safe_message_waits(station: Station) -> None:
    station.data(0, 1, frame_of(0, b"before"))
    station.data(0, 2, frame_of(0, b"safe", SAFE) + frame_of(0, b"same packet"))
    station.data(2, 3, frame_of(2, b"behind"))
    assert station.take_heard() == [b"before"]

    station.next_token(seq=3, acks=(3, 3, 2))

    assert station.take_heard() == [b"safe", b"same packet", b"behind"]


def test_a_safe_message_in_parts_waits_for_its_last_packet(station: Station) -> None:
    frame = frame_of(0, b"s" * 200, SAFE)
    station.data(0, 1, frame[:100])
    station.data(0, 2, frame[100:], first=NO_FRAME)

    station.next_token(seq=2, acks=(2, 2, 1))
    assert station.take_heard() == []

    station.next_token(seq=2, acks=(2, 2, 2))
    assert station.take_heard() == [b"s" * 200]


def test_an_acknowledgement_of_a_copy_says_nothing_of_its_origin(station: Station) -> None:
    station.data(0, 1, frame_of(0, b"safe", SAFE), ack=1)
    station.data(2, 2, transmitter=0, ack=0)

    assert station.take_heard() == []


# -- Parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 4, 47, 48, 49, 79, 80, 81, 85])
def test_a_message_cut_anywhere_is_delivered_whole(station: Station, cut: int) -> None:
    frame = frame_of(0, b"abcdef")

    station.data(0, 1, frame[:cut])
    station.data(0, 2, frame[cut:] + frame_of(0, b"next"), first=len(frame) - cut)

    assert station.take_heard() == [b"abcdef", b"next"]


def test_a_message_in_many_packets_is_delivered_whole(station: Station) -> None:
    frame = frame_of(0, bytes(range(256)) * 4)
    parts = [frame[at : at + 256] for at in range(0, len(frame), 256)]
    for number, part in enumerate(parts):
        station.data(0, 1 + number, part, first=NO_FRAME if number else 0)

    assert station.take_heard() == [bytes(range(256)) * 4]


def test_a_message_in_crumbs_is_skipped(station: Station) -> None:
    """A buffer for every byte of a message would be more than a daemon may keep."""
    frame = frame_of(0, b"abcdef")
    for number, byte in enumerate(frame):
        station.data(0, 1 + number, bytes([byte]), first=NO_FRAME if number else 0)
    station.data(0, len(frame) + 1, frame_of(0, b"next"))

    assert station.take_heard() == [b"next"]
    assert station.statistics["malformed_frames"] == 1


def test_parts_of_different_daemons_are_not_mixed(station: Station) -> None:
    one, two = frame_of(0, b"a" * 100), frame_of(2, b"b" * 100)

    station.data(0, 1, one[:60])
    station.data(2, 2, two[:70])
    station.data(0, 3, one[60:], first=NO_FRAME)
    station.data(2, 4, two[70:], first=NO_FRAME)

    assert station.take_heard() == [b"a" * 100, b"b" * 100]


# -- Requests -------------------------------------------------------------------------------------


def test_requests_wait_until_everybody_has_them(station: Station) -> None:
    client = b"#c0#d0"
    requests = [
        wire.request_frame(client, wire.JOIN, b"room"),
        wire.request_frame(client, wire.LEAVE, b"room"),
        wire.encode_frame(wire.Frame(wire.KILL, client, (), wire.hint_bytes(0), b"")),
    ]

    station.data(0, 1, b"".join(requests))
    assert station.upcalls.take() == []

    station.next_token(seq=1)

    assert station.upcalls.take() == [
        ("join", client, b"room"),
        ("leave", client, b"room"),
        ("end", client),
    ]


def test_the_end_of_a_lost_session_waits_like_a_safe_message(station: Station) -> None:
    station.driver.receive_end(station.slot)
    station.next_token(acks=(0, 0, 0))
    assert ("end", b"#c1#d1") not in station.upcalls.take()

    station.next_token(seq=1)

    assert ("end", b"#c1#d1") in station.upcalls.take()


def test_a_request_in_parts_is_ordered_once_it_is_whole(station: Station) -> None:
    request = wire.request_frame(b"#c0#d0", wire.JOIN, b"room")
    station.data(0, 1, request[:60])
    assert station.upcalls.take() == []

    station.data(0, 2, request[60:], first=NO_FRAME)
    station.next_token(seq=2)

    assert station.upcalls.take() == [("join", b"#c0#d0", b"room")]


# -- Poison ---------------------------------------------------------------------------------------


def poison(**words: int) -> bytes:
    """Return a header that no daemon took from a client."""
    fields = {"type": 0x10, "groups": 1, "size": 0} | words
    return wire.header(
        fields["type"], b"#x#d0", fields["groups"], wire.hint_bytes(0), fields["size"], "little"
    ) + wire.padded(b"g")


POISONS = {
    "negative groups": poison(groups=-1),
    "too many groups": poison(groups=101),
    "negative size": poison(size=-1),
    "too large": poison(size=16 * 1024 * 1024 + 1),
    "no kind": poison(type=0x1000),
    "two kinds": poison(type=0x8_0010),
    "a join without a group": poison(type=0x1_0000, groups=0),
    "a leave without a group": poison(type=0x2_0000, groups=0),
    "big-endian": wire.encode_frame(
        wire.Frame(0x10, wire.padded(b"#x#d0"), (b"g",), wire.hint_bytes(0), b"", "big")
    ),
}


@pytest.mark.parametrize("header", POISONS.values(), ids=POISONS)
def test_bytes_that_are_no_frame_are_skipped_up_to_the_next_packet_with_one(
    station: Station, header: bytes
) -> None:
    station.data(0, 1, frame_of(0, b"before") + header + frame_of(0, b"in the same packet"))
    station.data(0, 2, b"rest of something", first=NO_FRAME)
    station.data(0, 3, b"rest" + frame_of(0, b"found again"), first=4)

    assert station.take_heard() == [b"before", b"found again"]
    assert station.statistics["malformed_frames"] == 1


@pytest.mark.parametrize("cut", [1, 30, 47])
def test_a_header_in_two_packets_can_be_poison_too(station: Station, cut: int) -> None:
    header = POISONS["too many groups"]

    station.data(0, 1, header[:cut])
    station.data(0, 2, header[cut:] + frame_of(0, b"behind"), first=len(header) - cut)
    station.data(0, 3, frame_of(0, b"found again"))

    assert station.take_heard() == [b"found again"]
    assert station.statistics["malformed_frames"] == 1


def test_poison_of_one_daemon_does_not_touch_the_messages_of_another(station: Station) -> None:
    message = frame_of(2, b"whole")

    station.data(2, 1, message[:50])
    station.data(0, 2, POISONS["negative size"])
    station.data(2, 3, message[50:], first=NO_FRAME)

    assert station.take_heard() == [b"whole"]


def test_every_daemon_skips_the_same() -> None:
    stations = [Station.in_ring(me, 4) for me in range(3)]
    payloads = [
        frame_of(3, b"before") + POISONS["negative groups"],
        frame_of(3, b"behind")[10:],
        b"?" * 30 + frame_of(3, b"found"),
    ]
    for station in stations:
        for number, first in ((2, NO_FRAME), (1, 0), (3, 30)):
            station.data(3, number, payloads[number - 1], first=first)

    assert [station.take_heard() for station in stations] == [[b"before", b"found"]] * 3


def test_nothing_is_kept_of_what_was_skipped(station: Station) -> None:
    station.data(0, 1, POISONS["too large"])
    station.data(0, 2, b"rest", first=NO_FRAME)

    station.next_token(seq=2)
    station.next_token(seq=2, acks=(2, 2, 2))
    station.simple(3, 2, station.token_number + 1)

    assert station.statistics["buffer_bytes"] == 2_048  # The token sent last.
