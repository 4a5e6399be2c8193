import pytest

from spread.config import Listen, Purpose, Transport, listens, local, local_ring, main_address
from spread.config.listens import uses_segment_address
from spread.errors import ConfigurationError
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import SEGMENT, read

TWO = "Spread_Segment 10.0.0.255:4803 {{\n a 10.0.0.1 {}\n b 10.0.0.2\n}}\n"


pytestmark = pytest.mark.usefixtures("system_with_all_sockets")


def listens_of(text: str, name: str) -> list[str]:
    return [str(each) for each in listens(read(text, name=name).configuration)]


def test_implied_interface_listens_on_all_addresses() -> None:
    assert listens_of(TWO.format(""), "a") == [
        "tcp 0.0.0.0:4803",
        "udp 0.0.0.0:4803",
        "udp 0.0.0.0:4804",
        "unix /tmp/4803",
    ]


def test_listed_interfaces_listen_on_their_addresses_and_the_segment() -> None:
    text = TWO.format("{ D 10.0.0.1 D C 10.0.1.1 M 10.0.2.1 }")

    assert listens_of(text, "a") == [
        "tcp 10.0.1.1:4803",
        "udp 10.0.0.1:4803",
        "udp 10.0.0.1:4804",
        "udp 10.0.1.1:4803",
        "udp 10.0.1.1:4804",
        "udp 10.0.0.255:4803",
        "unix /tmp/4803",
    ]


def test_only_daemon_of_a_segment_does_not_listen_to_it() -> None:
    text = SEGMENT.replace("127.0.0.1\n", "127.0.0.1 { 127.0.0.1 }\n")

    assert listens_of(text, "alpha") == [
        "tcp 127.0.0.1:5200",
        "udp 127.0.0.1:5200",
        "udp 127.0.0.1:5201",
        "unix /tmp/5200",
    ]


def test_interface_listed_twice_listens_once() -> None:
    text = SEGMENT.replace("127.0.0.1\n", "127.0.0.1 { 127.0.0.1 127.0.0.1 }\n")

    assert listens_of(text, "alpha").count("tcp 127.0.0.1:5200") == 1


@pytest.mark.parametrize(
    ("option", "block", "expected"),
    [
        ("", "", (False, True)),
        ("", "{ 127.0.0.1 }", (True, False)),
        ("SocketPortReuse = ON\n", "", (True, False)),
        ("SocketPortReuse = OFF\n", "", (False, False)),
        ("SocketPortReuse = OFF\n", "{ 127.0.0.1 }", (False, False)),
    ],
)
def test_address_reuse_of_client_listeners(
    option: str, block: str, expected: tuple[bool, bool]
) -> None:
    text = option + SEGMENT.replace("127.0.0.1\n", f"127.0.0.1 {block}\n")

    first = listens(read(text).configuration)[0]

    assert first.transport is Transport.TCP
    assert (first.reuse_address, first.reuse_if_closed) == expected


def test_every_socket_has_its_purpose() -> None:
    text = TWO.format("{ 10.0.0.1 }")

    found = listens(read(text, name="a").configuration)

    assert [each.purpose for each in found] == [
        Purpose.CLIENTS,
        Purpose.DAEMONS,
        Purpose.TOKEN,
        Purpose.SEGMENT,
        Purpose.CLIENTS,
    ]


def test_local_daemon_listens_on_loopback_only() -> None:
    found = listens(local(5000))

    assert found == (
        Listen(Transport.TCP, Purpose.CLIENTS, "127.0.0.1", 5000, reuse_address=True),
        Listen(Transport.UDP, Purpose.DAEMONS, "127.0.0.1", 5000),
        Listen(Transport.UDP, Purpose.TOKEN, "127.0.0.1", 5001),
        Listen(Transport.UNIX, Purpose.CLIENTS, path="/tmp/5000"),
    )


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("", "10.0.0.1"),
        ("{ D 10.0.1.1 D 10.0.0.1 }", "10.0.0.1"),
        ("{ C 10.0.0.1 D 10.0.2.1 D 10.0.1.1 }", "10.0.2.1"),
    ],
)
def test_main_address_is_one_that_serves_daemons(block: str, expected: str) -> None:
    host = ScriptedHost(local=("10.0.0.1",))

    configuration = read(TWO.format(block), host=host).configuration

    assert main_address(configuration.me) == expected


@pytest.mark.parametrize(
    ("address", "option", "expected"),
    [
        ("10.0.0.255", "", True),
        ("239.1.2.3", "", True),
        ("127.0.0.255", "", False),
        ("10.0.0.255", "Multicast = no", False),
        ("127.0.0.255", "Multicast = yes", True),
    ],
)
def test_segment_socket_is_there_when_datagrams_go_to_the_segment(
    address: str, option: str, expected: bool
) -> None:
    text = (
        f"{option}\nSpread_Segment {address}:4803 {{\n a 127.0.0.1 {{ 127.0.0.1 }}\n b 10.0.0.2\n}}"
    )

    configuration = read(text, name="a").configuration

    segment = configuration.segment
    assert uses_segment_address(segment, configuration.options.multicast) is expected
    assert (f"udp {address}:4803" in map(str, listens(configuration))) is expected


def test_one_daemon_needs_no_address_for_its_segment() -> None:
    assert not uses_segment_address(local(5000).segment, True)


def test_daemons_of_a_local_ring_share_a_port_and_one_unix_socket() -> None:
    found = [list(map(str, listens(local_ring(5000, 3, number)))) for number in (1, 2, 3)]

    assert found[0] == [
        "tcp 127.0.0.1:5000",
        "udp 127.0.0.1:5000",
        "udp 127.0.0.1:5001",
        "unix /tmp/5000",
    ]
    assert found[1] == ["tcp 127.0.0.2:5000", "udp 127.0.0.2:5000", "udp 127.0.0.2:5001"]
    assert not set(found[2]) & {*found[0], *found[1]}


def test_daemons_of_a_local_ring_agree_on_the_network() -> None:
    configurations = [local_ring(5000, 3, number) for number in (1, 2, 3)]

    assert len({each.hash for each in configurations}) == 1
    assert [each.me.name for each in configurations] == ["local1", "local2", "local3"]


@pytest.mark.parametrize(("count", "number"), [(3, 0), (3, 4), (129, 1)])
def test_local_ring_has_1_to_128_daemons(count: int, number: int) -> None:
    with pytest.raises(ConfigurationError):
        local_ring(5000, count, number)


def test_loopback_daemons_with_ports_of_their_own_have_a_unix_socket_each() -> None:
    text = (
        "Spread_Segment 127.0.0.255:5200 { a 127.0.0.1 }\n"
        "Spread_Segment 127.0.0.255:5210 { b 127.0.0.2 }\n"
    )

    assert "unix /tmp/5210" in listens_of(text, "b")


def test_daemons_of_other_hosts_leave_the_unix_socket_alone() -> None:
    assert "unix /tmp/4803" in listens_of(TWO.format("").replace("10.0.0.2", "127.0.0.2"), "b")
