"""What those who watch get of a node: copies of its numbers, at one moment."""

from collections.abc import Sequence

import pytest

from spread._snapshot import Figures, Snapshots
from spread.counters import FIGURES, Kind
from spread.errors import MisuseError
from tests.daemon.harness import wire
from tests.memory.daemon import SECOND_NS, MemoryDaemon
from tests.ring.station import MS, RETRANS, SAFE, Station

SLOWEST_MAX = 100
SCAN_MAX = 1024


def taken(daemon: MemoryDaemon) -> Figures:
    return Snapshots(daemon.node).take()


def read(station: Station) -> Figures:
    return Snapshots(station.node).take()


def counted(histogram: Sequence[int]) -> dict[int, int]:
    """Return the buckets that are not empty."""
    return {bucket: count for bucket, count in enumerate(histogram) if count}


class TestNumbers:
    def test_counters_and_gauges_are_those_of_the_node(self) -> None:
        daemon = MemoryDaemon()
        alice = daemon.open(b"alice")
        alice.join(b"tea")
        alice.multicast(b"tea", b"x" * 100)

        figures = taken(daemon)

        statistics = daemon.statistics()
        both = figures.counters() | figures.gauges()
        assert {name: both[name] for name in statistics} == statistics

    def test_every_number_is_a_figure_of_its_kind(self) -> None:
        figures = taken(MemoryDaemon())

        assert {FIGURES[name].kind for name in figures.counters()} == {Kind.COUNTER}
        assert {FIGURES[name].kind for name in figures.gauges()} == {Kind.GAUGE}

    def test_a_copy_does_not_follow_the_node(self) -> None:
        daemon = MemoryDaemon()
        alice = daemon.open(b"alice")
        figures = taken(daemon)

        alice.multicast(b"tea")

        assert figures.counters()["frames_in"] == 0
        assert taken(daemon).counters()["frames_in"] == 1

    def test_packets_are_counted_where_they_are_made_and_handed_on(self) -> None:
        daemon = MemoryDaemon()
        alice = daemon.open(b"alice")

        for _ in range(3):
            alice.multicast(b"tea")

        counters = taken(daemon).counters()
        assert (counters["packets_made"], counters["packets_delivered"]) == (3, 3)


class TestSlowest:
    def test_sessions_for_which_something_waits_come_with_the_most_bytes_first(self) -> None:
        daemon = MemoryDaemon()
        alice, bob, carol = (daemon.open(name) for name in (b"alice", b"bob", b"carol"))
        for client, count in ((alice, 1), (bob, 3), (carol, 0)):
            client.room = 0
            for _ in range(count):
                client.multicast(client.private_group, b"x" * 1000)

        slowest = taken(daemon).slowest()

        size = 48 + 32 + 1000
        assert slowest == [(b"#bob#d1", 3, 3 * size), (b"#alice#d1", 1, size)]

    def test_nothing_waits_for_nobody(self) -> None:
        daemon = MemoryDaemon()
        daemon.open(b"alice")

        assert taken(daemon).slowest() == []

    def test_the_slowest_of_many_are_named(self) -> None:
        daemon = MemoryDaemon()
        for number in range(SLOWEST_MAX + 20):
            client = daemon.open(b"c%03d" % number)
            client.room = 0
            client.multicast(client.private_group, b"x" * (1 + number * 37 % 120))

        slowest = taken(daemon).slowest()

        sizes = [size for _, _, size in slowest]
        assert sizes == [48 + 32 + 1 + size for size in range(119, 19, -1)]

    def test_all_of_very_many_sessions_are_looked_at_in_turn(self) -> None:
        daemon = MemoryDaemon()
        clients = [daemon.open(b"c%d" % number) for number in range(SCAN_MAX + 100)]
        for client, size in ((clients[3], 10), (clients[-3], 20)):
            client.room = 0
            client.multicast(client.private_group, b"x" * size)
        snapshots = Snapshots(daemon.node)

        snapshots.take()
        names = [name for name, _, _ in snapshots.take().slowest()]

        assert names == [clients[-3].private_group, clients[3].private_group]


class TestLatency:
    def test_a_message_is_timed_from_its_submission_to_its_delivery(self) -> None:
        station = Station.in_ring(1)
        station.submit(b"x")

        station.advance(3 * MS)
        station.next_token()

        agreed, safe, _, _ = read(station).histograms()
        assert counted(agreed) == {12: 1}  # Below 4,096 us, and not below half of it.
        assert counted(safe) == {}

    def test_a_safe_message_waits_for_everybody(self) -> None:
        station = Station.in_ring(1)
        station.submit(b"x", SAFE)
        station.next_token()

        station.advance(MS)
        station.next_token(seq=1)
        station.next_token(seq=1)

        agreed, safe, _, _ = read(station).histograms()
        assert counted(agreed) == {}
        assert counted(safe) == {10: 1}

    def test_one_message_is_timed_at_a_time(self) -> None:
        station = Station.in_ring(1)

        station.submit(b"x")
        station.advance(3 * MS)
        station.submit(b"y")
        station.next_token()

        assert counted(read(station).histograms()[0]) == {12: 1}

    def test_messages_of_others_are_not_timed(self) -> None:
        station = Station.in_ring(1)

        station.data(0, 1)

        assert counted(read(station).histograms()[0]) == {}


