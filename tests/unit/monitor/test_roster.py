"""The daemons of a configuration, as a monitor sees them."""

from pathlib import Path

import pytest

from spread.config import ConfigurationErrors
from spread.monitor.roster import local_roster, read_roster

NETWORK = """\
Spread_Segment 10.0.0.255:4803 { a 10.0.0.1
 b 10.0.0.2 { D 10.1.0.2  C 10.0.0.2 } }
Spread_Segment 10.2.0.255:4810 { c 10.2.0.3 }
"""


class Host:
    """A host with one address, which looks nothing up."""

    def __init__(self, address: str) -> None:
        self._address = address

    def local_addresses(self) -> tuple[str, ...]:
        return (self._address,)

    def own_name_addresses(self) -> tuple[str, ...]:
        return ()

    def look_up(self, name: str) -> str | None:
        raise AssertionError(f"nothing is to be looked up, not even {name}")

    def meaningless_options(self) -> dict[str, str]:
        return {}

    def log_problem(self, path: str) -> str | None:
        raise AssertionError(f"a monitor writes no log, not even {path}")


def written(directory: Path, text: str) -> str:
    path = directory / "spread.conf"
    path.write_text(text)
    return str(path)


def test_daemons_are_numbered_over_all_segments(tmp_path: Path) -> None:
    roster = read_roster(written(tmp_path, NETWORK), host=Host("10.0.0.1"))

    assert [(each.number, each.name, each.port, each.segment) for each in roster.targets] == [
        (0, "a", 4803, 0),
        (1, "b", 4803, 0),
        (2, "c", 4810, 1),
    ]


def test_a_daemon_is_asked_where_daemons_ask_it_and_known_by_its_own_address(
    tmp_path: Path,
) -> None:
    roster = read_roster(written(tmp_path, NETWORK), host=Host("10.0.0.1"))

    assert (roster.targets[1].address, roster.targets[1].identity) == ("10.1.0.2", "10.0.0.2")
    assert roster.at("10.0.0.2") is roster.targets[1]


def test_the_own_entry_is_that_of_this_host(tmp_path: Path) -> None:
    roster = read_roster(written(tmp_path, NETWORK), host=Host("10.2.0.3"))

    assert roster.own is roster.targets[2]


def test_a_host_without_an_entry_is_no_mistake(tmp_path: Path) -> None:
    roster = read_roster(written(tmp_path, NETWORK), host=Host("192.168.1.1"))

    assert roster.own is None
    assert "no interface of the file is an address of this host" in roster.own_problem


def test_a_name_poses_as_its_entry(tmp_path: Path) -> None:
    roster = read_roster(written(tmp_path, NETWORK), "b", Host("192.168.1.1"))

    assert roster.own is roster.targets[1]


def test_a_name_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationErrors, match="the name behind -n is not in the file"):
        read_roster(written(tmp_path, NETWORK), "z", Host("10.0.0.1"))


def test_mistakes_are_told_on_a_host_without_an_entry_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationErrors, match=r"spread\.conf:1:10: found 'many'"):
        read_roster(written(tmp_path, f"Window = many\n{NETWORK}"), host=Host("192.168.1.1"))


@pytest.mark.parametrize(
    "line",
    [
        'AccessControlPolicy = "HOUSE"',
        "AccessControlPolicy = HOUSE",
        'RequiredAuthMethods = "HOUSE"',
        'AllowedAuthMethods = "NULL HOUSE"',
    ],
)
def test_policies_and_methods_need_not_be_installed_here(tmp_path: Path, line: str) -> None:
    roster = read_roster(written(tmp_path, f"{line}\n{NETWORK}"), host=Host("10.0.0.1"))

    assert len(roster.targets) == 3


@pytest.mark.parametrize(("line", "says_so"), [("AcceleratedRing = true", True), ("", False)])
def test_what_the_file_says_of_the_accelerated_ring_is_known(
    tmp_path: Path, line: str, says_so: bool
) -> None:
    roster = read_roster(written(tmp_path, f"{line}\n{NETWORK}"), host=Host("10.0.0.1"))

    assert roster.sets_accelerated_ring is says_so


def test_a_local_ring_needs_no_file() -> None:
    roster = local_roster(3, 24000)

    assert [(each.name, each.address) for each in roster.targets] == [
        ("local1", "127.0.0.1"),
        ("local2", "127.0.0.2"),
        ("local3", "127.0.0.3"),
    ]
    assert roster.own is roster.targets[0]
    assert [each.name for each in local_roster(1, 24000).targets] == ["localhost"]
