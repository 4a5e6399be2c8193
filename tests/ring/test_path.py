"""How large datagrams may be: measured when data fills them, fallen back from, and told."""

import pytest

from spread._packets import PacketHeader, make_packet
from tests.ring.station import (
    DATA,
    DATA_CHANNEL,
    KINDS,
    MS,
    NETWORK,
    RETRANS,
    SEGMENT,
    Sent,
    Shape,
    Station,
    frame_of,
)
from tests.ring.tokens import Request, Token

PIECE, MEASURE, MEASURED = KINDS["PIECE"], KINDS["MEASURE"], KINDS["MEASURED"]
HEADER_SIZE = 64
JUMBO, ETHERNET, LEAST = 8_972, 1_472, 548
WIDE = Shape(sizes=(JUMBO, ETHERNET, LEAST), receive_buffer=1_000_000)
GIVE_UP_NS = 2_000 * MS  # Longer than all tries of one size.
LARGE = bytes(9_200)  # One visit sends it in packets of any size.


def fill(station: Station) -> list[Sent]:
    """Let the client send what fills packets, and the token come; returns what was sent then."""
    station.submit(LARGE)
    station.take_sent()
    station.token_number += 3
    station.token(Token(station.token_number, seq=station.ring_statistics["seq"]))
    station.advance(0)
    return station.take_sent()


def measures(station: Station) -> list[int]:
    return [len(each.data) for each in station.take_sent(MEASURE)]


def answer(station: Station, daemon: int, size: int, room: int = 0) -> None:
    header = PacketHeader(MEASURED, origin=daemon, transmitter=daemon, number=size, second=room)
    station.packet(header)


def wide_station(*answering: int) -> Station:
    """Return a station of three whose packets are full and whose first measures are answered."""
    station = Station.in_ring(0, 3, WIDE)
    fill(station)
    for daemon in answering:
        answer(station, daemon, JUMBO)
    return station


def sizes_of_data(station: Station) -> set[int]:
    """Return the sizes of whole packets that the station makes of a long message."""
    station.take_sent()
    station.submit(LARGE)
    station.next_token()
    station.submit(LARGE)
    station.token_number += 3
    station.token(Token(station.token_number, seq=station.ring_statistics["seq"]))
    return {len(each.data) for each in station.take_sent(DATA)}


def test_a_ring_begins_with_what_passes_everywhere() -> None:
    station = Station.in_ring(0, 3, WIDE)

    assert station.ring_statistics["datagram_size"] == LEAST
    assert max(sizes_of_data(station)) == LEAST


def test_a_lone_daemon_makes_the_largest_packets() -> None:
    assert Station(0, WIDE).ring_statistics["datagram_size"] == JUMBO


def test_nothing_is_measured_before_data_fills_packets() -> None:
    station = Station.in_ring(0, 3, WIDE)
    station.submit(b"small")
    station.next_token()
    station.advance(5 * MS)

    assert measures(station) == []


def test_the_largest_and_the_least_size_are_measured_when_it_does() -> None:
    station = Station.in_ring(0, 3, WIDE)

    sent = [each for each in fill(station) if each.header.kind == MEASURE]

    assert [(each.target, len(each.data)) for each in sent] == [(SEGMENT, JUMBO), (SEGMENT, LEAST)]


def test_a_measure_is_answered_with_its_size_and_the_own_room() -> None:
    station = Station.in_ring(0, 3, WIDE)

    station.packet(
        PacketHeader(MEASURE, origin=2, transmitter=2, number=5_000), bytes(5_000 - HEADER_SIZE)
    )

    (sent,) = station.take_sent(MEASURED)
    assert (sent.target, sent.channel) == (2, DATA_CHANNEL)
    assert (sent.header.number, sent.header.second) == (5_000, 1_000_000)


def test_a_measure_of_another_ring_is_not_answered() -> None:
    station = Station.in_ring(0, 3, WIDE)

    header = PacketHeader(MEASURE, 0, 2, 2, leader=1, time=1, number=5_000)
    station.packet(header, bytes(5_000 - HEADER_SIZE))

    assert station.take_sent(MEASURED) == []


