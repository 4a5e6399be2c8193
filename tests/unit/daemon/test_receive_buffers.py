"""Receive buffers as the system tells of them, with real sockets."""

import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from ctypes import addressof, create_string_buffer

import pytest

from spread.daemon.receive_buffers import ReceiveBuffers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


SO_ATTACH_FILTER = 26


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def buffers_of(stack: ExitStack, sockets: Iterable[socket.socket]) -> ReceiveBuffers:
    buffers = ReceiveBuffers(sockets)
    stack.callback(buffers.close)
    return buffers


def receiver() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.bind(("127.0.0.1", 0))
    return made


def flood(target: socket.socket, count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(bytes(1000), target.getsockname())


def test_datagrams_that_find_no_room_are_counted(stack: ExitStack) -> None:
    one, other = stack.enter_context(receiver()), stack.enter_context(receiver())
    buffers = buffers_of(stack, [one, other])
    flood(one, 100)
    flood(other, 100)

    state = buffers.read()

    assert state is not None
    assert 150 < state.drops < 200
    assert state.waiting_bytes > 0
    assert state.room_bytes >= 4096


def test_what_a_filter_refuses_is_not_counted(stack: ExitStack) -> None:
    one = stack.enter_context(receiver())
    refuse_all = create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0), 8)
    program = struct.pack("HP", 1, addressof(refuse_all))
    one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    buffers = buffers_of(stack, [one])
    flood(one, 100)

    state = buffers.read()

    assert state is not None
    assert state.drops == 0


def test_drops_before_the_beginning_do_not_count(stack: ExitStack) -> None:
    one = stack.enter_context(receiver())
    flood(one, 100)

    state = buffers_of(stack, [one]).read()

    assert state is not None
    assert state.drops == 0


def test_a_socket_that_is_closed_tells_nothing(stack: ExitStack) -> None:
    one = receiver()
    buffers = buffers_of(stack, [one])
    one.close()

    assert buffers.read() is None


def test_without_sockets_nothing_is_told(stack: ExitStack) -> None:
    assert buffers_of(stack, []).read() is None
