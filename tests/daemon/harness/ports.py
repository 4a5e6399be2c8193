"""Free ports for a daemon: TCP and UDP, the port after it, and the path of the Unix socket."""

import os
import random
import socket
import sys
from collections import deque
from pathlib import Path

__all__ = ["free_port", "unix_path"]

# Below the range from which the kernel takes the ports of outgoing connections.
PORTS = range(20_000, 32_000)

_choice = random.SystemRandom()  # Two test runs side by side must not go the same way.

# A daemon binds its ports a while after they were found free: until then, and while it is started
# again, no other process of tests may find them free. Names go with the process that holds them.
_held: deque[int] = deque()
HELD_MAX = 200


def unix_path(port: int) -> Path:
    return Path("/tmp") / str(port)


def free_port() -> int:
    """Return a port that nobody uses now, with the port after it, in TCP and UDP."""
    for _ in range(1000):
        port = 2 * (_choice.choice(PORTS) // 2)  # In pairs, which cannot overlap.
        if _hold(port) and _is_free(port) and _is_free(port + 1) and not _has_unix_path(port):
            return port
    raise AssertionError(f"found no free port in {PORTS}")


def _hold(port: int) -> bool:
    """Keep other processes from taking the port; False if one of them has it."""
    if sys.platform != "linux":
        return True
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0spread tests, port {port}")
    except OSError:
        name.close()
        return False
    _held.append(name.detach())
    if len(_held) > HELD_MAX:
        os.close(_held.popleft())
    return True


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
