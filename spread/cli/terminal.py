"""What can be known of the terminal behind a stream."""

import os
import sys
from typing import TextIO

__all__ = ["understands_sequences", "width"]

_WIDTH_DEFAULT = 80


def understands_sequences() -> bool:
    """Tell whether the terminal of this process moves its cursor when told to."""
    return sys.platform != "win32" and os.environ.get("TERM", "dumb") != "dumb"


def width(stream: TextIO) -> int:
    """Return the present number of columns; most terminals that do not say have 80 or more."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH_DEFAULT
    except OSError:
        return _WIDTH_DEFAULT
