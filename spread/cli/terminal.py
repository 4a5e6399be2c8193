"""What can be known of the terminal behind a stream."""

import os
from typing import TextIO

from spread.system import understands_sequences

__all__ = ["understands_sequences", "width"]

_WIDTH_DEFAULT = 80


def width(stream: TextIO) -> int:
    """Return the present number of columns; most terminals that do not say have 80 or more."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH_DEFAULT
    except OSError:
        return _WIDTH_DEFAULT
