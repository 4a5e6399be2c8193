"""The console: what its events ask for, which text it shows, whether it moves its cursor.

Ctrl-C and Ctrl-Break become signals in the C library. The window that closes, the user who logs
off, and the system that goes down come to a thread that the system makes: the process lives only
as long as that thread does, a few seconds at most.
"""

import ctypes
import sys
import threading
from collections.abc import Callable
from ctypes import wintypes
from typing import Final

assert sys.platform == "win32"

from spread.system.windows_calls import (  # noqa: E402 - unknown to checkers elsewhere.
    CONSOLE_HANDLER,
    kernel32,
)

__all__ = ["console_ends", "understands_sequences", "utf8_console"]

GRACE_S: Final = 20.0
"""What the system grants a process at most; a window that closes has five seconds."""

CTRL_C, CTRL_BREAK, CTRL_LOGOFF = 0, 1, 5

UTF_8: Final = 65001
STANDARD_OUTPUT: Final = 0xFFFFFFF5  # -11
VIRTUAL_TERMINAL: Final = 0x0004  # ENABLE_VIRTUAL_TERMINAL_PROCESSING, Windows 10.


def console_ends(stop: Callable[[], None], *, is_service: bool = False) -> Callable[[], None]:
    """Call `stop`, from any thread, when the console closes, and hold it until what is returned
    is called. A service is told of users that log off, which is not its end.
    """
    ended = threading.Event()

    def on_event(kind: int) -> bool:
        if kind in (CTRL_C, CTRL_BREAK):
            return False
        if kind != CTRL_LOGOFF or not is_service:
            stop()
            ended.wait(GRACE_S)
        return True

    handler = CONSOLE_HANDLER(on_event)
    kernel32.SetConsoleCtrlHandler(handler, True)

    def release() -> None:
        kernel32.SetConsoleCtrlHandler(handler, False)
        ended.set()

    return release


def utf8_console() -> Callable[[], None]:
    """Let the console show UTF-8 that is written past Python; returns what undoes it."""
    before = int(kernel32.GetConsoleOutputCP())
    if before in (0, UTF_8) or _mode() is None:
        return lambda: None
    kernel32.SetConsoleOutputCP(UTF_8)

    def restore() -> None:
        kernel32.SetConsoleOutputCP(before)

    return restore


def understands_sequences() -> bool:
    """Tell whether the terminal of this process moves its cursor when told to; let it do so."""
    mode = _mode()
    if mode is None:
        return False
    if mode & VIRTUAL_TERMINAL:
        return True
    handle = kernel32.GetStdHandle(STANDARD_OUTPUT)
    return bool(kernel32.SetConsoleMode(handle, mode | VIRTUAL_TERMINAL))


def _mode() -> int | None:
    """Return the mode of the console behind standard output, None if that is something else."""
    mode = wintypes.DWORD()
    handle = kernel32.GetStdHandle(STANDARD_OUTPUT)
    if not kernel32.GetConsoleMode(handle, ctypes.byref(mode)):
        return None
    return int(mode.value)
