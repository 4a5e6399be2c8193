"""The process of a daemon: what it takes of the system, and where it keeps its files."""

import gc
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from spread.config import Configuration
from spread.daemon.access_files import AccessDirectory, AccessFiles
from spread.system import O_CLOEXEC, SYSTEM_DIRECTORIES

__all__ = ["access_files", "rest_collector", "state_directory"]

GARBAGE_THRESHOLD: Final = 50_000
"""Objects that may come into being between two searches for garbage in cycles."""


def state_directory(configuration: Configuration) -> str | None:
    """Return StateDir, else the first directory that the service manager keeps for the daemon."""
    if configuration.options.state_dir is not None or configuration.path is None:
        return configuration.options.state_dir
    return os.environ.get("STATE_DIRECTORY", "").partition(os.pathsep)[0] or None


def access_files(stack: ExitStack) -> AccessFiles:
    """Return where access files are, to be found after the root directory has changed, too."""
    places = (Path.cwd(), Path(SYSTEM_DIRECTORIES[0]))
    return AccessFiles(tuple(_directory(each, stack) for each in places))


def _directory(path: Path, stack: ExitStack) -> AccessDirectory:
    if os.open not in os.supports_dir_fd:
        return AccessDirectory(path)
    try:
        handle = os.open(path, os.O_RDONLY | O_CLOEXEC)
    except OSError:
        return AccessDirectory(path)
    stack.callback(os.close, handle)
    return AccessDirectory(path, handle)


def rest_collector() -> None:
    """Look for garbage in cycles rarely: tables of groups are large and have none.

    A search through all of them would hold up the ring while a view is made.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 100)
