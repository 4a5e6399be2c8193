"""A barrier between clients: what was sent before it has been read by the daemon after it.

A daemon may take what arrives on two connections in either order, so a replay waits at a barrier
whenever the next request comes from another client. Two round trips make one: whatever other
connections had sent before the first is readable to the daemon at the latest in the turn of its
loop that reads the second.
"""

from typing import Protocol

from . import handshake
from .session import Endpoint, Session

__all__ = ["Barrier", "open_barrier"]


class Barrier(Protocol):
    def pass_through(self) -> None:
        """Return when the daemon has read and ordered all that was sent before."""

    def close(self) -> None: ...


class SessionBarrier:
    """Goes through the order itself: messages to the own private group."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def pass_through(self) -> None:
        self._session.synchronise()

    def close(self) -> None:
        self._session.close()


class HandshakeBarrier:
    """For daemons that accept no ordinary session: connect requests that get any answer."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._count = 0

    def pass_through(self) -> None:
        for _ in range(2):
            self._count += 1
            with Session.open(self._endpoint) as session:
                session.send(handshake.connect_request(b"~b%d" % self._count))
                session.read_exactly(1)

    def close(self) -> None:
        return None


def open_barrier(endpoint: Endpoint) -> Barrier:
    try:
        return SessionBarrier(Session.connect(endpoint, b"~barrier", membership=False))
    except handshake.RejectedError:
        return HandshakeBarrier(endpoint)
