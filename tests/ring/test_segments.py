"""Several segments: where packets go, and whose duty it is to send them on."""

import pytest

from spread._packets import PacketHeader
from tests.ring.station import (
    CONTROL,
    DATA,
    FORWARDED,
    MS,
    PING,
    RECOVERY,
    RETRANS,
    SEGMENT,
    TOKEN,
    Shape,
    Station,
    frame_of,
)
from tests.ring.tokens import Recovery, Request, Token

TWO_BY_TWO = Shape(daemons=4, segments=(0, 0, 1, 1))
THREE_SEGMENTS = Shape(daemons=6, segments=(0, 0, 1, 1, 2, 2))


def station_in(me: int, shape: Shape, members: list[int] | None = None) -> Station:
    station = Station(me, shape)
    station.install(Station.RING, list(range(shape.daemons)) if members is None else members)
    return station


def targets_of_data(station: Station) -> list[int]:
    return [sent.target for sent in station.take_sent(DATA)]


def multicast(station: Station) -> list[int]:
    """Let the station send one message; returns where it went."""
    station.submit(b"hello")
    station.take_sent()
    station.token_number += len(station.members)
    station.token(Token(station.token_number))
    return targets_of_data(station)


def test_a_packet_goes_to_the_own_segment_and_to_the_first_member_of_each_other() -> None:
    assert multicast(station_in(0, THREE_SEGMENTS)) == [SEGMENT, 2, 4]
    assert multicast(station_in(3, THREE_SEGMENTS)) == [SEGMENT, 0, 4]
    assert multicast(station_in(5, THREE_SEGMENTS)) == [SEGMENT, 0, 2]


def test_the_first_member_need_not_be_the_first_daemon() -> None:
    assert multicast(station_in(0, THREE_SEGMENTS, [0, 1, 3, 4, 5])) == [SEGMENT, 3, 4]


def test_no_multicast_where_nobody_listens() -> None:
    assert multicast(station_in(0, THREE_SEGMENTS, [0, 2, 3])) == [2]


def test_without_multicast_each_member_of_the_own_segment_gets_a_copy() -> None:
    shape = Shape(daemons=5, segments=(0, 0, 0, 1, 1), multicast=False)

    assert multicast(station_in(1, shape)) == [0, 2, 3]


@pytest.mark.parametrize("flags", [0, RETRANS])
def test_the_first_member_of_a_segment_sends_on_what_comes_from_another(flags: int) -> None:
    station = station_in(2, TWO_BY_TWO)

    station.data(0, 1, flags=flags)

    (sent,) = station.take_sent(DATA)
    assert sent.target == SEGMENT
    assert sent.header == PacketHeader(
        DATA, flags | FORWARDED, 0, 2, *station.ring, number=1, second=0, lag=1, tail=0
    )
    assert sent.payload == frame_of(0, b"1")
    assert station.take_heard() == [b"1"]
    assert station.statistics["forwarded"] == 1


def test_without_multicast_it_sends_it_to_each() -> None:
    shape = Shape(daemons=5, segments=(0, 1, 1, 1, 0), multicast=False)
    station = station_in(1, shape)

    station.data(0, 1)

    assert targets_of_data(station) == [2, 3]


@pytest.mark.parametrize(
    ("me", "members", "transmitter"),
    [(3, [0, 1, 2, 3], 0), (2, [0, 1, 2, 3], 3), (3, [0, 1, 2, 3], 2)],
    ids=["not the first", "from the own segment", "sent on already"],
)
def test_nobody_else_does(me: int, members: list[int], transmitter: int) -> None:
    station = station_in(me, TWO_BY_TWO, members)

    station.data(0, 1, transmitter=transmitter)

    assert targets_of_data(station) == []
    assert station.take_heard() == [b"1"]


@pytest.mark.parametrize("flags", [0, RETRANS])
def test_what_was_sent_on_into_another_segment_goes_no_further(flags: int) -> None:
    station = station_in(2, TWO_BY_TWO)

    station.data(0, 1, flags=flags | FORWARDED)

    assert targets_of_data(station) == []
    assert station.take_heard() == [b"1"]
    assert station.statistics["forwarded"] == 0


def test_the_duty_moves_to_the_next_member() -> None:
    station = station_in(3, TWO_BY_TWO, [0, 1, 3])

    station.data(0, 1)

    assert targets_of_data(station) == []  # It has the segment for itself.
    assert station.statistics["forwarded"] == 1

    other = station_in(3, Shape(daemons=5, segments=(0, 0, 1, 1, 1)), [0, 3, 4])
    other.data(0, 1)
    assert targets_of_data(other) == [SEGMENT]


def test_copies_are_sent_on_too_because_others_may_miss_them() -> None:
    station = station_in(2, TWO_BY_TWO)
    station.data(0, 1)
    station.take_sent()

    station.data(0, 1, flags=RETRANS)

    assert targets_of_data(station) == [SEGMENT]


def test_what_is_overheard_as_well_is_sent_on_once() -> None:
    station = station_in(2, TWO_BY_TWO)
    for number in (1, 2):
        station.data(0, number)
    assert targets_of_data(station) == [SEGMENT, SEGMENT]

    for number in (2, 1):
        station.data(0, number)

    assert targets_of_data(station) == []
    assert station.statistics["forwarded"] == 2


