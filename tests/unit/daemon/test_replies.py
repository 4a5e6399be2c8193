"""Replies come from the address by which others know the daemon."""

import socket
import sys
from collections.abc import Iterator

import pytest

from spread.daemon.replies import replies_from

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system chooses")


@pytest.fixture
def asker() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)
        yield sock


@pytest.mark.parametrize(
    ("bound", "address", "source"),
    [
        ("0.0.0.0", "127.0.7.7", "127.0.7.7"),
        ("127.0.7.8", "127.0.7.7", "127.0.7.8"),
        pytest.param("0.0.0.0", "192.0.2.1", "127.0.0.1", id="an address of no interface here"),
    ],
)
def test_source_of_a_reply(asker: socket.socket, bound: str, address: str, source: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((bound, 0))

        replies_from(sock, address)(b"reply", asker.getsockname())

        assert asker.recvfrom(100) == (b"reply", (source, sock.getsockname()[1]))
