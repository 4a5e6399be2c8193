"""What the simulated network carries, loses, repeats and delays."""

from dataclasses import dataclass, field
from random import Random

import pytest

from spread.sim.agenda import MS, SECOND, Agenda
from spread.sim.cluster import Cluster, scaled_timeouts
from spread.sim.network import Network

SEGMENT = 256


@dataclass
class Port:
    """Collects what arrives."""

    arrived: list[tuple[int, int, bytes, bool]] = field(default_factory=list)
    down: list[int] = field(default_factory=list)

    def datagram(self, origin: int, channel: int, data: bytes, *, wants_answer: bool) -> None:
        self.arrived.append((origin, channel, data, wants_answer))

    def unreachable(self, daemon: int) -> None:
        self.down.append(daemon)

    @property
    def bodies(self) -> list[bytes]:
        return [data for _, _, data, _ in self.arrived]


@dataclass
class Lab:
    """A network whose ports collect."""

    segments: tuple[int, ...] = (3,)
    agenda: Agenda = field(default_factory=Agenda)

    def __post_init__(self) -> None:
        cluster = Cluster(self.segments, scaled_timeouts())
        self.network = Network(cluster, self.agenda, Random(1))
        self.ports = [Port() for _ in range(cluster.size)]
        for port in self.ports:
            self.network.attach(port)

    def wait(self, duration_ns: int = SECOND) -> None:
        self.agenda.run(self.agenda.now_ns + duration_ns)


def test_a_datagram_comes_to_its_target_only_with_origin_and_channel() -> None:
    lab = Lab()

    lab.network.send(0, 2, 1, b"token")
    lab.wait()

    assert [port.arrived for port in lab.ports] == [[], [], [(0, 1, b"token", True)]]


def test_a_multicast_comes_to_the_other_daemons_of_the_own_segment() -> None:
    lab = Lab(segments=(2, 2))

    lab.network.send(3, SEGMENT, 0, b"data")
    lab.wait()

    assert [port.bodies for port in lab.ports] == [[], [], [b"data"], []]


def test_nothing_arrives_at_the_moment_at_which_it_is_sent() -> None:
    lab = Lab()

    lab.network.send(0, 1, 0, b"data")
    lab.agenda.run(lab.agenda.now_ns)

    assert lab.ports[1].arrived == []


def test_datagrams_of_one_socket_arrive_in_order_if_nothing_overtakes() -> None:
    lab = Lab()
    bodies = [b"%d" % number for number in range(200)]

    for body in bodies:
        lab.network.send(0, 1, 0, body)
    lab.wait()

    assert lab.ports[1].bodies == bodies


def test_datagrams_that_overtake_arrive_all_but_in_another_order() -> None:
    lab = Lab()
    lab.network.weather.overtakes = 0.2
    bodies = [b"%d" % number for number in range(200)]

    for body in bodies:
        lab.network.send(0, 1, 0, body)
    lab.wait()

    assert lab.ports[1].bodies != bodies
    assert sorted(lab.ports[1].bodies) == sorted(bodies)


@pytest.mark.parametrize(("rate", "least", "most"), [(0.0, 1000, 1000), (0.3, 600, 800)])
def test_losses_come_at_their_rate(rate: float, least: int, most: int) -> None:
    lab = Lab()
    lab.network.weather.loss = rate

    for _ in range(1000):
        lab.network.send(0, 1, 0, b"data")
    lab.wait()

    assert least <= len(lab.ports[1].arrived) <= most


def test_repeated_datagrams_come_twice() -> None:
    lab = Lab()
    lab.network.weather.repeats = 1.0

    lab.network.send(0, 1, 0, b"data")
    lab.wait()

    assert lab.ports[1].bodies == [b"data", b"data"]


def test_a_damaged_datagram_differs_in_one_bit() -> None:
    lab = Lab()
    lab.network.weather.damage = 1.0

    lab.network.send(0, 1, 0, bytes(100))
    lab.wait()

    (body,) = lab.ports[1].bodies
    assert sum(byte.bit_count() for byte in body) == 1


def test_slow_weather_stretches_delays() -> None:
    lab = Lab()
    lab.network.weather.slowness = 1000.0

    lab.network.send(0, 1, 0, b"data")
    lab.wait(50 * MS)

    assert lab.ports[1].arrived == []


def test_parts_do_not_hear_each_other_until_healed() -> None:
    lab = Lab()
    lab.network.parts = [0, 1, 0]

    lab.network.send(0, 1, 0, b"lost")
    lab.network.send(0, 2, 0, b"kept")
    lab.network.heal()
    lab.network.send(0, 1, 0, b"later")
    lab.wait()

    assert [port.bodies for port in lab.ports] == [[], [b"later"], [b"kept"]]


def test_a_packet_on_its_way_is_lost_with_the_link() -> None:
    lab = Lab()

    lab.network.send(0, 1, 0, b"data")
    lab.network.parts = [0, 1, 1]
    lab.wait()

    assert lab.ports[1].arrived == []


def test_a_cut_link_is_cut_in_one_direction() -> None:
    lab = Lab()
    lab.network.cut.add((0, 1))

    lab.network.send(0, 1, 0, b"there")
    lab.network.send(1, 0, 0, b"back")
    lab.wait()

    assert lab.ports[0].bodies == [b"back"]
    assert lab.ports[1].bodies == []


def test_the_answer_of_a_kernel_comes_back_unless_the_way_is_cut() -> None:
    lab = Lab()

    lab.network.answer_unreachable(2, 0)
    lab.network.cut.add((2, 1))
    lab.network.answer_unreachable(2, 1)
    lab.wait()

    assert [port.down for port in lab.ports] == [[2], [], []]


def test_a_scripted_loss_decides_by_the_datagram() -> None:
    lab = Lab()
    lab.network.drop = lambda origin, target, channel, data: data == b"drop"  # noqa: ARG005

    lab.network.send(0, 1, 0, b"drop")
    lab.network.send(0, 1, 0, b"keep")
    lab.wait()

    assert lab.ports[1].bodies == [b"keep"]
