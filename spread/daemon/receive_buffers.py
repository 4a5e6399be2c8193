"""What the system says of receive buffers: room, what waits in them, and what found no room.

Linux tells all of it for each socket at once (`SO_MEMINFO`, from 4.12 on); other systems tell
nothing, and `read` returns None there. Asking is one system call for each socket and disturbs
nobody, so any thread may do it.
"""

import socket
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["BufferState", "ReceiveBuffers"]

# Of Linux, asm-generic/socket.h and linux/sock_diag.h; not in Python's `socket`.
SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("=9I")
_WAITING, _ROOM, _DROPS = 0, 1, 8

_WRAP: Final = 1 << 32
"""The system counts drops in 32 bits."""


@dataclass(frozen=True, slots=True)
class BufferState:
    """The buffers of all sockets."""

    drops: int
    """Datagrams that the system has dropped since `ReceiveBuffers` came into being."""
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
        self.read()

    def read(self) -> BufferState | None:
        """Return how the buffers are; None if this system does not tell."""
        if sys.platform != "linux" or not self._sockets:
            return None
        try:
            states = [_MEMINFO.unpack(each) for each in map(_meminfo, self._sockets)]
        except (OSError, struct.error):
            return None
        seen = [state[_DROPS] for state in states]
        if self._seen:
            pairs = zip(seen, self._seen, strict=True)
            self._drops += sum((now - before) % _WRAP for now, before in pairs)
        self._seen = seen
        waiting = sum(state[_WAITING] for state in states)
        return BufferState(self._drops, waiting, min(state[_ROOM] for state in states))


def _meminfo(asked: socket.socket) -> bytes:
    return asked.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size)
