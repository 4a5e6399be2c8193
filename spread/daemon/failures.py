"""Exceptions that must end nothing: they are counted, and the log hears of them.

Each thread beside the ring's has one of these around whatever it does: what goes wrong with one
request must not keep all later ones from being answered.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from spread.config.model import EventPriority, EventType
from spread.daemon.event_sink import EventSink
from spread.daemon.monitor_limits import Minutes

__all__ = ["Failures"]


class Failures:
    """Those of one thread; used by that thread only."""

    def __init__(
        self, log: EventSink, wording: str, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """`wording` is the log's, for all of them."""
        self.count = 0
        self._log = log
        self._wording = wording
        self._minutes = Minutes(clock_ns)

    def note(self, error: Exception) -> None:
        """Count it; the log hears of each kind and place once a minute. Raises nothing."""
        self.count += 1
        kind, place = type(error).__name__, _place(error)
        since = self._minutes.since((kind, place))
        if since is None:
            return
        with suppress(Exception):  # It may have been the log that failed.
            self._log.event(
                EventType.PRINT | EventType.STATUS,
                EventPriority.ERROR,
                self._wording,
                reason=f"{kind}: {error}",
                at=place,
                since=since,
            )


def _place(error: Exception) -> str:
    """Return file and line where an exception was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
