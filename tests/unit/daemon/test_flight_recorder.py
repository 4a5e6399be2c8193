"""The daemon's flight recorder without a daemon: its memory, its files, what is noted."""

from dataclasses import replace
from pathlib import Path

import pytest

from spread.config import local
from spread.config.model import Configuration, EventPriority, EventType
from spread.daemon.flight_recorder import SESSION_EVENTS_MAX, Bearings, FlightRecorder
from spread.errors import ArgumentError
from spread.monitor.flight_file import parse, read
from spread.monitor.queries import Kind, Query
from spread.monitor.trace import file_of_answer
from tests.unit.daemon.event_list import EventList

PRINT = EventType.PRINT


def configuration(size_kib: int = 256) -> Configuration:
    made = local(4803, "d1")
    return replace(made, options=replace(made.options, flight_recorder=size_kib))


def recorder(log: EventList, memory: Path, state_dir: Path | None = None) -> FlightRecorder:
    bearings = Bearings(configuration(), 7, None if state_dir is None else str(state_dir), None)
    return FlightRecorder(bearings, log, memory)


def test_an_orderly_end_leaves_no_file(tmp_path: Path) -> None:
    log = EventList()
    flight = recorder(log, tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size == 256 * 1024

    flight.close(is_crash=False)

    assert list(tmp_path.iterdir()) == []
    assert log.events == []


@pytest.mark.parametrize("has_state_dir", [False, True])
def test_what_a_crash_leaves_is_kept_by_the_next_start(tmp_path: Path, has_state_dir: bool) -> None:
    memory, state = tmp_path / "memory", tmp_path / "state"
    memory.mkdir()
    state.mkdir()
    crashed = recorder(EventList(), memory)
    crashed.note(PRINT, EventPriority.PRINT, "the last words")
    crashed.close(is_crash=True)
    del crashed
    (left,) = memory.iterdir()
    # Of another process, as its number says.
    left.rename(memory / "spread-d1-4803-1.flight")
    log = EventList()

    flight = recorder(log, memory, state if has_state_dir else None)
    flight.close(is_crash=False)

    (told,) = log.told
    kept = Path(str(told.fields["file"]))
    assert told.priority is EventPriority.WARNING
    assert told.wording == "this daemon did not end in order; what it recorded is kept"
    assert told.fields["read"] == f"spmonitor trace {kept}"
    assert list((state if has_state_dir else memory).iterdir()) == [kept]
    assert read(kept).texts[-1].text == "the last words"


def test_without_a_place_it_records_in_plain_memory(tmp_path: Path) -> None:
    log = EventList()

    flight = recorder(log, tmp_path / "missing")

    flight.note(PRINT, EventPriority.PRINT, "something")
    assert parse(flight.recorder.image()).texts[0].text == "something"
    assert [(each.priority, each.wording) for each in log.told] == [
        (
            EventPriority.WARNING,
            "flight recorder in plain memory, a crash would leave nothing of it",
        )
    ]
    flight.close(is_crash=False)


def test_keeping_says_where(tmp_path: Path) -> None:
    log = EventList()
    flight = recorder(log, tmp_path)

    flight.keep("somebody asked")

    (told,) = log.told
    assert (told.priority, told.wording) == (EventPriority.PRINT, "flight recorder kept")
    assert told.fields["reason"] == "somebody asked"
    assert read(Path(str(told.fields["file"]))).daemon == "d1"
    flight.close(is_crash=False)


def test_keeping_without_a_place_says_why_not(tmp_path: Path) -> None:
    log = EventList()
    flight = recorder(log, tmp_path / "missing")

    flight.keep("somebody asked")

    last = log.told[-1]
    assert (last.priority, last.wording) == (EventPriority.WARNING, "flight recorder not kept")
    flight.close(is_crash=False)


def test_clients_that_come_and_go_are_not_noted_and_refusals_not_without_end(
    tmp_path: Path,
) -> None:
    flight = recorder(EventList(), tmp_path)

    flight.note(EventType.SESSION, EventPriority.INFO, "session opened")
    for _ in range(5 * SESSION_EVENTS_MAX):
        flight.note(EventType.SESSION, EventPriority.WARNING, "connection refused")

    count = flight.recorder.counts()[1]
    assert 0 < count <= 3 * SESSION_EVENTS_MAX
    flight.close(is_crash=False)


def test_the_answer_to_a_query_is_the_end_of_what_was_recorded(tmp_path: Path) -> None:
    flight = recorder(EventList(), tmp_path)
    for number in range(5):
        flight.note(PRINT, EventPriority.PRINT, f"event {number}")

    answer = flight.answer(Query(1, Kind.TRACE, {"texts": 2}), None)  # type: ignore[arg-type]

    assert [each.text for each in file_of_answer(answer).texts] == ["event 3", "event 4"]
    with pytest.raises(ArgumentError, match="packets must be a number"):
        flight.answer(Query(1, Kind.TRACE, {"packets": -1}), None)  # type: ignore[arg-type]
    flight.close(is_crash=False)


def test_another_configuration_changes_what_the_file_says(tmp_path: Path) -> None:
    flight = recorder(EventList(), tmp_path)

    flight.configured(replace(local(4803, "longer"), options=configuration().options))

    assert parse(flight.recorder.image()).names == ("longer",)
    flight.close(is_crash=False)
