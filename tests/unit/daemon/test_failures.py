"""Exceptions that end nothing: counted, told once a minute, whatever the log does."""

from spread.daemon.failures import Failures
from tests.unit.daemon.event_list import EventList

MINUTE_NS = 60 * 1_000_000_000


class FullLog(EventList):
    def event(self, *_: object, **__: object) -> None:
        raise OSError("no room")


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as found:
        return found


def test_each_kind_and_place_is_told_once_a_minute() -> None:
    now_ns = [0]
    log = EventList()
    failures = Failures(log, "it failed", lambda: now_ns[0])

    for error in (ValueError("one"), ValueError("two"), KeyError("three")):
        failures.note(raised(error))
    now_ns[0] = MINUTE_NS
    failures.note(raised(ValueError("four")))

    assert failures.count == 4
    assert [(wording, each["reason"], each["since"]) for wording, each in log.events] == [
        ("it failed", "ValueError: one", 0),
        ("it failed", "KeyError: 'three'", 0),
        ("it failed", "ValueError: four", 1),
    ]
    assert str(log.events[0][1]["at"]).startswith(f"{__file__}:")


def test_an_exception_without_a_place_is_told_too() -> None:
    log = EventList()

    Failures(log, "it failed").note(ValueError("never raised"))

    assert log.events[0][1]["at"] == ""


def test_a_log_that_fails_is_no_failure_more() -> None:
    failures = Failures(FullLog(), "it failed")

    failures.note(ValueError("one"))

    assert failures.count == 1
