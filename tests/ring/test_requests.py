"""Missing packets: who asks for which, who answers, to whom, and how many at a time."""

import pytest

from spread._packets import PacketHeader, make_packet
from tests.ring.station import DATA, NETWORK, RETRANS, SEGMENT, Shape, Station, frame_of
from tests.ring.tokens import SEVERAL, Request, Token

CLASSIC = Shape(accelerated=False)


def missing(station: Station, seq: int, *held: int, **fields: object) -> Token:
    """Let some of the packets up to `seq` arrive, then the token."""
    for number in held:
        station.data(0, number)
    return station.next_token(seq=seq, acks=(seq, 0, seq), **fields)


# -- Asking ---------------------------------------------------------------------------------------


def test_the_classic_ring_asks_for_all_that_the_token_claims() -> None:
    station = Station.in_ring(1, shape=CLASSIC)

    token = missing(station, 9, 1, 2, 5, 6, 8)

    assert token.requests == (Request(3, 2, 1), Request(7, 1, 1), Request(9, 1, 1))
    assert token.acks[1] == 2
    assert station.statistics["requested"] == 4


def test_the_accelerated_ring_asks_for_what_the_previous_token_claimed() -> None:
    """What the present one claims may still be on its way."""
    station = Station.in_ring(1)

    assert missing(station, 5, 1, 2).requests == ()
    assert missing(station, 9, 4).requests == (Request(3, 1, 1), Request(5, 1, 1))


def test_what_was_sent_before_something_that_came_is_asked_for_at_once() -> None:
    station = Station.in_ring(1)
    for seq, place in ((2, 1), (5, 4)):
        station.data(0, seq, place=place)

    assert missing(station, 6).requests == (Request(1, 1, 1), Request(3, 2, 1))


def test_the_end_of_an_earlier_visit_may_be_on_its_way() -> None:
    station = Station.in_ring(1)
    station.data(2, 1)
    station.data(0, 4, place=1)

    assert missing(station, 4).requests == (Request(3, 1, 1),)
    assert missing(station, 4).requests == (Request(2, 2, 1),)


def test_what_came_late_is_not_asked_for() -> None:
    station = Station.in_ring(1)
    station.data(0, 2, place=1)
    station.data(0, 1)

    assert missing(station, 2).requests == ()


def test_copies_say_nothing_about_what_is_lost() -> None:
    station = Station.in_ring(1)
    station.data(0, 3, place=2, flags=RETRANS, transmitter=2)

    assert missing(station, 3).requests == ()


def test_a_lost_packet_is_asked_for_until_it_comes() -> None:
    station = Station.in_ring(1)
    station.data(0, 2, place=1)

    assert missing(station, 9).requests == (Request(1, 1, 1),)
    assert missing(station, 9, 3, 4, 5, 6, 7, 8, 9).requests == (Request(1, 1, 1),)
    assert missing(station, 9, 1).requests == ()


def test_the_place_of_a_packet_in_its_visit_is_told() -> None:
    station = Station.in_ring(1)
    for body in (b"x" * 1_328, b"y" * 1_328):
        station.submit(body)
    station.next_token()
    station.submit(b"z")
    station.token(Token(station.token_number + 3, seq=2))

    sent = station.take_sent(DATA)
    assert [(each.header.number, each.header.place) for each in sent] == [(3, 0)]


def test_a_new_ring_asks_for_nothing_at_its_first_visit() -> None:
    assert missing(Station.in_ring(1), 1).requests == ()


def test_what_has_come_is_not_asked_for_again() -> None:
    station = Station.in_ring(1, shape=CLASSIC)
    missing(station, 3, 1)

    token = missing(station, 3, 2, 3, requests=(Request(2, 2, 1),))

    assert token.requests == ()
    assert token.acks == (3, 3, 3)


def test_requests_for_the_same_packet_become_one_of_several() -> None:
    station = Station.in_ring(1, shape=CLASSIC)

    token = missing(station, 4, requests=(Request(2, 2, 2), Request(4, 1, SEVERAL)))

    assert token.requests == (Request(1, 1, 1), Request(2, 3, SEVERAL))


def test_a_daemon_that_asked_before_is_still_one() -> None:
    station = Station.in_ring(1, shape=CLASSIC)

    token = missing(station, 2, 1, requests=(Request(2, 1, 1),))

    assert token.requests == (Request(2, 1, 1),)


