import pytest

from spread.config.pitfalls import is_multicast
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import SEGMENT, errors_of, warnings_of

EVERYWHERE = ScriptedHost(
    local=tuple(f"10.0.{net}.{host}" for net in range(3) for host in range(1, 4))
)


def segment(address: str, *daemons: str) -> str:
    return f"Spread_Segment {address} {{\n" + "".join(f" {each}\n" for each in daemons) + "}\n"


def warnings_for(text: str, name: str = "a") -> list[str]:
    return warnings_of(text, name=name, host=EVERYWHERE)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("223.1.1.1", False), ("224.0.0.1", True), ("239.9.9.9", True), ("240.0.0.1", False)],
)
def test_multicast_addresses(address: str, expected: bool) -> None:
    assert is_multicast(address) is expected


def test_sound_networks_have_no_warnings() -> None:
    lan = segment("10.0.0.255", "a 10.0.0.1", "b 10.0.0.2", "c 10.0.0.3")
    sites = segment("10.0.0.255", "a 10.0.0.1") + segment("225.1.1.1", "b 10.0.1.2", "c 10.0.1.3")
    large = segment("10.0.255.255", "a 10.0.0.1", "b 10.0.1.2")

    assert warnings_for(lan) == warnings_for(sites) == warnings_for(large) == []


def test_loopback_beside_other_segments_is_refused() -> None:
    text = SEGMENT + segment("10.0.0.255", "b 10.0.0.1") + segment("10.0.1.255", "c 10.0.1.1")

    (error,) = errors_of(text)

    assert (error.line, error.column) == (4, 16)
    assert error.message == "loopback segments (127...) cannot be combined with others"


def test_two_segments_on_one_lan() -> None:
    text = segment("10.0.0.255:4803", "a 10.0.0.1") + segment("10.0.0.255:4804", "b 10.0.0.2")

    (warning,) = warnings_for(text)

    assert "the segment in line 1 has daemons in 10.0.0.0/24 too" in warning


def test_two_segments_on_loopback_are_how_one_host_tests_a_ring() -> None:
    text = segment("127.0.0.255:1", "a 127.0.0.1") + segment("127.0.0.255:3", "b 127.0.0.2")

    assert warnings_of(text, name="a") == []


def test_two_segments_with_one_address_and_port() -> None:
    text = segment("225.1.1.1:4803", "a 10.0.0.1") + segment("225.1.1.1:4803", "b 10.0.1.2")

    (warning,) = warnings_for(text)

    assert "the segment in line 1 has this address and port too" in warning


def test_loopback_daemon_in_a_network_segment() -> None:
    (warning,) = warnings_for(segment("10.0.0.255", "a 10.0.0.1", "b 127.0.0.1"))

    assert "daemons on other hosts cannot reach 127.0.0.1" in warning


def test_network_daemon_in_a_loopback_segment() -> None:
    (warning,) = warnings_for(segment("127.0.0.255", "a 10.0.0.1", "b 10.0.0.2"))[:1]

    assert "a loopback segment reaches no other host" in warning


def test_multicast_on_loopback() -> None:
    (warning,) = warnings_of(segment("225.1.1.1", "a 127.0.0.1", "b 127.0.0.2"), name="a")

    assert "the loopback interface has no multicast" in warning


def test_segment_address_of_one_of_its_daemons() -> None:
    (warning,) = warnings_for(segment("10.0.0.1", "a 10.0.0.1", "b 10.0.0.2"))

    assert "reach only the daemon that has this address" in warning


def test_broadcast_address_of_another_network() -> None:
    (warning,) = warnings_for(segment("192.168.7.255", "a 10.0.0.1", "b 10.0.0.2"))

    assert "a broadcast to this address hardly reaches 10.0.0.1" in warning


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Monitor", "reserved for the monitor"),
        ('""', "end with nothing"),
        ('"a#b"', "programs cut private group names at #"),
    ],
)
def test_names_that_bite(name: str, expected: str) -> None:
    text = segment("10.0.0.255", "a 10.0.0.1", f"{name} 10.0.0.2")

    (warning,) = warnings_for(text)

    assert expected in warning


def test_interface_listed_twice_for_one_use() -> None:
    text = segment("10.0.0.255", "a 10.0.0.1 { D 10.0.0.1 C 10.0.0.1 D C 10.0.0.1 }")

    warnings = warnings_for(text)

    assert len(warnings) == 1
    assert "10.0.0.1 is listed twice for one use" in warnings[0]


def test_monitor_interface_without_daemon_interface() -> None:
    text = segment("10.0.0.255", "a 10.0.0.1 { D 10.0.0.1 M 10.0.0.1 M 10.0.0.2 }")

    (warning,) = warnings_for(text)

    assert warning.startswith("2:39: ")
    assert "M alone opens no socket" in warning