class TestPeers:
    def test_packets_are_counted_for_who_made_them(self) -> None:
        station = Station.in_ring(1)

        station.data(0, 1)
        station.data(2, 2)
        station.data(2, 3)

        assert [received for received, _, _ in read(station).peers()] == [1, 0, 2]

    def test_a_packet_that_came_only_when_asked_for_was_missed(self) -> None:
        station = Station.in_ring(1)
        station.data(0, 1)
        station.data(0, 3)
        station.next_token(seq=3, acks=(3, 1, 3))
        station.next_token(seq=3, acks=(3, 1, 3))

        station.data(0, 2, flags=RETRANS, transmitter=2)

        assert [missed for _, missed, _ in read(station).peers()] == [1, 0, 0]

    def test_one_that_comes_late_by_itself_was_not(self) -> None:
        station = Station.in_ring(1)
        station.data(0, 2)

        station.data(0, 1)

        assert [missed for _, missed, _ in read(station).peers()] == [0, 0, 0]

    def test_who_sends_is_heard_whoever_made_the_packet(self) -> None:
        station = Station.in_ring(1)
        before = [heard_ns for _, _, heard_ns in read(station).peers()]
        station.advance(5 * MS)

        station.data(0, 1, flags=RETRANS, transmitter=2)

        heard = [heard_ns for _, _, heard_ns in read(station).peers()]
        assert heard == [before[0], 0, station.now_ns]


class TestRotation:
    def test_times_between_visits_are_counted(self) -> None:
        station = Station.in_ring(1)
        station.next_token()
        before = counted(read(station).histograms()[2])

        station.advance(3 * MS)
        station.next_token()

        after = counted(read(station).histograms()[2])
        assert after.get(12, 0) - before.get(12, 0) == 1


class TestPartition:
    def test_daemons_of_another_component_are_not_heard(self) -> None:
        station = Station.in_ring(1)
        station.node.set_partition((7, 7, 8), station.now_ns + 60_000 * MS)

        station.data(2, 1)
        station.data(0, 2)

        figures = read(station)
        assert [received for received, _, _ in figures.peers()] == [1, 0, 0]
        assert figures.counters()["partitioned"] == 1
        assert figures.partition() == (7, 7, 8)

    def test_it_is_forgotten(self) -> None:
        station = Station.in_ring(1)
        station.node.set_partition((0, 0, 1), station.now_ns + MS)

        station.advance(MS)
        station.data(2, 1)

        figures = read(station)
        assert figures.peers()[2][0] == 1
        assert figures.partition() == ()

    def test_it_is_ended(self) -> None:
        station = Station.in_ring(1)
        station.node.set_partition((0, 0, 1), station.now_ns + MS)

        station.node.set_partition((), station.now_ns + MS)
        station.data(2, 1)

        assert read(station).peers()[2][0] == 1

    def test_a_map_of_another_length_is_refused(self) -> None:
        station = Station.in_ring(1)

        with pytest.raises(MisuseError, match="2 components for 3 daemons"):
            station.node.set_partition((0, 1), 1)

        assert read(station).partition() == ()


class TestWindows:
    def test_they_are_those_that_were_set(self) -> None:
        station = Station.in_ring(1)

        station.node.set_windows((50, 10, 5), (100, 20, 7))

        assert read(station).windows()[:2] == ((50, 10, 5), (100, 20, 7))

    def test_a_smaller_personal_window_lets_fewer_packets_out(self) -> None:
        station = Station.in_ring(1)
        station.node.set_windows((3, 3, 0), (3, 3, 0))
        for _ in range(5):
            station.submit(b"x" * 1000)

        assert station.next_token().seq == 3

    @pytest.mark.parametrize("base", [(0, 5, 0), (5, 0, 0), (11, 5, 0)])
    def test_what_cannot_be_is_refused(self, base: tuple[int, int, int]) -> None:
        station = Station.in_ring(1)
        before = read(station).windows()

        with pytest.raises(MisuseError, match="let nothing pass, or too much"):
            station.node.set_windows(base, (10, 5, 0))

        assert read(station).windows() == before


class TestLateness:
    def test_a_turn_that_comes_late_is_counted_with_how_late_it_is(self) -> None:
        daemon = MemoryDaemon()
        daemon.control.call_every(SECOND_NS, lambda: None)
        daemon.advance(SECOND_NS)
        before = taken(daemon).histograms()[3]
        daemon.driver.deadline()

        daemon.now_ns += SECOND_NS + 3_000_000
        daemon.turn()

        after = taken(daemon).histograms()[3]
        grown = [now - then for now, then in zip(after, before, strict=True)]
        assert grown[12] == 1
        assert sum(grown) == 1

    def test_a_turn_for_another_reason_is_not_late(self) -> None:
        daemon = MemoryDaemon()
        alice = daemon.open(b"alice")
        daemon.control.call_every(SECOND_NS, lambda: None)
        daemon.driver.deadline()
        before = taken(daemon).histograms()[3]

        daemon.now_ns += SECOND_NS // 2
        alice.multicast(b"tea", service=wire.AGREED)

        assert taken(daemon).histograms()[3] == before
