"""The calls of Windows that Python does not offer: their types, and nothing else."""

import ctypes
import sys
from ctypes import wintypes
from typing import Final

assert sys.platform == "win32"

__all__ = [
    "CONSOLE_HANDLER",
    "INVALID_HANDLE",
    "FileTime",
    "MemoryCounters",
    "failed",
    "iphlpapi",
    "kernel32",
    "ws2_32",
]

INVALID_HANDLE: Final = ctypes.c_void_p(-1).value

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
iphlpapi = ctypes.WinDLL("iphlpapi")
ws2_32 = ctypes.WinDLL("ws2_32")

CONSOLE_HANDLER = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)


class FileTime(ctypes.Structure):
    """A time in units of 100 ns."""

    _fields_ = (("low", wintypes.DWORD), ("high", wintypes.DWORD))

    def seconds(self) -> float:
        """Return it in seconds."""
        return ((int(self.high) << 32) + int(self.low)) / 1e7


class MemoryCounters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("page_faults", wintypes.DWORD),
        ("working_set_peak", ctypes.c_size_t),
        ("working_set", ctypes.c_size_t),
        ("paged_pool_peak", ctypes.c_size_t),
        ("paged_pool", ctypes.c_size_t),
        ("nonpaged_pool_peak", ctypes.c_size_t),
        ("nonpaged_pool", ctypes.c_size_t),
        ("pagefile", ctypes.c_size_t),
        ("pagefile_peak", ctypes.c_size_t),
    )


kernel32.CreateFileW.restype = ctypes.c_void_p
kernel32.CreateFileW.argtypes = (
    wintypes.LPCWSTR,
    wintypes.DWORD,
    wintypes.DWORD,
    ctypes.c_void_p,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.HANDLE,
)
kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
kernel32.GetStdHandle.restype = wintypes.HANDLE
kernel32.GetStdHandle.argtypes = (wintypes.DWORD,)
kernel32.GetConsoleMode.argtypes = (wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD))
kernel32.SetConsoleMode.argtypes = (wintypes.HANDLE, wintypes.DWORD)
kernel32.SetConsoleCtrlHandler.argtypes = (CONSOLE_HANDLER, wintypes.BOOL)
kernel32.SetConsoleOutputCP.argtypes = (wintypes.UINT,)
kernel32.GetCurrentProcess.restype = wintypes.HANDLE
kernel32.K32GetProcessMemoryInfo.argtypes = (
    wintypes.HANDLE,
    ctypes.POINTER(MemoryCounters),
    wintypes.DWORD,
)
kernel32.OpenThread.restype = wintypes.HANDLE
kernel32.OpenThread.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
kernel32.GetThreadTimes.argtypes = (wintypes.HANDLE, *(ctypes.POINTER(FileTime),) * 4)
iphlpapi.GetIpAddrTable.argtypes = (
    ctypes.c_void_p,
    ctypes.POINTER(wintypes.DWORD),
    wintypes.BOOL,
)
ws2_32.WSAIoctl.argtypes = (
    ctypes.c_size_t,
    wintypes.DWORD,
    ctypes.c_void_p,
    wintypes.DWORD,
    ctypes.c_void_p,
    wintypes.DWORD,
    ctypes.POINTER(wintypes.DWORD),
    ctypes.c_void_p,
    ctypes.c_void_p,
)


def failed(what: str | None = None) -> OSError:
    """Return the error of the last call on `kernel32` in this thread, about `what`."""
    number = ctypes.get_last_error()
    return OSError(0, ctypes.FormatError(number).strip(), what, number)
