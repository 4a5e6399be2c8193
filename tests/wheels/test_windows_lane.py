"""The Windows lane ends where something fails; its steps are played by programs that do so."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="runs on Linux only")

# Notes what it was called for, and fails when that is what is to fail. Makes what others look for.
STEP = """#!/bin/bash
echo "$*" >>"$STEPS"
case "$*" in
*"$FAILING"*) exit "$STATUS" ;;
*runtime.py*) mkdir -p "$3" ;;
*build.py*) mkdir -p "$4" && touch "$4/spreadring.whl" ;;
esac
"""


@pytest.fixture
def lane(tmp_path: Path) -> Path:
    """A tree with the lane, and nothing behind it."""
    folder = tmp_path / "tree" / "wheels" / "windows"
    shutil.copytree(REPOSITORY / "wheels" / "windows", folder)
    programs = tmp_path / "programs"
    programs.mkdir()
    for each in ("python", "python3.11", "wine", "x86_64-w64-mingw32-gcc"):
        (programs / each).write_text(STEP, encoding="utf-8")
        (programs / each).chmod(0o755)
    (folder / "wine.sh").write_text(STEP, encoding="utf-8")
    return folder / "lane.sh"


def run(
    lane: Path, tmp_path: Path, failing: str, status: int = 3, words: Sequence[str] = ()
) -> tuple[int, list[str], str]:
    """Return the exit status, what was run, and what was complained about."""
    programs = tmp_path / "programs"
    steps = tmp_path / "steps"
    environment = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHON": str(programs / "python"),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "STEPS": str(steps),
        "FAILING": failing,
        "STATUS": str(status),
    }
    steps.touch()
    done = subprocess.run(
        ["bash", lane, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, steps.read_text(encoding="utf-8").splitlines(), done.stderr


@pytest.mark.parametrize(
    "step",
    ["runtime.py", "build.py", "contents.py", "needs.py", "-m pip install", "smoke.py", "ring.py"],
)
def test_the_lane_ends_with_the_step_that_fails(step: str, lane: Path, tmp_path: Path) -> None:
    status, steps, _ = run(lane, tmp_path, failing=step)

    assert status == 3
    assert step in steps[-1]


def test_an_interpreter_that_cannot_be_had_is_no_failure(lane: Path, tmp_path: Path) -> None:
    status, steps, _ = run(lane, tmp_path, failing="runtime.py", status=77)

    assert status == 77
    assert "runtime.py" in steps[-1]


@pytest.mark.parametrize(
    "words",
    [["--python"], ["--python", "three"], ["--only"], ["--only", "some"], ["--all"], ["tests"]],
)
def test_wrong_use_runs_nothing_and_shows_what_is_right(
    words: list[str], lane: Path, tmp_path: Path
) -> None:
    status, steps, said = run(lane, tmp_path, failing="nothing", words=words)

    assert (status, steps) == (2, [])
    assert "lane.sh [--python 3.11] [--only wheel|ring|tests]" in said
