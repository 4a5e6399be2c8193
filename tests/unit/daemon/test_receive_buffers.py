"""Receive buffers as the system tells of them, with real sockets."""

import socket
import sys

import pytest

from spread.daemon.receive_buffers import ReceiveBuffers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


def receiver() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.bind(("127.0.0.1", 0))
    return made


def flood(target: socket.socket, count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(bytes(1000), target.getsockname())


def test_datagrams_that_find_no_room_are_counted() -> None:
    with receiver() as one, receiver() as other:
        buffers = ReceiveBuffers([one, other])
        flood(one, 100)
        flood(other, 100)

        state = buffers.read()

    assert state is not None
    assert 150 < state.drops < 200
    assert state.waiting_bytes > 0
    assert state.room_bytes >= 4096


def test_drops_before_the_beginning_do_not_count() -> None:
    with receiver() as one:
        flood(one, 100)

        state = ReceiveBuffers([one]).read()

    assert state is not None
    assert state.drops == 0


def test_a_socket_that_is_closed_tells_nothing() -> None:
    one = receiver()
    buffers = ReceiveBuffers([one])
    one.close()

    assert buffers.read() is None


def test_without_sockets_nothing_is_told() -> None:
    assert ReceiveBuffers([]).read() is None
