"""One client session over a plain socket, every wait with a deadline."""

import contextlib
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

from . import handshake, wire
from .waiting import DEADLINE, Deadline

__all__ = ["EndOfStreamError", "Endpoint", "NothingCameError", "Session"]

READ_SIZE = 256 * 1024


class EndOfStreamError(Exception):
    """The daemon closed the connection; `data` is what came before that."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(f"the daemon closed the connection after {data!r}")
        self.data = data


class NothingCameError(AssertionError):
    """Bytes that had to come did not; `data` is what came of them."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(f"no more bytes after {len(data)}: {data[:200].hex()}")
        self.data = data


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a daemon listens on this host."""

    transport: Literal["tcp", "unix"]
    port: int

    def open(self, seconds: float = DEADLINE) -> socket.socket:
        """Return a connected blocking socket; raises OSError when nobody listens."""
        if self.transport == "unix":
            return _connected(socket.AF_UNIX, f"/tmp/{self.port}", seconds)
        return _connected(socket.AF_INET, ("127.0.0.1", self.port), seconds)


def _connected(
    family: socket.AddressFamily, address: str | tuple[str, int], seconds: float
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect(address)
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _is_readable(sock: socket.socket, seconds: float) -> bool:
    if not hasattr(select, "poll"):  # Windows: a descriptor may be of any size there.
        return bool(select.select([sock], [], [], seconds)[0])
    poll = select.poll()  # select() is limited to descriptors below 1024.
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class Session:
    """A connection to the daemon; after `handshake` it knows its private group."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.private_group = b""
        self.has_ended = False  # The end of stream has been seen.
        self.was_reset = False  # It was a reset.
        self._bytes = bytearray()  # Received and not yet taken.

    @classmethod
    def open(cls, endpoint: Endpoint) -> Self:
        return cls(endpoint.open())

    @classmethod
    def connect(cls, endpoint: Endpoint, name: bytes, *, membership: bool = True) -> Self:
        """Return an accepted session; raises handshake.RejectedError otherwise."""
        session = cls.open(endpoint)
        try:
            session.handshake(name, membership=membership)
        except BaseException:
            session.close()
            raise
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        return self.sock.fileno()

    # The handshake.

    def handshake(
        self, name: bytes, version: tuple[int, ...] = (4, 4, 0), *, membership: bool = True
    ) -> handshake.Accept:
        """Go through the handshake with the method NULL."""
        self.send(handshake.connect_request(name, version, membership=membership))
        if handshake.takes_method_list(version):
            handshake.read_method_list(self.read_exactly)
            self.send(handshake.CHOICE_NULL)
        accept = handshake.read_accept(self.read_exactly, version)
        self.private_group = accept.private_group
        return accept

    # Requests.

    def send(self, data: bytes) -> None:
        self.sock.settimeout(DEADLINE)
        self.sock.sendall(data)

    def join(self, group: bytes) -> None:
        self.send(wire.request_frame(self.private_group, wire.JOIN, group))

    def leave(self, group: bytes) -> None:
        self.send(wire.request_frame(self.private_group, wire.LEAVE, group))

    def kill(self) -> None:
        self.send(wire.request_frame(self.private_group, wire.KILL, self.private_group))

    def multicast(
        self, service: int, groups: tuple[bytes, ...], data: bytes, mess_type: int = 0
    ) -> None:
        self.send(wire.data_frame(self.private_group, service, groups, data, mess_type))

    def disconnect(self) -> None:
        """Say goodbye and wait until the daemon has closed, so that nothing sent is lost."""
        with contextlib.suppress(OSError):
            self.kill()
            self.sock.shutdown(socket.SHUT_WR)
        self.read_to_end()
        self.close()

    def synchronise(self) -> None:
        """Return when the daemon has ordered all that it read before, on any connection.

        Two messages to oneself, one after the other: what other connections had sent before the
        first one is readable to the daemon at the latest in the turn that reads the second.
        Whatever else this session receives meanwhile is dropped.
        """
        for number in range(2):
            token = b"synchronise %d" % number
            self.multicast(wire.SAFE, (self.private_group,), token)
            while self.read_frame().data != token:
                pass

    # Receiving.

    def read_exactly(self, size: int, seconds: float = DEADLINE) -> bytes:
        """Return `size` bytes; raises EndOfStreamError or NothingCameError with those that came."""
        deadline = Deadline(seconds)
        while len(self._bytes) < size:
            if not self._receive(deadline.left()):
                raise NothingCameError(bytes(self._bytes))
        taken = bytes(self._bytes[:size])
        del self._bytes[:size]
        return taken

    def read_frame(self, seconds: float = DEADLINE) -> wire.Frame:
        deadline = Deadline(seconds)
        while (size := wire.frame_size(bytes(self._bytes[: wire.HEADER_SIZE]))) is None:
            if not self._receive(deadline.left()):
                raise NothingCameError(bytes(self._bytes))
        return wire.decode_frame(self.read_exactly(size, deadline.left()))

    def read_data(self, seconds: float = DEADLINE) -> wire.Frame:
        """Return the next data message, passing over membership messages."""
        deadline = Deadline(seconds)
        while not (frame := self.read_frame(deadline.left())).is_data:
            pass
        return frame

    def read_view(self, seconds: float = DEADLINE) -> wire.Frame:
        """Return the next membership message, passing over data."""
        deadline = Deadline(seconds)
        while not (frame := self.read_frame(deadline.left())).is_view:
            pass
        return frame

    def frames_here(self) -> Iterator[wire.Frame]:
        """Yield the frames that can be read without waiting; ends quietly at the end of stream."""
        with contextlib.suppress(EndOfStreamError):
            while self._receive(0.0):
                pass
        while True:
            size = wire.frame_size(bytes(self._bytes[: wire.HEADER_SIZE]))
            if size is None or len(self._bytes) < size:
                return
            yield wire.decode_frame(self.read_exactly(size, 0.0))

    def read_to_end(self, seconds: float = DEADLINE) -> bytes:
        """Return all bytes up to the end of stream; a reset ends it as well."""
        deadline = Deadline(seconds)
        try:
            while self._receive(deadline.left()):
                pass
        except EndOfStreamError as ended:
            self._bytes.clear()
            return ended.data
        raise NothingCameError(bytes(self._bytes))

    def is_quiet(self) -> bool:
        """Say whether nothing is here to be read: no bytes and no end of stream."""
        return not self._bytes and not _is_readable(self.sock, 0.0)

    # The end.

    def close(self) -> None:
        self.sock.close()

    def abort(self) -> None:
        """Reset the connection, throwing away what is still under way (TCP)."""
        if self.sock.family == socket.AF_INET:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _receive(self, seconds: float) -> bool:
        """Take what arrives within `seconds`; False when nothing does."""
        if not _is_readable(self.sock, seconds):
            return False
        try:
            data = self.sock.recv(READ_SIZE)
        except ConnectionResetError:
            self.was_reset = True
            data = b""
        if not data:
            self.has_ended = True
            raise EndOfStreamError(bytes(self._bytes))
        self._bytes += data
        return True
