"""Run cells several times, implementations taking turns: A, B, limit, A, B, limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bench.cells import Cell, Effort, Sample
from bench.daemon import LIMIT, Daemon, DaemonError, Implementation
from bench.load import LoadError
from bench.session import SessionError


@dataclass(frozen=True, slots=True)
class CellResult:
    """All runs of one cell, by the label of the implementation, and what went wrong."""

    cell: Cell
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def values(self, label: str, figure: int) -> list[float]:
        """Return the values of one figure in the order of the runs; empty after a fault."""
        return [sample.values[figure] for sample in self.samples.get(label, [])]


class Fleet:
    """One running daemon per implementation, kept over the cells; an idle one costs nothing.

    A daemon that has ended is started again for the next cell.
    """

    def __init__(self, core: int | None = None) -> None:
        self._core = core
        self._daemons: dict[str, Daemon] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for daemon in self._daemons.values():
            daemon.close()

    def daemon(self, implementation: Implementation) -> Daemon:
        """Return the running daemon of an implementation; raises DaemonError."""
        daemon = self._daemons.get(implementation.label)
        if daemon is not None and not daemon.is_running():
            self._daemons.pop(implementation.label).close()
            daemon = None
        if daemon is None:
            daemon = Daemon(implementation, self._core)
            self._daemons[implementation.label] = daemon
        return daemon

    def obituary(self, implementation: Implementation) -> str:
        """Return how an implementation's daemon ended, empty while it runs."""
        daemon = self._daemons.get(implementation.label)
        if daemon is None or daemon.is_running():
            return ""
        return f"; the daemon has ended, it printed:\n{daemon.output()}"


def run_cell(
    cell: Cell,
    implementations: Sequence[Implementation],
    fleet: Fleet,
    effort: Effort,
    tell: Callable[[str], None],
) -> CellResult:
    """Run one cell `effort.runs` times for each implementation in turn.

    An implementation that fails once is left out of the rest of the cell, with the reason noted.
    """
    result = CellResult(cell)
    for _ in range(effort.runs):
        for implementation in implementations:
            label = implementation.label
            if label in result.faults or (implementation is LIMIT and not cell.has_limit):
                continue
            try:
                sample = cell.run(fleet.daemon(implementation), effort)
            except (LoadError, SessionError, DaemonError, OSError) as error:
                result.samples.pop(label, None)
                result.faults[label] = f"{error}{fleet.obituary(implementation)}"
                tell(f"{cell.name}: {label}: {result.faults[label]}")
                continue
            result.samples.setdefault(label, []).append(sample)
            values = ", ".join(
                f"{value:,.4g} {figure.unit}"
                for value, figure in zip(sample.values, cell.figures, strict=True)
            )
            tell(f"{cell.name}: {label}: {values}")
    return result
