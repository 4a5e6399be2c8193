"""A descriptor for `select` that is readable when a message waits, wherever it waits.

A mailbox reads ahead: one system call brings many messages. A program that waits in `select` for
the bare socket would then sleep on messages that are already in its own memory. The descriptor here
is one of the system's own event queues (epoll, kqueue), which can be waited for like a socket; it
watches the connection and a signal that the mailbox raises while whole messages wait inside.

On systems that have neither (Windows) `CAN_READ_AHEAD` is false: there the mailbox reads no byte
beyond the message that is asked for, and the socket itself tells the truth.
"""

import select
import socket
import sys

__all__ = ["CAN_READ_AHEAD", "Readiness"]

CAN_READ_AHEAD = hasattr(select, "epoll") or hasattr(select, "kqueue")


class Readiness:
    """Descriptor that is readable while the connection is, or while the signal is raised."""

    def __init__(self, connection: int) -> None:
        """Watch the descriptor `connection`; the caller keeps it open."""
        self._raiser, self._signal = socket.socketpair()
        self._raised = False
        self._queue = _watch(connection, self._signal.fileno())

    def fileno(self) -> int:
        """Descriptor to wait for."""
        return self._queue.fileno()

    def show(self, waiting: bool) -> None:
        """Raise the signal if a message waits inside, lower it if none does."""
        if waiting == self._raised:
            return
        if waiting:
            self._raiser.send(b"!")
        else:
            self._signal.recv(1)
        self._raised = waiting

    def close(self) -> None:
        """Give the descriptors back."""
        self._queue.close()
        self._raiser.close()
        self._signal.close()


if sys.platform == "linux":

    def _watch(*descriptors: int) -> select.epoll:
        queue = select.epoll()
        for descriptor in descriptors:
            queue.register(descriptor, select.EPOLLIN)
        return queue

elif sys.platform != "win32":

    def _watch(*descriptors: int) -> select.kqueue:
        queue = select.kqueue()
        changes = [
            select.kevent(descriptor, select.KQ_FILTER_READ, select.KQ_EV_ADD)
            for descriptor in descriptors
        ]
        queue.control(changes, 0)
        return queue

else:

    def _watch(*descriptors: int) -> socket.socket:
        raise NotImplementedError("this system has no event queue; CAN_READ_AHEAD is false")
