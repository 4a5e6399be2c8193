"""Packets that are not of this ring: late ones, other rings, other networks; control packets."""

from collections.abc import Callable

import pytest

from spread._packets import VERSION, PacketHeader, make_packet
from spread.errors import MisuseError
from tests.ring.station import (
    CONTROL,
    DATA,
    DATA_CHANNEL,
    KINDS,
    MS,
    NETWORK,
    SEGMENT,
    TIMEOUTS,
    TOKEN,
    TOKEN_CHANNEL,
    WANT,
    Shape,
    Station,
    frame_of,
    settings_of,
)
from tests.ring.tokens import Token

FOREIGN = (103, 9)


@pytest.fixture
def station() -> Station:
    station = Station(1, Shape(daemons=5))
    station.install((100, 5), [0, 1, 2])
    return station


def foreign_data(sender: int, ring: tuple[int, int]) -> PacketHeader:
    return PacketHeader(
        DATA, origin=sender, transmitter=sender, leader=ring[0], time=ring[1], number=1, lag=1
    )


# -- Other rings ----------------------------------------------------------------------------------


def test_data_of_another_ring_is_told(station: Station) -> None:
    station.packet(foreign_data(3, FOREIGN), b"x")

    assert station.upcalls.take() == [("foreign", 3, FOREIGN)]
    assert station.statistics["foreign"] == 1
    assert station.ring_statistics["seq"] == 0


def test_a_token_of_another_ring_is_told(station: Station) -> None:
    header = PacketHeader(TOKEN, transmitter=3, leader=103, time=9, number=1)

    station.packet(header, Token(1, acks=(0, 0)).encode())

    assert station.upcalls.take() == [("foreign", 3, FOREIGN)]


def test_it_is_told_ten_times_a_second_at_most(station: Station) -> None:
    for _ in range(300):
        station.packet(foreign_data(3, FOREIGN), b"x")
        station.advance(1 * MS)

    assert station.upcalls.take() == [("foreign", 3, FOREIGN)] * 3
    assert station.statistics["foreign"] == 300


@pytest.mark.parametrize(
    ("sender", "time", "cause"),
    [(0, 5, "late"), (0, 4, "late"), (0, 6, "foreign"), (3, 4, "foreign")],
)
def test_a_member_that_speaks_of_an_earlier_ring_is_only_late(
    station: Station, sender: int, time: int, cause: str
) -> None:
    station.packet(foreign_data(sender, (101, time)), b"x")

    assert station.statistics["late"] == (cause == "late")
    assert station.statistics["foreign"] == (cause == "foreign")


def test_without_a_ring_nobody_is_told(station: Station) -> None:
    station.node.ring_lost()

    station.packet(foreign_data(3, FOREIGN), b"x")

    assert station.upcalls.take() == []


def test_in_recovery_nobody_is_told(station: Station) -> None:
    assert station.commit((100, 6), [0, 1])

    station.packet(foreign_data(3, FOREIGN), b"x")

    assert station.upcalls.take() == []


# -- Other networks, damage -----------------------------------------------------------------------

SOUND = make_packet(PacketHeader(WANT, origin=0, transmitter=0, leader=100, time=5), NETWORK)
STRANGERS = {
    "dropped_not_ours": (1, b"hello"),
    "dropped_classic": (2, b"\x80\0\0\x80" + b"\0" * 60),
    "dropped_version": (3, SOUND[:4] + bytes([VERSION + 1]) + SOUND[5:]),
    "dropped_network": (4, make_packet(PacketHeader(WANT), NETWORK + 1)),
    "dropped_damaged": (5, SOUND[:40] + b"\1" + SOUND[41:]),
    "dropped_malformed": (6, make_packet(PacketHeader(WANT, origin=5), NETWORK)),
}


@pytest.mark.parametrize("counter", STRANGERS)
def test_what_is_not_for_us_is_counted_by_its_cause_and_told(
    station: Station, counter: str
) -> None:
    cause, datagram = STRANGERS[counter]

    station.receive(datagram)

    assert station.upcalls.take() == [("stranger", cause, 0x7F000001)]
    assert station.statistics[counter] == 1
    assert station.statistics["strangers"] == 1


