import pytest

from spread.config import Stage
from spread.config.model import Daemon, Interface, Use
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import errors_of, places, read, stages, warnings_of

EVERY_USE = Use.DAEMON | Use.CLIENT | Use.MONITOR


def segment(*lines: str, address: str = "127.0.0.255:5200") -> str:
    return f"Spread_Segment {address} {{\n" + "\n".join(lines) + "\n}\n"


def test_daemon_without_block_has_one_interface_on_all_addresses() -> None:
    configuration = read(segment("alpha 127.0.0.1")).configuration

    assert configuration.me == Daemon(
        "alpha", "127.0.0.1", (Interface("127.0.0.1", EVERY_USE, any=True),)
    )


def test_interface_without_letter_serves_all_uses_on_its_address() -> None:
    configuration = read(segment("alpha 127.0.0.1 { 127.0.0.1:99 C D C 127.0.0.2 }")).configuration

    assert configuration.me.interfaces == (
        Interface("127.0.0.1", EVERY_USE, port=99),
        Interface("127.0.0.2", Use.CLIENT | Use.DAEMON),
    )


def test_port_defaults_to_4803_also_for_zero() -> None:
    without = read(segment("alpha 127.0.0.1", address="127.0.0.255"))
    zero = read(segment("alpha 127.0.0.1", address="127.0.0.255:0"))

    assert without.configuration.segment.port == zero.configuration.segment.port == 4803


def test_leading_zeros_are_decimal() -> None:
    configuration = read(
        segment("alpha 127.000.000.001", address="127.0.0.255:05200")
    ).configuration

    assert configuration.me.address == "127.0.0.1"
    assert configuration.segment.port == 5200


def test_port_above_65535_wraps_with_a_warning() -> None:
    text = segment("alpha 127.0.0.1", address="127.0.0.255:70736")

    assert read(text).configuration.segment.port == 5200
    assert "5200 is in force" in warnings_of(text)[0]


def test_port_without_room_for_the_token_is_refused() -> None:
    (error,) = errors_of(segment("alpha 127.0.0.1", address="127.0.0.255:65535"))

    assert error.message == "the token needs the next higher port, and there is none"


def test_daemon_without_address_is_looked_up() -> None:
    host = ScriptedHost(names={"here": "127.0.0.9"})

    configuration = read(segment("here"), name="here", host=host).configuration

    assert configuration.me.address == "127.0.0.9"


def test_daemon_that_is_not_found_names_its_remedy() -> None:
    (error,) = errors_of(segment("alpha 127.0.0.1", "nowhere"))

    assert error.remedy == "nowhere 192.168.1.10, its name and its address"


def test_comma_behind_an_address_is_one_error() -> None:
    (error,) = errors_of(segment("alpha 127.0.0.1, beta 127.0.0.2"))

    assert error.found == "'127.0.0.1,'"
    assert error.message.startswith("this is no address")


def test_every_octet_is_checked() -> None:
    text = segment("alpha 127.0.0.300 { D 127.0.256.1 }", address="999.0.0.1")

    assert places(errors_of(text)) == [(1, 16), (2, 7), (2, 23)]


def test_name_of_20_bytes_is_refused_and_bytes_are_counted() -> None:
    assert read(segment("a" * 19 + " 127.0.0.1")).configuration.me.name == "a" * 19
    (error,) = errors_of(segment("é" * 10 + " 127.0.0.1"))

    assert error.message == "a daemon name has at most 19 bytes, not 20"


def test_two_daemons_with_one_address_are_refused() -> None:
    (error,) = errors_of(segment("alpha 127.0.0.1", "localhost"))

    assert (error.line, error.column) == (3, 1)
    assert error.message == "the daemon in line 2 has the address 127.0.0.1 already"


def test_empty_segment_is_refused() -> None:
    (error,) = errors_of(segment() + segment("alpha 127.0.0.1"))

    assert str(error) == (
        "spread.conf:1:1: found an empty segment: the segment has no daemons;"
        ' write at least one line "NAME ADDRESS" into it'
    )


@pytest.mark.parametrize(
    ("block", "stage"),
    [
        ("{ }", Stage.PARSE),
        ("{ C 127.0.0.1 }", Stage.STARTUP),
        ("{ M 127.0.0.1 }", Stage.STARTUP),
        ("{ D 127.0.0.2 }", Stage.STARTUP),
        ("{" + " D 127.0.0.1" * 11 + " }", Stage.PARSE),
    ],
)
def test_interfaces_that_cannot_work_are_refused(block: str, stage: Stage) -> None:
    assert stages(errors_of(segment("alpha 127.0.0.1 " + block))) == [stage]


def test_address_for_clients_only_is_a_warning() -> None:
    text = segment("alpha 127.0.0.1 { C 127.0.0.1 D 127.0.0.2 }")

    assert "token and data go to 127.0.0.2" in warnings_of(text)[0]


def test_too_many_daemons_are_one_error_and_no_further_name_is_looked_up() -> None:
    lines = [f"d{index} 127.0.1.{index}" for index in range(128)]

    (error,) = errors_of(segment(*lines, "unknown", "unknown too"))

    assert error.message == "there are more than 128 daemons"


def test_too_many_segments_are_one_error() -> None:
    text = "".join(segment(f"d{index} 127.0.1.{index}") for index in range(30))

    (error,) = errors_of(text)

    assert error.line == 61
    assert error.message == "there are more than 20 segments"
