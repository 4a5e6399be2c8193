"""`spread doctor` on the loopback interface, without any rights."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.harness.ports import free_port
from tests.daemon.programs import run_program
from tests.daemon.test_local_ring import SIZE, LocalRing, ring

__all__ = ["ring"]  # A fixture.


def doctor(port: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_program("spread", "doctor", "--local", str(SIZE), "--port", str(port), *arguments)


def test_a_ring_that_is_well_has_a_matrix_without_troubles(ring: LocalRing) -> None:
    done = doctor(ring.port)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "local1     .       + ok    + ok" in done.stdout
    assert "Nothing is wrong." in done.stdout


def test_a_daemon_that_is_gone_fails_the_ring(ring: LocalRing) -> None:
    os.kill(ring.process_of("local2"), signal.SIGKILL)
    ring.wait_for(SIZE - 1)

    done = doctor(ring.port, "--json")

    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 1
    assert [each["state"] for each in found["daemons"]] == ["daemon", "no daemon runs", "daemon"]
    assert [each["rule"] for each in found["problems"]] == ["silent"]


def test_without_daemons_the_doctor_stands_in_for_the_own_one() -> None:
    done = doctor(free_port())

    assert done.returncode == 1
    assert "are free: no daemon runs here, the doctor stood in for it" in " ".join(
        done.stdout.split()
    )
    assert "2 failures" in done.stdout


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
