"""Datagrams of monitors at the ports of a daemon: in a ring of several, and alone."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from spread._reactor import Reactor
from spread.config import local
from spread.config.listens import Purpose, Transport, listens
from spread.config.load import local_ring
from spread.daemon.listeners import open_listeners
from spread.monitor.protocol import ByteOrder, Command, Datagram, Request, encode_datagram
from spread.monitor.protocol import encode_request as encode
from tests.capabilities import needs_loopback_addresses
from tests.daemon.harness.ports import free_port
from tests.memory.daemon import MemoryDaemon
from tests.unit.datagram_daemon import Daemon, Upcalls

HERE = 0x7F000001
LOOPBACK = (0x7F000000, 0xFF000000)
SHARE = 8
RATE_MAX = 500
COMMON_MAX = 2000
STRANGERS_MAX = 100
WAIT_NS = 20_000_000_000
ORDERS: tuple[ByteOrder, ...] = ("little", "big")


class Monitored(Upcalls):
    """Keeps what monitors send."""

    def __init__(self) -> None:
        super().__init__()
        self.datagrams: list[tuple[bytes, int, int]] = []

    def monitor_datagram(self, data: bytes, source: int, port: int) -> None:
        self.datagrams.append((data, source, port))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def monitor(stack: ExitStack) -> socket.socket:
    opened = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    opened.bind(("127.0.0.1", 0))
    return opened


@pytest.fixture
def other(stack: ExitStack) -> socket.socket:
    """A monitor at another address."""
    return monitor_at("127.0.0.2", stack)


def monitor_at(address: str, stack: ExitStack) -> socket.socket:
    opened = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    opened.bind((address, 0))
    return opened


def status(order: ByteOrder = "little") -> bytes:
    return encode(Request(Command.STATUS, "127.0.0.1", 6543, order=order))


def classic_packet() -> bytes:
    """Return a packet of a classic ring: the marker, and an id where monitors have their number."""
    return encode_datagram(Datagram("little", 0x80000080, magic=0x7F000001, hash=1234))


class TestRing:
    @pytest.fixture
    def upcalls(self) -> Monitored:
        return Monitored()

    @pytest.fixture
    def daemon(self, port: int, stack: ExitStack, upcalls: Monitored) -> Daemon:
        return Daemon(local_ring(port, 3, 1), stack, upcalls)

    @pytest.mark.parametrize("order", ORDERS)
    def test_a_request_reaches_the_control_plane_with_its_sender(
        self,
        daemon: Daemon,
        upcalls: Monitored,
        monitor: socket.socket,
        port: int,
        order: ByteOrder,
    ) -> None:
        daemon.attach()

        monitor.sendto(status(order), ("127.0.0.1", port))
        daemon.run_until(lambda: bool(upcalls.datagrams))

        assert upcalls.datagrams == [(status(order), HERE, monitor.getsockname()[1])]
        statistics = daemon.node.statistics()
        assert statistics["monitor_received"] == 1
        assert statistics["strangers"] == 0

    def test_packets_of_a_classic_ring_are_strangers_as_before(
        self, daemon: Daemon, upcalls: Monitored, monitor: socket.socket, port: int
    ) -> None:
        daemon.attach()

        monitor.sendto(classic_packet(), ("127.0.0.1", port))
        daemon.run_until(lambda: daemon.node.statistics()["strangers"] == 1)

        assert upcalls.datagrams == []
        assert daemon.node.statistics()["dropped_classic"] == 1

    @pytest.mark.parametrize("command", [Command.STATUS, Command.PARTITION, Command.RELOAD])
    def test_a_request_of_another_monitor_is_judged_as_one_though_its_number_is_wrong(
        self,
        daemon: Daemon,
        upcalls: Monitored,
        monitor: socket.socket,
        port: int,
        command: Command,
    ) -> None:
        daemon.attach()
        stray = encode_datagram(Datagram("little", command | 0x80000080, magic=7, hash=1100))

        monitor.sendto(stray, ("127.0.0.1", port))
        daemon.run_until(lambda: bool(upcalls.datagrams))

        assert upcalls.datagrams[0][0] == stray
        assert daemon.node.statistics()["strangers"] == 0

    @pytest.mark.parametrize("size", [0, 3, 39])
    def test_one_that_is_cut_is_no_request(
        self, daemon: Daemon, upcalls: Monitored, monitor: socket.socket, port: int, size: int
    ) -> None:
        daemon.attach()

        monitor.sendto(status()[:size], ("127.0.0.1", port))
        daemon.run_until(lambda: daemon.node.statistics()["strangers"] == 1)

        assert upcalls.datagrams == []

    @needs_loopback_addresses
    def test_a_flood_reaches_python_in_part_only_and_leaves_room_for_others(
        self,
        daemon: Daemon,
        upcalls: Monitored,
        monitor: socket.socket,
        other: socket.socket,
        port: int,
    ) -> None:
        daemon.node.set_monitors([LOOPBACK])
        daemon.attach()
        for _ in range(4 * RATE_MAX):
            monitor.sendto(status(), ("127.0.0.1", port))
        other.sendto(status(), ("127.0.0.1", port))

        count = 4 * RATE_MAX + 1
        daemon.run_until(lambda: daemon.node.statistics()["monitor_received"] == count)

        # All of them come within one second, or two if it ends meanwhile.
        assert RATE_MAX < len(upcalls.datagrams) <= 2 * RATE_MAX + 1
        assert upcalls.datagrams[-1][1] == HERE + 1
        dropped = daemon.node.statistics()["monitor_dropped"]
        assert len(upcalls.datagrams) + dropped == count

    @needs_loopback_addresses
    def test_sources_that_use_up_what_all_may_send_leave_the_others_their_shares(
        self, daemon: Daemon, upcalls: Monitored, stack: ExitStack, port: int
    ) -> None:
        loud = [monitor_at(f"127.0.0.{10 + number}", stack) for number in range(5)]
        quiet = [monitor_at(f"127.0.0.{20 + number}", stack) for number in range(8)]
        daemon.node.set_monitors([LOOPBACK])
        daemon.attach()
        for each in [*loud * RATE_MAX, *quiet * SHARE]:
            each.sendto(status(), ("127.0.0.1", port))

        count = len(loud) * RATE_MAX + len(quiet) * SHARE
        daemon.run_until(lambda: daemon.node.statistics()["monitor_received"] == count)

        first_quiet = HERE + 19
        passed = Counter(source for _, source, _ in upcalls.datagrams)
        of_loud = sum(of for source, of in passed.items() if source < first_quiet)
        # All of them come within one second, or two if it ends meanwhile.
        assert COMMON_MAX < of_loud <= 2 * (COMMON_MAX + len(loud) * SHARE)
        # One of them may be counted with a loud one, by chance.
        whole = [source for source, of in passed.items() if source >= first_quiet and of == SHARE]
        assert len(whole) >= len(quiet) - 2

    @needs_loopback_addresses
    def test_strangers_do_not_use_up_what_known_monitors_may_send(
        self,
        daemon: Daemon,
        upcalls: Monitored,
        monitor: socket.socket,
        other: socket.socket,
        port: int,
    ) -> None:
        daemon.node.set_monitors([(HERE + 1, 0xFFFFFFFF)])
        daemon.attach()
        for _ in range(3 * STRANGERS_MAX):
            monitor.sendto(status(), ("127.0.0.1", port))
        other.sendto(status(), ("127.0.0.1", port))

        count = 3 * STRANGERS_MAX + 1
        daemon.run_until(lambda: daemon.node.statistics()["monitor_received"] == count)

        assert STRANGERS_MAX < len(upcalls.datagrams) <= 2 * STRANGERS_MAX + 1
        assert upcalls.datagrams[-1][1] == HERE + 1

    def test_faults_that_tests_ask_for_spare_monitors(
        self, daemon: Daemon, upcalls: Monitored, monitor: socket.socket, port: int
    ) -> None:
        daemon.attach(faults="loss=1.0")

        monitor.sendto(status(), ("127.0.0.1", port))
        daemon.run_until(lambda: bool(upcalls.datagrams))

        assert daemon.statistics()["faults_lost"] == 0


class TestAlone:
    """A daemon without peers, whose UDP sockets the reactor watches itself."""

    class Alone:
        def __init__(self, port: int, stack: ExitStack) -> None:
            configuration = local(port)
            wanted = [each for each in listens(configuration) if each.transport is Transport.UDP]
            listeners = stack.enter_context(open_listeners(wanted))
            self.daemon = MemoryDaemon()
            self.seen: list[tuple[bytes, int, int]] = []
            self.daemon.control.attach_monitor(lambda *each: self.seen.append(each))
            self.reactor = Reactor(self.daemon.node)
            for each in listeners.serving(Purpose.DAEMONS):
                self.reactor.watch_datagrams(each.socket.fileno())

        def run_until_counted(self, name: str, count: int) -> None:
            end_ns = self.reactor.now() + WAIT_NS

            def look() -> None:
                if self.daemon.statistics()[name] >= count or self.reactor.now() > end_ns:
                    self.reactor.stop()

            self.daemon.now_ns = self.reactor.now()
            self.daemon.control.call_every(1_000_000, look)
            self.reactor.run()
            assert self.daemon.statistics()[name] == count

    @pytest.mark.parametrize("order", ORDERS)
    def test_a_request_reaches_whoever_takes_them(
        self, port: int, stack: ExitStack, monitor: socket.socket, order: ByteOrder
    ) -> None:
        alone = self.Alone(port, stack)

        monitor.sendto(status(order), ("127.0.0.1", port))
        alone.run_until_counted("monitor_received", 1)

        assert alone.seen == [(status(order), HERE, monitor.getsockname()[1])]

    def test_everything_else_is_a_stranger(
        self, port: int, stack: ExitStack, monitor: socket.socket
    ) -> None:
        alone = self.Alone(port, stack)

        for data in (classic_packet(), b"", b"nonsense", status()[:39]):
            monitor.sendto(data, ("127.0.0.1", port))
        alone.run_until_counted("strangers", 4)

        assert alone.seen == []


def test_without_anybody_who_takes_them_requests_are_dropped() -> None:
    daemon = MemoryDaemon()

    daemon.control.monitor_datagram(status(), HERE, 6543)

    assert daemon.log == []
