"""The activity file of `-l y`: one line for each client and membership that comes and goes.

    B TIME                                            the daemon has started
    M TIME MEMBERSHIP-TIME SEQ > INDEX INDEX ...      a new membership; -- for an absent daemon
    C TIME SEQ NUMBER ADDRESS NAME                    a client has been let in
    D TIME SEQ NUMBER ADDRESS NAME UNDELIVERED        a client is gone
    A TIME SEQ                                        alive; the next record takes its place

Times are seconds since 1970 in 13 columns, SEQ is the highest sequence number on the ring in 11.
Fields stand right in their columns except address (16) and name (10), and one blank apart; what
is too long for its columns pushes the rest of the line to the right. Only the last line is ever
an `A`, so the file does not grow while nothing happens and still tells when the daemon was alive.

A record that cannot be written is counted and left out whole: the file is for curious people, and
no reason for the daemon to stop.
"""

import io
import os
import re
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from spread.errors import ConfigurationError

__all__ = ["ALIVE_INTERVAL_S", "ActivityFile", "ActivityRecorder", "Client"]

ALIVE_INTERVAL_S: Final = 10
"""How often the owner of the file calls `alive`."""

_NO_ADDRESS: Final = "0.0.0.0"  # For a client on the Unix socket.
_FILE_MODE: Final = 0o640
_ADDRESS = re.compile(r"\d+(\.\d+){3}")
_ALIVE = re.compile(rb"A [ \d]{13} [ \d]{11}\n")
_ALIVE_SIZE: Final = 28


class ActivityFile:
    """Appends records to one file; `now` is always in seconds since 1970."""

    def __init__(self, directory: Path, daemon_name: str) -> None:
        """Open or create the file, which bears the daemon's name.

        Raise `ConfigurationError` if that cannot be done.
        """
        self.lost = 0  # Records that could not be written.
        self._file = _open(directory, daemon_name)
        self._position = self._find_end()

    def started(self, now: float) -> None:
        """Record that the daemon has started."""
        self._append(f"B {int(now):13d}")

    def membership(
        self, now: float, membership_time: int, sequence: int, present: Sequence[bool]
    ) -> None:
        """Record a new membership: for each daemon of the configuration, whether it is present."""
        indexes = (f"{index:2d}" if is_in else "--" for index, is_in in enumerate(present))
        members = "".join(f" {index}" for index in indexes)
        self._append(f"M {int(now):13d} {membership_time:13d} {sequence:11d} >{members}")

    def session_opened(
        self, now: float, sequence: int, number: int, address: str, name: str
    ) -> None:
        """Record a client that has been let in as connection `number`."""
        self._append(_session_text("C", now, sequence, number, address, name))

    def session_closed(
        self, now: float, sequence: int, number: int, address: str, name: str, undelivered: int
    ) -> None:
        """Record a client that is gone, and how many messages it did not get any more."""
        text = _session_text("D", now, sequence, number, address, name)
        self._append(f"{text} {undelivered}")

    def alive(self, now: float, sequence: int) -> None:
        """Record that the daemon is alive; the next record is written over this one."""
        self._put(f"A {int(now):13d} {sequence:11d}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, text: str) -> None:
        self._position += self._put(text)

    def _put(self, text: str) -> int:
        # Write at the end, over an `A`; return the size, 0 if it could not be written.
        data = text.encode("utf-8", "backslashreplace") + b"\n"
        with suppress(OSError):  # Counted below, like a part of the record that found no room.
            self._file.seek(self._position)
            if self._file.write(data) == len(data):
                self._file.truncate()
                return len(data)
        with suppress(OSError):
            self._file.truncate(self._position)
        self.lost += 1
        return 0

    def _find_end(self) -> int:
        size = self._file.seek(0, os.SEEK_END)
        start = max(size - _ALIVE_SIZE, 0)
        self._file.seek(start)
        tail = self._file.read(_ALIVE_SIZE) or b""
        if _ALIVE.fullmatch(tail):
            return start
        if tail and not tail.endswith(b"\n"):
            # What an interrupted predecessor left of its last record is a line of its own.
            size += self._file.write(b"\n") or 0
        return size


class Client(Protocol):
    """What a record tells of a session."""

    @property
    def slot(self) -> int:
        """Number of its connection."""

    @property
    def address(self) -> str:
        """Its dotted address; anything else for the Unix socket."""

    @property
    def private_name(self) -> bytes:
        """The name it has chosen."""


class ActivityRecorder:
    """Writes what the control plane tells of clients, with time and sequence number."""

    def __init__(
        self, file: ActivityFile, clock: Callable[[], float], sequence: Callable[[], int]
    ) -> None:
        """`clock` gives seconds since 1970, `sequence` the highest sequence number of the ring."""
        self._file = file
        self._clock = clock
        self._sequence = sequence

    def session_opened(self, session: Client, _now_ns: int) -> None:
        """Record a client that has been let in."""
        self._file.session_opened(self._clock(), self._sequence(), *_identity(session))

    def session_closed(self, session: Client, undelivered: int) -> None:
        """Record a client that is gone."""
        self._file.session_closed(self._clock(), self._sequence(), *_identity(session), undelivered)


def _identity(session: Client) -> tuple[int, str, str]:
    return session.slot, session.address, session.private_name.decode("utf-8", "surrogateescape")


def _open(directory: Path, name: str) -> io.FileIO:
    # Nobody may lead a daemon that is still root to another file by a link, or stop it by a pipe.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_BINARY", 0)
    path = directory / name
    if path.name != name:
        raise ConfigurationError(
            f'no activity file can be called "{name}" after this daemon; leave out -l y'
        )
    try:
        file = io.FileIO(os.open(path, flags, _FILE_MODE), "r+")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"cannot open the activity file {path}: {reason}; "
            "start the daemon in a directory that it may write to, or leave out -l y"
        ) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ConfigurationError(f"the activity file {path} is no ordinary file; remove it")
    return file


def _session_text(
    letter: str, now: float, sequence: int, number: int, address: str, name: str
) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in name)
    where = address if _ADDRESS.fullmatch(address) else _NO_ADDRESS
    return f"{letter} {int(now):13d} {sequence:11d} {number:3d} {where:<16} {shown:<10}"
