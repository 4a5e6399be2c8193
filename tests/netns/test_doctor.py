"""`spread doctor` on networks that are well, and on some that are not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.mounts import die_with_parent
from tests.daemon.harness.waiting import DEADLINE, wait_until
from tests.netns.daemons import PORT, REPOSITORY, Daemon
from tests.netns.rings import Ring, lan

SIZE_USED = 1472
"""Bytes of UDP payload of the largest datagrams that the ring uses."""

COMMAND = [sys.executable, "-m", "spread", "doctor", "-c", "spread.conf"]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(REPOSITORY), "COLUMNS": "100"}


def write_file(ring: Ring, number: int) -> Daemon:
    """Write the configuration file of a daemon; return the daemon."""
    daemon = ring.daemons[number]
    daemon.directory.mkdir(parents=True, exist_ok=True)
    (daemon.directory / "spread.conf").write_text(daemon.text)
    return daemon


def doctor(ring: Ring, number: int) -> dict[str, Any]:
    """Run the doctor on the host of a daemon; return its JSON."""
    daemon = write_file(ring, number)
    with daemon.host.namespace.entered():
        done = subprocess.run(
            [*COMMAND, "--json"],
            cwd=daemon.directory,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == found["status"], done.stderr
    return found


def words(found: dict[str, Any]) -> list[list[str]]:
    """Return the matrix, the word of a way or `.` for itself."""
    return [[cell["word"] or "." for cell in row] for row in found["matrix"]]


def problems(found: dict[str, Any], severity: str = "failure") -> list[tuple[str, str]]:
    """Return rule and subject of each problem."""
    return [
        (each["rule"], each["subject"])
        for each in found["problems"]
        if each["severity"] == severity
    ]


@pytest.fixture(scope="module")
def shared_ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    """A ring of three, which each test leaves as it was."""
    with lan(tmp_path_factory.mktemp("ring"), 3) as ring:
        yield ring


@pytest.fixture
def ring(shared_ring: Ring) -> Iterator[Ring]:
    """The ring, complete."""
    with shared_ring.stage():
        yield shared_ring


def test_nothing_is_wrong_with_a_ring_that_is_well(ring: Ring) -> None:
    found = doctor(ring, 0)

    assert words(found) == [[".", "ok", "ok"], ["ok", ".", "ok"], ["ok", "ok", "."]]
    assert problems(found) == []
    assert found["status"] == 0
    assert {each["state"] for each in found["daemons"]} == {"daemon"}


def test_the_ring_does_not_notice_the_doctor(ring: Ring) -> None:
    before = [daemon.ring_id for daemon in ring.daemons]

    doctor(ring, 1)

    assert [daemon.ring_id for daemon in ring.daemons] == before
    assert not any(daemon.find("trouble with a daemon") for daemon in ring.daemons)


@contextmanager
def shut(ring: Ring, number: int, *ports: int) -> Iterator[None]:
    """Let a firewall of a host drop what arrives for some ports; wait at the end."""
    host = ring.daemons[number].host
    host.drop_arriving(*ports)
    try:
        yield
    finally:
        host.pass_arriving(*ports)
    wait_until_all_agree(ring)


def wait_until_all_agree(ring: Ring) -> None:
    """Wait until each agrees to the others' probes: who was not heard is not asked for a while."""
    wait_until(lambda: not withheld(doctor(ring, 0)), "probes that nobody withholds")


def test_a_shut_token_port_is_found_from_another_host(ring: Ring) -> None:
    with shut(ring, 2, PORT + 1):
        found = doctor(ring, 0)

    assert words(found) == [[".", "ok", "no token"], ["ok", ".", "no token"], ["ok", "ok", "."]]
    assert problems(found) == [("firewall", "d3")]
    assert f"UDP port {PORT + 1}" in found["problems"][0]["remedy"]
    assert found["status"] == 1


def test_a_shut_data_port_is_found_by_asking_at_the_other(ring: Ring) -> None:
    with shut(ring, 2, PORT):
        found = doctor(ring, 0)

    assert [row[2] for row in words(found)][:2] == ["no data", "no data"]
    assert ("firewall", "d3") in problems(found)


@contextmanager
def one_way(ring: Ring) -> Iterator[None]:
    """Let nothing of d1 arrive at d3; wait at the end."""
    host = ring.daemons[0].host.namespace
    wrong = "10.1.0.3 lladdr 02:00:00:00:00:99 dev eth0"
    host.ip(f"neigh replace {wrong} nud permanent")
    try:
        yield
    finally:
        host.ip(f"neigh del {wrong}")
    wait_until_all_agree(ring)


def withheld(found: dict[str, Any]) -> set[tuple[str, str]]:
    """Return who had no probes for whom, because he did not agree to them."""
    return {(each["from"], each["to"]) for each in found["probes"] if "agree" in each["not_sent"]}