def test_more_gaps_than_a_token_has_room_for_are_asked_for_from_below() -> None:
    station = Station.in_ring(1, shape=CLASSIC)
    odd = range(1, 80, 2)

    token = missing(station, 80, *odd)

    assert token.requests == tuple(Request(seq, 1, 1) for seq in range(2, 58, 2))
    assert len(token.requests) == 28

    token = missing(station, 80, *range(2, 58, 2), requests=token.requests)
    assert token.requests == tuple(Request(seq, 1, 1) for seq in range(58, 82, 2))


def test_a_token_of_many_members_asks_for_less() -> None:
    station = Station.in_ring(1, 128, CLASSIC)
    for seq in range(1, 80, 2):
        station.data(0, seq)

    token = station.next_token(seq=80, acks=(0,) * 128)

    assert token.requests == tuple(Request(seq, 1, 1) for seq in range(2, 28, 2))
    assert 64 + len(token.encode()) == 540


def test_what_cannot_be_answered_here_stays_asked_for() -> None:
    station = Station.in_ring(1)
    missing(station, 4)

    token = missing(station, 4, 1, 2, requests=(Request(1, 4, 2),), fcc=0)

    assert token.requests == (Request(3, 2, SEVERAL),)
    assert [sent.header.number for sent in station.take_sent(DATA)] == []


# -- Answering ------------------------------------------------------------------------------------


def answers(station: Station, *requests: Request, seq: int | None = None) -> list[tuple[int, int]]:
    """Let a token with requests come; returns target and number of each packet sent again."""
    station.token_number += len(station.members)
    seq = station.ring_statistics["seq"] if seq is None else seq
    acks = (0,) * len(station.members)
    station.token(Token(station.token_number, seq=seq, acks=acks, requests=requests))
    return [
        (sent.target, sent.header.number)
        for sent in station.take_sent(DATA)
        if sent.header.flags & RETRANS
    ]


@pytest.fixture
def holder() -> Station:
    """A member that holds 1 to 5 of daemons 0 and 2."""
    station = Station.in_ring(1)
    for seq in range(1, 6):
        station.data(2 * (seq % 2), seq)
    return station


def test_the_only_one_who_misses_a_packet_gets_it_by_unicast(holder: Station) -> None:
    assert answers(holder, Request(2, 2, 2)) == [(2, 2), (2, 3)]


def test_what_several_miss_goes_to_the_segment(holder: Station) -> None:
    assert answers(holder, Request(2, 2)) == [(SEGMENT, 2), (SEGMENT, 3)]


def test_without_multicast_what_several_miss_goes_to_each() -> None:
    station = Station.in_ring(1, shape=Shape(multicast=False))
    station.data(0, 1)

    assert answers(station, Request(1)) == [(0, 1), (2, 1)]


def test_an_answer_keeps_origin_and_place_and_shows_who_sent_it(holder: Station) -> None:
    holder.token(Token(4, seq=5, acks=(5, 5, 1), requests=(Request(2, 1, 2),)))

    (sent,) = [each for each in holder.take_sent(DATA) if each.header.flags]
    assert sent.header == PacketHeader(
        DATA, RETRANS, 0, 1, *holder.ring, number=2, second=4, lag=2, tail=0
    )
    assert sent.payload == frame_of(0, b"2")


def test_an_answer_with_an_own_packet_tells_what_its_origin_has() -> None:
    station = Station.in_ring(1)
    station.submit(b"hello")
    station.next_token()

    station.token(Token(7, seq=1, acks=(0, 1, 0), requests=(Request(1, 1, 2),)))

    (sent,) = station.take_sent(DATA)
    assert (sent.header.flags, sent.header.lag) == (RETRANS, 0)


def test_answers_leave_before_the_token(holder: Station) -> None:
    holder.token(Token(4, seq=5, acks=(5, 5, 1), requests=(Request(2, 1, 2),)))

    assert [sent.header.kind for sent in holder.take_sent()] == [1, 2]


def test_answers_of_one_visit_are_limited_and_the_rest_is_left_to_others() -> None:
    station = Station.in_ring(1, shape=Shape(personal_window=2))
    for seq in range(1, 8):
        station.data(0, seq)

    station.token(Token(4, seq=7, acks=(7, 0, 0), requests=(Request(1, 7, 2),)))

    *sent, token = station.take_sent()
    assert [each.header.number for each in sent] == [1, 2, 3, 4]
    assert Token.decode(token.data).requests == (Request(5, 3, 2),)