def test_the_largest_size_is_used_once_everybody_has_answered() -> None:
    station = wide_station(1)
    assert station.ring_statistics["datagram_size"] == LEAST

    answer(station, 2, JUMBO)

    assert station.upcalls.calls.count(("path found", JUMBO)) == 1
    assert station.ring_statistics["datagram_size"] == JUMBO
    assert max(sizes_of_data(station)) == JUMBO


def test_nothing_more_is_measured_then() -> None:
    station = wide_station(1, 2)
    station.take_sent()

    station.advance(100 * MS)

    assert measures(station) == []


def test_answers_may_be_lost() -> None:
    station = wide_station(1)

    station.advance(40 * MS)
    assert JUMBO in measures(station)
    answer(station, 2, JUMBO)

    assert station.ring_statistics["datagram_size"] == JUMBO


def limited_in(station: Station) -> list[tuple[object, ...]]:
    return [each[1:] for each in station.upcalls.calls if each[0] == "path limited"]


def found_in(station: Station) -> list[object]:
    return [each[1] for each in station.upcalls.calls if each[0] == "path found"]


def keep_alive(station: Station, duration_ns: int, **answered: int) -> int:
    """Let time pass in which tokens come and members answer measures up to a size.

    Returns how many measures there were.
    """
    count = 0
    end_ns = station.now_ns + duration_ns
    while station.now_ns < end_ns:
        station.advance(10 * MS)
        for sent in station.take_sent(MEASURE):
            count += 1
            for name, size_max in answered.items():
                if len(sent.data) <= size_max:
                    answer(station, int(name.removeprefix("d")), len(sent.data))
        station.token_number += 3
        station.token(Token(station.token_number, seq=station.ring_statistics["seq"]))
    return count


def test_a_size_that_does_not_reach_a_member_is_told_and_the_next_is_used() -> None:
    station = wide_station(1)

    keep_alive(station, GIVE_UP_NS, d1=JUMBO, d2=ETHERNET)

    assert limited_in(station) == [(2, JUMBO, ETHERNET)]
    assert station.ring_statistics["datagram_size"] == ETHERNET
    assert max(sizes_of_data(station)) == ETHERNET


def test_everybody_whom_it_does_not_reach_is_told() -> None:
    station = wide_station()

    keep_alive(station, 2 * GIVE_UP_NS, d1=LEAST, d2=LEAST)

    assert limited_in(station) == [
        (daemon, size, LEAST) for daemon in (1, 2) for size in (JUMBO, ETHERNET)
    ]
    assert station.ring_statistics["datagram_size"] == LEAST


def test_nobody_is_told_of_a_size_before_it_is_known_what_passes() -> None:
    station = wide_station(1)

    keep_alive(station, 1_500 * MS, d1=JUMBO, d2=LEAST)
    told_early = limited_in(station)
    keep_alive(station, GIVE_UP_NS, d1=JUMBO, d2=LEAST)

    assert told_early == []
    assert limited_in(station) == [(2, JUMBO, LEAST), (2, ETHERNET, LEAST)]


def test_a_member_that_answers_nothing_is_told_once_and_measuring_ends() -> None:
    station = wide_station(1)

    keep_alive(station, 2 * GIVE_UP_NS, d1=JUMBO)

    assert limited_in(station) == []
    assert station.upcalls.calls.count(("path unanswered", 2)) == 1
    assert station.ring_statistics["datagram_size"] == LEAST
    assert MEASURE not in {each.header.kind for each in fill(station)}


def test_what_was_given_up_is_tried_again_when_data_fills_packets_after_a_while() -> None:
    station = wide_station(1)
    keep_alive(station, GIVE_UP_NS, d1=JUMBO)
    assert keep_alive(station, 61_000 * MS, d1=JUMBO) == 0

    fill(station)
    keep_alive(station, GIVE_UP_NS, d1=JUMBO, d2=JUMBO)

    assert station.ring_statistics["datagram_size"] == JUMBO


def test_a_member_that_goes_on_answering_nothing_is_not_told_again() -> None:
    station = wide_station(1)
    keep_alive(station, 61_000 * MS + GIVE_UP_NS, d1=JUMBO)

    assert MEASURE in {each.header.kind for each in fill(station)}
    keep_alive(station, GIVE_UP_NS, d1=JUMBO)

    assert station.upcalls.calls.count(("path unanswered", 2)) == 1
    assert found_in(station) == [LEAST]