def largest_arrived(found: dict[str, Any], sender: str, target: str) -> int:
    """Return the size of the largest probe that arrived."""
    return max(
        each["bytes"]
        for each in found["probes"]
        if (each["from"], each["to"]) == (sender, target) and each["arrived"]
    )


def test_a_one_way_link_is_found(ring: Ring) -> None:
    with one_way(ring):
        found = doctor(ring, 1)

    # The consent of d1 does not come to d3: what is larger goes as far as there was one before.
    seen = largest_arrived(found, "d3", "d1")
    way_back = "ok" if seen >= SIZE_USED else f"up to {seen}"
    assert words(found) == [[".", "ok", "nothing"], ["ok", ".", "ok"], [way_back, "ok", "."]]
    assert problems(found) == [("one-way-link", "d1 -> d3")]


def test_a_one_way_link_is_found_from_its_own_end(ring: Ring) -> None:
    with one_way(ring):
        found = doctor(ring, 0)

    assert found["daemons"][2]["state"] == "daemon, answers others only"
    assert problems(found) == [("one-way-link", "d1 -> d3")]
    # To ask somebody to agree, and to hear that he does, both directions are needed.
    assert withheld(found) == {("d1", "d3"), ("d3", "d1")}


def test_a_small_mtu_that_nobody_tells_of_is_found(ring: Ring) -> None:
    ring.switch.set_mtu("h3", 1400)
    try:
        found = doctor(ring, 0)
    finally:
        ring.switch.set_mtu("h3", 1500)

    assert words(found)[2] == ["small only", "small only", "."]
    # What a bridge cannot pass on to a port it drops, or cuts where it may.
    assert {words(found)[0][2], words(found)[1][2]} <= {"small only", "cut"}
    assert {rule for rule, _ in problems(found)} == {"mtu"}
    assert "PacketSize = 1232" in found["problems"][0]["remedy"]


def test_dropped_fragments_are_a_note_where_the_ring_sends_none(ring: Ring) -> None:
    ring.daemons[2].host.drop_fragments()
    try:
        found = doctor(ring, 0)
    finally:
        ring.daemons[2].host.namespace.set_option("ipv4/ipfrag_high_thresh", "4194304")
        ring.daemons[2].host.namespace.set_option("ipv4/ipfrag_low_thresh", "3145728")

    assert problems(found) == []
    assert problems(found, "note") == [("no-fragments", "all -> d3")]


def test_multicast_that_does_not_reach_a_host_is_found(ring: Ring) -> None:
    ring.switch.set_multicast("h3", passes=False)
    try:
        found = doctor(ring, 0)
    finally:
        ring.switch.set_multicast("h3", passes=True)

    assert [row[2] for row in words(found)] == ["no multicast", "no multicast", "."]
    assert problems(found) == [("multicast", "d3")]


def test_a_daemon_that_is_down_is_told_from_a_host_that_is_away(ring: Ring) -> None:
    ring.daemons[1].host.namespace.set_option("ipv4/icmp_ratelimit", "0")
    ring.daemons[1].kill()
    ring.switch.set_cable("h3", plugged=False)

    found = doctor(ring, 0)

    states = [each["state"] for each in found["daemons"]]
    assert states[:2] == ["daemon", "no daemon runs"]
    assert problems(found) == [("silent", "d2"), ("silent", "d3")]
    assert words(found)[0][1] == "not running"


@contextmanager
def listening(ring: Ring, *numbers: int) -> Iterator[list["subprocess.Popen[str]"]]:
    """Let doctors listen on the hosts of these daemons."""
    processes = [listen(ring, each) for each in numbers]
    try:
        for each in processes:
            assert each.stdout is not None
            assert "listening as" in each.stdout.readline()
        yield processes
    finally:
        for each in processes:
            each.terminate()
        for each in processes:
            each.wait(DEADLINE)
            assert each.stdout is not None
            each.stdout.close()


def listen(ring: Ring, number: int) -> "subprocess.Popen[str]":
    daemon = write_file(ring, number)
    with daemon.host.namespace.entered():
        return subprocess.Popen(
            [*COMMAND, "--listen"],
            cwd=daemon.directory,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads.
        )


def test_before_operation_doctors_listen_in_place_of_daemons(tmp_path: Path) -> None:
    with lan(tmp_path, 3, starts=False) as ring:
        with listening(ring, 1, 2) as processes:
            found = doctor(ring, 0)
        # The same doctors' host, with another file.
        odd = ring.daemons[2]
        odd.text = odd.text.replace("d2 10.1.0.2", "dd 10.1.0.2")
        with listening(ring, 1, 2):
            differing = doctor(ring, 0)

    assert words(found) == [[".", "ok", "ok"], ["ok", ".", "ok"], ["ok", "ok", "."]]
    assert {each["state"] for each in found["daemons"]} == {"doctor in its place"}
    assert problems(found, "note") == [("stand-in", "d1, d2, d3")]
    assert found["status"] == 0
    assert [each.returncode for each in processes] == [0, 0]
    assert ("two-configurations", "d3") in problems(differing)
