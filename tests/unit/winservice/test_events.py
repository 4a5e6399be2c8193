"""What the Windows event log is told."""

import logging

import pytest

from spread.config.model import EventPriority, EventType, Options
from spread.eventlog import EventLog
from spread.winservice.events import ERROR, INFORMATION, WARNING, is_worth_telling, kind_of


class Ear(logging.Handler):
    """Keeps what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record)


def record_of(priority: EventPriority, wording: str = "something") -> logging.LogRecord:
    """Return what a handler of `spread.event` gets of an event."""
    ear = Ear()
    parent = logging.getLogger("spread.event")
    parent.addHandler(ear)
    log = EventLog(Options())
    try:
        log.event(EventType.PRINT, priority, wording)
    finally:
        log.close()
        parent.removeHandler(ear)
    (record,) = ear.heard
    return record


@pytest.mark.parametrize(
    ("priority", "kind"),
    [
        (EventPriority.INFO, INFORMATION),
        (EventPriority.PRINT, INFORMATION),
        (EventPriority.WARNING, WARNING),
        (EventPriority.ERROR, ERROR),
        (EventPriority.CRITICAL, ERROR),
        (EventPriority.FATAL, ERROR),
    ],
)
def test_a_priority_has_its_kind(priority: EventPriority, kind: int) -> None:
    assert kind_of(record_of(priority)) == kind


def test_without_a_log_file_everything_is_told() -> None:
    assert is_worth_telling(record_of(EventPriority.INFO), has_file=False)


@pytest.mark.parametrize(
    ("priority", "wording", "is_told"),
    [
        (EventPriority.PRINT, "membership", False),
        (EventPriority.PRINT, "daemon ready", True),
        (EventPriority.PRINT, "daemon stopped", True),
        (EventPriority.WARNING, "trouble with a daemon", True),
        (EventPriority.FATAL, "daemon cannot start", True),
    ],
)
def test_beside_a_log_file_troubles_and_the_ends_are_told(
    priority: EventPriority, wording: str, is_told: bool
) -> None:
    assert is_worth_telling(record_of(priority, wording), has_file=True) is is_told
