"""Files of flight recorders: what a recorder has written is read, anything else is refused."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spread import _packets, _recorder
from spread.errors import PeerError
from spread.monitor.flight_file import MAGIC, Direction, Flag, Kind, parse, read
from spread.monitor.flight_words import FAULTS
from tests.unit.monitor.flights import NAMES, SEGMENT, Station, data, token


def recorded() -> Station:
    station = Station(1, off_ns=5_000_000_000)
    station.says("daemon starts", 1)
    station.hears(token(0, 7), 2)
    station.sends(data(1, 41), SEGMENT, 3)
    station.hears(b"\xff\xff", 4, fault=1)
    return station


def test_a_file_tells_who_recorded_and_what() -> None:
    file = recorded().file()

    assert (file.daemon, file.address, file.me, file.names) == ("b", "10.0.0.2", 1, NAMES)
    assert [(each.kind, each.direction, each.fault) for each in file.packets] == [
        (Kind.TOKEN, Direction.IN, 0),
        (Kind.DATA, Direction.OUT, 0),
        (0, Direction.IN, 1),
    ]
    assert file.packets[0].number == 7
    assert file.packets[1].target == SEGMENT
    assert [(each.after, each.text) for each in file.texts] == [(0, "daemon starts")]
    assert file.wall_of(file.packets[0].time_ns) == 5_000_000_000 + 2_000_000


def test_of_a_full_ring_all_but_the_record_that_may_be_torn_is_there() -> None:
    station = Station(0, packets=8)
    for number in range(20):
        station.hears(token(1, number), number)

    file = station.file()

    assert [each.number for each in file.packets] == list(range(13, 20))
    assert file.first_packet == 13


@pytest.mark.parametrize("asked", [1, 3, 8, 500])
def test_tail_is_a_file_of_the_last_records(asked: int) -> None:
    station = Station(0, packets=8)
    for number in range(20):
        station.hears(token(1, number), number)
        station.says(f"event {number}", number)

    file = parse(station.recorder.tail(asked, asked))

    assert [each.number for each in file.packets] == list(range(20 - min(asked, 7), 20))
    assert file.texts[-1].text == "event 19"
    assert len(file.texts) == min(asked, 16)


def test_text_does_nothing_to_a_terminal() -> None:
    station = Station(0)
    station.says("\x1b[2Jgone\nover", 1)

    assert station.file().texts[0].text == "?[2Jgone?over"


def test_records_whose_time_makes_no_sense_are_left_out() -> None:
    station = Station(0)
    station.recorder.note_datagram(token(1, 1), now_ns=(1 << 63) - 1)
    station.hears(token(1, 2), 1)

    assert [each.number for each in station.file().packets] == [2]


IMAGE = recorded().recorder.image()


@given(st.binary(max_size=200), st.integers(0, len(IMAGE)), st.integers(0, 200))
@example(b"", 0, 0)
@example(bytes(8), 32, 0)
def test_any_bytes_are_records_or_a_peer_error(change: bytes, cut: int, at: int) -> None:
    changed = IMAGE[:at] + change + IMAGE[at + len(change) :]

    for each in (change, changed, changed[:cut]):
        try:
            file = parse(each)
        except PeerError:
            continue
        assert len(file.packets) <= 64


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 255)), max_size=6))
def test_a_head_with_other_bytes_is_records_or_a_peer_error(
    changes: list[tuple[int, int]],
) -> None:
    changed = bytearray(IMAGE)
    for at, value in changes:
        changed[at] = value

    try:
        file = parse(bytes(changed))
    except PeerError:
        return
    assert file.me < len(file.names)


@pytest.mark.parametrize(
    ("description", "complaint"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"names":[]}', "does not name"),
        (b'{"names":["a"],"me":1}', "daemon 1 of 1"),
        (b'{"names":["a"],"me":true}', "me is True"),
        (b'{"names":[3],"me":0,"daemon":"a","address":"b"}', "3 is no name"),
    ],
)
def test_what_a_file_says_of_its_daemon_is_checked(description: bytes, complaint: str) -> None:
    station = Station(0)
    station.recorder.describe(description)

    with pytest.raises(PeerError, match=complaint):
        station.file()


def test_the_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.flight"
    path.write_bytes(b"GIF89a")

    with pytest.raises(PeerError, match=r"photo\.flight is no file of a flight recorder"):
        read(path)


def test_the_reader_has_the_names_of_the_core_for_kinds_and_flags() -> None:
    # Whoever reads a file need not have the compiled modules, so the reader has a list of its own.
    assert {each.value: each.name for each in Kind} == _packets.KINDS
    assert {each.value: each.name for each in Flag} == _packets.FLAGS
    assert set(FAULTS) >= set(range(len(_packets.FAULT_TEXTS))) - {_packets.NO_FAULT}
    assert MAGIC == _recorder.MAGIC
