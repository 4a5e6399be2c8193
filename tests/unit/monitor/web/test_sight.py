"""Which daemons count as answering: silence must be on the page within two seconds."""

from dataclasses import replace

from spread.monitor.web.board import LOOK_S
from tests.unit.monitor.web.sights import seen, silent

INTERVAL_S = 1.0  # Between two questions to a daemon.
SHOWN_S = 2.0


def test_daemon_that_has_answered_the_last_question_is_answering() -> None:
    assert seen("a", silent_s=INTERVAL_S + LOOK_S).is_answering


def test_silence_is_seen_in_time_to_be_shown() -> None:
    assert not silent("a", SHOWN_S - LOOK_S).is_answering


def test_refusal_is_seen_at_once() -> None:
    assert not seen("a", silent_s=0.1, is_refused=True).is_answering


def test_daemon_that_has_never_answered_is_not_answering() -> None:
    assert not replace(seen("a"), silent_s=None).is_answering
