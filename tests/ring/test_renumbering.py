"""A daemon that is alone in its ring takes other numbers, and loses nothing of its clients."""

from dataclasses import replace

from spread._packets import PacketHeader
from spread._snapshot import Figures, Snapshots
from spread.daemon.membership.settings import NetworkSettings
from tests.ring.station import CONTROL, MS, SEGMENT, Station, frame_of, settings_of

OTHER = 0x99


def network(me: int, daemons: int) -> NetworkSettings:
    """Return another network, in which the daemon has its id and another number."""
    ids = tuple(200 + number for number in range(daemons))
    return replace(
        settings_of(0, Station(0).shape).network,
        me=me,
        ids=(*ids[:me], 100, *ids[me + 1 :]),
        names=tuple(b"n%d" % number for number in range(daemons)),
        segments=(0,) * daemons,
        network_hash=OTHER,
        incarnation=6,
    )


def read(station: Station) -> Figures:
    return Snapshots(station.node).take()


def submit(station: Station, body: bytes) -> None:
    station.driver.receive(station.slot, frame_of(0, body), station.now_ns)
    station.turn()


def test_messages_go_on_under_the_new_numbers() -> None:
    station = Station(0)
    submit(station, b"before")

    done = station.node.ring_renumber(network(3, 5), multicast=True)
    submit(station, b"behind")

    assert done
    assert [each for each in station.take_heard() if each in (b"before", b"behind")] == [
        b"before",
        b"behind",
    ]


def test_packets_bear_the_new_number_the_new_network_and_a_fresh_count() -> None:
    station = Station(0)
    station.node.send_control(CONTROL, SEGMENT, b"")
    station.turn()
    station.take_sent()

    station.node.ring_renumber(network(3, 5), multicast=True)
    station.node.send_control(CONTROL, SEGMENT, b"")
    datagrams = station.driver.take_datagrams()

    assert len(datagrams) == 1
    data = bytes(datagrams[0][2])
    assert int.from_bytes(data[8:16], "little") == OTHER
    assert data[6:8] == b"\3\3"


def test_daemon_in_a_ring_of_several_keeps_its_numbers() -> None:
    station = Station.in_ring(0, 3)

    assert not station.node.ring_renumber(network(1, 2), multicast=True)
    assert station.node.ring_is_interruptible()


def test_daemon_whose_ring_is_lost_keeps_its_numbers() -> None:
    station = Station(0)
    station.node.ring_lost()

    assert not station.node.ring_renumber(network(1, 2), multicast=True)


def test_partition_of_the_old_network_is_forgotten() -> None:
    station = Station(0)
    station.node.set_partition((0, 1, 1), station.now_ns + 1000 * MS)
    before = read(station).partition()

    station.node.ring_renumber(network(0, 2), multicast=False)

    assert before == (0, 1, 1)
    assert read(station).partition() == ()


def test_meters_of_the_old_network_are_forgotten() -> None:
    station = Station(0)
    station.packet(PacketHeader(CONTROL, origin=1, transmitter=1))
    before = read(station).peers()

    station.node.ring_renumber(network(0, 2), multicast=False)

    assert before[1] != (0, 0, 0)
    assert read(station).peers() == [(0, 0, 0)] * 2
