"""Where the event log goes: a named file that can be opened again, and the standard streams.

A daemon may change its root directory and its user after the log is open. What is needed to open
the file once more is therefore taken before: a descriptor of its directory.
"""

import os
import re
import socket
from pathlib import Path

from spread.system import O_DIRECTORY, O_PATH, change_owner, open_appending

__all__ = ["Destinations", "LogFile"]

_FILE_MODE = 0o640  # Names of clients and their addresses are not everybody's business.


class LogFile:
    """A file by name, found again even when the name leads elsewhere by then."""

    def __init__(self, path: Path) -> None:
        """Open the directory of `path`. Raise OSError if that cannot be done."""
        self.path = path
        self._is_ours = False
        self._directory: int | None = None
        if os.open in os.supports_dir_fd:
            self._directory = os.open(path.parent, O_PATH | O_DIRECTORY)

    def open(self) -> int:
        """Return a new descriptor that appends to the file, created if need be. Raise OSError."""
        if self._directory is None:
            return open_appending(self.path, _FILE_MODE)
        try:
            descriptor = self._open(os.O_EXCL)
            self._is_ours = True
        except FileExistsError:
            descriptor = self._open(0)
            self._is_ours = False
        return descriptor

    def give(self, descriptor: int, user_id: int, group_id: int) -> None:
        """Make an open file that `open` has created belong to this user. Raise OSError.

        A file that was there before is left alone: the name may lead to anything.
        """
        if self._is_ours:
            change_owner(descriptor, user_id, group_id)

    def close(self) -> None:
        """Close the directory."""
        if self._directory is not None:
            os.close(self._directory)
            self._directory = None

    def _open(self, flags: int) -> int:
        return open_appending(self.path.name, _FILE_MODE, flags=flags, directory=self._directory)


class Destinations:
    """Standard output and error as they were at the start, and files by configured name."""

    def __init__(
        self,
        *,
        output: int = 1,
        error: int = 2,
        hostname: str | None = None,
        redirects: bool = False,
    ) -> None:
        """Keep duplicates of the two descriptors.

        With `redirects` whatever else the process writes to standard output and error follows the
        log into its file: tracebacks, and the last words of compiled code.
        """
        self._streams = (output, error)
        self._redirects = redirects
        self._hostname = hostname if hostname is not None else socket.gethostname()
        self._is_closed = False
        self._output, self._error = (_duplicate(stream) for stream in self._streams)

    def output(self) -> int:
        """Return a new descriptor of standard output."""
        return os.dup(self._output)

    def error(self) -> int:
        """Return a new descriptor of standard error."""
        return os.dup(self._error)

    def file(self, name: str) -> LogFile:
        """Return the file called `name`, where %h and %H stand for the name of this host.

        Raise OSError if its directory cannot be opened, ValueError if no file can have the name.
        """
        return LogFile(Path(re.sub("%[hH]", lambda _: self._hostname, name)))

    def redirect(self, descriptor: int) -> None:
        """Let standard output and error follow the log to `descriptor`, if that is wanted."""
        if self._redirects:
            for stream in self._streams:
                os.dup2(descriptor, stream)

    def restore(self) -> None:
        """Undo `redirect`."""
        if self._redirects:
            for original, stream in zip((self._output, self._error), self._streams, strict=True):
                os.dup2(original, stream)

    def close(self) -> None:
        """Give standard output and error back, and close the duplicates."""
        if self._is_closed:
            return
        self._is_closed = True
        self.restore()
        os.close(self._output)
        os.close(self._error)


def _duplicate(stream: int) -> int:
    try:
        return os.dup(stream)
    except OSError:
        # The stream is closed: its number may soon mean a client's socket, so never use it.
        return os.open(os.devnull, os.O_WRONLY)
