"""Cells of losses and of a slow host, on running daemons."""

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.cell import Cell, Effort
from bench.fault_cells import LossCell, SlowHostCell, core_cells, further_cells
from bench.fleet import RunningSystem
from bench.system import LOOPBACK, SPREAD, Topology

SHORT = Effort(runs=1, warm_up_s=0.1, duration_s=0.3)
TRIO = Topology(daemons=3, links=LOOPBACK, is_fresh=True)


def test_names_of_cells_are_unique() -> None:
    names = [cell.name for cell in [*core_cells(), *further_cells()]]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "cell", [LossCell(100, 0.05, TRIO), SlowHostCell(100, TRIO)], ids=["loss", "slow host"]
)
def test_cell_has_a_value_for_each_figure(cell: Cell) -> None:
    with RunningSystem(SPREAD, cell.topology) as system:
        sample = cell.run(system, SHORT)

    assert len(sample.values) == len(cell.figures)
    assert all(value > 0 for value in sample.values)
    assert sample.values[2] == pytest.approx(sample.values[1] / sample.values[0])
