"""What a station's flight recorder notes: all that comes in, all that goes out, and why not."""

import json

import pytest

from spread._packets import PacketHeader, make_packet
from spread._recorder import Recorder
from spread.monitor.flight_file import Direction, Kind, PacketNote, parse
from tests.ring.station import MS, NETWORK, SEGMENT, Shape, Station
from tests.ring.tokens import Token

LEAST = 548


def recorded(station: Station) -> Recorder:
    """Let a station record from here on."""
    names = [f"d{number}" for number in range(3)]
    description = {
        "daemon": names[0],
        "address": "127.0.0.1",
        "me": 0,
        "names": names,
        "process": 1,
        "release": "1",
        "incarnation": 1,
    }
    recorder = Recorder(
        bytearray(1 << 20), text_room=4, description=json.dumps(description).encode()
    )
    recorder.set_moment(station.now_ns, 0)
    station.node.set_recorder(recorder)
    return recorder


def notes(recorder: Recorder) -> tuple[PacketNote, ...]:
    return parse(recorder.image()).packets


def visit(station: Station) -> None:
    station.token_number += 3
    station.token(Token(station.token_number, seq=station.ring_statistics["seq"]))
    station.advance(0)


def test_everything_sent_is_noted_in_its_order() -> None:
    station = Station.in_ring(0, 3)
    recorder = recorded(station)
    station.take_sent()

    station.submit(b"hello")
    visit(station)

    sent = station.take_sent()
    out = [each for each in notes(recorder) if each.direction == Direction.OUT]
    assert [each.kind for each in out] == [each.header.kind for each in sent]
    assert [each.size for each in out] == [len(each.data) for each in sent]
    assert {(each.kind, each.target) for each in out} == {(Kind.DATA, SEGMENT), (Kind.TOKEN, 1)}


def test_everything_that_comes_in_is_noted_with_what_it_says() -> None:
    station = Station.in_ring(0, 3)
    recorder = recorded(station)

    station.data(1, seq=station.ring_statistics["seq"] + 1, payload=b"news")
    visit(station)

    came = [each for each in notes(recorder) if each.direction == Direction.IN]
    assert [(each.kind, each.transmitter) for each in came] == [(Kind.DATA, 1), (Kind.TOKEN, 2)]
    assert came[1].number == station.token_number


@pytest.mark.parametrize(
    ("datagram", "fault"),
    [
        (b"garbage", 1),
        (make_packet(PacketHeader(Kind.PING, origin=1, transmitter=1), NETWORK + 1), 4),
        (make_packet(PacketHeader(Kind.PING, origin=1, transmitter=1), NETWORK)[:-1] + b"!", 5),
        (make_packet(PacketHeader(Kind.PING, origin=9, transmitter=9), NETWORK), 6),
    ],
)
def test_what_is_dropped_is_noted_with_the_reason(datagram: bytes, fault: int) -> None:
    station = Station.in_ring(0, 3)
    recorder = recorded(station)

    station.receive(datagram)

    assert [each.fault for each in notes(recorder)] == [fault]


def test_what_a_partition_keeps_out_is_noted() -> None:
    station = Station.in_ring(0, 3)
    recorder = recorded(station)
    station.node.set_partition((0, 1, 1), station.now_ns + 1_000 * MS)

    station.data(1, seq=station.ring_statistics["seq"] + 1, payload=b"news")

    assert [each.fault for each in notes(recorder)] == [64]


def test_nothing_is_noted_any_more_without_a_recorder() -> None:
    station = Station.in_ring(0, 3)
    recorder = recorded(station)
    station.node.set_recorder(None)

    visit(station)

    assert recorder.counts() == (0, 0)


def test_a_packet_in_pieces_is_noted_whole_in_front_of_them() -> None:
    station = Station.in_ring(0, 3, Shape(sizes=(8_972, 1_472, LEAST), receive_buffer=1_000_000))
    station.submit(bytes(9_200))
    visit(station)
    station.advance(2_000 * MS)
    recorder = recorded(station)

    station.submit(bytes(9_200))
    visit(station)

    out = [each for each in notes(recorder) if each.direction != Direction.IN]
    cut = [place for place, each in enumerate(out) if each.direction == Direction.CUT]
    assert all(out[place].kind == Kind.DATA for place in cut)
    assert all(out[place + 1].kind == Kind.PIECE for place in cut)
