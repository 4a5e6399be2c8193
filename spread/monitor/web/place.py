"""Where the page is served: an address and a port, and the socket that listens there."""

import errno
import re
import socket
from dataclasses import dataclass
from typing import Final, Self

from spread.errors import ArgumentError, ConfigurationError
from spread.system import claim_address, reuse_address

__all__ = ["PORT", "Place"]

PORT: Final = 8803

SEND_BUFFER: Final = 256 * 1024
"""Bytes that the system may keep for a page that does not read."""

BACKLOG: Final = 128

_PLACE: Final = re.compile(
    r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<four>[^:\[\]]*))(?::(?P<port>\d{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen."""

    address: str = "127.0.0.1"
    port: int = PORT
    is_exact: bool = False
    """Whether no other port will do."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that `ADDRESS:PORT`, `ADDRESS` or `:PORT` names.

        An IPv6 address stands in brackets. Raises ArgumentError for anything else.
        """
        found = _PLACE.fullmatch(text)
        port = int(found["port"] or PORT) if found else -1
        if found is None or not 0 <= port <= 65535:
            raise ArgumentError(
                f"--bind {text}: give ADDRESS:PORT, such as 0.0.0.0:{PORT} or [::1]:{PORT}"
            )
        address = found["six"] or found["four"] or "127.0.0.1"
        return cls(address, port, is_exact=found["port"] is not None)

    def open(self) -> socket.socket:
        """Return a listening socket, at another port if that is free to choose.

        Raises ConfigurationError if the place is not to be had.
        """
        try:
            return _listen(self.address, self.port)
        except socket.gaierror as error:
            raise ConfigurationError(
                f"cannot listen on {self.address}: no address is known for that name; "
                f"give --bind ADDRESS:PORT, such as 0.0.0.0:{PORT} or [::1]:{PORT}"
            ) from error
        except OSError as error:
            if self.is_exact or error.errno == errno.EADDRNOTAVAIL or self.port == 0:
                raise ConfigurationError(
                    f"cannot listen on {self.address}:{self.port}: {error.strerror or error}; "
                    "choose another place with --bind ADDRESS:PORT"
                ) from error
        return Place(self.address, 0).open()

    def shown(self, port: int) -> str:
        """Return the beginning of the address under which a browser finds the page."""
        name = f"[{self.address}]" if ":" in self.address else self.address
        if self.address in ("0.0.0.0", "::"):
            name = socket.gethostname()
        return f"http://{name}:{port}/"


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        claim_address(listener)
        reuse_address(listener)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
