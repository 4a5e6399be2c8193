"""The connected socket: its options, its deadlines, and the choice among addresses."""

import socket

import pytest

import spread
from spread.client.address import DaemonAddress, parse_address
from spread.client.stream import Deadline, Stream, open_stream
from tests.capabilities import needs_shutdown_to_wake, needs_unix_sockets
from tests.unit.client.peer import peer

SOON = 0.01  # Seconds.


def test_tcp_connection_is_quick_and_kept_alive() -> None:
    with peer() as daemon:
        stream = open_stream(parse_address(daemon.address), Deadline(10))

        with socket.socket(fileno=socket.dup(stream.fileno())) as copy:
            assert copy.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0
            assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        stream.close()


@needs_unix_sockets
def test_unix_socket_is_tried_for_a_port_alone() -> None:
    with pytest.raises(spread.ConnectError, match="Unix socket /tmp/1 "):
        open_stream(DaemonAddress(1), Deadline(10))


def test_name_that_is_no_host_name_is_an_address_error() -> None:
    with pytest.raises(spread.AddressError):
        open_stream(DaemonAddress(1, "x" * 300), Deadline(10))


@pytest.fixture
def pair() -> tuple[Stream, socket.socket]:
    near, far = socket.socketpair()
    return Stream(near), far


def test_read_ends_at_its_deadline(pair: tuple[Stream, socket.socket]) -> None:
    stream, far = pair

    with far, pytest.raises(TimeoutError):
        stream.read_into(memoryview(bytearray(10)), Deadline(SOON))
    stream.close()


def test_write_ends_at_its_deadline(pair: tuple[Stream, socket.socket]) -> None:
    stream, far = pair
    data = memoryview(bytes(1_000_000))

    def fill() -> None:
        while True:
            stream.write(data, Deadline(SOON))

    with far, pytest.raises(TimeoutError):
        fill()
    stream.close()


def test_end_of_stream_reads_as_nothing(pair: tuple[Stream, socket.socket]) -> None:
    stream, far = pair
    far.close()

    assert stream.read_into(memoryview(bytearray(10)), Deadline(None)) == 0
    stream.close()


def test_bytes_waiting_stay_there(pair: tuple[Stream, socket.socket]) -> None:
    stream, far = pair
    far.send(b"abc")

    counts = [stream.bytes_waiting(), stream.bytes_waiting()]

    assert counts == [3, 3]
    far.close()
    stream.close()


@needs_shutdown_to_wake
def test_abort_wakes_both_directions_and_may_come_twice(
    pair: tuple[Stream, socket.socket],
) -> None:
    stream, far = pair

    stream.abort()
    stream.abort()

    assert stream.read_into(memoryview(bytearray(10)), Deadline(10)) == 0
    far.close()
    stream.abort()
    stream.close()


def test_deadline_counts_down_to_zero_and_never_is_for_ever() -> None:
    assert Deadline(None).remaining_s() is None
    assert Deadline(0).remaining_s() == 0.0
    assert 0 < (Deadline(100).remaining_s() or 0) <= 100