def test_what_was_too_narrow_is_measured_again_after_a_while() -> None:
    station = wide_station(1)
    keep_alive(station, GIVE_UP_NS, d1=JUMBO, d2=ETHERNET)
    keep_alive(station, 61_000 * MS, d1=JUMBO, d2=JUMBO)
    assert station.ring_statistics["datagram_size"] == ETHERNET

    fill(station)
    keep_alive(station, GIVE_UP_NS, d1=JUMBO, d2=JUMBO)

    assert station.ring_statistics["datagram_size"] == JUMBO


def test_what_is_as_narrow_as_before_is_not_told_again() -> None:
    station = wide_station(1)
    keep_alive(station, 61_000 * MS + GIVE_UP_NS, d1=JUMBO, d2=ETHERNET)

    sent = fill(station)
    keep_alive(station, 2 * GIVE_UP_NS, d1=JUMBO, d2=ETHERNET)

    assert JUMBO in {len(each.data) for each in sent if each.header.kind == MEASURE}
    assert limited_in(station) == [(2, JUMBO, ETHERNET)]
    assert found_in(station) == [ETHERNET]
    assert station.ring_statistics["datagram_size"] == ETHERNET


def test_nothing_is_measured_while_a_ring_forms() -> None:
    station = Station.in_ring(0, 3, WIDE)
    assert MEASURE in {each.header.kind for each in fill(station)}

    station.node.ring_lost()
    station.commit((1, 9_000), [0, 1, 2])
    station.advance(30 * MS)

    assert measures(station) == []


def packets_of_visit(station: Station) -> int:
    """Return how many packets the station sends when it has plenty."""
    station.submit(bytes(400_000))
    station.next_token()
    station.take_sent()
    station.token_number += 3
    station.token(Token(station.token_number, seq=station.ring_statistics["seq"]))
    return len(station.take_sent(DATA))


def test_the_room_of_a_member_is_what_it_said_last() -> None:
    station = wide_station(1, 2)
    plenty = packets_of_visit(station)

    answer(station, 1, 7, room=100_000)
    less = packets_of_visit(station)
    answer(station, 1, 7, room=1_000_000)

    assert less < plenty
    assert packets_of_visit(station) == plenty


def test_the_room_of_one_member_is_not_that_of_another() -> None:
    station = wide_station(1, 2)
    answer(station, 1, 7, room=100_000)
    less = packets_of_visit(station)

    answer(station, 2, 7, room=1_000_000)

    assert packets_of_visit(station) == less


def test_less_room_than_the_least_buffer_there_is_is_no_answer() -> None:
    station = wide_station(1, 2)
    plenty = packets_of_visit(station)

    answer(station, 1, 7, room=1)

    assert packets_of_visit(station) == plenty


def test_another_ring_begins_anew() -> None:
    station = wide_station(1, 2)

    station.install((100, 9), [0, 1, 2])

    assert station.ring_statistics["datagram_size"] == LEAST


def request(station: Station, seq: int, count: int = 1) -> list[Sent]:
    """Let member 1 ask for packets from one on; returns what is sent."""
    station.take_sent()
    station.token_number += 3
    high = station.ring_statistics["seq"]
    station.token(
        Token(
            station.token_number,
            seq=high,
            acks=(high, seq - 1, high),
            requests=(Request(seq, count, who=1),),
        )
    )
    return [each for each in station.take_sent() if each.header.kind in {DATA, PIECE}]


def large_packet() -> tuple[Station, int]:
    """Return a station at the largest size that has sent a full packet, and its number."""
    station = wide_station(1, 2)
    station.submit(bytes(8_000))
    station.next_token()
    return station, station.ring_statistics["seq"]


def test_a_packet_that_is_asked_for_again_and_again_goes_in_pieces() -> None:
    station, seq = large_packet()

    first, second, third = (request(station, seq) for _ in range(3))

    assert [len(each) for each in (first, second)] == [1, 1]
    assert first[0].header.flags == RETRANS
    assert {each.header.kind for each in third} == {PIECE}
    assert {each.target for each in third} == {1}
    assert max(len(each.data) for each in third) == LEAST
    assert station.statistics["cut"] == 1


