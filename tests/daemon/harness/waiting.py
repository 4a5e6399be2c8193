"""Waiting for a condition with a deadline: the only place of these tests that sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["DEADLINE", "Deadline", "wait_until"]

DEADLINE = 60.0
"""Seconds after which something that must happen counts as not happening, on a busy machine too."""

# Seconds between two looks: some part of what has been waited for, so that looking does not slow
# down what it waits for where each look costs much, as under Wine.
POLL_INTERVAL_MIN = 0.005
POLL_INTERVAL_MAX = 0.03
POLL_SHARE = 0.05

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
    began = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        if deadline.passed():
            raise AssertionError(f"after {seconds:g} s still waiting for: {what}")
        waited = time.monotonic() - began
        time.sleep(min(max(POLL_INTERVAL_MIN, waited * POLL_SHARE), POLL_INTERVAL_MAX))
