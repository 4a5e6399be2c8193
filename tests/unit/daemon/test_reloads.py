"""Orders to reload: one at a time, none lost, and nobody waits for the system but their thread."""

import threading
from collections.abc import Callable, Iterator

import pytest

from spread.daemon.reloads import ANSWERS_KEPT, ASKERS_MAX, NAMES_MAX, Reloads
from spread.errors import ConfigurationError
from spread.monitor.reload import ReloadOutcome
from tests.daemon.harness.waiting import wait_until
from tests.unit.daemon.event_list import EventList

WAIT_S = 20


class Reader:
    """Reads as long as it is told to, and notes who asked."""

    def __init__(self) -> None:
        self.asked_by: list[str] = []
        self.previews = 0
        self.defect: Exception | None = None
        self.is_reading = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def preview(self) -> ReloadOutcome:
        self._read()
        self.previews += 1
        return ReloadOutcome("a", "spread.conf")

    def reload(self, asked_by: str) -> ReloadOutcome:
        self._read()
        self.asked_by.append(asked_by)
        return ReloadOutcome("a", "spread.conf", done=not asked_by.startswith("wrong"))

    def hold(self) -> None:
        """Let the next look at the file take until `may_go_on`."""
        self.may_go_on.clear()

    def _read(self) -> None:
        self.is_reading.set()
        assert self.may_go_on.wait(WAIT_S)
        if self.defect is not None:
            raise self.defect


class Bench:
    def __init__(self) -> None:
        self.reader = Reader()
        self.log = EventList()
        self.reloads = Reloads(self.reader, self.log)
        self.told: list[tuple[str, ReloadOutcome]] = []

    def tell(self, name: str) -> Callable[[ReloadOutcome], None]:
        return lambda outcome: self.told.append((name, outcome))

    def begin(self) -> None:
        """Have a reload begun that goes on until it is let go."""
        self.reader.hold()
        self.reloads.hang_up()
        assert self.reader.is_reading.wait(WAIT_S)

    def finish(self) -> None:
        """Let everything be done that has been ordered."""
        done = threading.Event()
        self.reader.may_go_on.set()
        self.reloads.reload("the last", lambda _: done.set())
        assert done.wait(WAIT_S)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.told]


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.reloads.start()
    yield made
    made.reader.may_go_on.set()
    made.reloads.stop()


def test_an_order_is_carried_out_in_the_thread_and_told(bench: Bench) -> None:
    bench.begin()
    bench.reloads.reload("somebody", bench.tell("first"), key=("10.0.0.1", 7))
    before = list(bench.told)
    bench.finish()

    assert before == []
    assert [(name, outcome.done) for name, outcome in bench.told] == [("first", True)]
    assert bench.reader.asked_by == ["a signal", "somebody, the last"]


def test_what_comes_while_one_runs_has_the_file_read_once_more_for_all(bench: Bench) -> None:
    bench.begin()
    for number in range(3):
        bench.reloads.hang_up()
        bench.reloads.reload(f"10.0.0.{number}", bench.tell(f"{number}"), key=(f"{number}", 7))
    bench.finish()

    assert bench.reader.asked_by == [
        "a signal",
        "a signal, 10.0.0.0, 10.0.0.1, 10.0.0.2, the last",
    ]
    assert bench.names == ["0", "1", "2"]


def test_question_that_comes_again_while_it_is_carried_out_is_the_same(bench: Bench) -> None:
    bench.reader.hold()
    key = ("10.0.0.1", 7)
    bench.reloads.reload("somebody", bench.tell("first"), key)
    assert bench.reader.is_reading.wait(WAIT_S)
    bench.reloads.reload("somebody", bench.tell("again"), key)
    bench.finish()

    assert bench.names == ["again"]
    assert bench.reader.asked_by == ["somebody", "the last"]


def test_question_that_comes_again_afterwards_is_answered_as_before(bench: Bench) -> None:
    key = ("10.0.0.1", 7)
    bench.reloads.reload("somebody", bench.tell("first"), key)
    bench.finish()
    count = len(bench.reader.asked_by)

    bench.reloads.reload("somebody", bench.tell("again"), key)

    assert bench.names == ["first", "again"]
    assert bench.told[0][1] is bench.told[1][1]
    assert len(bench.reader.asked_by) == count


