"""The time in a ring's id: seconds that never repeat, as far as we can remember.

Larger than every one before in this process, than every one seen on the network, and than the one
kept in StateDir if the file sets one, so that a restart within a second or after a backward step of
the clock gives a fresh id.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from struct import Struct
from typing import Final, Protocol

from spread.errors import ConfigurationError

__all__ = ["Record", "RingTimes", "StateRecord", "as_signed"]

FILE_NAME = "ring-time"

TIME_MAX: Final = 0xFFFF_FFFF
"""A time is an unsigned 32-bit number on the wire: enough until 2106."""

AHEAD_MAX: Final = 1 << 20
"""Seconds, 12 days, that a time on the network may be ahead of ours.

One bad packet cannot use up the 32 bits, and a daemon whose clock is off by a day is still heard.
"""

RECORD: Final = Struct("<II")
"""The time and its complement: a torn record does not look like one."""


class Record(Protocol):
    """Where the last time used outlives the process."""

    def load(self) -> int:
        """Return the time kept, 0 if none."""

    def save(self, time: int) -> None:
        """Keep a time; it is safe when this returns. Raises OSError."""


class StateRecord:
    """The record in a file of StateDir.

    The file stays open from the start, when the process may still have the rights to open it.
    """

    def __init__(self, state_dir: str) -> None:
        """Read the record and write it back, so that a full or foreign disk shows at the start.

        Raises ConfigurationError when the directory cannot be used.
        """
        path = Path(state_dir, FILE_NAME)
        with ExitStack() as stack:
            try:
                path.touch()
                self._file = stack.enter_context(path.open("r+b", buffering=0))
                self._kept = _time_in(self._file.read(RECORD.size + 1))
                self.save(self._kept)
            except OSError as error:
                raise ConfigurationError(
                    f'StateDir "{state_dir}" cannot be used: {error.strerror}; '
                    "create it and let the daemon's user write to it, or remove StateDir"
                ) from error
            stack.pop_all()

    def load(self) -> int:
        """Return the time kept when the daemon started, 0 if none."""
        return self._kept

    def save(self, time: int) -> None:
        """Keep a time; it is on the disk when this returns. Raises OSError."""
        # Eight bytes in place: they never lie across a sector, so the disk writes all or none.
        self._file.seek(0)
        self._file.write(RECORD.pack(time, time ^ TIME_MAX))
        self._file.truncate()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class RingTimes:
    """Gives out the times of ring ids; each only once."""

    def __init__(
        self,
        wall_seconds: Callable[[], int],
        record: Record | None = None,
        not_kept: Callable[[OSError], None] | None = None,
    ) -> None:
        """Take up the record; `not_kept` is told each time that it cannot be written."""
        self._wall_seconds = wall_seconds
        self._record = record
        self._not_kept = not_kept
        self._last = 0 if record is None else record.load()

    @property
    def last(self) -> int:
        """The largest time given out, seen or kept so far, 0 if none."""
        return self._last

    def next(self, minimum: int = 0, count: int = 1) -> int:
        """Return the first of `count` successive times, in seconds since 1970, and keep the last.

        None of them is below `minimum` or was ever given out, seen or kept.
        """
        first = max(self._wall_seconds(), self._last + 1, minimum)
        first = min(first, TIME_MAX + 1 - count)
        self._last = first + count - 1
        if self._record is not None:
            try:
                self._record.save(self._last)
            except OSError as error:
                # A ring without a record is worth more than no ring: ids repeat only if the
                # clock steps back before the next start.
                if self._not_kept is not None:
                    self._not_kept(error)
        return first

    def note(self, time: int) -> bool:
        """Stay above a time seen on the network; False, and ignored, when it is far ahead."""
        if time > max(self._wall_seconds(), self._last) + AHEAD_MAX:
            return False
        self._last = max(self._last, time)
        return True


def as_signed(word: int) -> int:
    """Return the 32-bit word as the signed number that clients compare."""
    return (word + 0x80000000) % 0x100000000 - 0x80000000


def _time_in(data: bytes) -> int:
    """Return the time in a record; a torn or foreign one tells nothing, the clock must do."""
    if len(data) != RECORD.size:
        return 0
    time, complement = RECORD.unpack(data)
    return int(time) if time ^ complement == TIME_MAX else 0
