"""Waiting for a condition with a deadline: the only place of these tests that sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["DEADLINE", "Deadline", "wait_until"]

DEADLINE = 30.0
"""Seconds after which something that must happen counts as not happening, on a busy machine too."""

POLL_INTERVAL = 0.005  # Seconds; short against everything that is waited for.

T = TypeVar("T")


class Deadline:
    """A moment from which on waiting is over."""

    def __init__(self, seconds: float = DEADLINE) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, never less than zero."""
        return max(0.0, self._end - time.monotonic())

    def passed(self) -> bool:
        return time.monotonic() >= self._end


def wait_until(condition: Callable[[], T], what: str, seconds: float = DEADLINE) -> T:
    """Call `condition` until it gives a true value and return that.

    Raises AssertionError naming `what` when `seconds` pass first.
    """
    deadline = Deadline(seconds)
    while True:
        value = condition()
        if value:
            return value
        if deadline.passed():
            raise AssertionError(f"after {seconds:g} s still waiting for: {what}")
        time.sleep(POLL_INTERVAL)
