"""The number that tells a daemon from what it was before its restart.

Nanoseconds since 1970, above every earlier one that StateDir remembers. Without StateDir, or for
a clock that went back, the other daemons tell a daemon that its number is too small.
"""

import os
from pathlib import Path
from typing import Final

from spread.errors import ConfigurationError
from spread.system import patiently

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
        return patiently(lambda: _keep_next(path, wall_ns))
    except OSError as error:
        raise ConfigurationError(
            f'StateDir "{state_dir}" cannot be used: {error.strerror}; '
            "create it and let the daemon's user write to it, or remove StateDir"
        ) from error


def _keep_next(path: Path, wall_ns: int) -> int:
    chosen = max(wall_ns, _last(path) + 1)
    # Daemons of one host that share the directory may start together.
    scratch = path.with_suffix(f".{os.getpid()}")
    try:
        with scratch.open("w", encoding="ascii") as file:
            file.write(f"{chosen}\n")
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return chosen


def _last(path: Path) -> int:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return 0
    # A torn or foreign file tells nothing; the clock alone must do.
    return int(text) if text.isdigit() and len(text) <= _DIGITS_MAX else 0