def test_a_flood_is_told_of_ten_times_a_second_for_each_cause(station: Station) -> None:
    for _ in range(25):
        for _, datagram in STRANGERS.values():
            station.receive(datagram)
        station.advance(10 * MS)

    causes = [call[1] for call in station.upcalls.take() if call[0] == "stranger"]
    assert causes == [1, 2, 3, 4, 5, 6] * 3
    assert station.statistics["strangers"] == 25 * 6


@pytest.mark.parametrize("size", [0, 1, 63])
def test_an_empty_or_short_datagram_does_no_harm(station: Station, size: int) -> None:
    station.receive(SOUND[:size])

    assert station.statistics["dropped_not_ours"] == 1


def test_a_datagram_that_does_not_exist_is_refused() -> None:
    with pytest.raises(MisuseError, match="a datagram of 65537 bytes does not exist"):
        Station(0).driver.receive_datagram(b"x" * 65_537, 1, 1)


# -- Control packets ------------------------------------------------------------------------------


def test_a_control_packet_carries_counter_incarnation_and_the_installed_ring(
    station: Station,
) -> None:
    station.node.send_control(CONTROL, 3, b"one")
    station.node.send_control(CONTROL + 6, SEGMENT, b"")

    first, second = station.take_sent()
    assert (first.target, first.payload) == (3, b"one")
    assert first.header == PacketHeader(CONTROL, 0, 1, 1, 100, 5, number=1, second=5)
    assert (second.target, second.payload) == (SEGMENT, b"")
    assert second.header == PacketHeader(CONTROL + 6, 0, 1, 1, 100, 5, number=2, second=5)
    assert station.statistics["control_sent"] == 2


@pytest.mark.parametrize(
    ("kind", "channel"), [("ALIVE", 0), ("JOIN", 0), ("FORM1", 1), ("FORM2", 1), ("FORM_ACK", 0)]
)
def test_forms_go_where_tokens_go(station: Station, kind: str, channel: int) -> None:
    """A daemon that the tokens of a ring cannot reach must not get into one."""
    station.node.send_control(KINDS[kind], 3, b"")

    assert station.take_sent()[0].channel == channel


def test_while_a_ring_forms_the_installed_one_is_named(station: Station) -> None:
    assert station.commit((100, 6), [0, 1])

    station.node.send_control(CONTROL, 3, b"")

    assert station.take_sent()[0].header.time == 5


def test_another_incarnation_can_be_gone_on_with(station: Station) -> None:
    station.node.set_incarnation(2**63)

    station.node.send_control(CONTROL, 3, b"")

    assert station.take_sent()[0].header.second == 2**63


def test_a_control_packet_is_handed_to_python_whole(station: Station) -> None:
    header = PacketHeader(CONTROL, 0, 3, 3, *FOREIGN, number=7, second=8)

    station.packet(header, b"body")

    assert station.upcalls.take() == [("control", CONTROL, 3, 0x7F000001, 8, 7, FOREIGN, b"body")]
    assert station.statistics["control_received"] == 1


def test_our_own_control_packet_comes_back_unnoticed(station: Station) -> None:
    station.node.send_control(CONTROL, SEGMENT, b"body")

    station.receive(station.take_sent()[0].data)

    assert station.upcalls.take() == []


def test_another_daemon_under_our_number_is_noticed(station: Station) -> None:
    header = PacketHeader(CONTROL, 0, 1, 1, *FOREIGN, number=7, second=999)

    station.packet(header, b"body")

    assert station.upcalls.take() == [("control", CONTROL, 1, 0x7F000001, 999, 7, FOREIGN, b"body")]


@pytest.mark.parametrize(
    ("kind", "target", "body", "message"),
    [
        (15, 0, b"", "kind 15 with 0 bytes is no control packet"),
        (23, 0, b"", "kind 23 with 0 bytes is no control packet"),
        (CONTROL, 0, b"x" * 65_444, "kind 16 with 65444 bytes is no control packet"),
        (CONTROL, 5, b"", "there is no daemon number 5"),
    ],
)
def test_what_is_no_control_packet_is_refused(
    station: Station, kind: int, target: int, body: bytes, message: str
) -> None:
    with pytest.raises(MisuseError, match=message):
        station.node.send_control(kind, target, body)


