"""What tests need of the system that they run on, found out by trying it.

Marks to be put on tests, each with the reason for which a test is left out where it cannot run.
"""

import select
import socket
import struct
from contextlib import ExitStack
from functools import cache

import pytest

from spread.client.readiness import CAN_READ_AHEAD

__all__ = [
    "has_loopback_addresses",
    "needs_loopback_addresses",
    "needs_reading_ahead",
    "needs_resets",
    "needs_shutdown_to_wake",
    "needs_unix_sockets",
]


@cache
def has_loopback_addresses() -> bool:
    """Whether programs at 127.0.0.1, 127.0.0.2 and so on can have one port each: not so in Wine."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(3)]
        port = 0
        for number, each in enumerate(sockets):
            try:
                each.bind((f"127.0.0.{number + 1}", port))
            except OSError:
                return False
            port = each.getsockname()[1]
        return True


@cache
def tells_resets() -> bool:
    """Whether a reader is told that its connection was reset: Wine tells it of an end."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        near = opened.enter_context(socket.create_connection(listener.getsockname()))
        far = listener.accept()[0]
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        try:
            near.recv(1)
        except ConnectionResetError:
            return True
        return False


@cache
def shutdown_wakes() -> bool:
    """Whether one who reads is woken when his own side ends both directions: not so in Wine."""
    near, far = socket.socketpair()
    with near, far:
        near.shutdown(socket.SHUT_RDWR)
        return bool(select.select([near], [], [], 0)[0])


needs_unix_sockets = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here"
)
needs_loopback_addresses = pytest.mark.skipif(
    not has_loopback_addresses(), reason="the loopback network has but one address"
)
needs_resets = pytest.mark.skipif(not tells_resets(), reason="a reset looks like an end here")
needs_shutdown_to_wake = pytest.mark.skipif(
    not shutdown_wakes(), reason="ending a connection wakes only the other side here"
)
needs_reading_ahead = pytest.mark.skipif(
    not CAN_READ_AHEAD, reason="no descriptor can stand for what waits inside"
)
