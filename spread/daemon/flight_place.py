"""Where the flight recorder's memory and its files lie: the one place that knows the platforms.

    memory file    spread-NAME-PORT-PROCESS.flight   in a memory file system if there is one
    kept file      NAME-YYYYMMDD-HHMMSS.flight       in StateDir, or the log file's directory, or
                                                     with the memory files

The memory file is mapped, so what is noted there outlives the process, however it ends. An orderly
end removes it: a memory file without a process is what a crash left behind. A process holds a lock
on its own, which the system gives back with the process; where there are no such locks, the system
does not let a file be moved that is mapped.

Directories may be everybody's, so nothing is believed there: files are opened without following
links, and must be regular, ours and nobody else's to write.
"""

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from spread.system import O_CLOEXEC, O_NOFOLLOW, lock

__all__ = ["KEPT_MAX", "Directory"]

KEPT_MAX: Final = 8
"""Kept files of one daemon; the oldest is removed for one more."""

FILE_SIZE_MAX: Final = 2 << 30

_OPEN_FLAGS: Final = O_NOFOLLOW | O_CLOEXEC | getattr(os, "O_BINARY", 0)
_HAS_HANDLES: Final = {os.open, os.unlink, os.rename, os.stat} <= os.supports_dir_fd


class Directory:
    """A directory with files of one daemon, reached even when the root directory has changed.

    Every call may raise OSError.
    """

    def __init__(self, path: Path, daemon: str, port: int) -> None:
        self.path = path.absolute()
        self._name = re.sub(r"[^A-Za-z0-9._-]", "_", daemon)
        self._port = port
        self._handle: int | None = None
        if _HAS_HANDLES:
            self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def close(self) -> None:
        """Give the directory back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    # -- Memory files -----------------------------------------------------------------------------

    def create_memory(self, size: int) -> tuple[str, int]:
        """Make this process's memory file of so many bytes, all of them there to stay.

        Returns its name, and a descriptor that holds its lock.
        """
        name = f"spread-{self._name}-{self._port}-{os.getpid()}.flight"
        descriptor = self._open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            lock(descriptor)
            if hasattr(os, "posix_fallocate"):
                # Without it, a full file system would show as a signal that ends the process.
                os.posix_fallocate(descriptor, 0, size)
            else:
                os.truncate(descriptor, size)
        except OSError:
            os.close(descriptor)
            self.remove(name)
            raise
        return name, descriptor

    def leftovers(self, owners: frozenset[int]) -> Iterator[tuple[str, bytes]]:
        """Yield memory files of this daemon whose process is gone, with what is in them.

        `owners` are the users that a daemon of ours may have had.
        """
        pattern = re.compile(rf"spread-{re.escape(self._name)}-{self._port}-\d+\.flight")
        for name in self._names(pattern):
            try:
                descriptor = self._open(name, os.O_RDONLY)
            except OSError:
                continue
            found = os.fstat(descriptor)
            if not _is_ours(found, owners) or not lock(descriptor):
                os.close(descriptor)
                continue
            with os.fdopen(descriptor, "rb") as file:
                # Asked for as many bytes as there are: some systems set aside what is asked for.
                image = file.read(min(found.st_size, FILE_SIZE_MAX))
            # Closed before: some systems let nobody remove a file that is open.
            yield name, image

    # -- Kept files -------------------------------------------------------------------------------

    def keep(self, image: bytes, when_s: float, owner: tuple[int, int] | None = None) -> Path:
        """Write a file that stays, for `owner`, and remove the oldest ones; returns its path."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(when_s))
        name, descriptor = self._create_kept(f"{self._name}-{stamp}")
        try:
            with os.fdopen(descriptor, "wb") as file:
                if owner is not None and hasattr(os, "fchown"):
                    os.fchown(descriptor, *owner)
                file.write(image)
        except OSError:
            with suppress(OSError):
                self.remove(name)
            raise
        pattern = re.compile(rf"{re.escape(self._name)}-\d{{8}}-\d{{6}}(\.\d+)?\.flight")
        for each in sorted(self._names(pattern))[:-KEPT_MAX]:
            with suppress(OSError):
                self.remove(each)
        return self.path / name

    def remove(self, name: str) -> None:
        """Remove a file."""
        if self._handle is None:
            (self.path / name).unlink()
        else:
            os.unlink(name, dir_fd=self._handle)

    # -- Files ------------------------------------------------------------------------------------

    def _create_kept(self, stem: str) -> tuple[str, int]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        for number in range(1, 100):
            name = f"{stem}.{number:02}.flight" if number > 1 else f"{stem}.flight"
            with suppress(FileExistsError):
                return name, self._open(name, flags)
        raise FileExistsError(17, "too many files of this second", stem)

    def _open(self, name: str, flags: int) -> int:
        if self._handle is None:
            return os.open(self.path / name, flags | _OPEN_FLAGS, 0o600)
        return os.open(name, flags | _OPEN_FLAGS, 0o600, dir_fd=self._handle)

    def _names(self, pattern: re.Pattern[str]) -> list[str]:
        where: Path | int = self.path if self._handle is None else self._handle
        with os.scandir(where) as entries:
            return [each.name for each in entries if pattern.fullmatch(each.name)]


def _is_ours(found: os.stat_result, owners: frozenset[int]) -> bool:
    """Tell whether a file is one that only this daemon's users can have made."""
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        return False
    has_users = hasattr(os, "getuid")
    return not has_users or (found.st_uid in owners and not found.st_mode & 0o077)
