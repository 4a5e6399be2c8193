"""Take in connections: from a listening socket to a session slot in its handshake.

When the process has no descriptors left, one that is kept in reserve lets the connection be taken
and refused with REJECT_QUOTA, so that nobody waits in a queue that is never served.
"""

import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from spread.daemon.auth import Transport
from spread.daemon.handshake import reject
from spread.service import Code

__all__ = ["Acceptor", "Adopter"]

ACCEPTS_MAX: Final = 64
"""Connections taken in per wake-up: a burst must not keep sessions waiting."""

_NO_DESCRIPTOR: Final = (errno.EMFILE, errno.ENFILE)
_NO_LISTENER: Final = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK)


class Adopter(Protocol):
    """Who owns connections from here on; the reactor is one."""

    def adopt(self, descriptor: int) -> int:
        """Take over a connected non-blocking socket; returns its session slot."""


class Acceptor:
    """Accepts on all listening sockets of a daemon."""

    def __init__(
        self,
        adopter: Adopter,
        *,
        connected: Callable[[int, str, Transport], None],
        refused: Callable[[str], None],
    ) -> None:
        """`connected` gets slot, address and transport; `refused` the reason for the log."""
        self._adopter = adopter
        self._connected = connected
        self._refused = refused
        self._reserve = _open_reserve()

    def accept(self, listener: socket.socket, transport: Transport) -> None:
        """Take in what waits at a listening socket."""
        for _ in range(ACCEPTS_MAX):
            try:
                connection, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in _NO_DESCRIPTOR:
                    self._refuse_one(listener, error)
                    continue
                if error.errno in _NO_LISTENER:
                    raise
                # Of the connection that was about to come, or of a system short of memory.
                self._refused(f"a connection could not be accepted: {error.strerror}")
                return
            self._take(connection, address, transport)

    def close(self) -> None:
        """Give the reserve back."""
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def _take(self, connection: socket.socket, address: object, transport: Transport) -> None:
        try:
            connection.setblocking(False)
            if transport is Transport.TCP:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            slot = self._adopter.adopt(connection.fileno())
        except (OSError, MemoryError) as error:
            # The client is gone already, or there is no room for it.
            self._refused(f"a connection could not be taken in: {error}")
            connection.close()
            return
        connection.detach()
        where = address[0] if isinstance(address, tuple) else ""
        self._connected(slot, where, transport)

    def _refuse_one(self, listener: socket.socket, error: OSError) -> None:
        """Answer REJECT_QUOTA with the descriptor in reserve."""
        self.close()
        try:
            connection, _ = listener.accept()
        except OSError:
            pass  # It went away, or somebody took the descriptor: nobody is left to be answered.
        else:
            with connection:
                connection.setblocking(False)
                with suppress(OSError):  # The client did not wait for the answer.
                    connection.send(reject(Code.REJECT_QUOTA))
            self._refused(f"no descriptor for another session: {error.strerror}")
        self._reserve = _open_reserve()


def _open_reserve() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None
