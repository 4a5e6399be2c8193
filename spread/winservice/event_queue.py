"""Events on their way to the Windows event log, without ever making the caller wait.

    submit(kind, text) --> bounded queue --> one thread --> report(kind, text)

The log is a service of its own, and to report is a call to it, which takes as long as that service
likes. What becomes of events that have no room says `spread.eventlog_queue`.
"""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from spread.eventlog_queue import LOST, QUEUE_SIZE_MAX, BoundedQueue
from spread.winservice.events import WARNING

__all__ = ["EventQueue"]

CLOSE_S: Final = 1.0
"""What the log gets at the end to take what waits, as a log file does."""


class EventQueue:
    """A bounded queue and the thread that empties it, until `close`."""

    def __init__(
        self, report: Callable[[int, str], object], size_max: int = QUEUE_SIZE_MAX
    ) -> None:
        """Call `report`, which must not raise, with kind and text of each event, in order.

        Texts of `size_max` characters may wait.
        """
        self._report = report
        self._queue: BoundedQueue[tuple[int, str]] = BoundedQueue(
            size_max,
            lambda event: len(event[1]),
            lambda count: (WARNING, f"{LOST} count={count}"),
        )
        self._end_at: float | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(self, kind: int, text: str) -> None:
        """Queue one event; none after `close`. Never waits and never fails."""
        with self._changed:
            if self._end_at is not None:
                return
            self._queue.offer((kind, text))
            self._start()
            self._changed.notify_all()

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Take no more, and wait `timeout_s` for what waits; return whether all of it is told."""
        with self._changed:
            self._end_at = monotonic() + timeout_s
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
            return not self._thread.is_alive() and not self._queue
        return not self._queue

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="event log", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # No room for a thread: the events wait for the next attempt.
            self._thread = thread

    def _run(self) -> None:
        while (event := self._next()) is not None:
            self._report(*event)

    def _next(self) -> tuple[int, str] | None:
        with self._changed:
            while not self._queue and self._end_at is None:
                self._changed.wait()
            is_over = self._end_at is not None and monotonic() >= self._end_at
            if is_over or not self._queue:
                return None
            self._queue.report_losses()
            return self._queue.pop()
