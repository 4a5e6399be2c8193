"""The workflow of a public CI names files, jobs and platforms that exist."""

from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="pyyaml is not installed: make wheels")

REPOSITORY = Path(__file__).resolve().parent.parent.parent
RUNNERS = {
    "ubuntu-24.04",
    "ubuntu-24.04-arm",
    "macos-15",
    "windows-2025",
    "windows-11-arm",
}


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    path = REPOSITORY / ".github/workflows/wheels.yml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_runners_are_those_that_exist_and_cover_all_systems(workflow: dict[Any, Any]) -> None:
    found = {
        runner
        for job in workflow["jobs"].values()
        for runner in job.get("strategy", {}).get("matrix", {}).get("runner", [job["runs-on"]])
    }

    assert found == RUNNERS


def test_jobs_wait_only_for_jobs_that_exist(workflow: dict[Any, Any]) -> None:
    for name, job in workflow["jobs"].items():
        needs = job.get("needs", [])
        waits_for = {needs} if isinstance(needs, str) else set(needs)
        assert waits_for <= set(workflow["jobs"]), name


def test_each_step_uses_an_action_of_a_fixed_version_or_runs_a_command(
    workflow: dict[Any, Any],
) -> None:
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step
            assert "@v" in step.get("uses", "@v"), step


def test_what_runs_python_has_it_set_up_before(workflow: dict[Any, Any]) -> None:
    for name, job in workflow["jobs"].items():
        is_set_up = False
        for step in job["steps"]:
            is_set_up |= "setup-python@" in step.get("uses", "")
            words = step.get("run", "").split()
            assert "python3" not in words, "the system's: not there on each runner"
            assert is_set_up or "python" not in words, name
            if "sudo" in words and ".ci/run" in words:
                assert '"PATH=$PATH"' in words, name


def test_make_targets_and_scripts_that_are_run_exist(workflow: dict[Any, Any]) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    words = [
        line.split()
        for job in workflow["jobs"].values()
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
    ]

    for line in words:
        for word in line:
            if word.startswith(("wheels/", "tests/")):
                assert (REPOSITORY / word).exists(), word
        if line and line[0] == "make":
            assert f"\n{line[1]}:" in makefile, line
