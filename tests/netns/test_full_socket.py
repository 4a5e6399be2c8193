"""A sending socket that is full, because its datagrams wait for the address of a silent host."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from bench.namespaces import Namespace
from spread.config.load import local_ring
from tests.daemon.harness.ports import free_port
from tests.unit.datagram_daemon import ALIVE, PACKET_HEADER_SIZE, Daemon, body_of

OURS = "10.9.0.1"
SILENT = "10.9.0.77"
HEADERS_SIZE = 14 + 20 + 8  # Ethernet, IPv4 and UDP.
SEND_BUFFER_SIZE = 20_000  # So that few datagrams fill it.
SIZE = 400  # Not so large that it would leave in pieces.
NUMBER_SIZE = 6
WAITING_BYTES_MAX = 4 * 1024 * 1024


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def network(stack: ExitStack) -> Namespace:
    """Return a network of one cable whose other end takes everything and says nothing."""
    namespace = Namespace()
    stack.callback(namespace.close)
    namespace.ip(
        "link add v0 type veth peer name v1",
        f"address add {OURS}/24 dev v0",
        "link set v0 up",
        "link set v1 up",
    )
    return namespace


@pytest.fixture
def cable(network: Namespace, stack: ExitStack) -> socket.socket:
    """Return a socket that hears what arrives at the silent end."""
    with network.entered():
        opened = stack.enter_context(
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        )
    opened.bind(("v1", 0x0800))
    opened.setblocking(False)
    return opened


@pytest.fixture
def daemon(network: Namespace, stack: ExitStack) -> Daemon:
    port = free_port()
    daemon = Daemon(local_ring(port, 2, 1), stack)
    with network.entered():
        sender = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    sender.setblocking(False)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_SIZE)
    sender.bind((OURS, port))
    daemon.attach(
        offload=False,  # The cable shows what leaves: a joint message would be one frame.
        sender=sender.fileno(),
        data=(sender.fileno(),),
        source=OURS,
        data_places=((OURS, port), (SILENT, port)),
    )
    return daemon


def send(daemon: Daemon, count: int) -> None:
    for number in range(count):
        daemon.node.send_control(ALIVE, 1, b"%06d" % number + bytes(SIZE))
    daemon.reactor.settle()


def hear(cable: socket.socket) -> Iterator[bytes]:
    """Yield the bodies of what has arrived."""
    with suppress(BlockingIOError):
        while True:
            yield body_of(cable.recv(2_000)[HEADERS_SIZE:])


def test_what_a_full_socket_did_not_take_is_sent_in_order_when_it_does(
    daemon: Daemon, network: Namespace, cable: socket.socket
) -> None:
    heard: list[bytes] = []
    send(daemon, 60)
    sent = daemon.statistics()["datagrams_out"]

    network.ip(f"neighbour replace {SILENT} lladdr 02:00:00:00:00:01 dev v0")
    daemon.node.send_control(ALIVE, 1, b"the end")

    def is_over() -> bool:
        heard.extend(hear(cable))
        return heard[-1:] == [b"the end"]

    daemon.run_until(is_over)

    assert 0 < sent < 60
    assert len(heard) >= sent
    assert heard[:-1] == sorted(set(heard[:-1]))
    # On a slow machine some may have waited for too long meanwhile.
    assert len(heard) + daemon.statistics()["unsent_overflow"] == 61


def test_what_waits_for_a_socket_that_stays_full_is_given_up_and_reported(daemon: Daemon) -> None:
    send(daemon, 60)
    sent = daemon.statistics()["datagrams_out"]

    daemon.run_until(lambda: bool(daemon.reports))

    statistics = daemon.statistics()
    assert daemon.reports == [("unsent_overflow", 60 - sent, 0, 1)]
    assert statistics["send_full"] == 1  # Nobody tried in vain meanwhile.
    assert statistics["datagrams_out"] == sent


def test_no_more_waits_for_a_full_socket_than_its_bound(daemon: Daemon) -> None:
    send(daemon, 12_000)

    statistics = daemon.statistics()
    waiting = 12_000 - statistics["datagrams_out"] - statistics["unsent_overflow"]
    assert statistics["unsent_overflow"] > 0
    assert waiting == WAITING_BYTES_MAX // (PACKET_HEADER_SIZE + NUMBER_SIZE + SIZE)
