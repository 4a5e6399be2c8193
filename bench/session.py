"""Open, join and quiesce one session in plain Python, before the compiled loop takes it over.

The client protocol as far as a load needs it: handshake with method NULL, join, and frames read
one by one so that nothing of the stream is lost when the loop starts to read.
"""

import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from bench.address import Address

HEADER = struct.Struct("=I32siIi")  # type, private group, num_groups, hint, data_len
NAME_SIZE = 32
MARKER = 0x80000080  # "This word is little-endian", in type and hint.
JOIN = 0x00010000
KILL = 0x00040000
REJECT = 0x00400000
SERVICES = {
    "unreliable": 0x01,
    "reliable": 0x02,
    "fifo": 0x04,
    "causal": 0x08,
    "agreed": 0x10,
    "safe": 0x20,
}
SERVICE_MASK = 0x3F
MESS_TYPE_BARRIER = 0x7FFE  # As the compiled loop knows it: skipped there.
MESS_TYPE_ACKNOWLEDGEMENT = 0x7FFD  # Its data: u64, little-endian, messages received so far.
METHOD_CHOICE_SIZE = 90
WANTS_MEMBERSHIP = 1
TAKES_LARGE_MESSAGES = 2  # Classic daemons ignore it.


class SessionError(Exception):
    """A session could not be opened, or the daemon did not keep to the client protocol."""


class Session:
    """One connection to a daemon that has accepted it."""

    def __init__(self, connection: socket.socket, private_group: bytes, version: str = "") -> None:
        self.connection = connection
        self.private_group = private_group
        self.version = version  # Of the daemon, as three numbers.

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor, still owned by this object."""
        return self.connection.fileno()

    def join(self, group: bytes) -> None:
        """Ask to become a member of a group; `barrier` tells when that has happened."""
        self.connection.sendall(frame(self.private_group, JOIN, [group]))

    def barrier(self) -> int:
        """Wait until everything that this session asked for is ordered; skip what arrives.

        A message to oneself comes back behind the own joins. Returns the number of frames skipped.
        Raises SessionError if it does not come back within the connection's time limit.
        """
        barrier = frame(
            self.private_group,
            SERVICES["agreed"],
            [self.private_group],
            mess_type=MESS_TYPE_BARRIER,
        )
        self.connection.sendall(barrier)
        skipped = 0
        while self.receive() != barrier:
            skipped += 1
        return skipped

    def receive(self) -> bytes:
        """Return the next whole frame; raises SessionError at the end of the stream or on time."""
        header = _read_exactly(self.connection, HEADER.size)
        kind, _, group_count, _, data_size = HEADER.unpack(header)
        if kind & MARKER != MARKER or group_count < 0 or data_size < 0:
            raise SessionError(f"the daemon sent a header that makes no sense: {header.hex()}")
        if kind & REJECT:
            raise SessionError("the daemon rejected a message")
        return header + _read_exactly(self.connection, NAME_SIZE * group_count + data_size)

    def close(self) -> None:
        """Say goodbye if the daemon still listens, and close."""
        self.connection.setblocking(False)
        with suppress(OSError):  # The daemon is gone or does not read: closing says the same.
            self.connection.send(frame(self.private_group, KILL, [self.private_group]))
        self.connection.close()


def frame(
    private_group: bytes,
    kind: int,
    groups: Sequence[bytes],
    *,
    mess_type: int = 0,
    data: bytes = b"",
) -> bytes:
    """Return one frame; `kind` holds service or request bits without the marker."""
    header = HEADER.pack(
        kind | MARKER, private_group, len(groups), mess_type << 8 | MARKER, len(data)
    )
    names = b"".join(group.ljust(NAME_SIZE, b"\0") for group in groups)
    return header + names + data


def open_session(
    address: Address, name: str, *, membership: bool = False, timeout_s: float = 10.0
) -> Session:
    """Connect, authenticate with method NULL and return the session.

    `timeout_s` bounds every single wait, also later ones in `receive`. Raises OSError when nobody
    listens and SessionError when the daemon refuses or breaks the protocol.
    """
    connection = address.connect(timeout_s)
    try:
        private_group, version = _handshake(connection, name.encode(), membership)
    except BaseException:
        connection.close()
        raise
    return Session(connection, private_group, version)


def _handshake(connection: socket.socket, name: bytes, membership: bool) -> tuple[bytes, str]:
    """Return the private group that the daemon assigns, and the daemon's version."""
    flags = TAKES_LARGE_MESSAGES | (WANTS_MEMBERSHIP if membership else 0)
    connection.sendall(bytes([4, 4, 0, flags, len(name)]) + name)
    size = _read_exactly(connection, 1)[0]
    if size >= 0x80:
        raise SessionError(f"the daemon refuses the name {name!r}: code {size - 256}")
    methods = _read_exactly(connection, size).split()
    if b"NULL" not in methods:
        raise SessionError(f"the daemon offers {methods!r}; allow method NULL for a benchmark")
    connection.sendall(b"NULL".ljust(METHOD_CHOICE_SIZE, b"\0"))
    answer = _read_exactly(connection, 1)[0]
    if answer != 1:
        raise SessionError(f"the daemon refuses the session {name!r}: code {answer - 256}")
    version = ".".join(str(number) for number in _read_exactly(connection, 3))
    return _read_exactly(connection, _read_exactly(connection, 1)[0]), version


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        try:
            part = connection.recv(size - len(data))
        except TimeoutError as error:
            raise SessionError(
                f"the daemon did not answer within {connection.gettimeout()} s"
            ) from error
        if not part:
            raise SessionError("the daemon closed the session")
        data += part
    return data
