"""Sessions that are in very many groups: their requests sent in one go, what comes back skipped."""

import selectors
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.session import (
    HEADER,
    JOIN,
    MARKER,
    MESS_TYPE_BARRIER,
    NAME_SIZE,
    SERVICES,
    Session,
    SessionError,
    frame,
)

LEAVE = 0x00020000
READ_SIZE = 1 << 20
WRITE_SIZE = 1 << 18
QUIET_S = 10.0
PAUSE_S = 0.01  # Between round trips.


def group_names(count: int, token: str) -> list[bytes]:
    """Return so many names of groups, as long as names in an application are."""
    return [b"%s-%08d" % (token.encode(), number) for number in range(count)]


def join_all(sessions: Sequence[Session], groups: Sequence[bytes]) -> None:
    """Let sessions join, each its share of the groups; all joins are ordered on return."""
    _request(sessions, groups, JOIN)


def leave_all(sessions: Sequence[Session], groups: Sequence[bytes]) -> None:
    """Let sessions leave the groups that `join_all` has let them join."""
    _request(sessions, groups, LEAVE)


def _request(sessions: Sequence[Session], groups: Sequence[bytes], kind: int) -> None:
    count = len(sessions)
    exchange(
        sessions,
        [_requests(session, kind, groups[i::count]) for i, session in enumerate(sessions)],
    )


def _requests(session: Session, kind: int, groups: Sequence[bytes]) -> bytes:
    header = HEADER.pack(kind | MARKER, session.private_group, 1, MARKER, 0)
    return b"".join([header + group.ljust(NAME_SIZE, b"\0") for group in groups])


@dataclass(slots=True)
class _Talk:
    """What one session still has to write, and the message that must come back behind it."""

    session: Session
    unsent: memoryview
    barrier: bytes
    seen: bytes = b""  # The end of what has come, as long as the barrier.

    def write(self) -> bool:
        """Write some; returns whether there is more."""
        sent = self.session.connection.send(self.unsent[:WRITE_SIZE])
        self.unsent = self.unsent[sent:]
        return len(self.unsent) > 0

    def read(self) -> bool:
        """Read some; returns whether the barrier has come."""
        data = self.session.connection.recv(READ_SIZE)
        if not data:
            raise SessionError("the daemon closed a session that joined and left groups")
        self.seen = (self.seen + data[-len(self.barrier) :])[-len(self.barrier) :]
        return self.seen == self.barrier


def exchange(sessions: Sequence[Session], requests: Sequence[bytes]) -> None:
    """Write to all sessions at once until everything is ordered; skip what comes.

    Nothing but what answers the requests may be sent to the sessions. Raises SessionError when
    nothing happens for a while.
    """
    with selectors.DefaultSelector() as selector:
        for session, request in zip(sessions, requests, strict=True):
            own = session.private_group
            barrier = frame(own, SERVICES["agreed"], [own], mess_type=MESS_TYPE_BARRIER)
            session.connection.setblocking(False)
            selector.register(
                session.connection,
                selectors.EVENT_READ | selectors.EVENT_WRITE,
                _Talk(session, memoryview(request + barrier), barrier),
            )
        while selector.get_map():
            ready = selector.select(QUIET_S)
            if not ready:
                raise SessionError(f"requests were not answered within {QUIET_S:g} s")
            for key, events in ready:
                _serve(selector, key.data, events)
    for session in sessions:
        session.connection.settimeout(QUIET_S)


def _serve(selector: selectors.BaseSelector, talk: _Talk, events: int) -> None:
    connection = talk.session.connection
    if events & selectors.EVENT_WRITE and not talk.write():
        selector.modify(connection, selectors.EVENT_READ, talk)
    if events & selectors.EVENT_READ and talk.read():
        selector.unregister(connection)


def longest_wait_s(session: Session, calls: int) -> float:
    """Return the longest of so many round trips of a session."""
    longest_s = 0.0
    for _ in range(calls):
        time.sleep(PAUSE_S)
        begin_s = time.monotonic()
        session.barrier()
        longest_s = max(longest_s, time.monotonic() - begin_s)
    return longest_s
