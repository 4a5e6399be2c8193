"""What a cell of the benchmark is: a measurement on a topology, its figures, and how they count."""

from dataclasses import dataclass, field
from typing import Protocol

from bench.load import Measurement
from bench.system import System, Topology

__all__ = ["KINDS", "QUICK", "Cell", "Effort", "Figure", "Sample", "System", "Topology"]

# Sections of the report, in their order.
KINDS = {
    "client path": "Client path: one daemon",
    "ring": "Ring: several daemons",
    "latency": "Latency at a low rate",
    "curve": "Latency against rate",
    "faults": "Faults",
    "scale": "Scale",
    "footprint": "Footprint",
    "profile": "Where the processor time goes",
}
LONG_KINDS = ("curve", "scale", "profile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long each cell takes and how often it is run."""

    runs: int = 3
    long_runs: int = 1  # The same for cells that consist of many measurements.
    warm_up_s: float = 0.5
    duration_s: float = 1.5
    latency_s: float = 3.0  # The same at low rates, where fewer messages make a percentile.
    client_count: int = 300_000  # Messages that a Python client receives.
    session_count: int = 5_000
    idle_s: float = 2.0

    def runs_of(self, kind: str) -> int:
        """Return how often cells of a kind are run."""
        return self.long_runs if kind in LONG_KINDS else self.runs

    def seconds_of(self, kind: str) -> float:
        """Return how long a load of a kind is measured."""
        return self.latency_s if kind == "latency" else self.duration_s


QUICK = Effort(
    runs=1,
    warm_up_s=0.2,
    duration_s=0.5,
    latency_s=0.5,
    client_count=50_000,
    session_count=500,
    idle_s=1.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a cell and what it is held against."""

    title: str
    unit: str
    target: float | None = None
    limit_share: float | None = None  # Least share of the bare forwarder's value.
    more_is_better: bool = True
    reference: str = "-"
    reference_limit: str = "-"

    def is_met(self, value: float) -> bool | None:
        """Whether `value` reaches the target; None without one."""
        if self.target is None:
            return None
        return value >= self.target if self.more_is_better else value <= self.target


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a cell: a value per figure, the whole measurement of a load, and what else.

    `extra` goes into the JSON document as it is: curves, histograms, rates per sender.
    """

    values: tuple[float, ...]
    measurement: Measurement | None = None
    extra: dict[str, object] = field(default_factory=dict)


class Cell(Protocol):
    """Something to measure on a system."""

    @property
    def name(self) -> str:
        """Short name for the command line."""

    @property
    def title(self) -> str:
        """What it measures, in a few words."""

    @property
    def kind(self) -> str:
        """Section of the report: one of KINDS."""

    @property
    def topology(self) -> Topology:
        """Where it runs."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What a run yields, in the order of `Sample.values`."""

    @property
    def has_limit(self) -> bool:
        """Whether the bare forwarder can run it, too."""

    def run(self, system: System, effort: Effort) -> Sample:
        """Run once; raises what the measurement raises."""
