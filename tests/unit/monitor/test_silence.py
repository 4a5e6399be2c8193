"""Why a daemon does not answer, and what to check."""

from spread.config import local_ring
from spread.monitor.report import Peer, Report
from spread.monitor.roster import Roster, roster_of
from spread.monitor.silence import silence_of
from spread.monitor.watch import Watched

ROSTER = roster_of(local_ring(24000, 3, 1))
STRANGER = Roster(ROSTER.targets, own=None, own_problem="no entry", path="spread.conf")


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


def test_a_daemon_that_another_one_hears_runs() -> None:
    peer = Peer("local3", "127.0.0.3", is_member=True, heard_ms=12)
    found = silence_of(silent(), ROSTER, [Report("local1", "127.0.0.1", peers=(peer,))])

    assert found.checks[0].startswith("local1 has it in its ring, so it runs")


def test_a_host_without_an_entry_is_told_how_it_gets_access() -> None:
    found = silence_of(silent(), STRANGER)

    assert any("--monitor-allow NETWORK" in check for check in found.checks)


def test_a_daemon_that_answered_before_does_so_no_more() -> None:
    found = silence_of(silent(heard_s=1.0), ROSTER)

    assert found.sentence == "no answer any more from 127.0.0.3, UDP port 24000"


def test_without_a_sign_host_firewall_and_file_are_to_be_checked() -> None:
    found = silence_of(silent(), ROSTER, since_s=4.0)

    assert found.since_s == 4.0
    assert [check.split()[0] for check in found.checks] == ["that", "firewalls", "name"]