def test_answers_that_are_kept_are_bounded(bench: Bench) -> None:
    for number in range(ANSWERS_KEPT + 1):
        bench.reloads.reload("somebody", bench.tell(""), key=("10.0.0.1", number))
        bench.finish()
    count = len(bench.reader.asked_by)

    bench.reloads.reload("somebody", bench.tell(""), key=("10.0.0.1", 0))
    bench.finish()

    assert bench.reader.asked_by[count:] == ["somebody, the last"]


def test_signals_ask_for_another_reload_each_time(bench: Bench) -> None:
    for _ in range(3):
        bench.reloads.hang_up()
        bench.finish()

    assert bench.reader.asked_by == ["a signal, the last"] * 3


def test_preview_does_not_reload_and_waits_its_turn(bench: Bench) -> None:
    bench.begin()
    for number in range(2):
        bench.reloads.preview(bench.tell(f"preview {number}"), key=("10.0.0.1", number))
    bench.finish()

    assert bench.names == ["preview 0", "preview 1"]
    assert bench.reader.previews == 1


def test_who_finds_too_many_waiting_is_told_to_ask_again(bench: Bench) -> None:
    bench.begin()
    for number in range(ASKERS_MAX):
        bench.reloads.reload("many", bench.tell("one"), key=("10.0.0.1", number))

    with pytest.raises(ConfigurationError, match="a reload is under way and too many wait for it"):
        bench.reloads.reload("one more", bench.tell("one more"), key=("10.0.0.2", 1))
    bench.reader.may_go_on.set()


def test_signal_is_an_order_however_many_wait(bench: Bench) -> None:
    bench.begin()
    told = threading.Semaphore(0)
    for number in range(ASKERS_MAX):
        bench.reloads.reload("many", lambda _: told.release(), key=("10.0.0.1", number))

    bench.reloads.hang_up()
    bench.reader.may_go_on.set()
    answers = [told.acquire(timeout=WAIT_S) for _ in range(ASKERS_MAX)]

    assert all(answers)
    assert bench.reader.asked_by == ["a signal", "many, a signal"]


def test_orders_of_whom_nobody_waits_for_take_no_places(bench: Bench) -> None:
    bench.begin()
    asking = [f"10.0.0.1:{40_000 + number}" for number in range(NAMES_MAX + ASKERS_MAX)]
    for each in asking:
        bench.reloads.reload(each)
    bench.reloads.reload("somebody", bench.tell("one"), key=("10.0.0.2", 1))
    bench.finish()

    assert bench.reader.asked_by == ["a signal", ", ".join([*asking[:NAMES_MAX], "others"])]
    assert bench.names == ["one"]


def test_reloads_and_refusals_are_counted(bench: Bench) -> None:
    bench.reloads.reload("wrong", bench.tell("wrong"))
    bench.begin()
    bench.reloads.preview(bench.tell("preview"), key=("10.0.0.1", 1))
    bench.finish()

    counters = bench.reloads.counters()
    assert counters["reloads_refused"] == 1
    assert counters["reloads"] == len(bench.reader.asked_by) - 1


def test_what_fails_is_told_and_the_next_order_is_carried_out(bench: Bench) -> None:
    question = ("10.0.0.1", 1)
    bench.reader.defect = ValueError("a defect")
    bench.reloads.reload("one", bench.tell("one"), key=question)
    wait_until(lambda: bench.log.events, "the failure to be told")

    bench.reader.defect = None
    bench.reloads.reload("one", bench.tell("one again"), key=question)
    bench.finish()

    assert bench.names == ["one again"]

    ((wording, fields),) = bench.log.events
    assert wording == "the thread for reloads failed and goes on"
    assert fields["reason"] == "ValueError: a defect"
    assert bench.reloads.counters()["reload_failures"] == 1


def test_a_failure_to_tell_one_keeps_nobody_else_from_hearing(bench: Bench) -> None:
    def fail(_: ReloadOutcome) -> None:
        raise ValueError("a defect")

    bench.begin()
    bench.reloads.reload("one", fail)
    bench.reloads.reload("two", bench.tell("two"))
    bench.finish()

    assert bench.names == ["two"]
    assert bench.reloads.counters()["reload_failures"] == 1


def test_stop_does_not_wait_for_a_reader_that_is_stuck_for_long() -> None:
    bench = Bench()
    bench.reloads.start()
    bench.begin()

    bench.reloads.stop()
    done_by_then = list(bench.reader.asked_by)
    bench.reader.may_go_on.set()

    assert done_by_then == []
