"""`spread doctor` on the loopback interface, without any rights."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from spread.daemon.responder import KBYTE, KBYTES_A_SECOND, KBYTES_AT_ONCE
from spread.monitor.doctor_talk import PROBES_MAX, Hearing
from spread.monitor.probes import Way
from spread.monitor.queries import COOKIE_SIZE, NO_COOKIE, Kind, Query, encode_query
from spread.monitor.report import from_json
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.questions import Questioner
from tests.daemon.harness.waiting import wait_until
from tests.daemon.programs import run_program
from tests.daemon.test_local_ring import SIZE, LocalRing


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRing]:
    """A ring of three; whoever takes something from it is the last to have it."""
    started = LocalRing(tmp_path_factory.mktemp("ring"))
    for name in ("local1", "local2", "local3"):
        started.wait_for(SIZE, name)
    yield started
    started.parent.signal(signal.SIGTERM)
    started.parent.wait()


def doctor(port: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_program("spread", "doctor", "--local", str(SIZE), "--port", str(port), *arguments)


def test_a_ring_that_is_well_has_a_matrix_without_troubles(ring: LocalRing) -> None:
    done = doctor(ring.port)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "local1     .       + ok    + ok" in done.stdout
    assert "Nothing is wrong." in done.stdout


def test_without_daemons_the_doctor_stands_in_for_the_own_one() -> None:
    done = doctor(free_port())

    assert done.returncode == 1
    assert "are free: no daemon runs here, the doctor stood in for it" in " ".join(
        done.stdout.split()
    )
    assert "1 failure, 1 note" in done.stdout
    assert "1. failure: local2, local3: no daemon runs at 127.0.0.2" in done.stdout


def test_listening_ends_by_itself_after_the_time_given() -> None:
    done = doctor(free_port(), "--listen", "--for", "0.1")

    assert done.returncode == 0
    assert "listening as local1 at udp 127.0.0.1" in done.stdout


def test_where_a_daemon_runs_nobody_can_listen(ring: LocalRing) -> None:
    done = doctor(ring.port, "--listen")

    assert done.returncode == 1
    assert "in use" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--port", "5"), ("--local", "0"), ("--for", "3"), ("--local", "-c", "x"), ("--nonsense",)],
)
def test_a_command_line_that_makes_no_sense_is_usage(arguments: tuple[str, ...]) -> None:
    assert run_program("spread", "doctor", *arguments).returncode == 64


def test_a_file_that_is_wrong_or_missing_is_told_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "spread.conf"
    file.write_text("Spread_Segment 10.0.0.255:4803 {\n  a 10.0.0.1.7\n}\n")

    wrong = run_program("spread", "doctor", "-c", str(file))
    missing = run_program("spread", "doctor", "-c", str(tmp_path / "none"))

    assert wrong.returncode == missing.returncode == 2
    assert f"{file}:2:" in wrong.stderr
    assert "cannot be read" in missing.stderr


def test_who_never_reads_is_sent_less_than_is_sent_under_its_address_and_others_are_answered(
    ring: LocalRing,
) -> None:
    place = ("127.0.0.1", ring.port)
    order = {"do": "send", "run": 1, "order": 1, "probes": [[1, Way.DATA, 65507, 0]] * 32}
    forged = [
        encode_query(Query(number, kind, arguments, "127.0.0.1", cookie))
        for number in range(50)
        for kind, arguments in ((Kind.GROUPS, {}), (Kind.REPORT, {}), (Kind.PROBE, order))
        for cookie in (NO_COOKIE, bytes([1 + number]) * COOKIE_SIZE)
    ]
    with Questioner("127.0.4.1") as host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as same:
        same.bind(("127.0.4.1", 0))
        host.ask(place, Kind.REPORT)
        for number, data in enumerate(forged):
            same.sendto(data, place)
            if number % 100 == 0:
                answered = host.ask(place, Kind.REPORT)
        host.ask(place, Kind.REPORT)
        came = waiting_in(same)

    assert answered.kind == Kind.REPORT
    assert 0 < len(came) <= len(forged)
    assert max(map(len, came)) < min(map(len, forged))


def waiting_in(sock: socket.socket) -> list[bytes]:
    """Return the datagrams that have come to a socket."""
    sock.setblocking(False)
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(sock.recv(65535))
    return found


def test_daemons_that_are_ordered_at_one_send_no_more_than_it_agrees_to(ring: LocalRing) -> None:
    begin = time.monotonic()
    with Questioner("127.0.4.2") as asker:
        for number in range(1, 9):
            for daemon in (2, 3):
                probes = [[0, Way.DATA, 65507, 0]] * PROBES_MAX
                order = {"do": "send", "run": 5, "order": number, "probes": probes}
                asker.ask((f"127.0.0.{daemon}", ring.port), Kind.PROBE, order)
        heard = asker.ask(("127.0.0.1", ring.port), Kind.PROBE, {"do": "heard", "run": 5})
    seconds = time.monotonic() - begin

    found = from_json(Hearing, heard.json).heard
    size = sum(each.size * each.count for each in found)
    assert {each.sender for each in found} <= {1, 2}
    assert 0 < size <= KBYTE * (KBYTES_AT_ONCE + KBYTES_A_SECOND * seconds)


def test_answers_to_what_was_passed_on_are_told_once_to_who_says_which_he_has(
    ring: LocalRing,
) -> None:
    place = ("127.0.0.1", ring.port)
    order = {"do": "pass", "nonce": 9, "to": [1, 2], "order": {"do": "facts"}}

    with Questioner("127.0.4.3") as asker:
        passed = wait_until(lambda: both_passed_on(asker, place, order), "answers of both")
        rest = json.loads(asker.ask(place, Kind.PROBE, {**TOLD, "known": [1]}).json)

    assert [passed[each]["name"] for each in ("1", "2")] == ["local2", "local3"]
    assert (list(rest["answers"]), rest["left"]) == (["2"], [])


TOLD = {"do": "passed", "nonce": 9}


def both_passed_on(
    asker: Questioner, place: tuple[str, int], order: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Have a question passed on to two; return their answers once both have come."""
    asker.ask(place, Kind.PROBE, order)
    told: dict[str, dict[str, Any]] = json.loads(asker.ask(place, Kind.PROBE, TOLD).json)["answers"]
    return told if len(told) == 2 else {}


def test_a_daemon_that_is_gone_fails_the_ring(ring: LocalRing) -> None:
    os.kill(ring.process_of("local2"), signal.SIGKILL)
    ring.wait_for(SIZE - 1)

    done = doctor(ring.port, "--json")

    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 1
    assert [each["state"] for each in found["daemons"]] == ["daemon", "no daemon runs", "daemon"]
    assert [each["rule"] for each in found["problems"]] == ["silent"]
