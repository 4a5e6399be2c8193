"""Where a daemon listens: a TCP address or the path of a Unix socket."""

import socket
from dataclasses import dataclass

DEFAULT_PORT = 4803


@dataclass(frozen=True, slots=True)
class Address:
    """A place to connect to: `path` of a Unix socket, or `host` and `port` when it is empty."""

    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"

    @property
    def transport(self) -> str:
        """`unix` or `tcp`, as the table names it."""
        return "unix" if self.path else "tcp"

    def connect(self, timeout_s: float) -> socket.socket:
        """Return a connected blocking socket with the time limit set; raises OSError."""
        if self.path:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            target: str | tuple[str, int] = self.path
        else:
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            target = (self.host, self.port)
        try:
            set_client_options(connection)
            connection.settimeout(timeout_s)
            connection.connect(target)
        except OSError:
            connection.close()
            raise
        return connection


SOCKET_BUFFER_SIZE = 200 * 1024  # What the classic library and daemon ask for, step by step.


def set_client_options(connection: socket.socket) -> None:
    """Give a socket the options that the client protocol's libraries and daemons give it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_SIZE)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_SIZE)
    if connection.family == socket.AF_INET:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def unix_address(port: int) -> Address:
    """Return the Unix socket that belongs to a daemon's port."""
    return Address(path=f"/tmp/{port}")


def tcp_address(port: int, host: str = "127.0.0.1") -> Address:
    """Return the TCP address of a daemon on this host, or on `host`."""
    return Address(host=host, port=port)


def parse_address(text: str) -> Address:
    """Read `/path`, `host:port`, `port@host`, or a bare port, which means its Unix socket.

    Raises ValueError for anything else.
    """
    if text.startswith("/"):
        return Address(path=text)
    if text.isdecimal():
        return unix_address(_port(text))
    if "@" in text:
        port, host = text.split("@", 1)
    else:
        host, _, port = text.rpartition(":")
    if not host:
        raise ValueError(f"address {text!r}: write /path, host:port, port@host or a port")
    return tcp_address(_port(port), host)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ValueError(f"port {text!r}: write a number from 1 to 65535")
    return int(text)