def test_packets_that_had_to_go_in_pieces_let_the_path_be_measured_again() -> None:
    station, seq = large_packet()
    for _ in range(6):
        request(station, seq)

    sent = fill(station)

    assert [len(each.data) for each in sent if each.header.kind == MEASURE] == [JUMBO, LEAST]
    keep_alive(station, GIVE_UP_NS, d1=ETHERNET, d2=JUMBO)
    assert limited_in(station) == [(1, JUMBO, ETHERNET)]
    assert station.ring_statistics["datagram_size"] == ETHERNET


def test_a_size_in_use_stays_until_it_is_known_not_to_pass() -> None:
    station, seq = large_packet()
    for _ in range(6):
        request(station, seq)

    fill(station)
    assert station.ring_statistics["datagram_size"] == JUMBO
    keep_alive(station, 400 * MS, d1=LEAST, d2=JUMBO)

    assert station.ring_statistics["datagram_size"] == LEAST


def test_a_size_in_use_stays_when_nothing_is_answered() -> None:
    station, seq = large_packet()
    for _ in range(6):
        request(station, seq)

    fill(station)
    keep_alive(station, 2 * GIVE_UP_NS, d2=JUMBO)

    assert station.ring_statistics["datagram_size"] == JUMBO


def test_a_size_that_passes_still_is_not_told_again() -> None:
    station, seq = large_packet()
    for _ in range(6):
        request(station, seq)

    fill(station)
    answer(station, 1, JUMBO)
    answer(station, 2, JUMBO)

    assert found_in(station) == [JUMBO]
    assert station.ring_statistics["datagram_size"] == JUMBO


def test_packets_in_pieces_are_forgotten_when_many_more_went_whole() -> None:
    station, seq = large_packet()
    for _ in range(5):
        request(station, seq)
    for _ in range(2):
        station.submit(bytes(1_200_000))
        keep_alive(station, 200 * MS)
    station.take_sent()
    seq = station.ring_statistics["seq"]
    station.submit(bytes(8_000))
    station.next_token()
    for _ in range(3):
        request(station, seq + 1)

    assert MEASURE not in {each.header.kind for each in fill(station)}


def test_small_packets_never_go_in_pieces() -> None:
    station = wide_station(1, 2)
    station.submit(b"small")
    station.next_token()
    seq = station.ring_statistics["seq"]

    sent = [each for _ in range(5) for each in request(station, seq)]

    assert {each.header.kind for each in sent} == {DATA}


def pieces_of(datagram: bytes, size: int, *, identity: int = 1, sender: int = 1) -> list[bytes]:
    """Cut a datagram by the page on packets."""
    return [
        make_packet(
            PacketHeader(
                PIECE,
                origin=sender,
                transmitter=sender,
                number=identity,
                second=len(datagram),
                lag=size,
                tail=index,
            ),
            NETWORK,
            datagram[index * size : (index + 1) * size],
        )
        for index in range(-(-len(datagram) // size))
    ]


def packet_of(
    station: Station, seq: int, body: bytes, origin: int = 1, transmitter: int | None = None
) -> bytes:
    sender = origin if transmitter is None else transmitter
    header = PacketHeader(DATA, RETRANS, origin, sender, *station.ring, number=seq, lag=seq)
    return make_packet(header, NETWORK, frame_of(origin, body))


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])
def test_a_packet_in_pieces_is_heard_like_any_other(order: int) -> None:
    station = Station.in_ring(0, 3)

    for piece in pieces_of(packet_of(station, 1, b"x" * 3_000), 700)[::order]:
        station.receive(piece)

    assert station.take_heard() == [b"x" * 3_000]
    assert station.statistics["joined"] == 1


def test_pieces_of_several_packets_may_be_mixed() -> None:
    station = Station.in_ring(0, 3)
    first = pieces_of(packet_of(station, 1, b"1" * 2_000), 500)
    second = pieces_of(packet_of(station, 2, b"2" * 2_000), 500, identity=2)
    other = pieces_of(packet_of(station, 3, b"3" * 2_000, origin=2), 500, sender=2)

    for mixed in zip(first, other, second, strict=True):
        for piece in mixed:
            station.receive(piece)

    assert [body[:1] for body in station.take_heard()] == [b"1", b"2", b"3"]


