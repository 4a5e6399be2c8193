"""Cells of cost and of a stalled member, on running daemons."""

import shutil

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.cell import Cell, Effort
from bench.cost_cells import RingCell, SystemCallCell, core_cells, further_cells
from bench.curve_cells import CurveCell
from bench.fleet import RunningSystem
from bench.load import Workload
from bench.stalled import StalledCell
from bench.system import LOOPBACK, SPREAD, Topology

SHORT = Effort(runs=1, warm_up_s=0.05, duration_s=0.2)
WORKLOAD = Workload(payload_size=100, window=50)
PAIR = Topology(daemons=2, links=LOOPBACK, is_fresh=True)


def test_names_of_cells_are_unique() -> None:
    names = [cell.name for cell in [*core_cells(), *further_cells()]]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(
            RingCell(
                name="x",
                title="x",
                workload=Workload(payload_size=100, window=50, senders=2),
                topology=PAIR,
            ),
            id="ring",
        ),
        pytest.param(StalledCell(name="x", title="x", workload=WORKLOAD), id="stalled"),
        pytest.param(
            CurveCell(name="x", title="x", workload=WORKLOAD, topology=Topology()), id="curve"
        ),
    ],
)
def test_cell_has_a_value_for_each_figure(cell: Cell) -> None:
    with RunningSystem(SPREAD, cell.topology) as system:
        sample = cell.run(system, SHORT)

    assert len(sample.values) == len(cell.figures)
    assert all(value >= 0 for value in sample.values)
    assert sample.extra


def test_system_calls_are_counted_per_delivery() -> None:
    if shutil.which("perf") is None and shutil.which("strace") is None:
        pytest.skip("neither perf nor strace is installed")
    cell = SystemCallCell(name="x", title="x", workload=WORKLOAD, topology=Topology())

    with RunningSystem(SPREAD, cell.topology) as system:
        sample = cell.run(system, SHORT)

    assert 0 < sample.values[0] < 20
    assert sample.extra["tool"] in ("perf", "strace")
