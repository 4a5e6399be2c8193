"""`spmonitor` on hosts of a real network: who may ask, and what a firewall looks like."""

import json
from collections.abc import Iterator

import pytest

from bench.switch import Host, Plug
from tests.daemon.harness.waiting import wait_until
from tests.daemon.programs import run_program
from tests.netns.rings import Ring, lan

ALLOWED, STRANGER = "10.1.0.99", "10.1.0.98"
WELL, SILENT = 0, 69
REPLY_PORT = 6543


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    """A ring of two whose daemons answer one host more, and a host that they do not."""
    directory = tmp_path_factory.mktemp("monitor")
    with lan(directory, 2, options=[f'MonitorAllow = "{ALLOWED}/32"']) as ring:
        for name, address in (("allowed", ALLOWED), ("stranger", STRANGER)):
            ring.switch.add_host(name, Plug("eth0", f"{address}/24", "main"))
        wait_until(lambda: [each.ring for each in ring.daemons] == [("d1", "d2")] * 2, "a ring")
        # Daemons report once a second: the first report may be of the time before the ring.
        wait_until(lambda: status(ring, ring.daemons[0].host)[0] == WELL, "reports of the ring")
        yield ring


def status(ring: Ring, host: Host, *flags: str) -> tuple[int, str]:
    """Run `spmonitor status` on a host; return its exit status and output."""
    file = ring.daemons[0].directory / "spread.conf"
    with host.namespace.entered():
        done = run_program("spmonitor", "status", "-c", str(file), *flags)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_host_of_the_file_is_answered(ring: Ring) -> None:
    assert status(ring, ring.daemons[1].host)[0] == WELL


def test_a_host_whose_network_is_allowed_is_answered_without_an_entry(ring: Ring) -> None:
    code, shown = status(ring, ring.switch.hosts["allowed"], "--json")

    assert code == WELL
    assert [each["report"]["members"] for each in json.loads(shown)["daemons"]] == [
        ["d1", "d2"],
        ["d1", "d2"],
    ]


def test_a_stranger_is_told_how_daemons_let_it_ask(ring: Ring) -> None:
    code, shown = status(ring, ring.switch.hosts["stranger"])

    assert code == SILENT
    assert "d1 does not answer: no answer from 10.1.0.1, UDP port " in shown
    assert "access: this host has no entry in " in shown
    assert "--monitor-allow NETWORK" in shown


def test_a_firewall_before_the_port_for_replies_is_among_what_to_check(ring: Ring) -> None:
    host = ring.switch.hosts["allowed"]
    host.drop_arriving(REPLY_PORT)
    try:
        code, shown = status(ring, host, "-p", str(REPLY_PORT))
        other, _ = status(ring, host, "-p", "0")
    finally:
        host.pass_arriving(REPLY_PORT)

    assert code == SILENT
    assert "firewalls between here and there" in shown
    assert other == WELL