def test_a_packet_of_which_a_piece_is_missing_is_not_heard() -> None:
    station = Station.in_ring(0, 3)
    pieces = pieces_of(packet_of(station, 1, b"x" * 3_000), 700)

    for piece in [*pieces[:-1], *pieces[:-1]]:
        station.receive(piece)

    assert station.take_heard() == []


def test_parcels_that_stay_incomplete_give_way_to_new_ones() -> None:
    station = Station.in_ring(0, 3)
    lost = packet_of(station, 1, b"x" * 3_000)
    before = station.statistics["buffer_bytes"]
    for identity in range(2, 200):
        station.receive(pieces_of(lost, 700, identity=identity)[0])

    for piece in pieces_of(lost, 700):
        station.receive(piece)

    assert station.take_heard() == [b"x" * 3_000]
    assert station.statistics["buffer_bytes"] - before < 40 * 16_384


def test_pieces_of_several_copies_make_one_packet() -> None:
    station, seq = large_packet()
    for _ in range(2):
        request(station, seq)

    first, second = request(station, seq), request(station, seq)
    other = Station.in_ring(1, 3)
    for each in [*first[::2], *second[1::2]]:
        other.receive(each.data)

    assert other.statistics["joined"] == 1
    assert other.statistics["packets_received"] == 1


def test_few_packets_of_a_visit_are_answered_in_pieces() -> None:
    station = wide_station(1, 2)
    station.submit(bytes(400_000))
    station.next_token()
    for _ in range(3):
        sent = request(station, station.ring_statistics["seq"] - 18, 19)

    assert len({each.header.number for each in sent if each.header.kind == PIECE}) == 16


def test_a_piece_of_a_piece_is_not_taken() -> None:
    station = Station.in_ring(0, 3)
    inner = pieces_of(packet_of(station, 1, b"x" * 3_000), 1_000)[0]

    for piece in pieces_of(inner, 600, identity=7):
        station.receive(piece)

    assert station.statistics["dropped_malformed"] == 1


def test_an_origin_whose_packets_others_must_cut_is_told_to_measure() -> None:
    station = Station.in_ring(0, 3)
    for seq in range(1, 5):
        datagram = packet_of(station, seq, b"x" * 3_000, transmitter=2)
        for piece in pieces_of(datagram, 700, identity=seq, sender=2):
            station.receive(piece)

    (sent,) = station.take_sent(MEASURED)
    assert (sent.target, sent.header.number) == (1, 0)


def test_pieces_of_another_ring_are_not_counted() -> None:
    station = Station.in_ring(0, 3)
    for seq in range(1, 5):
        if seq == 4:
            station.install((100, 9), [0, 1, 2])
        datagram = packet_of(station, seq, b"x" * 3_000, transmitter=2)
        for piece in pieces_of(datagram, 700, identity=seq, sender=2):
            station.receive(piece)

    assert station.take_sent(MEASURED) == []


def test_who_is_told_so_measures_when_data_fills_packets() -> None:
    station = wide_station(1, 2)
    answer(station, 1, 0)

    sent = fill(station)

    assert [len(each.data) for each in sent if each.header.kind == MEASURE] == [JUMBO, LEAST]
    assert station.ring_statistics["datagram_size"] == JUMBO


def test_a_forwarder_sends_on_in_pieces_what_came_so() -> None:
    shape = Shape(daemons=4, segments=(0, 0, 1, 1))
    station = Station(2, shape)
    station.install(Station.RING, [0, 1, 2, 3])

    for piece in pieces_of(packet_of(station, 1, b"x" * 3_000, origin=0), 700, sender=0):
        station.receive(piece)

    sent = station.take_sent()
    assert {each.header.kind for each in sent} == {PIECE}
    assert {each.target for each in sent} == {SEGMENT}
    assert {each.header.transmitter for each in sent} == {2}


def test_a_forwarder_sends_on_a_measure_and_answers_it() -> None:
    shape = Shape(daemons=4, segments=(0, 0, 1, 1))
    station = Station(2, shape)
    station.install(Station.RING, [0, 1, 2, 3])

    station.packet(
        PacketHeader(MEASURE, origin=0, transmitter=0, number=500), bytes(500 - HEADER_SIZE)
    )

    sent = station.take_sent()
    assert [(each.header.kind, each.target) for each in sent] == [(MEASURE, SEGMENT), (MEASURED, 0)]
    assert sent[0].header.origin == 0
