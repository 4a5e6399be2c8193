from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import SEGMENT, errors_of, read, warnings_of

LAN = "Spread_Segment 10.0.0.255:4803 {\n a 10.0.0.1\n b 10.0.0.2 { D 10.0.0.2 C 10.1.0.2 }\n}\n"


def test_name_is_taken_without_a_look_at_the_host() -> None:
    assert read(LAN, name="b").configuration.me.name == "b"


def test_name_that_is_not_local_is_a_warning() -> None:
    (warning,) = warnings_of(LAN, name="b")

    assert "this host has no address 10.0.0.2, 10.1.0.2" in warning


def test_name_that_is_local_is_no_warning() -> None:
    host = ScriptedHost(local=("127.0.0.1", "10.0.0.2", "10.1.0.2"))

    assert warnings_of(LAN, name="b", host=host) == []


def test_unknown_name_is_refused_with_the_known_ones() -> None:
    (error,) = errors_of(LAN, name="c")

    assert error.found == "no daemon named 'c'"
    assert error.remedy.endswith("a, b")


def test_name_of_the_monitor_is_refused() -> None:
    (error,) = errors_of(SEGMENT.replace("alpha", "Monitor"), name="Monitor")

    assert error.message == "this name is reserved for the monitor"


def test_entry_is_found_by_any_of_its_interfaces() -> None:
    host = ScriptedHost(local=("127.0.0.1", "10.1.0.2"))

    assert read(LAN, host=host).configuration.me.name == "b"


def test_addresses_of_the_own_name_come_first() -> None:
    host = ScriptedHost(local=("127.0.0.1", "10.0.0.1"), own_name=("10.0.0.2",))

    assert read(LAN, host=host).configuration.me.name == "b"


def test_addresses_count_in_the_order_of_the_system() -> None:
    host = ScriptedHost(local=("10.0.0.2", "10.0.0.1"))

    assert read(LAN, host=host).configuration.me.name == "b"


def test_several_matching_entries_are_a_warning() -> None:
    host = ScriptedHost(local=("10.0.0.2", "10.0.0.1"))

    (warning,) = warnings_of(LAN, host=host)

    assert "this host has addresses of several daemons (b, a) and takes itself for b" in warning


def test_loopback_entry_among_others_is_a_warning() -> None:
    text = LAN.replace("a 10.0.0.1", "a 127.0.0.1")

    warnings = warnings_of(text)

    assert any("every host has 127.0.0.1 and takes itself for a" in each for each in warnings)


def test_only_daemon_on_loopback_is_no_warning() -> None:
    assert warnings_of(SEGMENT) == []


def test_host_without_entry_is_refused_with_its_addresses() -> None:
    (error,) = errors_of(LAN, host=ScriptedHost(local=("127.0.0.1", "10.9.9.9")))

    assert str(error) == (
        "spread.conf:1:1: found no entry for this host: no interface of the file is an address of"
        " this host (127.0.0.1, 10.9.9.9); write an entry for this host, or the name of one"
        " behind -n"
    )


def test_file_without_segments_is_refused() -> None:
    (error,) = errors_of("# nothing\n")

    assert error.message == "the file names no daemon"


def test_damaged_network_is_not_searched() -> None:
    assert len(errors_of(LAN + "}\n", name="c")) == 1
