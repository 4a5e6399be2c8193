"""Signals as events of the loop: what they ask for is remembered until somebody looks.

A handler only notes the request; the byte that the interpreter writes for each signal wakes the
loop. So a signal that comes before the loop runs is not lost.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Protocol

from spread.system import HANG_UP, KEEP, STOP_SIGNALS, console_ends, leave_signals

__all__ = ["Manager", "Signals"]


class Manager(Protocol):
    """A service manager that is told how the daemon is doing, and asks for things like a signal."""

    def follow(self, signals: "Signals") -> None:
        """Hand on to `signals`, from any thread, what the manager asks for."""

    def ready(self) -> None:
        """Tell that clients can connect."""

    def stopping(self) -> None:
        """Tell that the daemon is about to end."""


class Signals:
    """Handlers of the daemon's signals, installed until `close`. Main thread only.

    Other threads, such as that of a service manager, may ask for the same.
    """

    def __init__(self, *, is_service: bool = False) -> None:
        """A service is told of things that do not concern it; see `console_ends`."""
        self.stop_requested = False
        self.hang_up_requested = False
        self.keep_requested = False
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._old_wakeup = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, self._on_stop) for number in STOP_SIGNALS}
        if HANG_UP is not None:
            self._old[HANG_UP] = signal.signal(HANG_UP, self._on_hang_up)
        if KEEP is not None:
            self._old[KEEP] = signal.signal(KEEP, self._on_keep)
        # Behind the signals: what is asked last to handle an event is asked first.
        self._release_console = console_ends(self.request_stop, is_service=is_service)

    def fileno(self) -> int:
        """Readable when a signal has come."""
        return self._receiver.fileno()

    def request_stop(self) -> None:
        """Ask for what SIGTERM asks for; from any thread."""
        self.stop_requested = True
        self._wake()

    def request_hang_up(self) -> None:
        """Ask for what SIGHUP asks for; from any thread."""
        self.hang_up_requested = True
        self._wake()

    def follow_input(self, descriptor: int = 0) -> None:
        """Ask for a stop when standard input ends, from a thread that lasts as long."""

        def wait_for_end() -> None:
            leave_signals()
            # An input that cannot be read has no other end to be told of either.
            with suppress(OSError):
                while os.read(descriptor, 1024):
                    pass
            self.request_stop()

        threading.Thread(target=wait_for_end, name="standard input", daemon=True).start()

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
        self._release_console()
        self._receiver.close()
        self._sender.close()

    def _wake(self) -> None:
        # A full buffer wakes as well; a closed socket means that all is over.
        with suppress(OSError):
            self._sender.send(b"!")

    def _on_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.stop_requested = True

    def _on_hang_up(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.hang_up_requested = True

    def _on_keep(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.keep_requested = True
