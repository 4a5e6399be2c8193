"""Timelines of several daemons: clocks, order, words, runs, filters."""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.errors import PeerError
from spread.monitor.flight_file import EVENT, Direction, Flag, FlightFile, Kind
from spread.monitor.flight_merge import clocks_of, joined, merged
from spread.monitor.trace import (
    Entry,
    Filter,
    entries_of,
    file_of_answer,
    head_lines,
    lines_of,
    timeline,
)
from tests.unit.monitor.flights import MS, NAMES, SEGMENT, Station, data, packet, token


def entries(*files: FlightFile, wanted: Filter | None = None) -> list[Entry]:
    return entries_of(files, clocks_of(files), wanted or Filter())


def rounds(stations: list[Station], count: int, latency_ms: float = 0.1) -> None:
    """Let the token go round."""
    time_ms = 1.0
    for number in range(count):
        here, there = stations[number % 3], stations[(number + 1) % 3]
        visit = token(here.me, number)
        here.sends(visit, there.me, time_ms)
        there.hears(visit, time_ms + latency_ms)
        time_ms += 1


def test_clocks_that_differ_by_hours_are_aligned_to_a_part_of_the_latency() -> None:
    hour_ns = 3_600_000_000_000
    stations = [
        Station(0),
        Station(1, boot_ns=5 * hour_ns, off_ns=2 * hour_ns),
        Station(2, boot_ns=hour_ns, off_ns=-1 + hour_ns),
    ]
    rounds(stations, 30)
    for number, each in enumerate(stations):
        # Without a way back nothing would tell latency and clock apart.
        reply = packet(Kind.ALIVE, each.me, number=number)
        each.sends(reply, SEGMENT, 50 + number)
        for other in stations:
            if other is not each:
                other.hears(reply, 50.1 + number)

    clocks = clocks_of([each.file() for each in stations])

    assert clocks[0] == (0, 0)
    assert abs(clocks[1].correction_ns + 2 * hour_ns) <= 1
    assert abs(clocks[2].correction_ns + hour_ns - 1) <= 1
    assert clocks[1].uncertainty_ns == pytest.approx(0.1 * MS, abs=2)


def test_a_clock_that_is_compared_one_way_only_lets_nothing_arrive_early() -> None:
    one, other = Station(0, off_ns=5_000 * MS), Station(1)
    message = data(0, 1)
    one.sends(message, SEGMENT, 1)
    other.hears(message, 1.2)

    clocks = clocks_of([one.file(), other.file()])

    assert clocks[1].uncertainty_ns is None
    assert clocks[1].correction_ns == pytest.approx(4_999.8 * MS)


def test_a_file_with_nothing_in_common_keeps_its_time_of_day() -> None:
    one, other = Station(0), Station(1, off_ns=9)

    assert [each.correction_ns for each in clocks_of([one.file(), other.file()])] == [0, 0]


def test_no_packet_arrives_before_it_is_sent_whatever_the_clocks_say() -> None:
    one, other = Station(0), Station(1)
    late, early = data(0, 1), data(0, 2)
    one.sends(late, SEGMENT, 9)
    other.hears(late, 2)
    other.says("between", 3)
    other.sends(token(1, 5), 0, 4)
    one.hears(token(1, 5), 1)
    one.sends(early, SEGMENT, 10)
    other.hears(early, 11)
    files = [one.file(), other.file()]

    order = [(each.file.daemon, each.note) for each in merged(files, clocks_of(files))]

    places = {
        (daemon, note.kind, note.number, note.direction): place
        for place, (daemon, note) in enumerate(order)
        if hasattr(note, "kind")
    }
    assert len(order) == 7
    for sender, receiver, kind, number in (
        ("a", "b", Kind.DATA, 1),
        ("b", "a", Kind.TOKEN, 5),
        ("a", "b", Kind.DATA, 2),
    ):
        went = places[sender, kind, number, Direction.OUT]
        assert went < places[receiver, kind, number, Direction.IN]


