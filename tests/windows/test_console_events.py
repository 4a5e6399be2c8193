"""What the console asks a process for beside its keys, and the text that it shows."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from tests.daemon.harness.waiting import DEADLINE
from wheels.wine import begun

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="consoles of Windows")

if sys.platform == "win32":
    from collections.abc import Callable

    from spread.system import windows_console
    from spread.system.windows_calls import kernel32
    from spread.system.windows_console import console_ends

CTRL_C, CTRL_BREAK, CTRL_CLOSE, CTRL_LOGOFF, CTRL_SHUTDOWN = 0, 1, 2, 5, 6

SHOW_UTF_8 = """
import ctypes
from ctypes import wintypes
from spread.system import utf8_console

calls = ctypes.WinDLL("kernel32", use_last_error=True)
calls.CreateFileW.restype = wintypes.HANDLE
calls.SetStdHandle.argtypes = (wintypes.DWORD, wintypes.HANDLE)
screen = calls.CreateFileW("CONOUT$", 0xC000_0000, 3, None, 3, 0, None)
assert calls.SetStdHandle(0xFFFF_FFF5, screen), ctypes.get_last_error()
assert calls.SetConsoleOutputCP(437), ctypes.get_last_error()
restore = utf8_console()
print(calls.GetConsoleOutputCP())
restore()
print(calls.GetConsoleOutputCP())
"""
"""Output of Python stays the pipe that it began with; standard output of Windows is a console."""


class Held(threading.Event):
    """Tells that somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.is_awaited.set()
        return super().wait(timeout)


class Console:
    """Tells its events as Windows does, which no program can make it do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.handlers: list[Callable[[int], int]] = []
        monkeypatch.setattr(kernel32, "SetConsoleCtrlHandler", self._set)

    def _set(self, handler: "Callable[[int], int]", is_added: bool) -> int:
        (self.handlers.append if is_added else self.handlers.remove)(handler)
        return 1


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    return Console(monkeypatch)


@pytest.mark.parametrize(
    ("kind", "is_service"), [(CTRL_CLOSE, False), (CTRL_LOGOFF, False), (CTRL_SHUTDOWN, True)]
)
def test_an_event_that_ends_the_process_is_held_until_the_daemon_has_ended(
    console: Console, monkeypatch: pytest.MonkeyPatch, kind: int, is_service: bool
) -> None:
    asked, held, order = threading.Event(), Held(), []
    monkeypatch.setattr(windows_console, "threading", SimpleNamespace(Event=lambda: held))
    release = console_ends(asked.set, is_service=is_service)
    (handler,) = console.handlers

    def tell() -> None:
        order.append(handler(kind))

    teller = threading.Thread(target=tell)
    teller.start()
    is_awaited = held.is_awaited.wait(DEADLINE)
    order.append("ended")
    release()
    teller.join(DEADLINE)

    assert is_awaited
    assert asked.is_set()
    assert order == ["ended", True]
    assert console.handlers == []


@pytest.mark.parametrize("kind", [CTRL_C, CTRL_BREAK])
def test_keys_are_left_to_the_signals(console: Console, kind: int) -> None:
    asked = threading.Event()
    release = console_ends(asked.set)

    assert not console.handlers[0](kind)

    assert not asked.is_set()
    release()


def test_a_user_who_logs_off_is_not_the_end_of_a_service(console: Console) -> None:
    asked = threading.Event()
    release = console_ends(asked.set, is_service=True)

    assert console.handlers[0](CTRL_LOGOFF)

    assert not asked.is_set()
    release()


def test_a_console_shows_utf_8_until_it_is_restored() -> None:
    shown = begun(
        lambda: subprocess.run(
            [sys.executable, "-c", SHOW_UTF_8],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            creationflags=subprocess.CREATE_NO_WINDOW,  # A console of its own.
        )
    )

    assert (shown.stdout.split(), shown.stderr) == (["65001", "437"], "")
