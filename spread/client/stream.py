"""A connected socket with deadlines: what the blocking driver needs of the operating system.

The socket is non-blocking for the system. A time limit then belongs to one call, and a sending and
a receiving thread do not set it for each other.
"""

import socket
import time

from spread.client.address import DaemonAddress
from spread.client.sockets import AF_UNIX, HAS_UNIX_SOCKETS, ready_waiter
from spread.errors import AddressError, ConnectError, ConnectTimeoutError

__all__ = ["Deadline", "Stream", "open_stream"]


class Deadline:
    """A point in time; None seconds from here means never."""

    def __init__(self, timeout_s: float | None) -> None:
        self._at = None if timeout_s is None else time.monotonic() + timeout_s

    def remaining_s(self) -> float | None:
        """Seconds left, at least 0; None for never."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())


class Stream:
    """Both directions of a connection; one reader and one writer may use it at a time."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._wait_readable = ready_waiter(sock, to_write=False)
        self._wait_writable = ready_waiter(sock, to_write=True)

    def fileno(self) -> int:
        """Descriptor of the socket."""
        return self._socket.fileno()

    def read_into(self, room: memoryview, deadline: Deadline) -> int:
        """Wait for bytes and read them; 0 means end of stream.

        Raises TimeoutError at the deadline, OSError when the connection is broken.
        """
        while True:
            if not self._wait_readable(deadline.remaining_s()):
                raise TimeoutError
            try:
                return self._socket.recv_into(room)
            except BlockingIOError:
                continue  # Readiness is a hint; the bytes were not there after all.

    def write(self, data: memoryview, deadline: Deadline) -> int:
        """Write some of `data`, waiting for room; returns the number of bytes taken.

        Raises TimeoutError at the deadline, OSError when the connection is broken.
        """
        while True:
            try:
                return self._socket.send(data)
            except BlockingIOError:
                if not self._wait_writable(deadline.remaining_s()):
                    raise TimeoutError from None

    def bytes_waiting(self) -> int:
        """Bytes that the system holds for this side; 0 also when the connection is broken."""
        try:
            return len(self._socket.recv(65536, socket.MSG_PEEK))
        except OSError:
            return 0

    def finish_sending(self) -> None:
        """Say that no more bytes follow; the other direction stays open."""
        self._socket.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """End both directions at once, which wakes threads that wait for them."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # The other side was faster.

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()


def open_stream(address: DaemonAddress, deadline: Deadline) -> Stream:
    """Connect to a daemon.

    Raises AddressError for a host name without an IPv4 address, ConnectTimeoutError at the
    deadline, ConnectError when nobody accepts.
    """
    if address.host is None and HAS_UNIX_SOCKETS:
        return _connect(AF_UNIX, address.socket_path, address, deadline)
    host = address.host or "localhost"
    try:
        found = socket.getaddrinfo(host, address.port, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressError(
            f"daemon address {str(address)!r}: host {host!r} has no IPv4 address ({error})"
        ) from error
    failure: ConnectError | None = None
    for *_, place in found:
        try:
            return _connect(socket.AF_INET, place[:2], address, deadline)
        except ConnectTimeoutError:
            raise
        except ConnectError as error:
            failure = failure or error
    raise failure or ConnectError(f"host {host!r} has no usable address")


def _connect(
    family: int,
    place: "str | tuple[object, ...]",
    address: DaemonAddress,
    deadline: Deadline,
) -> Stream:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(_positive(deadline.remaining_s()))
        sock.connect(place)
        if family == socket.AF_INET:
            # A request is complete when it is sent; waiting for more of them only delays it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return Stream(sock)
    except TimeoutError as error:
        sock.close()
        raise ConnectTimeoutError(
            f"the daemon at {address} did not accept within the time given"
        ) from error
    except OSError as error:
        sock.close()
        raise ConnectError(connect_failure_text(address, error)) from error
    except BaseException:
        sock.close()
        raise


def _positive(seconds: float | None) -> float | None:
    # A socket timeout of 0 means "do not wait", which is not what a used-up deadline means.
    return None if seconds is None else max(seconds, 0.001)


def connect_failure_text(address: DaemonAddress, error: OSError) -> str:
    """Say that `address` was not reached, and what to try."""
    reason = error.strerror or str(error)
    if address.host is None and HAS_UNIX_SOCKETS:
        return (
            f"no daemon at the Unix socket {address.socket_path} ({reason}); start one, or write "
            f"{address.port}@HOST for a daemon elsewhere"
        )
    return f"no daemon at {address} ({reason}); start one, or check host and port"
