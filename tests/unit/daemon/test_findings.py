"""What the daemon says of its host."""

import socket
import sys

import pytest

from spread._path import charge_of
from spread.daemon.datagram_size import DatagramSize
from spread.daemon.findings import Finding, HostSockets, findings, probe_sockets

GOOD = HostSockets(16 << 20, 8 << 20, segmentation=True, coalescing=True)
ETHERNET = DatagramSize((1_472, 1_232), 1_500, "b", is_configured=False)


def test_a_good_host_has_three_lines_and_no_warning() -> None:
    found = findings(ETHERNET, GOOD)

    assert found == (
        Finding("size of datagrams", {"bytes": 1_472, "mtu": 1_500, "narrowest_way": "b"}),
        Finding(
            "socket buffers",
            {"receive_bytes": 16 << 20, "send_bytes": 8 << 20, "datagrams_held": 7_281},
        ),
        Finding("offload for datagrams", {"segmentation": "yes", "coalescing": "yes"}),
    )


def test_an_unknown_mtu_is_said_to_be_so() -> None:
    (size, *_) = findings(DatagramSize((1_472,), None, "", is_configured=False), GOOD)

    assert size.fields == {"bytes": 1_472, "mtu": "unknown"}


def test_datagrams_that_ip_cuts_are_a_warning_with_cost_and_remedy() -> None:
    configured = DatagramSize((8_000, 1_472), 1_500, "b", is_configured=True)

    (size, *_) = findings(configured, GOOD)

    assert size.is_warning
    assert size.fields["from"] == "PacketSize"
    assert "fragment" in str(size.fields["cost"])
    assert "MTU" in str(size.fields["remedy"])


@pytest.mark.parametrize(("received", "sent"), [(212_992, 8 << 20), (16 << 20, 212_992)])
def test_small_buffers_are_a_warning_with_cost_and_remedy(received: int, sent: int) -> None:
    small = HostSockets(received, sent, segmentation=True, coalescing=True)

    (_, buffers, _) = findings(ETHERNET, small)

    assert buffers.is_warning
    assert (buffers.fields["receive_bytes"], buffers.fields["send_bytes"]) == (received, sent)
    assert buffers.fields["datagrams_held"] == received // 2_304
    assert "net.core.rmem_max" in str(buffers.fields["remedy"])


@pytest.mark.parametrize(("segmentation", "coalescing"), [(False, True), (True, False)])
def test_missing_offload_is_told_with_its_cost(segmentation: bool, coalescing: bool) -> None:
    host = HostSockets(16 << 20, 8 << 20, segmentation, coalescing)

    (*_, offload) = findings(ETHERNET, host)

    assert "no" in offload.fields.values()
    assert offload.fields["cost"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems charge otherwise")
@pytest.mark.parametrize(
    "size", [1, 100, 1_232, 1_472, 2_000, 4_000, 8_972, 16_000, 32_640, 65_507]
)
def test_a_buffer_is_charged_no_more_than_is_reckoned_with(size: int) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        sender.sendto(bytes(size), receiver.getsockname())

        held = receiver.getsockopt(socket.SOL_SOCKET, 55, 4)  # SO_MEMINFO: first what is held.

        assert 0 < int.from_bytes(held, sys.byteorder) <= charge_of(size)


def test_a_host_is_asked_with_a_socket_of_our_own() -> None:
    found = probe_sockets(buffer=20_000)

    assert 20_000 <= found.receive_bytes <= 80_000
    assert probe_sockets().receive_bytes >= found.receive_bytes