def test_records_that_contradict_each_other_are_all_shown() -> None:
    one, other = Station(0), Station(1)
    one.hears(token(1, 5), 1)
    one.sends(token(0, 4), 1, 2)
    other.hears(token(0, 4), 1)
    other.sends(token(1, 5), 0, 2)

    assert len(entries(one.file(), other.file())) == 4


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 8), st.integers(0, 50)),
        max_size=40,
    )
)
def test_every_record_is_there_once_and_files_keep_their_order(
    made: list[tuple[int, int, int, int]],
) -> None:
    stations = [Station(number) for number in range(3)]
    for sender, receiver, number, time_ms in made:
        stations[sender].sends(token(sender, number), receiver, time_ms)
        stations[receiver].hears(token(sender, number), 50 - time_ms)
    files = [each.file() for each in stations]

    moments = list(merged(files, clocks_of(files)))

    for file in files:
        assert [each.note for each in moments if each.file is file] == list(file.packets)


def test_events_stand_between_the_packets_between_which_they_happened() -> None:
    station = Station(0)
    station.hears(token(2, 1), 5)
    station.says("token lost", 1)
    station.hears(token(2, 2), 5)

    assert [each.kind for each in entries(station.file())] == ["TOKEN", EVENT, "TOKEN"]


def test_data_between_two_visits_of_the_token_is_one_entry() -> None:
    station = Station(0)
    for seq in (5, 6, 8):
        station.hears(data(1, seq), seq)
        station.hears(data(2, seq + 10), seq)
    station.hears(token(2, 1), 9)
    station.hears(data(1, 9), 10)
    station.hears(data(1, 7, flags=Flag.RETRANS), 11)

    found = entries(station.file())

    assert [each.text for each in found if each.kind == "DATA"][-2:] == [
        "seq 9",
        "seq 7, sent again",
    ]
    assert sum(each.count for each in found if each.kind == "DATA") == 8


def test_a_run_tells_its_bounds_and_how_much_it_was() -> None:
    station = Station(0)
    for seq in (5, 6, 8):
        station.sends(data(0, seq, flags=Flag.POST), SEGMENT, seq)

    (run,) = entries(station.file())

    assert run.text == "seq 5 to 8, behind the token, 3 packets, 192 bytes"
    assert (run.count, run.size, run.until_ns - run.time_ns) == (3, 192, 3 * MS)


@pytest.mark.parametrize(
    ("made", "fault", "words"),
    [
        (token(1, 9), 0, "no 9, round 3, seq 40, 0 packets in this round, 64 bytes"),
        (token(1, 9, flags=Flag.RESEND), 0, "a copy"),
        (packet(Kind.TOKEN_ACK, 1, number=3), 0, "has token 3"),
        (packet(Kind.WANT, 1, number=4), 0, "asks for the token, has seen no 4"),
        (packet(Kind.PING, 1), 0, "whether anybody listens"),
        (packet(Kind.MEASURED, 1, number=1472), 0, "1472 bytes arrived"),
        (packet(Kind.LEAVE, 1, number=1, second=2), 0, "leaves ring 10.0.0.1/77"),
        (data(1, 9), 5, "dropped: damaged on its way"),
        (data(1, 9), 64, "seq 9, dropped: a monitor's partition is in force"),
        (b"??", 1, "dropped: of another protocol, or too short"),
    ],
)
def test_a_packet_is_told_in_words(made: bytes, fault: int, words: str) -> None:
    station = Station(0)
    station.hears(made, 1, fault)

    assert words in entries(station.file())[0].text


def test_every_kind_of_packet_has_a_name_and_words() -> None:
    station = Station(0)
    for kind in Kind:
        station.hears(packet(kind, 1, number=1), 1)

    found = entries(station.file())

    assert [each.kind for each in found] == [each.name for each in Kind]
    assert all(each.text for each in found)


def test_kinds_are_those_of_the_daemon() -> None:
    from spread._packets import KINDS

    assert {each.value: each.name for each in Kind} == KINDS


