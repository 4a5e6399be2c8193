"""`python -m bench` as a user runs it: two implementations in turn, its documents, its refusals."""

import json
import signal
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
        timeout=300,  # On a machine with much else to do.
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
            *("--duration", "0.5"),  # Messages come back in that time on a busy machine, too.
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--payload", "10", "--daemon-command", "{python} -c print('no_daemon')"], "no_daemon"),
        (["unix-100", "--daemon-command", "/bin/true"], "it printed nothing"),
        (["unix-100", "--against", "other=/nonexistent -n {name}"], "/nonexistent"),
        (["--daemons", "2", "--links", "loopback", "--options", "Foo = 1"], "Foo = 1"),
        (["--payload", "200000"], "takes no 200,000 bytes"),
    ],
)
def test_what_cannot_run_is_refused_in_one_line_before_anything_is_measured(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    before = tmp_path / "latest.md"
    before.write_text("of an earlier run")

    done = bench(*SHORT, *arguments, "--output", str(tmp_path))

    assert done.returncode == 64
    [line] = done.stderr.splitlines()
    assert message in line
    assert done.stdout == ""
    assert before.read_text() == "of an earlier run"


def test_stopped_run_says_so_and_leaves_the_latest_alone(tmp_path: Path) -> None:
    before = tmp_path / "latest.md"
    before.write_text("of an earlier run")
    command = [sys.executable, "-m", "bench", "unix-100", "unix-1350", "--no-limit"]
    command += ["--runs", "1", "--duration", "0.05", "--output", str(tmp_path)]

    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        while not process.stderr.readline().startswith("[2/2"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "**This run was stopped at " in printed
    assert "after 1 of 2 cells" in printed
    assert before.read_text() == "of an earlier run"
    [kept] = tmp_path.glob("2*.json")
    assert [cell.name for cell in read(kept).cells] == ["unix-100"]


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

    assert done.returncode == 64
    [line] = done.stderr.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "address 'nowhere'"),
        (["99999@localhost"], "port '99999'"),
        (["4803", "--payload", "100000000"], "100000000"),
        (["4803", "--service", "total"], "'total'"),
        (["4803", "--senders", "0"], "senders"),
        (["4803", "--rate", "fast"], "fast"),
    ],
)
def test_load_by_hand_refuses_what_it_cannot_send(arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 64
    [line] = done.stderr.splitlines()
    assert message in line
