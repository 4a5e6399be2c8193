"""Lines to a descriptor that may be slow, full or gone, without ever making the caller wait.

    submit(line) --> bounded queue --> one thread --> descriptor

The thread is there because no flag makes every destination safe: a regular file on a hanging disk
blocks whatever its flags say, and O_NONBLOCK on an inherited terminal or pipe would be set for
all programs that share it. So the descriptor stays as it is: the thread asks `poll` first, writes
no more than a ready pipe takes, and if it is caught in a write all the same, it is alone in that.

A destination that fails (disk full, reader gone) keeps its lines in the queue and is tried again.
What becomes of lines that have no room says `spread.eventlog_queue`.

Invariants: the first `_offset` bytes of the first line are written; lines leave the queue only when
all of them is written.
"""

import contextlib
import os
import select
import stat
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from time import monotonic

from spread.eventlog_queue import QUEUE_SIZE_MAX, BoundedQueue
from spread.system import is_writable, leave_signals

__all__ = ["Limits", "Writer", "WriterStatistics"]

POLL_S = 0.1  # Longest wait for a pipe to become ready before looking whether we are to end.
RETIRE_S = 1.0  # What a replaced destination gets to take the lines it still owes.

FILE_PIECE_SIZE = 1 << 16  # Bytes per write to a regular file; a ready pipe takes PIPE_BUF.
PIPE_PIECE_SIZE: int = getattr(select, "PIPE_BUF", 512)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, in bytes, and how long it waits before a failed attempt is repeated."""

    queue_size_max: int = QUEUE_SIZE_MAX
    retry_s: float = 1.0


@dataclass(frozen=True, slots=True)
class WriterStatistics:
    """Lines written and lost, bytes that wait, and why the last attempt failed, if it did."""

    written: int
    lost: int
    waiting_size: int
    failure: OSError | None


class Writer:
    """Owns one descriptor and the queue in front of it."""

    def __init__(
        self,
        descriptor: int,
        report: Callable[[int], bytes],
        limits: "Limits",
        predecessor: "Writer | None" = None,
    ) -> None:
        """Write to `descriptor`, which is closed in the end; `report(n)` is the line for n lost.

        A `predecessor` has been retired by the caller: nothing is written before it has ended,
        and the lines that it could not write come first.
        """
        self.descriptor = descriptor  # -1 once closed.
        self._limits = limits
        self._predecessor = predecessor
        self._is_waiting = predecessor is not None  # For the predecessor to end.
        self._queue: BoundedQueue[bytes] = BoundedQueue(limits.queue_size_max, len, report)
        self._offset = 0
        self._written = 0
        self._lost = 0
        self._failure: OSError | None = None
        self._failure_count = 0
        self._retire_at: float | None = None
        self._is_file = _is_regular_file(descriptor)
        self._changed = threading.Condition()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        _writers.add(self)
        if predecessor is not None:
            if predecessor.owes():
                with self._changed:
                    self._start()
            else:
                self._succeed(predecessor)

    def submit(self, line: bytes) -> None:
        """Queue one line, its line end included. Never waits and never fails."""
        with self._changed:
            if self._retire_at is not None:
                self._queue.unreported += 1
                self._lost += 1
            elif not self._queue.offer(line):
                self._lost += 1
            self._start()
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all lines are written; return whether they are.

        Gives up after `timeout_s`, or as soon as the destination has failed once more.
        """
        deadline = monotonic() + timeout_s
        with self._changed:
            failure_count = self._failure_count
            self._hurry.set()
            self._start()
            self._changed.notify_all()
            while self._queue or self._is_waiting:
                left = deadline - monotonic()
                if left <= 0 or self._failure_count != failure_count or self._thread is None:
                    return False
                self._changed.wait(left)
        return True

    def retire(self, grace_s: float = RETIRE_S) -> None:
        """Take no more lines, write what is queued for `grace_s` at most, then close. No wait."""
        with self._changed:
            self._retire_at = monotonic() + grace_s
            if not self.owes():
                self._release()
                return
            self._hurry.set()
            self._start()
            self._changed.notify_all()

    def owes(self) -> bool:
        """Return whether there may be something left to write."""
        with self._changed:
            return bool(self._thread or self._queue or self._is_waiting)

    def close(self, timeout_s: float = RETIRE_S) -> None:
        """Retire and wait for the end, `timeout_s` and a little at most; what is left is lost."""
        self.retire(timeout_s)
        if self._thread is None:
            self._serve()  # No thread can be had, so this is the last chance.
        self._join(timeout_s)
        lines, _ = self._leave()
        with self._changed:
            self._lost += len(lines)

    def statistics(self) -> WriterStatistics:
        """Return a snapshot, with the counts of predecessors."""
        with self._changed:
            before = self._predecessor.statistics() if self._predecessor else None
            return WriterStatistics(
                written=self._written + (before.written if before else 0),
                lost=self._lost + (before.lost if before else 0),
                waiting_size=self._queue.size + (before.waiting_size if before else 0),
                failure=self._failure,
            )

    # The caller's side; the lock is held.

    def _start(self) -> None:
        if self._thread is not None or self.descriptor < 0:
            return
        thread = threading.Thread(target=self._run, name="spread-log", daemon=True)
        # No room for a thread: the lines wait for the next attempt.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def _join(self, timeout_s: float) -> bool:
        if self._thread is None:
            return True
        waits_for_predecessor_s = RETIRE_S if self._is_waiting else 0.0
        self._thread.join(timeout_s + waits_for_predecessor_s + 2 * POLL_S)
        return not self._thread.is_alive()

    def forget_parent(self) -> None:
        """Start anew in the child of a fork, where the thread is not; the parent writes the queue.

        Whoever held the lock stayed behind too, so it is replaced.
        """
        self._changed = threading.Condition()
        self._hurry = threading.Event()
        self._thread = None
        self._predecessor = None
        self._is_waiting = False
        self._queue.clear()
        self._offset = self._written = self._lost = self._failure_count = 0

    # The thread's side.

    def _run(self) -> None:
        leave_signals()  # They are for the thread that waits in the event loop.
        self._serve()

    def _serve(self) -> None:
        if self._predecessor is not None and self._is_waiting:
            self._succeed(self._predecessor)
        while self._wait_for_lines():
            self._hurry.clear()
            self._attempt()
        self._release()

    def _release(self) -> None:
        with self._changed:
            descriptor, self.descriptor = self.descriptor, -1
            self._changed.notify_all()
        if descriptor >= 0:
            # An error here is about data that earlier writes handed over; nobody can repeat them.
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _wait_for_lines(self) -> bool:
        with self._changed:
            while not (self._queue or self._retire_at is not None):
                self._changed.wait()
            self._queue.report_losses()
            if self._retire_at is None:
                return True
            return bool(self._queue) and monotonic() < self._retire_at

    def _attempt(self) -> None:
        try:
            ready = self._is_ready()
            written_size = os.write(self.descriptor, self._next_piece()) if ready else 0
        except BlockingIOError:
            # Somebody else has set O_NONBLOCK, and the piece does not fit.
            self._hurry.wait(POLL_S)
        except OSError as error:
            if self._fail(error):
                self._hurry.wait(self._limits.retry_s)
        else:
            if written_size:
                self._advance(written_size)

    def _fail(self, error: OSError) -> bool:
        # Note the failure; return whether to try again later.
        with self._changed:
            self._failure = error
            self._failure_count += 1
            self._changed.notify_all()
            if self._retire_at is None:
                return True
            self._retire_at = 0.0  # It failed just now: no use in staying for it.
            return False

    def _is_ready(self) -> bool:
        return self._is_file or is_writable(self.descriptor, POLL_S)

    def _next_piece(self) -> bytes:
        # Whole lines as long as they fit, so that other writers of a pipe do not split ours.
        size_max = FILE_PIECE_SIZE if self._is_file else PIPE_PIECE_SIZE
        with self._changed:
            lines = [self._queue.items[0][self._offset :]]
            size = len(lines[0])
            for line in islice(self._queue.items, 1, None):
                size += len(line)
                if size > size_max:
                    break
                lines.append(line)
        return b"".join(lines)[:size_max]

    def _advance(self, written_size: int) -> None:
        with self._changed:
            self._failure = None
            self._offset += written_size
            while self._queue.items and self._offset >= len(self._queue.items[0]):
                self._offset -= len(self._queue.pop())
                self._written += 1
            if not self._queue.items:
                self._changed.notify_all()

    def _succeed(self, predecessor: "Writer") -> None:
        has_ended = predecessor._join(RETIRE_S)
        # If it is stuck in a write, it keeps its lines and may still get rid of them.
        lines, unreported = predecessor._leave() if has_ended else ([], 0)
        before = predecessor.statistics()
        with self._changed:
            self._is_waiting = False
            self._changed.notify_all()
            if self._retire_at is not None:
                self._retire_at = max(self._retire_at, monotonic() + RETIRE_S)
            self._queue.put_back(lines, unreported)
            if has_ended:
                self._written += before.written
                self._lost += before.lost
                self._predecessor = None

    def _leave(self) -> tuple[list[bytes], int]:
        # Hand over what is not written: lines, and how many losses nobody has reported.
        with self._changed:
            if self._offset:
                # Half of it is in the old place, so it is whole nowhere.
                self._queue.pop()
                self._offset = 0
                self._lost += 1
                self._queue.unreported += 1
            lines, unreported = list(self._queue.items), self._queue.unreported
            self._queue.clear()
        return lines, unreported


def _is_regular_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


_writers: "weakref.WeakSet[Writer]" = weakref.WeakSet()


def _forget_parents() -> None:
    for writer in _writers:
        writer.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)
