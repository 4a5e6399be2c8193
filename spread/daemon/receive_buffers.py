"""What the system says of receive buffers: room, what waits in them, and what found no room.

Linux tells for each socket what waits and what it has dropped (`SO_MEMINFO`, from 4.12 on). It
dropped also what a filter of the socket refuses, such as the daemon's own multicast; how often a
buffer was full it tells for all sockets together (`RcvbufErrors`). The smaller of both growths is
what our buffers had no room for. Other systems tell nothing, and `read` returns None there.

Asking disturbs nobody, so any thread may do it. The file of the system is kept open, because it is
out of reach after a change of root directory.
"""

import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from spread.system import IS_LINUX, O_CLOEXEC, read_at

__all__ = ["BufferState", "ReceiveBuffers"]

# Of Linux, asm-generic/socket.h and linux/sock_diag.h; not in Python's `socket`.
SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("=9I")
_WAITING, _ROOM, _DROPS = 0, 1, 8

_WRAP: Final = 1 << 32
"""The system counts drops of a socket in 32 bits."""

STATISTICS: Final = "/proc/self/net/snmp"
STATISTICS_SIZE: Final = 16_384


@dataclass(frozen=True, slots=True)
class BufferState:
    """The buffers of all sockets."""

    drops: int
    """How often there was no room since `ReceiveBuffers` came into being.

    What the system has joined on its way is dropped at one time, however many datagrams it was.
    """
    waiting_bytes: int
    """What waits, as the system charges it: more than the datagrams have."""
    room_bytes: int
    """Of the smallest buffer."""


class ReceiveBuffers:
    """The receive buffers of sockets that stay open; they are the caller's."""

    def __init__(self, sockets: Iterable[socket.socket]) -> None:
        self._sockets = list(sockets)
        self._drops = 0
        self._seen: list[int] = []
        self._full = 0
        self._statistics = _open_statistics()
        self.read()

    def close(self) -> None:
        """Close what was opened here; `read` tells nothing from then on."""
        if self._statistics is not None:
            os.close(self._statistics)
            self._statistics = None

    def read(self) -> BufferState | None:
        """Return how the buffers are; None if this system does not tell."""
        if self._statistics is None or not self._sockets:
            return None
        try:
            states = [_MEMINFO.unpack(each) for each in map(_meminfo, self._sockets)]
            full = _times_full(read_at(self._statistics, STATISTICS_SIZE, 0))
        except (OSError, struct.error, ValueError):
            return None
        seen = [state[_DROPS] for state in states]
        if self._seen:
            pairs = zip(seen, self._seen, strict=True)
            dropped = sum((now - before) % _WRAP for now, before in pairs)
            self._drops += max(0, min(dropped, full - self._full))
        self._seen, self._full = seen, full
        waiting = sum(state[_WAITING] for state in states)
        return BufferState(self._drops, waiting, min(state[_ROOM] for state in states))


def _open_statistics() -> int | None:
    if not IS_LINUX:
        return None
    try:
        return os.open(STATISTICS, os.O_RDONLY | O_CLOEXEC)
    except OSError:
        return None


def _meminfo(asked: socket.socket) -> bytes:
    return asked.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size)


def _times_full(text: bytes) -> int:
    """Return how often a receive buffer for UDP was full, from a line of names and one of numbers.

    Raises ValueError if it is not told.
    """
    names, numbers = (line.split() for line in text.splitlines() if line.startswith(b"Udp:"))
    return int(numbers[names.index(b"RcvbufErrors")])
