"""All cells of the benchmark by name: what each part of it offers, and how to choose."""

from fnmatch import fnmatch

from bench import (
    client_cells,
    cost_cells,
    curve_cells,
    failover_cells,
    fault_cells,
    profile_cells,
    ring_cells,
    scale_cells,
)
from bench.cell import KINDS, Cell

# Each has core_cells(), which run in a quarter of an hour together, and further_cells().
PARTS = (
    client_cells,
    curve_cells,
    ring_cells,
    cost_cells,
    failover_cells,
    fault_cells,
    scale_cells,
    profile_cells,
)


def core_cells() -> list[Cell]:
    """Return the cells of `make bench`: most targets, in about 15 minutes."""
    return _in_order([cell for part in PARTS for cell in part.core_cells()])


def all_cells() -> list[Cell]:
    """Return every cell."""
    return _in_order(
        [
            cell
            for part in PARTS
            for cells in (part.core_cells(), part.further_cells())
            for cell in cells
        ]
    )


def _in_order(cells: list[Cell]) -> list[Cell]:
    """Return cells by the sections of the report, so that systems serve several in turn."""
    return sorted(cells, key=lambda cell: list(KINDS).index(cell.kind))


def select(cells: list[Cell], patterns: list[str]) -> list[Cell]:
    """Return the cells whose name matches one of the shell patterns.

    Raises ValueError for a pattern that matches none.
    """
    for pattern in patterns:
        if not any(fnmatch(cell.name, pattern) for cell in cells):
            raise ValueError(f"no cell is named {pattern!r}; `python -m bench --list` has them all")
    return [cell for cell in cells if any(fnmatch(cell.name, pattern) for pattern in patterns)]
