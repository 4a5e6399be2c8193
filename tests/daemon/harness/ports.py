"""Free ports for a daemon: TCP and UDP, the port after it, and the path of the Unix socket."""

import random
import socket
from pathlib import Path

__all__ = ["free_port", "unix_path"]

# Below the range from which the kernel takes the ports of outgoing connections.
PORTS = range(20_000, 32_000)

_choice = random.SystemRandom()  # Two test runs side by side must not go the same way.


def unix_path(port: int) -> Path:
    return Path("/tmp") / str(port)


def free_port() -> int:
    """Return a port that nobody uses now, with the port after it, in TCP and UDP."""
    for _ in range(1000):
        port = _choice.choice(PORTS)
        if _is_free(port) and _is_free(port + 1) and not _has_unix_path(port):
            return port
    raise AssertionError(f"found no free port in {PORTS}")


def _has_unix_path(port: int) -> bool:
    """Whether a daemon of before, or another, has left something where the socket would be."""
    # Without Unix sockets nobody binds there, and Wine cannot look at those of its host.
    return hasattr(socket, "AF_UNIX") and unix_path(port).exists()


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True
