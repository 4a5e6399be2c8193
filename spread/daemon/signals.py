"""Signals as events of the loop: what they ask for is remembered until somebody looks.

A handler only notes the request; the byte that the interpreter writes for each signal wakes the
loop. So a signal that comes before the loop runs is not lost.
"""

import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Final

__all__ = ["Signals"]

STOPS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)


class Signals:
    """Handlers of the daemon's signals, installed until `close`. Main thread only."""

    def __init__(self) -> None:
        self.stop_requested = False
        self.hang_up_requested = False
        self.keep_requested = False
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._old_wakeup = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, self._on_stop) for number in STOPS}
        if hasattr(signal, "SIGHUP"):
            self._old[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._on_hang_up)
        if hasattr(signal, "SIGUSR1"):
            self._old[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._on_keep)

    def fileno(self) -> int:
        """Readable when a signal has come."""
        return self._receiver.fileno()

    def answer(
        self,
        *,
        stop: Callable[[], None],
        hang_up: Callable[[], None],
        keep: Callable[[], None],
    ) -> None:
        """Do what signals have asked for; `keep` is to keep what the flight recorder has."""
        try:
            while self._receiver.recv(256):
                pass
        except BlockingIOError:
            pass  # All wake-up bytes are read.
        if self.hang_up_requested:
            self.hang_up_requested = False
            hang_up()
        if self.keep_requested:
            self.keep_requested = False
            keep()
        if self.stop_requested:
            stop()

    def close(self) -> None:
        """Put the former handlers back."""
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        self._receiver.close()
        self._sender.close()

    def _on_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.stop_requested = True

    def _on_hang_up(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.hang_up_requested = True

    def _on_keep(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.keep_requested = True
