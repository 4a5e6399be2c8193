"""Profiles of a daemon that works, and what is said where there can be none."""

from pathlib import Path

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.cell import Effort
from bench.cells import core_cells, select
from bench.fleet import RunningSystem
from bench.load_cell import ONE_DAEMON, LoadCell
from bench.profile_cells import HOTTEST, ProfileCell, profile_of
from bench.profile_cells import core_cells as profile_cells
from bench.system import SPREAD

SHORT = Effort(warm_up_s=0.05, duration_s=0.3)


def load() -> LoadCell:
    """A load of one daemon."""
    [cell] = select(core_cells(), ["unix-100"])
    assert isinstance(cell, LoadCell)
    return cell


def test_shares_of_a_daemon_under_load_are_its_whole_time_or_a_reason_is_given() -> None:
    with RunningSystem(SPREAD, ONE_DAEMON) as system:
        extra = profile_of(load(), system, SHORT)

    if "note" in extra:
        pytest.skip(extra["note"])
    profile = extra["profile"]
    assert profile["sample_count"] > 0
    assert sum(share for _, share in profile["parts"]) == pytest.approx(1)
    assert len(profile["symbols"]) > 1


def test_missing_perf_is_noted_and_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunningSystem(SPREAD, ONE_DAEMON) as system:
        monkeypatch.setenv("PATH", str(tmp_path))
        sample = ProfileCell(load()).run(system, SHORT)

    assert sample.extra == {"note": "no profile: perf is not installed"}


def test_perf_that_is_refused_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    perf = tmp_path / "perf"
    perf.write_text("#!/bin/sh\necho 'not permitted' >&2\nexit 1\n")
    perf.chmod(0o755)
    with RunningSystem(SPREAD, ONE_DAEMON) as system:
        monkeypatch.setenv("PATH", str(tmp_path))
        sample = ProfileCell(load()).run(system, SHORT)

    assert sample.extra == {"note": "no profile: perf ended: not permitted"}


def test_hottest_loads_are_profiled_with_the_core_cells() -> None:
    assert [cell.name for cell in profile_cells()] == [f"profile-{name}" for name in HOTTEST]