def test_what_came_by_another_forwarder_first_is_sent_on_because_others_may_miss_it() -> None:
    station = station_in(2, THREE_SEGMENTS)
    station.data(0, 1, flags=FORWARDED, transmitter=4)
    assert targets_of_data(station) == []

    station.data(0, 1)

    assert targets_of_data(station) == [SEGMENT]
    assert station.take_heard() == [b"1"]


def test_a_packet_that_was_sent_on_as_a_copy_is_not_sent_on_when_it_comes_late() -> None:
    station = station_in(2, TWO_BY_TWO)
    station.data(0, 1, flags=RETRANS)
    station.take_sent()

    station.data(0, 1)

    assert targets_of_data(station) == []


def test_another_ring_sends_on_its_own_packet_of_the_same_number() -> None:
    station = station_in(2, TWO_BY_TWO)
    station.data(0, 1)
    station.take_sent()
    station.install((100, 9), [0, 1, 2, 3])

    station.data(0, 1)

    assert targets_of_data(station) == [SEGMENT]


def test_packets_of_another_ring_are_not_sent_on() -> None:
    station = station_in(2, TWO_BY_TWO)

    station.packet(
        PacketHeader(DATA, transmitter=0, leader=100, time=1, number=1, lag=1), frame_of(0, b"x")
    )

    assert targets_of_data(station) == []


def test_answers_of_recovery_are_sent_on() -> None:
    station = station_in(2, TWO_BY_TWO, [0, 2, 3])
    old = station.ring
    station.data(0, 1)
    station.node.ring_lost()
    assert station.commit((100, 3), [0, 2, 3], transitional=[2, 3])
    station.take_sent()

    station.recovered(0, 1, old)

    (sent,) = station.take_sent(DATA)
    assert (sent.target, sent.header.flags, sent.header.transmitter) == (
        SEGMENT,
        RECOVERY | RETRANS | FORWARDED,
        2,
    )


def test_an_answer_of_recovery_goes_to_the_forming_ring() -> None:
    station = station_in(0, THREE_SEGMENTS)
    old = station.ring
    station.data(1, 1)
    station.node.ring_lost()
    assert station.commit((100, 3), [0, 3, 5], transitional=[0, 3])
    station.take_sent()
    section = Recovery.decode(bytes([0] * 16 + [1] + [0] * 7) + old_request(old, 1))

    station.token(Token(1, recovery=section))

    assert targets_of_data(station) == [3, 5]


def old_request(ring: tuple[int, int], first: int) -> bytes:
    leader, time = ring
    return b"".join(
        (
            leader.to_bytes(4, "little"),
            time.to_bytes(4, "little"),
            first.to_bytes(8, "little"),
            (1).to_bytes(8, "little"),
        )
    )


def test_one_who_misses_a_packet_gets_it_directly_in_whichever_segment() -> None:
    station = station_in(0, TWO_BY_TWO)
    station.data(1, 1)

    station.token(Token(5, seq=1, acks=(1, 1, 0, 0), requests=(Request(1, 1, 3),)))

    assert targets_of_data(station) == [3]


def test_what_several_miss_goes_everywhere() -> None:
    station = station_in(0, TWO_BY_TWO)
    station.data(1, 1)

    station.token(Token(5, seq=1, acks=(1, 1, 0, 0), requests=(Request(1),)))

    assert targets_of_data(station) == [SEGMENT, 2]


def test_the_token_goes_from_segment_to_segment() -> None:
    station = station_in(1, TWO_BY_TWO)
    station.token(Token(5))

    assert [sent.target for sent in station.take_sent(TOKEN)] == [2]


def test_a_control_packet_to_the_segment_is_one_multicast() -> None:
    station = station_in(1, TWO_BY_TWO)

    station.node.send_control(CONTROL, SEGMENT, b"body")

    (sent,) = station.take_sent()
    assert (sent.target, sent.payload) == (SEGMENT, b"body")


def test_without_multicast_it_goes_to_every_configured_daemon_of_the_segment() -> None:
    shape = Shape(daemons=5, segments=(0, 0, 0, 1, 1), multicast=False)
    station = station_in(1, shape, [1, 3])

    station.node.send_control(CONTROL, SEGMENT, b"body")

    assert [sent.target for sent in station.take_sent()] == [0, 2]


def test_members_are_pinged_in_whichever_segment() -> None:
    station = station_in(1, TWO_BY_TWO)

    station.advance(100 * MS)

    assert [sent.target for sent in station.take_sent(PING)] == [2, 0]


@pytest.mark.parametrize(("multicast", "told"), [(True, [("multicast missed", 0)]), (False, [])])
def test_packets_that_come_only_as_retransmissions_are_told(
    multicast: bool, told: list[object]
) -> None:
    station = Station.in_ring(1, shape=Shape(multicast=multicast))

    for seq in range(1, 100):
        station.data(0, seq, flags=RETRANS)
    assert station.upcalls.take() == []
    station.data(0, 100, flags=RETRANS)

    assert station.upcalls.take() == told
