"""Run cells several times, implementations taking turns: A, B, limit, A, B, limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from bench.cell import Cell, Effort, Sample
from bench.fleet import Fleet
from bench.load import LoadError
from bench.namespaces import NamespaceError
from bench.session import SessionError
from bench.system import LIMIT, DaemonError, Implementation

# What a run may raise: noted, and the other implementations go on.
FAILURES = (LoadError, SessionError, DaemonError, NamespaceError, OSError)


@dataclass(slots=True)
class CellResult:
    """All runs of one cell, by the label of the implementation, and what went wrong."""

    cell: Cell
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # What it took, start and end of its systems included.

    def values(self, label: str, figure: int) -> list[float]:
        """Return the values of one figure in the order of the runs; empty after a fault."""
        return [sample.values[figure] for sample in self.samples.get(label, [])]


def run_cell(
    cell: Cell,
    implementations: Sequence[Implementation],
    fleet: Fleet,
    effort: Effort,
    tell: Callable[[str], None],
) -> CellResult:
    """Run one cell as often as `effort` says for each implementation in turn.

    An implementation that fails once is left out of the rest of the cell, with the reason noted.
    """
    result = CellResult(cell)
    began_s = monotonic()
    for _ in range(effort.runs_of(cell.kind)):
        for implementation in implementations:
            label = implementation.label
            if label in result.faults or (implementation is LIMIT and not cell.has_limit):
                continue
            try:
                sample = cell.run(fleet.system(implementation, cell.topology), effort)
            except FAILURES as error:
                result.samples.pop(label, None)
                obituary = fleet.obituary(implementation, cell.topology)
                result.faults[label] = f"{error}{obituary}"
                tell(f"{cell.name}: {label}: {result.faults[label]}")
                fleet.discard(implementation, cell.topology)
                continue
            if cell.topology.is_fresh:
                fleet.discard(implementation, cell.topology)
            result.samples.setdefault(label, []).append(sample)
            values = ", ".join(
                f"{value:,.4g} {figure.unit}"
                for value, figure in zip(sample.values, cell.figures, strict=True)
            )
            tell(f"{cell.name}: {label}: {values or 'done'}")
    result.seconds = monotonic() - began_s
    return result
