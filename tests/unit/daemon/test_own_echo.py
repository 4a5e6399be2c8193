"""The filter that keeps own multicasts away, on real sockets of the loopback network."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from spread._packets import PacketHeader, make_packet
from spread.daemon.own_echo import KIND_DATA, ignore_own

CONTROL = 17
SO_DETACH_FILTER = 27  # socket(7)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="filters of Linux")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def packet_of(kind: int) -> bytes:
    return bytes([0, 0, 0, kind]) + bytes(60)


def udp(stack: ExitStack, address: str, port: int = 0) -> socket.socket:
    opened = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    opened.settimeout(5)
    opened.bind((address, port))
    return opened


class TestIgnoreOwn:
    def test_only_what_comes_from_the_address_and_port_is_dropped(self, stack: ExitStack) -> None:
        receiver = udp(stack, "127.0.0.1")
        own = udp(stack, "127.0.0.2")
        port = own.getsockname()[1]
        ignore_own(receiver, "127.0.0.2", port)

        own.sendto(packet_of(KIND_DATA) + b"own", receiver.getsockname())
        own.sendto(packet_of(CONTROL), receiver.getsockname())
        data = packet_of(KIND_DATA)
        udp(stack, "127.0.0.2").sendto(data + b"other port", receiver.getsockname())
        udp(stack, "127.0.0.3", port).sendto(data + b"other address", receiver.getsockname())

        expected = [packet_of(CONTROL), data + b"other port", data + b"other address"]
        assert [receiver.recv(100) for _ in expected] == expected

    def test_it_is_data_that_is_dropped(self) -> None:
        [kind] = make_packet(PacketHeader(kind=KIND_DATA), 0, b"")[3:4]

        assert kind == KIND_DATA

    def test_what_claims_to_be_us_from_elsewhere_is_heard(self, stack: ExitStack) -> None:
        receiver = udp(stack, "0.0.0.0")
        sender = udp(stack, "127.0.0.2")

        # TEST-NET-1 is no host's own: no filter is set, so even its own rule drops nothing.
        ignore_own(receiver, "192.0.2.1", sender.getsockname()[1])
        sender.sendto(b"heard", ("127.0.0.1", receiver.getsockname()[1]))

        assert receiver.recv(100) == b"heard"
        with pytest.raises(FileNotFoundError):  # There is no filter to take away.
            receiver.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
