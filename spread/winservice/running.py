"""The daemon's side of a service: what the service manager asks for, and what it is told.

    thread          does
    main            the daemon, since only there Python has signals
    dispatcher      hands on what the manager asks for; the manager's call keeps it to the end
    service main    made by the manager's call: says that the service starts, and stays to its end

A service that has ended with an error is started again by the manager, which knows no kinds of
errors. So what would still be wrong then, such as a file, is told without an error; the exit status
stands where that of an error would, and the manager keeps it for who asks.

The manager asks for nothing before it is told that the service runs; the daemon listens by then.
"""

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Final, Protocol

from spread.errors import ConfigurationError
from spread.winservice.registration import is_worth_a_start

assert sys.platform == "win32"

from spread.winservice.calls import (  # noqa: E402 - unknown to checkers elsewhere.
    HANDLER,
    MAIN,
    OWN_PROCESS,
    RUNNING,
    SPECIFIC,
    START_PENDING,
    STOP_PENDING,
    STOPPED,
    ServiceStatus,
    ServiceTableEntry,
    advapi32,
    last_error,
)

__all__ = ["Link", "run"]

CONTROL_STOP, CONTROL_INTERROGATE, CONTROL_SHUTDOWN, CONTROL_PARAMCHANGE = 1, 4, 5, 6
ACCEPTED: Final = 0x1 | 0x4 | 0x8
"""Of these: to stop, to go down with the system, and to read what has changed."""

NOT_IMPLEMENTED: Final = 120  # ERROR_CALL_NOT_IMPLEMENTED

START_HINT_MS: Final = 60_000
STOP_HINT_MS: Final = 15_000
"""How long the manager should wait before it takes the service for dead."""

GRACE_S: Final = 5.0

_NOBODY: Final = 1063  # ERROR_FAILED_SERVICE_CONTROLLER_CONNECT


class Stoppable(Protocol):
    """What is told of the manager's wishes, from any thread."""

    def request_stop(self) -> None:
        """Stop in order."""

    def request_hang_up(self) -> None:
        """Open the log and read the configuration again."""


class Link:
    """The tie between this process and the service manager."""

    def __init__(self) -> None:
        self.name = ""
        """What the service is called."""
        self.arguments: list[str] = []
        """What it was started with, beside its command line."""
        self._failure: OSError | None = None
        self._begun = threading.Event()
        self._ended = threading.Event()
        self._turn = threading.Lock()
        self._signals: Stoppable | None = None
        self._handle: int | None = None
        self._status = ServiceStatus(kind=OWN_PROCESS)
        # Kept here: the manager calls them as long as the process lives.
        self._main = MAIN(self._run_main)
        self._handler = HANDLER(self._handle_control)
        self._thread = threading.Thread(target=self._dispatch, name="service manager", daemon=True)

    def open(self) -> None:
        """Wait until the manager has started the service.

        Raises ConfigurationError if this process was not started by it.
        """
        self._thread.start()
        self._begun.wait()
        if self._failure is not None:
            raise ConfigurationError(
                f"the service manager did not start this process ({self._failure.strerror}); "
                "use spread service start, or leave out --service for a daemon in this window"
            )

    def follow(self, signals: Stoppable) -> None:
        """Hand on to `signals` what the manager asks for."""
        self._signals = signals

    def ready(self) -> None:
        """Tell that the service runs."""
        self._tell(RUNNING)

    def stopping(self) -> None:
        """Tell that the service is about to end."""
        self._tell(STOP_PENDING, hint_ms=STOP_HINT_MS)

    def close(self, status: int) -> None:
        """Tell that the service has ended, with the exit status of the daemon."""
        self._status.exit_code = SPECIFIC if is_worth_a_start(status) else 0
        self._status.specific_exit_code = status
        self._tell(STOPPED)
        self._ended.set()
        self._thread.join(GRACE_S)

    # -- The manager's threads --------------------------------------------------------------------

    def _dispatch(self) -> None:
        table = (ServiceTableEntry * 2)(ServiceTableEntry("", self._main))
        if not advapi32.StartServiceCtrlDispatcherW(table):
            self._failure = last_error("service manager")
            self._begun.set()

    def _run_main(self, count: int, arguments: "ctypes._Pointer[ctypes.c_wchar_p]") -> None:
        given = [arguments[index] or "" for index in range(count)]
        self.name, self.arguments = (given[0] if given else ""), given[1:]
        self._handle = advapi32.RegisterServiceCtrlHandlerExW(self.name, self._handler, None)
        self._tell(START_PENDING, hint_ms=START_HINT_MS)
        self._begun.set()
        self._ended.wait()

    def _handle_control(self, control: int, event: int, data: int, context: int) -> int:  # noqa: ARG002
        if control in (CONTROL_STOP, CONTROL_SHUTDOWN):
            self.stopping()
            if self._signals is not None:
                self._signals.request_stop()
        elif control == CONTROL_PARAMCHANGE:
            if self._signals is not None:
                self._signals.request_hang_up()
        elif control != CONTROL_INTERROGATE:
            return NOT_IMPLEMENTED
        return 0

    def _tell(self, state: int, *, hint_ms: int = 0) -> None:
        with self._turn:
            if self._handle is None:
                return
            self._status.state = state
            self._status.accepted = ACCEPTED if state == RUNNING else 0
            # Each word of something that is under way has to be a later one than the one before.
            self._status.check_point = self._status.check_point + 1 if hint_ms else 0
            self._status.wait_hint_ms = hint_ms
            advapi32.SetServiceStatus(self._handle, ctypes.byref(self._status))


def run(body: Callable[[Link], int]) -> int:
    """Be the service that the manager has started: run `body`, return its exit status.

    Raises ConfigurationError if the manager did not start this process.
    """
    link = Link()
    link.open()
    status = 70  # A defect, if `body` does not get to tell.
    try:
        status = body(link)
    finally:
        link.close(status)
    return status
