"""The calls about services, events and permissions: their types, and nothing else."""

import ctypes
import sys
from ctypes import wintypes
from typing import Final

assert sys.platform == "win32"

__all__ = [
    "HANDLER",
    "MAIN",
    "OWN_PROCESS",
    "RUNNING",
    "SPECIFIC",
    "START_PENDING",
    "STOPPED",
    "STOP_PENDING",
    "FailureAction",
    "FailureActions",
    "FailureActionsFlag",
    "SecurityAttributes",
    "ServiceStatus",
    "ServiceStatusProcess",
    "ServiceTableEntry",
    "advapi32",
    "kernel32",
    "last_error",
]

STOPPED, START_PENDING, STOP_PENDING, RUNNING = 1, 2, 3, 4
"""States of a service; it tells no others."""

OWN_PROCESS: Final = 0x10
"""What a service is that shares its process with none."""

SPECIFIC: Final = 1066  # ERROR_SERVICE_SPECIFIC_ERROR
"""The error of a service that says by a number of its own what is wrong."""

advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)

MAIN = ctypes.WINFUNCTYPE(None, wintypes.DWORD, ctypes.POINTER(wintypes.LPWSTR))
HANDLER = ctypes.WINFUNCTYPE(
    wintypes.DWORD, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p, ctypes.c_void_p
)

_STATUS: Final = (
    ("kind", wintypes.DWORD),
    ("state", wintypes.DWORD),
    ("accepted", wintypes.DWORD),
    ("exit_code", wintypes.DWORD),
    ("specific_exit_code", wintypes.DWORD),
    ("check_point", wintypes.DWORD),
    ("wait_hint_ms", wintypes.DWORD),
)


class ServiceStatus(ctypes.Structure):
    """SERVICE_STATUS."""

    _fields_ = _STATUS


class ServiceStatusProcess(ctypes.Structure):
    """SERVICE_STATUS_PROCESS."""

    _fields_ = (*_STATUS, ("process", wintypes.DWORD), ("flags", wintypes.DWORD))


class ServiceTableEntry(ctypes.Structure):
    """SERVICE_TABLE_ENTRYW."""

    _fields_ = (("name", wintypes.LPWSTR), ("main", MAIN))


class FailureAction(ctypes.Structure):
    """SC_ACTION."""

    _fields_ = (("kind", ctypes.c_int), ("delay_ms", wintypes.DWORD))


class FailureActions(ctypes.Structure):
    """SERVICE_FAILURE_ACTIONSW."""

    _fields_ = (
        ("reset_after_s", wintypes.DWORD),
        ("reboot_message", wintypes.LPWSTR),
        ("command", wintypes.LPWSTR),
        ("count", wintypes.DWORD),
        ("actions", ctypes.POINTER(FailureAction)),
    )


class FailureActionsFlag(ctypes.Structure):
    """SERVICE_FAILURE_ACTIONS_FLAG."""

    _fields_ = (("acts_on_failure_statuses", wintypes.BOOL),)


class SecurityAttributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("descriptor", ctypes.c_void_p),
        ("is_inherited", wintypes.BOOL),
    )


_HANDLE = ctypes.c_void_p
advapi32.OpenSCManagerW.restype = _HANDLE
advapi32.OpenSCManagerW.argtypes = (wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD)
advapi32.CreateServiceW.restype = _HANDLE
advapi32.CreateServiceW.argtypes = (
    _HANDLE,
    wintypes.LPCWSTR,
    wintypes.LPCWSTR,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.LPCWSTR,
    wintypes.LPCWSTR,
    ctypes.c_void_p,
    wintypes.LPCWSTR,
    wintypes.LPCWSTR,
    wintypes.LPCWSTR,
)
advapi32.OpenServiceW.restype = _HANDLE
advapi32.OpenServiceW.argtypes = (_HANDLE, wintypes.LPCWSTR, wintypes.DWORD)
advapi32.CloseServiceHandle.argtypes = (_HANDLE,)
advapi32.DeleteService.argtypes = (_HANDLE,)
advapi32.StartServiceW.argtypes = (_HANDLE, wintypes.DWORD, ctypes.c_void_p)
advapi32.ControlService.argtypes = (_HANDLE, wintypes.DWORD, ctypes.POINTER(ServiceStatus))
advapi32.QueryServiceStatusEx.argtypes = (
    _HANDLE,
    ctypes.c_int,
    ctypes.c_void_p,
    wintypes.DWORD,
    ctypes.POINTER(wintypes.DWORD),
)
advapi32.ChangeServiceConfig2W.argtypes = (_HANDLE, wintypes.DWORD, ctypes.c_void_p)
advapi32.StartServiceCtrlDispatcherW.argtypes = (ctypes.POINTER(ServiceTableEntry),)
advapi32.RegisterServiceCtrlHandlerExW.restype = _HANDLE
advapi32.RegisterServiceCtrlHandlerExW.argtypes = (wintypes.LPCWSTR, HANDLER, ctypes.c_void_p)
advapi32.SetServiceStatus.argtypes = (_HANDLE, ctypes.POINTER(ServiceStatus))
advapi32.RegisterEventSourceW.restype = _HANDLE
advapi32.RegisterEventSourceW.argtypes = (wintypes.LPCWSTR, wintypes.LPCWSTR)
advapi32.DeregisterEventSource.argtypes = (_HANDLE,)
advapi32.ReportEventW.argtypes = (
    _HANDLE,
    wintypes.WORD,
    wintypes.WORD,
    wintypes.DWORD,
    ctypes.c_void_p,
    wintypes.WORD,
    wintypes.DWORD,
    ctypes.POINTER(wintypes.LPCWSTR),
    ctypes.c_void_p,
)
_POINTER = ctypes.POINTER(ctypes.c_void_p)
_TEXT = ctypes.POINTER(wintypes.LPWSTR)
_NUMBER = ctypes.POINTER(wintypes.DWORD)
advapi32.GetNamedSecurityInfoW.restype = wintypes.DWORD
advapi32.GetNamedSecurityInfoW.argtypes = (
    wintypes.LPCWSTR,
    ctypes.c_int,
    wintypes.DWORD,
    _POINTER,
    _POINTER,
    _POINTER,
    _POINTER,
    _POINTER,
)
advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW.argtypes = (
    ctypes.c_void_p,
    wintypes.DWORD,
    wintypes.DWORD,
    _TEXT,
    _NUMBER,
)
advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW.argtypes = (
    wintypes.LPCWSTR,
    wintypes.DWORD,
    _POINTER,
    _NUMBER,
)
advapi32.LookupAccountNameW.argtypes = (
    wintypes.LPCWSTR,
    wintypes.LPCWSTR,
    ctypes.c_void_p,
    _NUMBER,
    wintypes.LPWSTR,
    _NUMBER,
    ctypes.POINTER(ctypes.c_int),
)
advapi32.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, _TEXT)
kernel32.CreateDirectoryW.argtypes = (wintypes.LPCWSTR, ctypes.POINTER(SecurityAttributes))
kernel32.GetConsoleMode.argtypes = (ctypes.c_void_p, wintypes.LPDWORD)
kernel32.LocalFree.restype = ctypes.c_void_p
kernel32.LocalFree.argtypes = (ctypes.c_void_p,)


def last_error(what: str) -> OSError:
    """Return the error of the last call in this thread, about `what`."""
    number = ctypes.get_last_error()
    return OSError(0, ctypes.FormatError(number).strip(), what, number)
