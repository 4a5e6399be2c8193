import sys
from operator import attrgetter
from pathlib import Path

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.cell import Effort
from bench.cells import all_cells, core_cells, select
from bench.fleet import Fleet
from bench.load_cell import ONE_DAEMON, LoadCell
from bench.runs import run_cell
from bench.system import LIMIT, Implementation

SHORT = Effort(runs=2, warm_up_s=0, duration_s=0.1, latency_s=0.01)


def test_no_module_hides_one_of_the_standard_library() -> None:
    # A script of bench/ that is run by its path looks for modules there first.
    names = {path.stem for path in (Path(__file__).parents[3] / "bench").glob("*.py")}

    assert names & sys.stdlib_module_names == set()


def test_cell_names_are_unique() -> None:
    names = [cell.name for cell in all_cells()]

    assert len(names) == len(set(names))


def test_patterns_select_cells_in_their_order() -> None:
    names = [cell.name for cell in select(core_cells(), ["tcp-1*", "unix-ping"])]

    assert names == ["tcp-100", "tcp-1350", "unix-ping"]


def test_pattern_without_a_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="no cell is named 'nothing'"):
        select(core_cells(), ["nothing"])


def test_implementations_take_turns() -> None:
    told: list[str] = []
    other = Implementation("other", LIMIT.command)
    [cell] = select(all_cells(), ["unix-ping"])

    with Fleet() as fleet:
        result = run_cell(cell, [other, LIMIT], fleet, SHORT, told.append)

    assert [line.split(": ")[1] for line in told] == ["other", "limit", "other", "limit"]
    assert len(result.values("other", 0)) == len(result.values("limit", 0)) == 2


def test_daemon_that_does_not_start_is_noted_and_the_others_go_on() -> None:
    told: list[str] = []
    broken = Implementation("broken", "{python} -c print('no_such_option')")
    [cell] = select(all_cells(), ["unix-ping"])

    with Fleet() as fleet:
        result = run_cell(cell, [broken, LIMIT], fleet, SHORT, told.append)

    assert "no_such_option" in result.faults["broken"]
    assert len(result.values("limit", 0)) == 2


@pytest.mark.parametrize(
    "cell",
    [c for c in all_cells() if isinstance(c, LoadCell) and c.topology == ONE_DAEMON],
    ids=attrgetter("name"),
)
def test_every_load_runs_on_the_forwarder(cell: LoadCell) -> None:
    with Fleet() as fleet:
        sample = cell.run(fleet.system(LIMIT, cell.topology), SHORT)

    assert sample.values[0] > 0
