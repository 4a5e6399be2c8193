"""What a run says of the time that it still takes."""

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.cell import Effort
from bench.cells import core_cells, select
from bench.pace import Pace, clock, expected_s

EFFORT = Effort(runs=3, warm_up_s=0.5, duration_s=1.5)


def test_rest_is_scaled_by_what_was_taken() -> None:
    cells = select(core_cells(), ["unix-100", "unix-1350", "unix-8000"])
    pace = Pace(cells, EFFORT, 2)
    each_s = pace.left_s / 3

    pace.note(2 * each_s)

    assert pace.left_s == pytest.approx(2 * 2 * each_s)


def test_nothing_is_left_at_the_end() -> None:
    pace = Pace(select(core_cells(), ["unix-100"]), EFFORT, 2)

    pace.note(1.0)

    assert pace.left_s == 0


def test_cell_without_a_limit_is_run_by_the_daemons_alone() -> None:
    [cell] = select(core_cells(), ["crash"])

    assert expected_s(cell, EFFORT, 2) == expected_s(cell, EFFORT, 1) > 0


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.9, "1:01"), (700, "11:40")])
def test_times_are_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text
