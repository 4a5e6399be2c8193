"""What other threads want done in the ring's thread: a bounded queue, a byte that wakes the loop.

another thread:  call_soon(what) -> queued, False if the queue is full
ring's thread:   the loop sees the byte -> run_all()
"""

import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

__all__ = ["Calls"]

CALLS_MAX: Final = 256
"""Calls that wait; the loop takes them within a turn, so more than a few mean that it is stuck."""

BATCH_MAX: Final = 16
"""Calls of one turn: clients and the ring must not wait for many of them."""


class Calls:
    """Calls handed over to the thread of the event loop.

    `call_soon` and `counters` may be used by any thread, all else by the loop's thread only.
    """

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()  # Of those who hand over.
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._refused = 0

    def fileno(self) -> int:
        """Readable when something has been handed over."""
        return self._receiver.fileno()

    def counters(self) -> dict[str, int]:
        """What is counted here, by the names of `spread.counters`."""
        return {"calls_refused": self._refused}

    def call_soon(self, what: Callable[[], None]) -> bool:
        """Have `what` called in the loop's thread; tell whether there was room for it."""
        with self._lock:
            if len(self._queue) >= CALLS_MAX:
                self._refused += 1
                return False
            self._queue.append(what)
        self._ring_bell()
        return True

    def run_all(self) -> None:
        """Call what has been handed over, in its order; what raises ends the loop."""
        try:
            while self._receiver.recv(CALLS_MAX):
                pass
        except BlockingIOError:
            pass  # All bells have been heard.
        for _ in range(min(BATCH_MAX, len(self._queue))):
            self._queue.popleft()()
        if self._queue:
            self._ring_bell()

    def close(self) -> None:
        """Forget what waits."""
        self._queue.clear()
        self._receiver.close()
        self._sender.close()

    def _ring_bell(self) -> None:
        # Full, so the loop will wake up anyway; or closed, and there is no loop.
        with suppress(OSError):
            self._sender.send(b"\0")
