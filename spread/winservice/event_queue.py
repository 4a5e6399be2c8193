"""Events on their way to the Windows event log, without ever making the caller wait.

    submit(kind, text) --> bounded queue --> one thread --> report(kind, text)

The log is a service of its own, and to report is a call to it, which takes as long as that service
likes. When the queue is full, the newest events are lost and counted; as soon as it is half empty,
one event in their place says how many.

Invariant: the texts of `_queue` have `_size` characters together.
"""

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

from spread.winservice.events import WARNING

__all__ = ["EventQueue"]

SIZE_MAX: Final = 1 << 20
"""Characters that may wait: as many as may wait for a log file."""

CLOSE_S: Final = 1.0
"""What the log gets at the end to take what waits, as a log file does."""


class EventQueue:
    """A bounded queue and the thread that empties it, until `close`."""

    def __init__(self, report: Callable[[int, str], object], size_max: int = SIZE_MAX) -> None:
        """Call `report`, which must not raise, with kind and text of each event, in order."""
        self._report = report
        self._size_max = size_max
        self._queue: deque[tuple[int, str]] = deque()
        self._size = 0
        self._lost = 0  # And not told yet.
        self._end_at: float | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(self, kind: int, text: str) -> None:
        """Queue one event; none after `close`. Never waits and never fails."""
        with self._changed:
            if self._end_at is not None:
                return
            if not self._accept(kind, text):
                self._lost += 1
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

    # -- The caller's side; the lock is held. -----------------------------------------------------

    def _accept(self, kind: int, text: str) -> bool:
        # Half empty first, so that a log at its limit gets one event about it, not hundreds.
        limit = self._size_max // 2 if self._lost else self._size_max
        if self._size + len(text) > limit:
            return False
        self._tell_losses()
        self._append(kind, text)
        return True

    def _append(self, kind: int, text: str) -> None:
        self._queue.append((kind, text))
        self._size += len(text)

    def _tell_losses(self) -> None:
        if self._lost:
            self._append(WARNING, f"events lost, the log could not be written count={self._lost}")
            self._lost = 0

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="event log", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # No room for a thread: the events wait for the next attempt.
            self._thread = thread

    # -- The thread's side. -----------------------------------------------------------------------

    def _run(self) -> None:
        while (event := self._next()) is not None:
            self._report(*event)

    def _next(self) -> tuple[int, str] | None:
        with self._changed:
            while not self._queue and not self._lost and self._end_at is None:
                self._changed.wait()
            if not self._queue:
                self._tell_losses()
            is_over = self._end_at is not None and monotonic() >= self._end_at
            if is_over or not self._queue:
                return None
            kind, text = self._queue.popleft()
            self._size -= len(text)
            return kind, text
