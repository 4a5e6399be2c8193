"""The sockets of a ring's daemon, for real on the loopback network.

The other daemons are plain sockets, or a second node with sockets of its own.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from bench.namespaces import Namespace, why_impossible
from spread._datagrams import COUNTERS, Datagrams
from spread.config.listens import Purpose
from spread.config.load import local_ring
from spread.errors import MisuseError
from tests.capabilities import has_loopback_addresses, needs_loopback_addresses
from tests.daemon.harness.ports import free_port
from tests.unit.datagram_daemon import ALIVE, PACKET_HEADER_SIZE, WAIT_NS, WINDOW, Daemon, body_of

DAEMONS = 3
SEGMENT = 256
GROUP = "225.87.0.1"
BATCH_MAX = 32
LEAST_SIZE = 548
MS = 1_000_000
UDP_GRO = 104
BODY_MAX = 65507 - PACKET_HEADER_SIZE

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="errors of Linux")


class Peers:
    """The plain sockets of the other daemons, by daemon number.

    They have addresses of their own, or where there is but one address, ports of their own.
    """

    def __init__(self, port: int, numbers: range, stack: ExitStack) -> None:
        self.data = {number: self._open(number, port, stack) for number in numbers}
        self.token = {number: self._open(number, port + 1, stack) for number in numbers}

    def _open(self, number: int, port: int, stack: ExitStack) -> socket.socket:
        opened = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        opened.settimeout(WAIT_NS / 1e9)
        own = (f"127.0.0.{number + 1}", port)
        opened.bind(own if has_loopback_addresses() else ("127.0.0.1", 0))
        return opened

    def address(self, number: int) -> int:
        """Where the data of a daemon comes from, as a number."""
        return int.from_bytes(socket.inet_aton(self.data[number].getsockname()[0]), "big")

    def be_known_to(self, daemon: Daemon) -> None:
        """Let a daemon that is the first one send to these sockets."""
        mine = daemon.sockets
        daemon.sockets = replace(
            mine,
            data_places=(mine.data_places[0], *(x.getsockname() for x in self.data.values())),
            token_places=(mine.token_places[0], *(x.getsockname() for x in self.token.values())),
        )


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def daemon(port: int, stack: ExitStack) -> Daemon:
    return Daemon(local_ring(port, DAEMONS, 1), stack)


@pytest.fixture
def peers(port: int, daemon: Daemon, stack: ExitStack) -> Peers:
    opened = Peers(port, range(1, DAEMONS), stack)
    opened.be_known_to(daemon)
    return opened


class TestSending:
    def test_datagrams_leave_in_order_from_the_configured_address(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach()
        bodies = [b"%d" % number for number in range(3 * BATCH_MAX)]
        for body in bodies:
            daemon.node.send_control(ALIVE, 1, body)

        daemon.reactor.settle()

        received = [peers.data[1].recvfrom(2000) for _ in bodies]
        assert [body_of(datagram) for datagram, _ in received] == bodies
        assert {source for _, source in received} == {("127.0.0.1", port)}

    def test_what_python_sent_before_the_loop_began_leaves_when_it_begins(
        self, daemon: Daemon, peers: Peers
    ) -> None:
        daemon.attach()
        daemon.node.send_control(ALIVE, 2, b"early")

        daemon.run_until(lambda: daemon.statistics()["datagrams_out"] == 1)

        assert body_of(peers.data[2].recv(2000)) == b"early"

    def test_a_segment_without_an_address_of_its_own_is_sent_to_one_by_one(
        self, daemon: Daemon, peers: Peers
    ) -> None:
        daemon.attach()

        daemon.node.send_control(ALIVE, SEGMENT, b"all")
        daemon.reactor.settle()

        assert [body_of(peers.data[number].recv(2000)) for number in (1, 2)] == [b"all", b"all"]
        assert daemon.statistics()["datagrams_out"] == DAEMONS - 1

    @on_linux
    def test_one_datagram_to_the_group_is_for_the_whole_segment(
        self, port: int, stack: ExitStack
    ) -> None:
        configuration = local_ring(port, DAEMONS, 1)
        options = replace(configuration.options, multicast=True)
        segment = replace(configuration.segment, address=GROUP)
        daemon = Daemon(
            replace(configuration, options=options, segment=segment, segments=(segment,)), stack
        )
        member = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        member.bind((GROUP, port))
        membership = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.2")
        member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        member.settimeout(WAIT_NS / 1e9)
        daemon.attach(segment=(GROUP, port))

        daemon.node.send_control(ALIVE, SEGMENT, b"all")
        daemon.reactor.settle()

        datagram, source = member.recvfrom(2000)
        assert body_of(datagram) == b"all"
        assert source == ("127.0.0.1", port)
        assert daemon.statistics()["datagrams_out"] == 1

    @needs_loopback_addresses
    def test_the_largest_datagram_is_sent_and_received_whole(
        self, port: int, daemon: Daemon, stack: ExitStack
    ) -> None:
        other = Daemon(local_ring(port, DAEMONS, 2), stack)
        daemon.attach()
        other.attach()
        body = bytes(range(256)) * 255 + bytes(BODY_MAX - 255 * 256)

        daemon.node.send_control(ALIVE, 1, body)
        daemon.reactor.settle()
        other.run_until(lambda: bool(other.upcalls.bodies))

        assert other.upcalls.bodies == [body]
        assert other.upcalls.sources == [(0, 0x7F000001)]

    @on_linux
    def test_datagrams_of_one_size_leave_in_one_message_and_arrive_one_by_one(
        self, port: int, daemon: Daemon, stack: ExitStack
    ) -> None:
        other = Daemon(local_ring(port, DAEMONS, 2), stack)
        daemon.attach()
        other.attach()
        assert daemon.datagrams.segmentation
        assert other.datagrams.coalescing
        bodies = [b"%04d" % number * 100 for number in range(2 * BATCH_MAX)] + [b"short"]

        for body in bodies:
            daemon.node.send_control(ALIVE, 1, body)
        daemon.reactor.settle()
        other.run_until(lambda: len(other.upcalls.bodies) == len(bodies))

        assert other.upcalls.bodies == bodies
        assert daemon.statistics()["datagrams_out"] == len(bodies)
        # 64 of one size fit a message of 65,507 bytes; a shorter one may follow in the next only.
        assert daemon.statistics()["joint_sends"] == 1

    @needs_loopback_addresses
    def test_datagrams_of_several_sizes_arrive_as_they_were(
        self, port: int, daemon: Daemon, stack: ExitStack
    ) -> None:
        other = Daemon(local_ring(port, DAEMONS, 2), stack)
        daemon.attach()
        other.attach()
        # Short ones in a row, and longer ones behind them: only the last of a message is shorter.
        bodies = [bytes([number]) * size for number, size in enumerate((400, 100, 90, 400, 50, 7))]

        for body in bodies:
            daemon.node.send_control(ALIVE, 1, body)
        daemon.reactor.settle()
        other.run_until(lambda: len(other.upcalls.bodies) == len(bodies))

        assert other.upcalls.bodies == bodies

    @needs_loopback_addresses
    def test_without_offload_they_leave_one_by_one(
        self, port: int, daemon: Daemon, stack: ExitStack
    ) -> None:
        other = Daemon(local_ring(port, DAEMONS, 2), stack)
        daemon.attach(offload=False)
        other.attach(offload=False)
        bodies = [b"%04d" % number for number in range(BATCH_MAX)]

        for body in bodies:
            daemon.node.send_control(ALIVE, 1, body)
        daemon.reactor.settle()
        other.run_until(lambda: len(other.upcalls.bodies) == len(bodies))

        assert other.upcalls.bodies == bodies
        assert daemon.statistics()["joint_sends"] == other.statistics()["joint_receives"] == 0
        assert not daemon.datagrams.segmentation
        assert not other.datagrams.coalescing

    @on_linux
    def test_those_to_several_daemons_are_joined_for_each(
        self, daemon: Daemon, peers: Peers
    ) -> None:
        daemon.attach()

        for number in range(BATCH_MAX):
            daemon.node.send_control(ALIVE, SEGMENT, b"%04d" % number)
        daemon.reactor.settle()

        for number in (1, 2):
            received = [body_of(peers.data[number].recv(2000)) for _ in range(BATCH_MAX)]
            assert received == [b"%04d" % number for number in range(BATCH_MAX)]
        assert daemon.statistics()["joint_sends"] == DAEMONS - 1

    @on_linux
    def test_no_more_are_joined_than_the_system_cuts_apart(
        self, daemon: Daemon, peers: Peers
    ) -> None:
        daemon.attach()
        piece_size = LEAST_SIZE - PACKET_HEADER_SIZE

        # The packet's own header is in its first piece.
        daemon.node.send_control(ALIVE, 1, bytes(100 * piece_size - PACKET_HEADER_SIZE))
        daemon.reactor.settle()

        received = [peers.data[1].recv(65507) for _ in range(100)]
        indexes = [int.from_bytes(each[60:64], "little") for each in received]
        assert indexes == list(range(100))
        # 64 and 36.
        assert daemon.statistics()["joint_sends"] == 2

    @on_linux
    def test_a_narrow_way_to_one_host_keeps_its_datagrams_apart_only(self) -> None:
        if why := why_impossible():
            pytest.skip(why)
        namespace = Namespace()
        namespace.ip("link set lo up", "route replace local 127.0.0.2/32 dev lo mtu lock 552")
        with namespace.entered(), ExitStack() as stack:
            stack.callback(namespace.close)
            port = free_port()
            daemon = Daemon(local_ring(port, DAEMONS, 1), stack)
            peers = Peers(port, range(1, DAEMONS), stack)
            daemon.attach()
            body = bytes(LEAST_SIZE - PACKET_HEADER_SIZE)

            for target in (1, 2, 1, 2, 1, 2):
                daemon.node.send_control(ALIVE, target, body)
            daemon.reactor.settle()

            for number in (1, 2):
                assert [body_of(peers.data[number].recv(2000)) for _ in range(3)] == [body] * 3
            statistics = daemon.statistics()
            assert statistics["joint_sends"] == 1
            assert statistics["joint_sends_refused"] == 1
            assert statistics["unsent_too_large"] == statistics["unsent_other"] == 0

    @on_linux
    def test_a_place_that_is_refused_does_not_end_joint_messages_to_others(
        self, port: int, daemon: Daemon, peers: Peers
    ) -> None:
        # An address of the outside cannot be reached from a loopback address.
        daemon.attach(data_places=(("127.0.0.1", port), ("127.0.0.2", port), ("192.0.2.1", port)))

        for target in (2, 2, 2, 1, 1, 1):
            daemon.node.send_control(ALIVE, target, b"body")
        daemon.reactor.settle()

        assert [body_of(peers.data[1].recv(2000)) for _ in range(3)] == [b"body"] * 3
        assert daemon.statistics()["unsent_other"] == 3
        assert daemon.datagrams.segmentation

    @on_linux
    def test_what_the_system_refuses_is_counted_by_cause_and_reported_once_a_minute(
        self, port: int, daemon: Daemon, peers: Peers
    ) -> None:
        # An address of the outside cannot be reached from a loopback address.
        places = (("127.0.0.1", port), ("127.0.0.2", port), ("192.0.2.1", port))
        daemon.attach(data_places=places)

        for number in range(4):
            daemon.node.send_control(ALIVE, 1 + number % 2, b"%d" % number)
        daemon.run_until(lambda: bool(daemon.reports))
        daemon.node.send_control(ALIVE, 2, b"4")
        daemon.run_until(lambda: daemon.statistics()["unsent_other"] == 3)

        [(cause, count, error, target)] = daemon.reports
        assert (cause, count, target) == ("unsent_other", 2, 2)
        assert error != 0
        assert [body_of(peers.data[1].recv(2000)) for _ in range(2)] == [b"0", b"2"]

    @on_linux
    def test_a_destination_that_is_forbidden_is_another_cause(
        self, port: int, daemon: Daemon
    ) -> None:
        [opened] = daemon.listeners.serving(Purpose.DAEMONS)
        opened.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 0)
        places = (("127.0.0.1", port), ("127.255.255.255", port), ("127.0.0.3", port))
        daemon.attach(data_places=places)

        daemon.node.send_control(ALIVE, 1, b"")
        daemon.run_until(lambda: bool(daemon.reports))

        assert daemon.statistics()["unsent_denied"] == 1

    def test_what_a_report_raises_ends_the_run(self, port: int, daemon: Daemon) -> None:
        class ReportError(Exception):
            pass

        def report(*_: object) -> None:
            raise ReportError

        [opened] = daemon.listeners.serving(Purpose.DAEMONS)
        opened.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 0)
        places = (("127.0.0.1", port), ("127.255.255.255", port), ("127.0.0.3", port))
        sockets = replace(daemon.sockets, data_places=places)
        daemon.reactor.attach_ring(Datagrams(daemon.node, sockets, window=1, report=report))
        daemon.node.send_control(ALIVE, 1, b"")

        with pytest.raises(ReportError):
            daemon.reactor.run()


class TestReceiving:
    def test_datagrams_arrive_in_order_over_several_batches(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach()
        bodies = [b"%d" % number for number in range(3 * BATCH_MAX + 1)]
        for body in bodies:
            peers.data[1].sendto(daemon.packet(1, body), ("127.0.0.1", port))

        daemon.run_until(lambda: len(daemon.upcalls.bodies) == len(bodies))

        assert daemon.upcalls.bodies == bodies
        assert set(daemon.upcalls.sources) == {(1, peers.address(1))}
        assert daemon.statistics()["datagrams_in"] == len(bodies)

    def test_the_token_waits_for_data_but_not_for_more_than_two_windows(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach()
        for number in range(3 * WINDOW):
            peers.data[1].sendto(daemon.packet(1, b"%d" % number), ("127.0.0.1", port))
        for body in (b"token", b"again"):
            peers.token[1].sendto(daemon.packet(1, body), ("127.0.0.1", port + 1))

        daemon.run_until(lambda: len(daemon.upcalls.bodies) == 3 * WINDOW + 2)

        assert daemon.upcalls.bodies.index(b"token") == 2 * WINDOW
        assert daemon.upcalls.bodies[-1] == b"again"

    @on_linux
    def test_what_came_during_a_pause_is_counted_by_datagrams(
        self, port: int, daemon: Daemon, stack: ExitStack
    ) -> None:
        other = Daemon(local_ring(port, DAEMONS, 2), stack, token_timeout_ns=MS)
        daemon.attach()
        other.attach()
        other.node.ring_freeze()
        assert other.node.ring_commit(
            (1, 9),
            [0, 1, 2],
            stable=0,
            high=0,
            have=b"",
            transitional=[1],
            obligations=[1],
        )
        for number in range(10):
            daemon.node.send_control(ALIVE, 1, b"%04d" % number)
        daemon.reactor.settle()
        over_ns = other.reactor.now() + 10 * MS
        while other.reactor.now() < over_ns:
            pass

        other.run_until(lambda: other.statistics()["stale"] > 0)

        assert other.statistics()["joint_receives"] == 1
        assert other.statistics()["stale"] == 10
        assert other.upcalls.bodies == []

    @on_linux  # Where joint datagrams can be had on the loopback network.
    def test_datagrams_that_came_joined_without_their_size_are_told_apart(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach()
        bodies = [b"%04d" % number * 100 for number in range(10)] + [b"last"]
        joint = b"".join(daemon.packet(1, body) for body in bodies)

        peers.data[1].sendto(joint, ("127.0.0.1", port))
        daemon.run_until(lambda: bool(daemon.upcalls.bodies))

        assert daemon.upcalls.bodies == bodies
        assert daemon.statistics()["joint_unmarked"] == 1
        data = daemon.sockets.data[0]
        with socket.socket(fileno=os.dup(data)) as own:
            assert own.getsockopt(socket.IPPROTO_UDP, UDP_GRO) == 0

    @on_linux  # As above.
    def test_a_damaged_packet_that_another_stands_in_is_damaged(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach()
        outer = daemon.packet(1, b"outer " + daemon.packet(2, b"inner"))

        peers.data[1].sendto(outer[:-1], ("127.0.0.1", port))
        peers.data[1].sendto(daemon.packet(1, b"good"), ("127.0.0.1", port))
        daemon.run_until(lambda: bool(daemon.upcalls.bodies))

        assert daemon.upcalls.bodies == [b"good"]
        assert daemon.statistics()["joint_unmarked"] == 0

    def test_datagrams_that_are_no_packets_are_counted_and_do_no_harm(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach()
        for data in (b"", b"x", bytes(64), daemon.packet(1, b"cut")[:-1], bytes(60_000)):
            peers.data[1].sendto(data, ("127.0.0.1", port))
        peers.data[1].sendto(daemon.packet(1, b"good"), ("127.0.0.1", port))

        daemon.run_until(lambda: bool(daemon.upcalls.bodies))

        assert daemon.upcalls.bodies == [b"good"]
        assert daemon.node.statistics()["strangers"] == 5
        assert daemon.statistics()["datagrams_in"] == 6

    def test_every_data_socket_is_read(
        self, daemon: Daemon, peers: Peers, port: int, stack: ExitStack
    ) -> None:
        second = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        second.setblocking(False)
        second.bind(("127.0.0.1", 0))
        daemon.attach(data=(*daemon.sockets.data, second.fileno()))
        for number in range(2 * BATCH_MAX):
            place = second.getsockname() if number % 2 else ("127.0.0.1", port)
            peers.data[1].sendto(daemon.packet(1, b"%d" % number), place)

        daemon.run_until(lambda: len(daemon.upcalls.bodies) == 2 * BATCH_MAX)

        assert len(set(daemon.upcalls.bodies)) == 2 * BATCH_MAX

    @on_linux
    def test_an_answer_that_a_port_is_closed_is_no_error_and_ends_no_reading(
        self, daemon: Daemon, port: int, stack: ExitStack
    ) -> None:
        # Windows tells every socket of it, Linux those that are connected.
        told = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        told.setblocking(False)
        told.bind(("127.0.1.1", port))
        told.connect(("127.0.0.2", port))
        told.send(b"nobody listens")
        peer = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        peer.bind(("127.0.0.2", port))
        daemon.attach(data=(*daemon.sockets.data, told.fileno()))
        peer.sendto(daemon.packet(1, b"somebody does"), ("127.0.1.1", port))

        daemon.run_until(lambda: daemon.upcalls.bodies != [])

        assert daemon.upcalls.bodies == [b"somebody does"]
        assert daemon.statistics()["receive_errors"] == 0


class TestFaults:
    def survivors(self, daemon: Daemon, peers: Peers, port: int, count: int) -> list[bytes]:
        """Send `count` datagrams and a last one until it arrives; return the others' bodies."""
        last = daemon.packet(1, b"last")
        for number in range(count):
            peers.data[1].sendto(daemon.packet(1, b"%d" % number), ("127.0.0.1", port))

        def is_over() -> bool:
            peers.data[1].sendto(last, ("127.0.0.1", port))
            return b"last" in daemon.upcalls.bodies

        daemon.run_until(is_over)
        return [body for body in daemon.upcalls.bodies if body != b"last"]

    def test_a_share_of_the_datagrams_is_lost(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach(faults="loss=0.3,seed=5")

        bodies = self.survivors(daemon, peers, port, 200)

        assert 100 < len(bodies) < 180
        assert daemon.statistics()["faults_lost"] >= 200 - len(bodies)

    def test_the_same_seed_loses_the_same_datagrams(self, stack: ExitStack) -> None:
        kept = []
        for _ in range(2):
            port = free_port()
            daemon = Daemon(local_ring(port, DAEMONS, 1), stack)
            daemon.attach(faults="loss=0.3,seed=5")
            kept.append(self.survivors(daemon, Peers(port, range(1, DAEMONS), stack), port, 100))

        assert kept[0] == kept[1]

    def test_every_datagram_may_come_twice(self, daemon: Daemon, peers: Peers, port: int) -> None:
        daemon.attach(faults="dup=1")

        peers.data[1].sendto(daemon.packet(1, b"two"), ("127.0.0.1", port))
        daemon.run_until(lambda: len(daemon.upcalls.bodies) == 2)

        assert daemon.upcalls.bodies == [b"two", b"two"]
        assert daemon.statistics()["faults_copied"] == 1

    def test_delayed_datagrams_come_no_earlier_without_anything_else_to_wake_the_loop(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach(faults="delay_ms=30")
        begin_ns = daemon.reactor.now()
        peers.token[1].sendto(daemon.packet(1, b"late"), ("127.0.0.1", port + 1))

        daemon.run_until(lambda: bool(daemon.upcalls.bodies))

        assert daemon.reactor.now() - begin_ns >= 30_000_000
        assert daemon.statistics()["faults_delayed"] == 1

    def test_datagrams_that_are_held_back_are_overtaken_and_none_is_lost(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach(faults="reorder=0.2,seed=3")
        bodies = [b"%03d" % number for number in range(200)]
        for body in bodies:
            peers.data[1].sendto(daemon.packet(1, body), ("127.0.0.1", port))

        daemon.run_until(lambda: len(daemon.upcalls.bodies) == len(bodies))

        assert daemon.upcalls.bodies != bodies
        assert sorted(daemon.upcalls.bodies) == bodies

    def test_what_is_held_back_at_the_end_is_given_up(
        self, daemon: Daemon, peers: Peers, port: int
    ) -> None:
        daemon.attach(faults="delay_ms=60000")
        peers.data[1].sendto(daemon.packet(1, b"never"), ("127.0.0.1", port))

        daemon.run_until(lambda: daemon.statistics()["faults_delayed"] == 1)

        assert daemon.upcalls.bodies == []


class TestMisuse:
    def test_the_sender_is_a_data_socket(self, daemon: Daemon) -> None:
        with pytest.raises(MisuseError, match="must be a data socket"):
            daemon.attach(sender=daemon.sockets.token[0])

    def test_more_sockets_than_ten_interfaces_have_are_refused(self, daemon: Daemon) -> None:
        with pytest.raises(MisuseError, match="at most 32"):
            daemon.attach(token=tuple(range(100, 132)))

    def test_a_reactor_serves_one_ring(self, daemon: Daemon) -> None:
        datagrams = daemon.attach()

        with pytest.raises(MisuseError, match="a ring already"):
            daemon.reactor.attach_ring(datagrams)

    def test_datagrams_of_another_node_are_refused(self, daemon: Daemon, stack: ExitStack) -> None:
        other = Daemon(local_ring(free_port(), DAEMONS, 2), stack)
        datagrams = daemon.attach()

        with pytest.raises(MisuseError, match="another node"):
            other.reactor.attach_ring(datagrams)

    @on_linux
    def test_a_socket_that_is_closed_cannot_be_watched(self, daemon: Daemon) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as closed:
            descriptor = closed.fileno()

        with pytest.raises(OSError, match="cannot be watched"):
            daemon.attach(token=(descriptor,))


def test_every_counter_has_a_name_of_its_own_and_begins_at_zero(daemon: Daemon) -> None:
    statistics = daemon.attach().statistics()

    assert list(statistics) == [name for name, _ in COUNTERS]
    assert set(statistics.values()) == {0}
