"""`python -m bench` as a user runs it: two implementations in turn, its documents, its refusals."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.document import read
from bench.namespaces import why_impossible
from bench.report import markdown

ROOT = Path(__file__).resolve().parents[2]
SHORT = ("--quick", "--runs", "2", "--duration", "0.05")
AGAIN = f"again=env PYTHONPATH={ROOT} {{python}} -m spread -n {{name}} -c {{config}}"


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def order_of(told: str) -> list[str]:
    """Labels in the order in which their runs ended, by the lines of progress."""
    return [line.split(": ")[1] for line in told.splitlines() if line.startswith("custom-")]


@pytest.mark.parametrize("links", ["namespaces", "loopback"])
def test_two_builds_take_turns_on_a_ring_and_are_compared(tmp_path: Path, links: str) -> None:
    reason = why_impossible()
    if links == "namespaces" and reason:
        pytest.skip(reason)

    done = bench(
        *(
            *SHORT,
            "--daemons",
            "3",
            "--links",
            links,
            "--payload",
            "200",
            "--service",
            "agreed*2+safe",
        ),
        *("--options", "EventTimeStamp;DebugFlags = { PRINT EXIT }", "--no-limit"),
        *("--against", AGAIN, "--output", str(tmp_path)),
    )

    assert done.returncode == 0, done.stderr
    assert order_of(done.stderr) == ["spread", "again", "spread", "again"]
    stored = json.loads((tmp_path / "latest.json").read_text())
    check_document(stored, links)
    page = (tmp_path / "latest.md").read_text()
    assert page in done.stdout
    assert "| cell | unit | spread | target | met | again | spread / again |" in page
    assert markdown(read(tmp_path / "latest.json")) == page


def check_document(stored: dict[str, Any], links: str) -> None:
    """Every part of the document has what was run."""
    assert stored["format"] == 1
    assert [each["label"] for each in stored["implementations"]] == ["spread", "again"]
    [version] = {each["version"] for each in stored["implementations"]}
    assert version.count(".") == 2
    [cell] = stored["cells"]
    assert links in cell["topology"]
    assert cell["workload"]["services"] == ["agreed", "agreed", "safe"]
    assert cell["faults"] == {}
    for label in ("spread", "again"):
        assert len(cell["runs"][label]) == 2
        for run in cell["runs"][label]:
            assert run["values"][0] > 0
            assert len(run["values"]) == len(cell["figures"])
            assert len(run["measurement"]["delivered"]) == 3
            assert run["measurement"]["latency_other"]["count"] > 0


def test_limits_of_kernel_and_forwarder_stand_beside_a_cell(tmp_path: Path) -> None:
    done = bench(*SHORT, "--daemons", "2", "--links", "loopback", "--output", str(tmp_path))

    document = read(tmp_path / "latest.json")
    assert done.returncode == 0, done.stderr
    assert len(document.cells[0].values("limit", 0)) == 2
    assert any(sum(limit.values) > 0 for limit in document.limits.values())


def test_daemon_that_cannot_start_is_a_fault_of_the_report_and_of_the_exit_code(
    tmp_path: Path,
) -> None:
    done = bench(
        *(*SHORT, "--payload", "10", "--daemon-command", "{python} -c print('no_daemon')"),
        *("--no-limit", "--output", str(tmp_path)),
    )

    assert done.returncode == 1
    assert "no_daemon" in (tmp_path / "latest.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no cell is named 'nothing'"),
        (["--runs", "0"], "--runs 0"),
        (["--duration", "0"], "--duration 0"),
        (["--daemons", "0"], "--daemons 0"),
        (["--daemons", "3", "tcp-100"], "not both"),
        (["--clients", "2", "--senders", "3"], "--senders 3"),
        (["--payload", "1k"], "--payload '1k'"),
        (["--service", "causal+total"], "--service 'causal+total'"),
        (["--service", "safe*x"], "--service 'safe*x'"),
        (["--window", "0"], "--window 0"),
        (["--rate", "-5"], "--rate -5"),
        (["--poisson"], "--poisson"),
        (["--payload", "9000000"], "--payload '9000000'"),
        (["--faults", "loss=0.05"], "--faults 'loss=0.05'"),
        (["--daemons", "3", "--faults", "loss=2"], "'2' is no value of loss"),
        (["--mtu", "100"], "--mtu 100"),
        (["--against", "classic"], "--against 'classic'"),
        (["--against", "limit=true"], "'limit' is taken"),
        (["--daemon-command", "spread {nmae}"], "'spread {nmae}' cannot be read"),
        (["--daemon-command", "spread '"], "cannot be read"),
    ],
)
def test_bad_usage_is_refused_with_what_was_wrong(arguments: list[str], message: str) -> None:
    done = bench(*arguments)

    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
