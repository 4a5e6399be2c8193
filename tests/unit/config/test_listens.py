import pytest

from spread.config import Listen, Purpose, Transport, listens, local, main_address
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import SEGMENT, read

TWO = "Spread_Segment 10.0.0.255:4803 {{\n a 10.0.0.1 {}\n b 10.0.0.2\n}}\n"


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