def test_nobody_is_sent_what_everybody_has(holder: Station) -> None:
    """Packets that are stable and delivered have been forgotten; nobody can miss them."""
    holder.next_token(seq=5)
    assert len(holder.take_heard()) == 5

    assert answers(holder, Request(1, 5, 2)) == []
    assert holder.ring_statistics["stable"] == 5


def test_requests_beyond_what_is_claimed_are_ignored(holder: Station) -> None:
    holder.token(Token(4, seq=5, acks=(5, 5, 5), requests=(Request(6, 100, 2),)))

    assert holder.take_token().requests == ()


def test_requests_beyond_what_can_be_held_are_not_carried_on() -> None:
    station = Station.in_ring(1)

    token = station.next_token(seq=4_000, acks=(0, 0, 0), requests=(Request(2_047, 4, 2),))

    assert token.requests == (Request(2_047, 2, 2),)


# -- Packets --------------------------------------------------------------------------------------


def test_a_packet_is_held_once() -> None:
    station = Station.in_ring(1)

    station.data(0, 1)
    station.data(0, 1, flags=RETRANS, transmitter=2)

    assert station.statistics["duplicates"] == 1
    assert station.take_heard() == [b"1"]


def test_packets_beyond_the_window_are_not_held() -> None:
    station = Station.in_ring(1)

    station.data(0, 2_049)

    assert station.statistics["out_of_range"] == 1
    assert station.ring_statistics["seq"] == 0


def test_packets_of_and_from_strangers_to_the_ring_are_not_held() -> None:
    station = Station(1, Shape(daemons=4))
    station.install((100, 2), [0, 1, 2])

    station.data(3, 1, transmitter=0)
    station.data(0, 1, transmitter=3)

    assert station.take_heard() == []
    assert station.statistics["foreign"] == 2


def test_our_own_multicast_does_not_come_in_again() -> None:
    station = Station.in_ring(1)
    station.submit(b"hello")
    station.token(Token(4))
    (data,) = station.take_sent(DATA)

    station.receive(data.data)

    assert station.statistics["packets_received"] == 0
    assert data.header.flags == 0


def test_small_packets_do_not_pin_the_buffers_that_they_came_in() -> None:
    station = Station.in_ring(1)
    for seq in range(2, 102):
        station.data(0, seq, frame_of(0, b"x"))

    assert station.statistics["buffer_bytes"] <= 110 * 2_048


JOINT = 40  # Packets of 1,472 bytes that the host joins in a buffer of 64 KiB, or nearly.
KEPT = 64 << 10


def joint(station: Station, seqs: list[int]) -> None:
    """Let full packets of an Ethernet frame come in one buffer; number 1 is missing."""
    payload = frame_of(0, b"x" * 1_340)
    ring = station.ring
    station.driver.receive_joint(
        [
            make_packet(PacketHeader(DATA, 0, 0, 0, *ring, number=seq, lag=seq), NETWORK, payload)
            for seq in seqs
        ],
        0x7F000001,
        station.now_ns,
    )


def test_buffers_full_of_new_packets_are_kept_for_all_of_them() -> None:
    station = Station.in_ring(1)

    for first in range(2, 2 + 10 * JOINT, JOINT):
        joint(station, list(range(first, first + JOINT)))

    # The first one shows that it is worth it; its packets are copied.
    assert station.statistics["buffer_bytes"] <= 9 * KEPT + (JOINT + 2) * 2_048


def test_a_buffer_is_not_kept_for_one_new_packet_among_many_old_ones() -> None:
    station = Station.in_ring(1)
    joint(station, list(range(2, 2 + JOINT)))

    for seq in range(2 + JOINT, 2 + 5 * JOINT):
        joint(station, [*range(2, 1 + JOINT), seq])

    assert station.statistics["buffer_bytes"] <= KEPT + (5 * JOINT + 2) * 2_048


def test_a_packet_in_a_buffer_that_it_hardly_fills_moves_to_one_of_its_own() -> None:
    station = Station.in_ring(1)
    payload = frame_of(0, b"x" * 2_200)

    station.data(0, 1, payload)

    assert station.take_heard() == [b"x" * 2_200]
    assert answers(station, Request(1, 1, 2)) == [(2, 1)]
