"""What signals, a service manager and the end of standard input ask for."""

import os
import select
import signal
import threading
from collections.abc import Iterator

import pytest

from spread.daemon.signals import Signals
from spread.system import HANG_UP
from tests.daemon.harness.waiting import DEADLINE


@pytest.fixture
def signals() -> Iterator[Signals]:
    made = Signals()
    yield made
    made.close()


def answers(signals: Signals) -> list[str]:
    """Wait until something is asked for, and return what."""
    asked: list[str] = []
    assert select.select([signals.fileno()], [], [], DEADLINE)[0]
    signals.answer(
        stop=lambda: asked.append("stop"),
        hang_up=lambda: asked.append("hang up"),
        keep=lambda: asked.append("keep"),
    )
    return asked


def test_a_signal_asks_for_a_stop(signals: Signals) -> None:
    signal.raise_signal(signal.SIGTERM)

    assert answers(signals) == ["stop"]


@pytest.mark.skipif(HANG_UP is None, reason="no such signal")
def test_a_hangup_asks_for_it_once(signals: Signals) -> None:
    signal.raise_signal(signal.Signals.SIGHUP)

    assert answers(signals) == ["hang up"]
    signals.request_stop()
    assert answers(signals) == ["stop"]


def test_another_thread_may_ask(signals: Signals) -> None:
    asking = threading.Thread(target=signals.request_hang_up)
    asking.start()

    assert answers(signals) == ["hang up"]
    asking.join()


def test_the_end_of_the_input_asks_for_a_stop(signals: Signals) -> None:
    reading, writing = os.pipe()
    signals.follow_input(reading)
    os.write(writing, b"what is written means nothing")

    os.close(writing)

    assert answers(signals) == ["stop"]
    os.close(reading)


def test_who_asks_after_the_end_does_no_harm() -> None:
    signals = Signals()
    signals.close()

    signals.request_stop()