def test_the_largest_control_packet_is_sent(station: Station) -> None:
    station.node.send_control(CONTROL, 0, b"x" * 65_443)
    pieces = station.take_sent()

    other = Station.in_ring(0)
    for piece in pieces:
        other.receive(piece.data)

    assert max(len(piece.data) for piece in pieces) == 548
    (call,) = [each for each in other.upcalls.calls if each[0] == "control"]
    assert (call[1], call[2], call[-1]) == (CONTROL, 1, b"x" * 65_443)


def test_a_control_packet_that_passes_everywhere_goes_whole(station: Station) -> None:
    station.node.send_control(CONTROL, 0, b"x" * (548 - 64))
    (whole,) = station.take_sent()
    station.node.send_control(CONTROL, 0, b"x" * (549 - 64))

    assert whole.header.kind == CONTROL
    assert [each.header.kind for each in station.take_sent()] == [KINDS["PIECE"]] * 2


@pytest.mark.parametrize("multicast", [True, False])
def test_pieces_of_a_control_packet_go_where_it_goes(multicast: bool) -> None:
    station = Station(1, Shape(daemons=4, segments=(0, 0, 0, 1), multicast=multicast))

    station.node.send_control(CONTROL, SEGMENT, bytes(500))
    station.node.send_control(KINDS["FORM1"], 2, bytes(500))

    sent = [(each.target, each.channel) for each in station.take_sent()]
    segment = [SEGMENT] if multicast else [0, 2]
    assert sorted(sent[:-2]) == sorted(2 * [(each, DATA_CHANNEL) for each in segment])
    assert sent[-2:] == 2 * [(2, TOKEN_CHANNEL)]


def fail(*_: object) -> None:
    raise ZeroDivisionError("of the test")


def reform(station: Station) -> None:
    station.commit((101, 9), [1])
    station.turn()


def order_state(station: Station) -> None:
    station.node.submit_state(b"table")
    station.next_token()


def refuse_twice(station: Station) -> None:
    for _ in range(2):
        station.advance(5 * MS)
        station.driver.unreachable(2, station.now_ns)


UPCALLS: dict[str, Callable[[Station], None]] = {
    "control_packet": lambda station: station.packet(
        PacketHeader(CONTROL, 0, 3, 3, *FOREIGN, number=7, second=8), b"body"
    ),
    "foreign_ring": lambda station: station.packet(foreign_data(3, FOREIGN), b"x"),
    "stranger": lambda station: station.receive(b"hello"),
    "token_lost": lambda station: station.advance(TIMEOUTS.token),
    "ring_transitional": reform,
    "ring_regular": reform,
    "ordered_state": order_state,
    "unreachable": refuse_twice,
}


@pytest.mark.parametrize("upcall", UPCALLS)
def test_an_upcall_that_raises_stops_the_node(station: Station, upcall: str) -> None:
    setattr(station.upcalls, upcall, fail)

    with pytest.raises(ZeroDivisionError, match="of the test"):
        UPCALLS[upcall](station)

    with pytest.raises(ZeroDivisionError, match="of the test"):
        station.turn()


# -- Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (Shape(payload_max=63), "packets cannot have 63 bytes; give 64 to 65443"),
        (Shape(payload_max=65_444), "packets cannot have 65444 bytes"),
        (Shape(max_seq_gap=0), "a gap of 0 packets does not fit the 2048 that are kept"),
        (Shape(max_seq_gap=2_048), "a gap of 2048 packets does not fit the 2048"),
        (Shape(daemons=129), "a network has 1 to 128 daemons"),
    ],
)
def test_settings_that_cannot_work_are_refused(shape: Shape, message: str) -> None:
    with pytest.raises(MisuseError, match=message):
        Station(0, shape)


def test_a_daemon_is_one_of_the_network() -> None:
    assert settings_of(2, Shape()).network.me == 2

    with pytest.raises(MisuseError, match="this one is one of them"):
        Station(3)


def test_a_ring_of_128_daemons_works() -> None:
    station = Station.in_ring(127, 128)

    assert station.next_token().number == 130
    station.data(0, 1, frame_of(0, b"hello"))
    assert station.take_heard() == [b"hello"]


def test_defects_are_refused_outside_of_test_builds(station: Station) -> None:
    with pytest.raises(MisuseError, match="this build keeps all rules"):
        station.node.set_defects(1)
