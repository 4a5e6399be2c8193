"""The socket of a monitor: datagrams out and in, and what the system says of those that failed.

One socket serves both directions: replies to queries come to where these were sent from, replies
to status requests to the port that these name. On Linux the socket's error queue tells which
datagram met a host on which nobody listens; elsewhere such a daemon is merely silent.
"""

import errno
import socket
import struct
from dataclasses import dataclass
from typing import Final

from spread.errors import ConfigurationError
from spread.system import IS_LINUX, error_text, ignore_refusals, queued_error

__all__ = ["Failure", "MonitorSocket", "open_socket"]

DATAGRAM_SIZE_MAX: Final = 65535
RECEIVE_BUFFER: Final = 1 << 20
"""Bytes: replies of 128 daemons of up to 64 datagrams come at once."""

ANY: Final = "0.0.0.0"

IP_RECVERR: Final = 11  # ip(7).
ERRORS_MAX: Final = 256
"""Errors taken at a time: one for each datagram sent, no endless loop."""

_WORDS: Final = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.EPERM: "not permitted",
    errno.EACCES: "not permitted",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A datagram did not arrive, says the system."""

    address: str
    port: int
    reason: str
    """"refused": the host has nobody at that port; or another word for why."""


class MonitorSocket:
    """A UDP socket that never blocks."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._has_error_queue = IS_LINUX
        if self._has_error_queue:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        ignore_refusals(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.setblocking(False)

    @property
    def port(self) -> int:
        """Where replies to status requests are to go."""
        return int(self.socket.getsockname()[1])

    def send(self, data: bytes, address: str, port: int) -> Failure | None:
        """Send a datagram; return why it did not leave. A full socket drops it, as a network may.

        An error that an earlier datagram left behind is reported by any call, so a second try
        tells about this one.
        """
        for _ in range(2):
            try:
                self.socket.sendto(data, (address, port))
            except BlockingIOError:
                return None
            except OSError as error:
                failure = Failure(address, port, _reason(error))
            else:
                return None
        return failure

    def receive(self) -> tuple[bytes, tuple[str, int]] | None:
        """Return a datagram, and address and port of its sender; None if there is none yet."""
        for _ in range(ERRORS_MAX):
            try:
                data, source = self.socket.recvfrom(DATAGRAM_SIZE_MAX)
            except BlockingIOError:
                return None
            except OSError:
                continue  # Of a datagram sent before; `failures` has it where the system tells.
            return data, (str(source[0]), int(source[1]))
        return None

    def failures(self) -> list[Failure]:
        """Return what the system says about datagrams sent before; each once."""
        found: list[Failure] = []
        while self._has_error_queue and len(found) < ERRORS_MAX:
            try:
                ancillary, target = queued_error(self.socket)
            except OSError:
                break
            for _, kind, data in ancillary:
                if kind == IP_RECVERR and target:
                    (number,) = struct.unpack_from("=I", data)
                    reason = _WORDS.get(number) or error_text(number)
                    found.append(Failure(str(target[0]), int(target[1]), reason))
        return found

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def open_socket(port: int = 0) -> MonitorSocket:
    """Open a monitor's socket at `port`, any free one for 0.

    Raises `ConfigurationError` if the port is taken or cannot be had.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((ANY, port))
        return MonitorSocket(sock)
    except OSError as error:
        sock.close()
        raise ConfigurationError(
            f"UDP port {port} for replies cannot be used: {error.strerror}; "
            f"choose another with -p, 0 for any"
        ) from error


def _reason(error: OSError) -> str:
    return _WORDS.get(error.errno or 0) or error.strerror or str(error)
