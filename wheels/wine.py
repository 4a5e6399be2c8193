"""What programs and tests do otherwise under Wine, which imitates Windows not in all."""

import ctypes
import sys
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["WINE", "begun"]

WINE: Final = sys.platform == "win32" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
ATTEMPTS: Final = 5
INTERNAL_ERROR: Final = 1359
"""Of a process whose program did not come to run, on a busy machine. Windows has no such error."""

T = TypeVar("T")


def begun(begin: Callable[[], T]) -> T:
    """Call `begin`, which starts a program, and return what it returns.

    Where Wine fails to start the program, `begin` is called again, and that is said.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return begin()
        except OSError as failure:
            if not WINE or getattr(failure, "winerror", None) != INTERNAL_ERROR:
                raise
            print(f"Wine has not started a program: {failure}", file=sys.stderr)
    return begin()
