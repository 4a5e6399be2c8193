"""The number that tells a daemon from what it was before its restart.

Nanoseconds since 1970, above every earlier one that StateDir remembers. Without StateDir, or for
a clock that went back, the other daemons tell a daemon that its number is too small.
"""

import os
from pathlib import Path
from typing import Final

from spread.errors import ConfigurationError

__all__ = ["next_incarnation"]

FILE_NAME: Final = "incarnation"
_DIGITS_MAX: Final = 20  # Of an unsigned 64-bit number.


def next_incarnation(wall_ns: int, state_dir: str | None) -> int:
    """Return the incarnation of a daemon that starts, and keep it in `state_dir`.

    Raises ConfigurationError when the directory cannot be used.
    """
    if state_dir is None:
        return wall_ns
    path = Path(state_dir, FILE_NAME)
    try:
        chosen = max(wall_ns, _last(path) + 1)
        scratch = path.with_suffix(".new")
        with scratch.open("w", encoding="ascii") as file:
            file.write(f"{chosen}\n")
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f'StateDir "{state_dir}" cannot be used: {error.strerror}; '
            "create it and let the daemon's user write to it, or remove StateDir"
        ) from error
    return chosen


def _last(path: Path) -> int:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return 0
    # A torn or foreign file tells nothing; the clock alone must do.
    return int(text) if text.isdigit() and len(text) <= _DIGITS_MAX else 0
