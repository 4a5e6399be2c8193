"""Why a daemon does not answer, and what to check."""

import socket
from dataclasses import replace

import pytest

from spread.config import local_ring
from spread.monitor.report import Peer, Report
from spread.monitor.roster import Roster, Target, roster_of
from spread.monitor.sender import Oddity, Strange
from spread.monitor.silence import silence_of
from spread.monitor.watch import Watched

ROSTER = roster_of(local_ring(24000, 3, 1))
STRANGER = Roster(ROSTER.targets, own=None, own_problem="no entry", path="spread.conf")

FAR = Target(3, "far", "192.0.2.9", 24000, identity="192.0.2.9")
"""A daemon of another host."""


def silent(**fields: object) -> Watched:
    return Watched(ROSTER.targets[2], silent_since_s=0.0, **fields)  # type: ignore[arg-type]


def test_a_port_that_nobody_has_means_a_daemon_that_does_not_run() -> None:
    found = silence_of(silent(trouble="refused"), ROSTER)

    assert found.sentence == (
        "nobody has 127.0.0.3, UDP port 24000: the daemon does not run there, or has another port"
    )
    assert found.checks[0].startswith("start the daemon local3")


def test_what_the_system_says_is_repeated() -> None:
    found = silence_of(silent(trouble="host unreachable"), ROSTER)

    assert found.sentence == "127.0.0.3, UDP port 24000: host unreachable"
    assert found.checks[0] == "address and route: ping 127.0.0.3, ip route get 127.0.0.3"


@pytest.mark.parametrize(
    ("since_s", "rest"), [(9.9, "; or it stopped less than 10 s ago"), (10, "")]
)
def test_a_daemon_that_another_one_counts_on_runs_or_has_just_stopped(
    since_s: float, rest: str
) -> None:
    peer = Peer("local3", "127.0.0.3", is_member=True, heard_ms=12)
    reports = [Report("local1", "127.0.0.1", state="OP", peers=(peer,))]
    found = silence_of(silent(), ROSTER, reports, since_s)

    assert found.checks[0] == (
        f"local1 has it in its ring: it runs, and the way from this host is closed{rest}"
    )


def test_who_forms_a_ring_is_no_witness_that_a_member_of_the_last_one_runs() -> None:
    peer = Peer("local3", "127.0.0.3", is_member=True, heard_ms=12)
    reports = [Report("local1", "127.0.0.1", state="GATHER", peers=(peer,))]
    found = silence_of(silent(), ROSTER, reports, 30)

    assert not any("has it in its ring" in check for check in found.checks)


def test_a_host_without_an_entry_is_told_how_it_gets_access() -> None:
    found = silence_of(Watched(FAR, silent_since_s=0.0), STRANGER)

    assert any("--monitor-allow NETWORK" in check for check in found.checks)


def test_a_host_is_told_nothing_of_access_to_its_own_daemons() -> None:
    found = silence_of(silent(), STRANGER)

    assert not any("--monitor-allow" in check for check in found.checks)


def test_an_entry_of_another_host_is_told_to_get_no_replies_of_classic_daemons() -> None:
    found = silence_of(Watched(FAR, silent_since_s=0.0), replace(STRANGER, own=FAR))

    assert any(
        check.startswith("-n: a classic daemon replies to 192.0.2.9") for check in found.checks
    )


@pytest.mark.parametrize(
    ("strange", "sentence", "check"),
    [
        (
            Strange(Oddity.OTHER_DAEMON, "local1"),
            "at 127.0.0.3, UDP port 24000, the daemon local1 answers",
            "if both are on one host: local1 listens on all its addresses",
        ),
        (
            Strange(Oddity.UNKNOWN_DAEMON, "10.0.0.9"),
            "at 127.0.0.3, UDP port 24000, a daemon answers that calls itself 10.0.0.9",
            "10.0.0.9 is not in the command line of --local",
        ),
        (
            Strange(Oddity.OTHER_ADDRESS, "10.0.0.9"),
            "local3 answers from 10.0.0.9, which is none of its addresses",
            "if 10.0.0.9 is of the host of local3: list it",
        ),
        (
            Strange(Oddity.NO_SENSE, "7 bytes"),
            "what answers at 127.0.0.3, UDP port 24000 is no daemon that this monitor knows",
            "which program that is: on its host, ss -lunp 'sport = :24000'",
        ),
        (
            Strange(Oddity.LATE),
            "127.0.0.3, UDP port 24000 answers too late, after more than 1 s",
            "the load of that host",
        ),
    ],
)
def test_what_came_back_instead_says_what_to_check(
    strange: Strange, sentence: str, check: str
) -> None:
    found = silence_of(silent(strange=strange), ROSTER)

    assert found.sentence.startswith(sentence)
    assert found.checks[0].startswith(check)


@pytest.mark.parametrize("bound", ["127.0.0.3", "0.0.0.0"])
def test_a_program_of_this_host_that_has_the_port_and_says_nothing(bound: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((bound, 0))
        target = replace(ROSTER.targets[2], port=sock.getsockname()[1])

        found = silence_of(Watched(target, silent_since_s=0.0), ROSTER)

    assert found.sentence == (
        f"no answer from 127.0.0.3, UDP port {target.port}, though a program of this host has "
        f"that port"
    )
    assert found.checks[0] == f"which one: ss -lunp 'sport = :{target.port}'"


def test_a_daemon_that_answered_before_does_so_no_more() -> None:
    found = silence_of(silent(heard_s=1.0), ROSTER)

    assert found.sentence == "no answer any more from 127.0.0.3, UDP port 24000"


def test_without_a_sign_host_firewall_and_file_are_to_be_checked() -> None:
    found = silence_of(silent(), ROSTER, since_s=4.0)

    assert found.since_s == 4.0
    assert [check.split()[0] for check in found.checks] == ["that", "firewalls", "name"]
