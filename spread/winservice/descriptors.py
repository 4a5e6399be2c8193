"""Windows's calls about permissions: of what is there, and of a directory that is made.

See `permissions` for the notation.
"""

import ctypes
import sys
from ctypes import wintypes
from pathlib import Path
from typing import Final

assert sys.platform == "win32"

from spread.winservice.calls import (  # noqa: E402 - unknown to checkers elsewhere.
    SecurityAttributes,
    advapi32,
    kernel32,
    last_error,
)

__all__ = ["make_directory", "permissions_of", "sid_of"]

_REVISION: Final = 1
_FILE: Final = 1
_OWNER_AND_LIST: Final = 0x1 | 0x4
_ALREADY_EXISTS: Final = 183
_NAME_SIZE_MAX: Final = 256
_SID_SIZE_MAX: Final = 68


def permissions_of(place: Path) -> str:
    """Return owner and permissions of a file or directory. Raise OSError."""
    descriptor, text = ctypes.c_void_p(), wintypes.LPWSTR()
    number = advapi32.GetNamedSecurityInfoW(
        str(place), _FILE, _OWNER_AND_LIST, None, None, None, None, ctypes.byref(descriptor)
    )
    if number:
        raise OSError(0, ctypes.FormatError(number).strip(), str(place), number)
    try:
        if not advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor, _REVISION, _OWNER_AND_LIST, ctypes.byref(text), None
        ):
            raise last_error(str(place))
        return _taken(text)
    finally:
        kernel32.LocalFree(descriptor)


def make_directory(place: Path, permissions: str) -> bool:
    """Make a directory that has its permissions from the start; return False if it is there.

    Raise OSError.
    """
    descriptor = ctypes.c_void_p()
    if not advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        permissions, _REVISION, ctypes.byref(descriptor), None
    ):
        raise last_error(str(place))
    try:
        attributes = SecurityAttributes(ctypes.sizeof(SecurityAttributes), descriptor, False)
        if kernel32.CreateDirectoryW(str(place), ctypes.byref(attributes)):
            return True
        error = last_error(str(place))
    finally:
        kernel32.LocalFree(descriptor)
    if error.winerror == _ALREADY_EXISTS:
        return False
    raise error


def sid_of(account: str) -> str:
    r"""Return the number (SID) of an account such as `DOMAIN\user` or `.\user`. Raise OSError."""
    sid = ctypes.create_string_buffer(_SID_SIZE_MAX)
    domain = ctypes.create_unicode_buffer(_NAME_SIZE_MAX)
    sizes = wintypes.DWORD(len(sid)), wintypes.DWORD(len(domain))
    kind, text = ctypes.c_int(), wintypes.LPWSTR()
    if not advapi32.LookupAccountNameW(
        None,
        account.removeprefix(".\\"),
        sid,
        ctypes.byref(sizes[0]),
        domain,
        ctypes.byref(sizes[1]),
        ctypes.byref(kind),
    ) or not advapi32.ConvertSidToStringSidW(sid, ctypes.byref(text)):
        raise last_error(account)
    return _taken(text)


def _taken(text: wintypes.LPWSTR) -> str:
    """Return what a call has left in memory of the system, which is given back."""
    found = text.value or ""
    kernel32.LocalFree(text)
    return found