@pytest.mark.parametrize(
    ("wanted", "times"),
    [
        (Filter(from_ns=3 * MS), [3, 4, 5]),
        (Filter(to_ns=2 * MS), [1, 2]),
        (Filter(last_s=0.001), [4, 5]),
        (Filter(kinds=frozenset({"TOKEN"})), [1, 3]),
        (Filter(daemons=frozenset({"b"})), []),
    ],
)
def test_filters_show_what_is_asked_for(wanted: Filter, times: list[int]) -> None:
    station = Station(0)
    for time_ms in (1, 3):
        station.hears(token(1, time_ms), time_ms)
        station.says("something", time_ms + 1)
    station.says("the end", 5)

    found = entries(station.file(), wanted=wanted)

    assert [each.time_ns // MS for each in found] == times


def test_lines_say_when_where_from_whom_and_what() -> None:
    station = Station(0)
    station.hears(token(1, 3), 1)
    station.says("token lost", 2)

    day, visit, event = lines_of(entries(station.file()))

    assert day.startswith("19")
    assert "  a  <- b  TOKEN     no 3, round 1" in visit
    assert event.endswith("  a  ** token lost")


def test_the_head_says_how_clocks_compare() -> None:
    file = Station(2).file()

    (line,) = head_lines([file], clocks_of([file]))

    assert line == (
        "c (10.0.0.3), process 102, release 1.0: 0 packets, 0 events; "
        "the others' clocks are corrected to this one"
    )


def test_the_head_says_how_wrong_a_corrected_clock_can_be() -> None:
    first, second = Station(0), Station(1, off_ns=MS)
    for number, (here, there) in enumerate([(first, second), (second, first)], 1):
        visit = token(here.me, number)
        here.sends(visit, there.me, number)
        there.hears(visit, number + 0.1)
    files = [first.file(), second.file()]

    lines = list(head_lines(files, clocks_of(files)))

    assert lines[1].endswith("; clock corrected by -0.001000 s, wrong by 0.000100 s at most")


def test_kinds_that_are_hidden_are_left_out() -> None:
    station = Station(0)
    station.hears(token(1, 1), 1)
    station.says("still there", 2)

    found = entries(station.file(), wanted=Filter(hidden=frozenset({"TOKEN"})))

    assert [each.kind for each in found] == [EVENT]


def test_it_is_marked_where_a_file_ends() -> None:
    first, second = Station(0), Station(1)
    visit = token(0, 1)
    first.sends(visit, 1, 1)
    second.hears(visit, 2)
    second.says("still there", 3)
    files = [first.file(), second.file()]

    found = entries_of(files, clocks_of(files), Filter(), marks_ends=True)

    assert [each.text for each in found if each.kind == EVENT] == [
        "what a recorded ends here",
        "still there",
        "what b recorded ends here",
    ]


def test_a_timeline_is_json_and_can_be_cut_to_its_end() -> None:
    station = Station(0)
    for number in range(5):
        station.hears(token(1, number), number)

    found = json.loads(json.dumps(timeline([station.file()], most=2)))

    assert [each["time_s"] for each in found] == [0.003, 0.004]
    assert found[0]["daemon"] in NAMES


def test_the_answer_of_a_daemon_is_a_file() -> None:
    station = Station(0)
    station.hears(token(1, 3), 1)
    image = b64encode(station.recorder.tail(9, 9)).decode()

    assert file_of_answer(json.dumps({"file": image}).encode()).packets[0].number == 3


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"file":3}', b'{"file":"!"}', b'{"file":"AA=="}']
)
def test_an_answer_that_is_no_file_is_a_peer_error(answer: bytes) -> None:
    with pytest.raises(PeerError):
        file_of_answer(answer)


def test_two_files_of_one_run_are_shown_as_one() -> None:
    station = Station(0)
    for number in range(4):
        station.hears(token(1, number), number)
        station.says(f"event {number}", number)
    first = station.file()
    station.hears(token(1, 4), 4)
    station.says("event 4", 4)

    (both,) = joined([station.file(), first])

    assert [each.number for each in both.packets] == [0, 1, 2, 3, 4]
    assert [each.text for each in both.texts] == [f"event {number}" for number in range(5)]
    assert timeline([first, first]) == timeline([first])


def test_files_of_one_run_between_which_packets_are_missing_stay_apart() -> None:
    station = Station(0)
    station.hears(token(1, 0), 0)
    station.says("in both", 0)
    first = station.file()
    for number in range(1, 90):
        station.hears(token(1, number), number)

    files = joined([station.file(), first])

    assert [len(each.packets) for each in files] == [1, 63]
    assert [len(each.texts) for each in files] == [1, 0]


def test_another_run_of_a_daemon_is_another_file() -> None:
    assert len(joined([Station(0).file(), Station(1).file()])) == 2
