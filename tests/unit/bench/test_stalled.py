"""Whether a daemon has closed a connection, by the kernel's list of sockets."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.stalled import is_established


def sockets() -> str:
    return Path("/proc/self/net/tcp").read_text()


def test_socket_is_established_until_its_owner_closes_it_though_nobody_reads() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with client:
            port = client.getsockname()[1]
            accepted.setblocking(False)
            with suppress(BlockingIOError):
                while True:  # Until the buffers on both sides are full.
                    accepted.send(bytes(1 << 16))
            before = is_established(sockets(), port)
            accepted.close()

            after = is_established(sockets(), port)

    assert (before, after) == (True, False)


def test_unknown_port_is_not_established() -> None:
    assert not is_established(sockets(), 0)
