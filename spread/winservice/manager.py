"""The service manager's calls: install, start, stop, remove a service, and ask for its state."""

import ctypes
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import wintypes
from dataclasses import dataclass
from typing import Final

from spread.errors import ConfigurationError
from spread.winservice.registration import (
    DEPENDENCIES,
    RESET_S,
    RESTART_DELAYS_S,
    SYSTEM_ACCOUNT,
    Registration,
    list_of_names,
    name_option,
)

assert sys.platform == "win32"

from spread.winservice.calls import (  # noqa: E402 - unknown to checkers elsewhere.
    OWN_PROCESS,
    RUNNING,
    SPECIFIC,
    STOPPED,
    FailureAction,
    FailureActions,
    FailureActionsFlag,
    ServiceStatus,
    ServiceStatusProcess,
    advapi32,
    last_error,
)
from spread.winservice.event_source import register, unregister  # noqa: E402 - as above.

__all__ = ["STATES", "ServiceError", "State", "install", "query", "remove", "start", "stop"]

STATES: Final = {
    1: "stopped",
    2: "starting",
    3: "stopping",
    4: "running",
    5: "continuing",
    6: "pausing",
    7: "paused",
}
WAIT_S: Final = 60.0
"""How long a service gets to start or to stop."""

LOOK_S: Final = 0.1

# Rights of the manager and of a service: no more than a call needs, as accounts may have few.
_CONNECT, _CREATE = 0x0001, 0x0002
_MAY_CHANGE, _MAY_QUERY, _MAY_START, _MAY_STOP, _MAY_DELETE = 0x2, 0x4, 0x10, 0x20, 0x10000
_STARTS: Final = {"auto": 2, "delayed": 2, "manual": 3}
_ERROR_NORMAL: Final = 1
_STOP: Final = 1
_DESCRIPTION, _FAILURE_ACTIONS, _DELAYED, _FAILURE_FLAG = 1, 2, 3, 4
_NO_ACTION, _RESTART = 0, 1
_NEVER_STARTED: Final = 1077  # ERROR_SERVICE_NEVER_STARTED

MS_PER_S: Final = 1_000

_ADVICE: Final = {
    5: "run this as administrator",
    1053: "its account may lack the right to read and run Python; see the system log of Windows",
    1056: "it runs already",
    1057: "no such account, or a wrong password",
    1060: "install it first: spread service install{name}",
    1061: "it is about to start or to stop; try again when spread service status{name} says "
    "running",
    1062: "it does not run",
    1069: "the password of its account is wrong, or the account may not log on as a service: enter "
    "it again in services.msc, Properties, Log On, which grants that right",
    1072: "it is being removed; close the windows that show services",
    1073: "there is one; remove it first: spread service remove{name}",
}


class ServiceError(ConfigurationError):
    """The service manager has refused."""


@dataclass(frozen=True, slots=True)
class State:
    """How a service is."""

    number: int
    process: int
    exit_code: int
    specific_exit_code: int

    @property
    def name(self) -> str:
        """Return the word for it."""
        return STATES.get(self.number, str(self.number))

    @property
    def status(self) -> int:
        """Return the exit status of the daemon that has ended."""
        if self.exit_code == _NEVER_STARTED:
            return 0
        # A daemon that is not to be started again says so by no error, see `running`.
        return self.specific_exit_code if self.exit_code in (0, SPECIFIC) else self.exit_code


def install(wanted: Registration) -> tuple[str, ...]:
    """Register a service, and its name with the event log; return what did not go as wanted.

    Raise ServiceError.
    """
    with _manager(_CONNECT | _CREATE) as manager:
        account = None if wanted.account == SYSTEM_ACCOUNT else wanted.account
        service = advapi32.CreateServiceW(
            manager,
            wanted.name,
            wanted.display_name,
            _MAY_CHANGE | _MAY_START,  # To start it again is a right of whoever wishes for it.
            OWN_PROCESS,
            _STARTS[wanted.start],
            _ERROR_NORMAL,
            wanted.command,
            None,
            None,
            ctypes.create_unicode_buffer(list_of_names(DEPENDENCIES)),
            account,
            wanted.password,
        )
        if not service:
            raise _refused(f"service {wanted.name} cannot be installed", wanted.name)
        try:
            warnings = _describe(service, wanted)
        finally:
            advapi32.CloseServiceHandle(service)
    try:
        register(wanted.name)
    except OSError as error:
        lack = "the Windows event log shows its events beside a complaint that it knows no text"
        warnings = (*warnings, f"service {wanted.name}: {lack}: {error.strerror}")
    return warnings


