"""Which daemon a text such as "4803@localhost" means."""

import re
from typing import NamedTuple

from spread.errors import AddressError
from spread.service import DEFAULT_SPREAD_PORT

__all__ = ["DaemonAddress", "parse_address"]

# The classic library and daemon build this path in; it is part of the protocol.
_SOCKET_DIRECTORY = "/tmp"

_CLASSIC = re.compile(r"(?P<port>[0-9]+)(?:@(?P<host>[^@\s]+))?")
_URL = re.compile(r"spread://(?P<host>[^@:/\s]+)(?::(?P<port>[0-9]+))?/?")
_HOST_PORT = re.compile(r"(?P<host>[^@:/\s]+):(?P<port>[0-9]+)")


class DaemonAddress(NamedTuple):
    """Address of a daemon: TCP port of a host, or the Unix socket that bears the port's number."""

    port: int
    host: str | None = None
    """Host name or IPv4 address; None for the Unix socket of this machine."""

    @property
    def socket_path(self) -> str:
        """Path of the Unix socket on which a daemon with this port listens."""
        return f"{_SOCKET_DIRECTORY}/{self.port}"

    def __str__(self) -> str:
        return str(self.port) if self.host is None else f"{self.port}@{self.host}"


def parse_address(text: str) -> DaemonAddress:
    """Read a daemon address.

    Forms: `port@host` and `spread://host:port/` (TCP; the port of the second may be left out),
    `host:port`, and `port` alone or nothing for the Unix socket of this machine. Raises
    AddressError for anything else.

    >>> parse_address("5101@10.0.0.7")
    DaemonAddress(port=5101, host='10.0.0.7')
    >>> parse_address("spread://ring.example/").port
    4803
    >>> parse_address("4803").socket_path
    '/tmp/4803'
    """
    if text == "":
        return DaemonAddress(DEFAULT_SPREAD_PORT)
    for form in (_CLASSIC, _URL, _HOST_PORT):
        match = form.fullmatch(text)
        if match is not None:
            return DaemonAddress(_port(match["port"], text), match["host"])
    raise AddressError(
        f"daemon address {text!r} is none of port@host, spread://host:port/, host:port, port; "
        "write for instance 4803@localhost"
    )


def _port(digits: str | None, text: str) -> int:
    if digits is None:
        return DEFAULT_SPREAD_PORT
    if not 1 <= int(digits[:6]) <= 65535:
        raise AddressError(f"daemon address {text!r} has port {digits}; give 1 to 65535")
    return int(digits)
