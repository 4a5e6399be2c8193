"""Find the configuration file."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from spread.config.diagnostics import ConfigurationMissing
from spread.system import SYSTEM_DIRECTORIES

__all__ = ["FILE_NAME", "SYSTEM_DIRECTORIES", "search"]

FILE_NAME = "spread.conf"

LOCAL_ADVICE = (
    "name a file with -c FILE, or start one daemon on this host without a file: spread --local"
)


def search(
    explicit: str | None, cwd: str, system_directories: Sequence[str] = SYSTEM_DIRECTORIES
) -> str:
    """Return the path of the configuration file.

    A file named by the user is taken or nothing is. Otherwise `spread.conf` is looked for in the
    working directory, then in the system directories.

    Raises `ConfigurationMissing` if there is no readable file.
    """
    if explicit is not None:
        named = Path(cwd, explicit)
        _require_readable(named)
        return str(named)
    candidates = [Path(directory, FILE_NAME) for directory in (cwd, *system_directories)]
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.R_OK):
            return str(candidate)
    # One that is there and cannot be read is worth more than "not found".
    for candidate in candidates:
        if candidate.exists():
            _require_readable(candidate)
    places = ", ".join((cwd, *system_directories))
    raise ConfigurationMissing(FILE_NAME, f"there is none in {places}", LOCAL_ADVICE)


def _require_readable(path: Path) -> None:
    if path.is_dir():
        code = errno.EISDIR
    elif not path.exists():
        code = errno.ENOENT
    elif not os.access(path, os.R_OK):
        code = errno.EACCES
    else:
        return
    raise ConfigurationMissing(str(path), os.strerror(code), LOCAL_ADVICE)
