"""The Windows event log: the registry entry that lets it show our events, and a logging handler.

The text of an event is put together from a message file when it is shown. Windows has a program
whose message file says nothing of its own and shows what it is given, `EventCreate.exe`; the entry
names that.
"""

import ctypes
import logging
import sys
from ctypes import wintypes
from typing import Final

from spread.winservice.event_queue import EventQueue
from spread.winservice.events import ERROR, INFORMATION, WARNING, is_worth_telling, kind_of

assert sys.platform == "win32"

import winreg  # noqa: E402 - unknown to checkers elsewhere.

from spread.winservice.calls import advapi32  # noqa: E402 - as above.

__all__ = ["WindowsEvents", "register", "unregister"]

_PLACE: Final = r"SYSTEM\CurrentControlSet\Services\EventLog\Application"
_MESSAGES: Final = r"%SystemRoot%\System32\EventCreate.exe"

EVENT_ID: Final = 1
"""Of all events: `EventCreate.exe` shows those from 1 to 1000."""

TEXT_SIZE_MAX: Final = 31_000
"""Characters of an event; the log refuses more than 31,839."""


def register(source: str) -> None:
    """Let the event log know a source.

    Raise OSError; FileExistsError if the log knows it as the source of another program.
    """
    with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, rf"{_PLACE}\{source}") as key:
        if _messages(key) not in (None, _MESSAGES):
            raise FileExistsError(0, "it is the source of another program", source)
        winreg.SetValueEx(key, "EventMessageFile", 0, winreg.REG_EXPAND_SZ, _MESSAGES)
        kinds = ERROR | WARNING | INFORMATION
        winreg.SetValueEx(key, "TypesSupported", 0, winreg.REG_DWORD, kinds)


def unregister(source: str) -> None:
    """Let the event log forget a source, if it is ours. Raise OSError."""
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, rf"{_PLACE}\{source}") as key:
        is_ours = _messages(key) == _MESSAGES
    if is_ours:
        winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, rf"{_PLACE}\{source}")


def _messages(key: winreg.HKEYType) -> object:
    try:
        return winreg.QueryValueEx(key, "EventMessageFile")[0]
    except FileNotFoundError:
        return None


class WindowsEvents(logging.Handler):
    """Reports what is logged to the Windows event log, from a thread of its own."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.has_file = False
        """Whether the daemon has a log file, too."""
        self.addFilter(lambda record: is_worth_telling(record, has_file=self.has_file))
        self._handle = advapi32.RegisterEventSourceW(None, source)
        self._queue = EventQueue(self._report)

    def report(self, kind: int, text: str) -> None:
        """Report one event; one that the log does not take is lost."""
        self._queue.submit(kind, text[:TEXT_SIZE_MAX])

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record."""
        self.report(kind_of(record), self.format(record))

    def close(self) -> None:
        """Report what waits, for a second at most, and give the handle back."""
        # A report that hangs still needs it; the end of the process takes it then.
        if self._queue.close() and self._handle:
            advapi32.DeregisterEventSource(self._handle)
            self._handle = None
        super().close()

    def _report(self, kind: int, text: str) -> None:
        strings = (wintypes.LPCWSTR * 1)(text)
        advapi32.ReportEventW(
            self._handle, kind, 0, EVENT_ID, None, 1, 0, strings, ctypes.c_void_p()
        )
