"""Virtual time."""

from collections.abc import Callable

import pytest

from spread.sim.agenda import START_NS, Agenda


def noting(log: list[str], text: str) -> Callable[[], None]:
    return lambda: log.append(text)


def test_events_happen_in_the_order_of_their_times() -> None:
    agenda = Agenda()
    log: list[str] = []
    agenda.after(20, noting(log, "late"))
    agenda.after(10, noting(log, "early"))

    agenda.run(START_NS + 20)

    assert log == ["early", "late"]


def test_events_of_one_time_happen_in_the_order_in_which_they_came() -> None:
    agenda = Agenda()
    log: list[str] = []
    for text in ("first", "second", "third"):
        agenda.after(5, noting(log, text))

    agenda.run(START_NS + 5)

    assert log == ["first", "second", "third"]


def test_time_stands_at_the_event_while_it_happens_and_at_the_end_afterwards() -> None:
    agenda = Agenda()
    seen: list[int] = []
    agenda.after(7, lambda: seen.append(agenda.now_ns))

    agenda.run(START_NS + 100)

    assert seen == [START_NS + 7]
    assert agenda.now_ns == START_NS + 100


def test_what_comes_later_stays_for_the_next_run() -> None:
    agenda = Agenda()
    log: list[str] = []
    agenda.after(11, noting(log, "later"))

    agenda.run(START_NS + 10)
    before = list(log)
    agenda.run(START_NS + 11)

    assert (before, log) == ([], ["later"])


def test_an_event_may_plan_another_one_within_the_same_run() -> None:
    agenda = Agenda()
    log: list[str] = []
    agenda.after(1, lambda: agenda.after(1, noting(log, "second")))

    agenda.run(START_NS + 2)

    assert log == ["second"]


def test_a_loop_at_one_time_is_told_from_work() -> None:
    agenda = Agenda()

    def again() -> None:
        agenda.after(0, again)

    again()

    with pytest.raises(RuntimeError, match="events at one time"):
        agenda.run(START_NS + 1)
