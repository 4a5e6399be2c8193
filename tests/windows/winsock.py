"""Functions of Winsock that do what a test wants, for one compiled module.

What Windows tells of datagrams that were refused, and which datagrams it joins, cannot be had on
the loopback network. So the addresses that the module calls them at are changed, while it runs.
"""

import ctypes
import sys
from collections.abc import Callable
from contextlib import ExitStack
from ctypes import wintypes
from types import ModuleType
from typing import Any, Final

assert sys.platform == "win32"

__all__ = [
    "IOCTL",
    "RECEIVE_FROM",
    "RECEIVE_MESSAGE",
    "SET_OPTION",
    "Message",
    "fail",
    "replace",
    "unlike_wine",
    "ws2_32",
]

ws2_32 = ctypes.WinDLL("ws2_32", use_last_error=True)
_plain = ctypes.WinDLL("ws2_32")  # The other one keeps errors from those who call Python.
_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)

_IMPORTS: Final = 24 + 112 + 8
"""Where in the headers of a 64-bit module the place of its imports stands."""
_READ_WRITE: Final = 4

_number = ctypes.POINTER(wintypes.DWORD)

RECEIVE_FROM = ctypes.WINFUNCTYPE(
    ctypes.c_int,
    ctypes.c_size_t,
    ctypes.c_void_p,
    wintypes.DWORD,
    _number,
    _number,
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_int),
    ctypes.c_void_p,
    ctypes.c_void_p,
)
IOCTL = ctypes.WINFUNCTYPE(
    ctypes.c_int,
    ctypes.c_size_t,
    wintypes.DWORD,
    ctypes.c_void_p,
    wintypes.DWORD,
    ctypes.POINTER(ctypes.c_void_p),
    wintypes.DWORD,
    _number,
    ctypes.c_void_p,
    ctypes.c_void_p,
)
SET_OPTION = ctypes.WINFUNCTYPE(
    ctypes.c_int, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, _number, ctypes.c_int
)


_PROCEDURE: Final = ctypes.WINFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p)


class Message(ctypes.Structure):
    """WSAMSG."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_int),
        ("buffers", ctypes.c_void_p),
        ("buffer_count", ctypes.c_size_t),  # A number of half the size, and a gap.
        ("control_size", wintypes.ULONG),
        ("control", ctypes.c_void_p),
        ("flags", wintypes.DWORD),
    )


RECEIVE_MESSAGE = ctypes.WINFUNCTYPE(
    ctypes.c_int,
    ctypes.c_size_t,
    ctypes.POINTER(Message),
    _number,
    ctypes.c_void_p,
    ctypes.c_void_p,
)

_kept: list[object] = []
"""Nothing that a module may still call is given up."""


def keep(function: object) -> None:
    """Let a function live as long as the modules."""
    _kept.append(function)


def fail(error: int) -> int:
    """Return what a function in the place of another returns that fails; error 0 is none."""
    _plain.WSASetLastError(error)
    return -1 if error else 0


def replace(
    module: ModuleType,
    name: str,
    kind: Any,
    function: Callable[..., int],
    stack: ExitStack,
    library: ctypes.WinDLL = ws2_32,
) -> Callable[..., int]:
    """Let a module call `function` as `name` until the stack closes; returns the true one."""
    true = kind((name, library))
    own = kind(function)
    _kept.extend((true, own))
    place = _place_of(module, ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0)
    before = ctypes.c_void_p.from_address(place).value
    _write(place, ctypes.cast(own, ctypes.c_void_p).value or 0)
    stack.callback(_write, place, before or 0)
    return true  # type: ignore[no-any-return]  # Of a type that is made while the program runs.


def unlike_wine(module: ModuleType, stack: ExitStack) -> None:
    """Let a module not see, until the stack closes, that it runs under Wine."""
    replace(module, "GetProcAddress", _PROCEDURE, lambda *_: 0, stack, _kernel32)


def _place_of(module: ModuleType, function: int) -> int:
    """Return where a module keeps the address of a function of another one."""
    _kernel32.GetModuleHandleW.restype = ctypes.c_size_t
    base = _kernel32.GetModuleHandleW(ctypes.c_wchar_p(module.__file__))
    headers = base + _word(base + 0x3C)
    descriptor = base + _word(headers + _IMPORTS)
    while _word(descriptor + 16):
        place = base + _word(descriptor + 16)
        while found := ctypes.c_void_p.from_address(place).value:
            if found == function:
                return place
            place += ctypes.sizeof(ctypes.c_void_p)
        descriptor += 20
    raise LookupError(f"{module.__name__} does not call it")


def _word(address: int) -> int:
    return int(ctypes.c_uint32.from_address(address).value)


def _write(place: int, address: int) -> None:
    before = wintypes.DWORD()
    size = ctypes.sizeof(ctypes.c_void_p)
    protect = _kernel32.VirtualProtect
    protect.argtypes = (ctypes.c_size_t, ctypes.c_size_t, wintypes.DWORD, _number)
    assert protect(place, size, _READ_WRITE, ctypes.byref(before))
    ctypes.c_void_p.from_address(place).value = address
    assert protect(place, size, before.value, ctypes.byref(before))
