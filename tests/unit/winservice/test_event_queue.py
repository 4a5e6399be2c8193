"""Events wait for the Windows event log in a queue with a bound, and nobody waits for it."""

import threading

import pytest

from spread.winservice.event_queue import EventQueue
from spread.winservice.events import ERROR, INFORMATION, WARNING
from tests.daemon.harness.waiting import DEADLINE


class SlowLog:
    """Takes events one by one, each when it is let."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []
        self.is_asked = threading.Event()
        self.may_go_on = threading.Event()

    def report(self, kind: int, text: str) -> None:
        self.is_asked.set()
        self.may_go_on.wait(DEADLINE)
        self.told.append((kind, text))


@pytest.fixture
def log() -> SlowLog:
    return SlowLog()


def test_events_are_told_in_order_before_the_end(log: SlowLog) -> None:
    queue = EventQueue(log.report)
    log.may_go_on.set()

    queue.submit(INFORMATION, "first")
    queue.submit(ERROR, "second")

    assert queue.close(DEADLINE)
    assert log.told == [(INFORMATION, "first"), (ERROR, "second")]


def test_nobody_waits_for_a_log_that_hangs(log: SlowLog) -> None:
    queue = EventQueue(log.report)
    queue.submit(INFORMATION, "hangs")
    assert log.is_asked.wait(DEADLINE)

    queue.submit(INFORMATION, "waits")

    assert log.told == []
    assert not queue.close(0.0)
    log.may_go_on.set()


def test_what_does_not_fit_is_counted_and_told_in_its_place(log: SlowLog) -> None:
    queue = EventQueue(log.report, size_max=20)
    queue.submit(INFORMATION, "hangs")
    assert log.is_asked.wait(DEADLINE)
    for text in ("0123456789", "9876543210", "lost", "lost, too"):
        queue.submit(INFORMATION, text)

    log.may_go_on.set()

    assert queue.close(DEADLINE)
    losses = (WARNING, "events lost, the log could not be written count=2")
    assert log.told[1:] == [(INFORMATION, "0123456789"), (INFORMATION, "9876543210"), losses]


def test_a_log_at_its_limit_is_told_of_losses_when_half_of_them_is_gone(log: SlowLog) -> None:
    queue = EventQueue(log.report, size_max=20)
    queue.submit(INFORMATION, "hangs")
    assert log.is_asked.wait(DEADLINE)
    queue.submit(INFORMATION, "0123456789-12345")

    queue.submit(INFORMATION, "too long")
    queue.submit(INFORMATION, "!")
    log.may_go_on.set()

    assert queue.close(DEADLINE)
    assert [text for _, text in log.told][1:] == [
        "0123456789-12345",
        "events lost, the log could not be written count=2",
    ]


def test_after_the_end_nothing_is_taken(log: SlowLog) -> None:
    queue = EventQueue(log.report)
    assert queue.close()

    queue.submit(INFORMATION, "late")

    assert queue.close(DEADLINE)
    assert log.told == []