def start(name: str, wait_s: float = WAIT_S) -> State:
    """Start a service and wait until it runs or has ended. Raise ServiceError."""
    with _service(name, _MAY_QUERY | _MAY_START) as service:
        if not advapi32.StartServiceW(service, 0, None):
            raise _refused(f"service {name} cannot be started", name)
        return _wait(service, name, lambda state: state.number in (RUNNING, STOPPED), wait_s)


def stop(name: str, wait_s: float = WAIT_S) -> State:
    """Stop a service and wait for its end. Raise ServiceError."""
    with _service(name, _MAY_QUERY | _MAY_STOP) as service:
        return _stop(service, name, wait_s)


def remove(name: str, wait_s: float = WAIT_S) -> None:
    """Stop a service and let the manager forget it. Raise ServiceError."""
    with _service(name, _MAY_QUERY | _MAY_STOP | _MAY_DELETE) as service:
        if _state(service, name).number != STOPPED:
            _stop(service, name, wait_s)
        if not advapi32.DeleteService(service):
            raise _refused(f"service {name} cannot be removed", name)
    with suppress(OSError):
        unregister(name)


def query(name: str) -> State:
    """Return the state of a service. Raise ServiceError if there is none."""
    with _service(name, _MAY_QUERY) as service:
        return _state(service, name)


def _stop(service: int, name: str, wait_s: float) -> State:
    if not advapi32.ControlService(service, _STOP, ctypes.byref(ServiceStatus())):
        raise _refused(f"service {name} cannot be stopped", name)
    return _wait(service, name, lambda state: state.number == STOPPED, wait_s)


def _describe(service: int, wanted: Registration) -> tuple[str, ...]:
    """Tell the manager what it takes by other calls; return what it has refused of it.

    Nothing of it is needed to run.
    """
    description = wintypes.LPWSTR(wanted.description)
    delays = [FailureAction(_RESTART, each * MS_PER_S) for each in RESTART_DELAYS_S]
    # The last action is that of all later failures, too.
    actions = (FailureAction * (len(delays) + 1))(*delays, FailureAction(_NO_ACTION, 0))
    failures = FailureActions(RESET_S, None, None, len(actions), actions)
    # Without it only a process that vanishes counts, none that tells how it has ended.
    flag = FailureActionsFlag(acts_on_failure_statuses=True)
    wishes: list[tuple[int, ctypes._CData, str]] = [
        (_DESCRIPTION, description, "shows no description"),
        (_FAILURE_ACTIONS, failures, "is not started again when it fails"),
        (_FAILURE_FLAG, flag, "is started again only when its process vanishes"),
    ]
    if wanted.start == "delayed":
        wishes.append((_DELAYED, wintypes.BOOL(True), "starts with the others, not later"))
    return tuple(
        str(_refused(f"service {wanted.name} {lack}", wanted.name))
        for level, wish, lack in wishes
        if not advapi32.ChangeServiceConfig2W(service, level, ctypes.byref(wish))
    )


@contextmanager
def _manager(access: int) -> Iterator[int]:
    manager = advapi32.OpenSCManagerW(None, None, access)
    if not manager:
        raise _refused("the service manager cannot be asked", "manager")
    try:
        yield manager
    finally:
        advapi32.CloseServiceHandle(manager)


@contextmanager
def _service(name: str, access: int) -> Iterator[int]:
    with _manager(_CONNECT) as manager:
        service = advapi32.OpenServiceW(manager, name, access)
        if not service:
            raise _refused(f"service {name} cannot be opened", name)
        try:
            yield service
        finally:
            advapi32.CloseServiceHandle(service)


def _state(service: int, name: str) -> State:
    status, size = ServiceStatusProcess(), wintypes.DWORD()
    if not advapi32.QueryServiceStatusEx(
        service, 0, ctypes.byref(status), ctypes.sizeof(status), ctypes.byref(size)
    ):
        raise _refused(f"service {name} does not tell its state", name)
    return State(status.state, status.process, status.exit_code, status.specific_exit_code)


def _wait(service: int, name: str, is_over: Callable[[State], bool], wait_s: float) -> State:
    end = time.monotonic() + wait_s
    while not is_over(state := _state(service, name)):
        if time.monotonic() > end:
            raise ServiceError(f"service {name} is {state.name} after {wait_s:g} s")
        time.sleep(LOOK_S)
    return state


def _refused(what: str, name: str) -> ServiceError:
    error = last_error(name)
    advice = _ADVICE.get(error.winerror or 0, "").replace("{name}", name_option(name))
    reason = (error.strerror or "").rstrip(".")
    return ServiceError(f"{what}: {reason}" + (f"; {advice}" if advice else ""))
