"""The real host: only what holds on every machine that runs these tests."""

import socket
from pathlib import Path

from spread.config import SystemHost


def test_loopback_is_a_local_address() -> None:
    assert "127.0.0.1" in SystemHost().local_addresses()


def test_local_addresses_can_be_bound() -> None:
    for address in SystemHost().local_addresses():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))


def test_own_name_has_addresses_or_none_but_no_error() -> None:
    for address in SystemHost().own_name_addresses():
        socket.inet_aton(address)


def test_localhost_is_found() -> None:
    assert SystemHost().look_up("localhost") == "127.0.0.1"


def test_names_that_cannot_be_looked_up_are_not_found() -> None:
    host = SystemHost()

    assert host.look_up("") is None
    assert host.look_up("a\0b") is None
    assert host.look_up("a..b") is None
    assert host.look_up("\udcff") is None
    assert host.look_up("x" * 300) is None


def test_log_in_an_existing_directory_has_no_problem(tmp_path: Path) -> None:
    log = tmp_path / "spread_%h.log"

    assert SystemHost().log_problem(str(log)) is None
    assert list(tmp_path.iterdir()) == []


def test_log_problems_are_told(tmp_path: Path) -> None:
    host = SystemHost()
    (tmp_path / "file").touch()

    assert host.log_problem(str(tmp_path)) == "it is a directory"
    assert "there is no directory" in (host.log_problem(str(tmp_path / "a" / "b")) or "")
    assert "there is no directory" in (host.log_problem(str(tmp_path / "file" / "b")) or "")
    assert host.log_problem(str(tmp_path / "file")) is None
    assert host.log_problem("a\0b") is not None
