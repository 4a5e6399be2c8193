"""The configuration file of a running daemon, found again after its root and user have changed."""

import os
from pathlib import Path
from typing import Final

from spread.config.diagnostics import ConfigurationMissing
from spread.config.load import FILE_SIZE_MAX
from spread.system import O_CLOEXEC

__all__ = ["ConfigurationFile"]

_HAS_HANDLES: Final = os.open in os.supports_dir_fd


class ConfigurationFile:
    """One file by its name in a directory that was opened at the start.

    Editors and tools put a new file in the place of the old one, so the directory is kept, not
    the file. Close it in the end.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        """As it was given, for messages."""
        absolute = Path(path).absolute()
        self._name = absolute.name if _HAS_HANDLES else str(absolute)
        self._handle: int | None = None
        if _HAS_HANDLES:
            try:
                self._handle = os.open(absolute.parent, os.O_RDONLY | O_CLOEXEC)
            except OSError:
                # A directory that may be passed through but not listed: its name has to do.
                self._name = str(absolute)

    def read(self) -> bytes:
        """Return its bytes, one more than a file may have at most.

        Raises ConfigurationMissing if it cannot be read.
        """

        def opener(name: str, flags: int) -> int:
            return os.open(name, flags, dir_fd=self._handle)

        try:
            with open(self._name, "rb", opener=opener) as file:
                return file.read(FILE_SIZE_MAX + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            advice = "let the daemon's user read it"
            raise ConfigurationMissing(self.path, reason, advice) from error

    def close(self) -> None:
        """Give the directory back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
