"""Cells of what losses and a slow host cost: the rate beside that of the same ring undisturbed.

Each runs its load twice, without and with the fault, so that the ratio is one of the same minute.
Losses are made by the daemon itself at its receiving end, so a program that does not know the
variable SPREAD_TEST_FAULTS shows none; a slow host is a daemon that is stopped now and then.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bench.cell import Cell, Effort, Figure, Sample
from bench.drive import drive
from bench.fleet import RunningSystem
from bench.load import Bounds, Measurement, Workload
from bench.system import System, Topology

RING = Topology(daemons=3)
SIZES = (100, 1350)
WINDOW = 100
LOSSES = (0.001, 0.01, 0.05)
LOSS_OF_TARGET = 0.05
LOSS_RATIO = 0.5
STALL_MS = 100.0
VICTIM = 2
STOP_S = 0.05
STOP_EVERY_S = 1.0
SLOW_RATIO = 0.85
SLOW_P99_MS = 80.0
US_PER_MS = 1000.0


@dataclass(frozen=True, slots=True)
class LossCell:
    """Every daemon loses a share of the datagrams that arrive."""

    size: int
    loss: float
    topology: Topology = RING
    kind: str = "faults"
    has_limit: bool = False

    @property
    def name(self) -> str:
        """The loss in per mille and the size."""
        return f"loss-{self.loss * 1000:g}-{self.size}"

    @property
    def title(self) -> str:
        """Size and loss."""
        return f"{self.size} B, {self.loss:.1%} of datagrams lost"

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Both rates, their ratio, and the latency with losses."""
        has_target = self.loss == LOSS_OF_TARGET
        return (
            Figure(title=f"{self.title}: without losses", unit="messages/s"),
            Figure(title=f"{self.title}: with losses", unit="messages/s"),
            Figure(
                title=f"{self.title}: ratio", unit="", target=LOSS_RATIO if has_target else None
            ),
            _ms(f"{self.title}: p99", None),
            _ms(f"{self.title}: longest", STALL_MS if has_target else None),
        )

    def run(self, system: System, effort: Effort) -> Sample:
        """Measure this ring, then one of the same daemons with losses."""
        workload = Workload(payload_size=self.size, window=WINDOW, senders=system.size)
        bounds = _bounds(effort)
        whole = drive(system, workload, bounds)
        lossy = replace(self.topology, faults=f"loss={self.loss},seed=1")
        with RunningSystem(system.implementation, lossy) as other:
            found = drive(other, workload, bounds)
        return _sample(whole, found)


@dataclass(frozen=True, slots=True)
class SlowHostCell:
    """One daemon stands still for 50 ms in every second; the clients are at the others."""

    size: int
    topology: Topology = RING
    kind: str = "faults"
    has_limit: bool = False

    @property
    def name(self) -> str:
        """The size behind `slow-host`."""
        return f"slow-host-{self.size}"

    @property
    def title(self) -> str:
        """Size and fault."""
        return f"{self.size} B, one daemon stopped for 50 ms every second"

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Both rates at the other daemons, their ratio, and the latency with the slow host."""
        return (
            Figure(title=f"{self.title}: others undisturbed", unit="messages/s"),
            Figure(title=f"{self.title}: others", unit="messages/s"),
            Figure(title=f"{self.title}: ratio", unit="", target=SLOW_RATIO),
            _ms(f"{self.title}: p99", SLOW_P99_MS),
            _ms(f"{self.title}: longest", None),
        )

    def run(self, system: System, effort: Effort) -> Sample:
        """Measure undisturbed, then with the stops: one at least for every second."""
        workload = Workload(payload_size=self.size, window=WINDOW, senders=system.size - 1)
        seconds = math.ceil(effort.duration_s)
        bounds = replace(_bounds(effort), duration_s=2 * seconds * STOP_EVERY_S)
        whole = drive(system, workload, bounds)
        with stopped_now_and_then(system, VICTIM):
            found = drive(system, workload, bounds)
        return _sample(whole, found)


@contextmanager
def stopped_now_and_then(system: System, number: int) -> Iterator[None]:
    """Stop a daemon for STOP_S in every STOP_EVERY_S meanwhile."""
    is_over = threading.Event()

    def disturb() -> None:
        while not is_over.wait(STOP_EVERY_S - STOP_S):
            system.pause(number)
            is_over.wait(STOP_S)
            system.resume(number)

    thread = threading.Thread(target=disturb, name="slow host")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _bounds(effort: Effort) -> Bounds:
    return Bounds(warm_up_s=effort.warm_up_s, duration_s=effort.duration_s)


def _sample(whole: Measurement, found: Measurement) -> Sample:
    """Set two measurements against each other."""
    latencies = (found.latency_own, found.latency_other)
    return Sample(
        (
            whole.messages_per_s,
            found.messages_per_s,
            found.messages_per_s / whole.messages_per_s,
            max(each.us_p99 for each in latencies) / US_PER_MS,
            max(each.us_max for each in latencies) / US_PER_MS,
        ),
        found,
    )


def _ms(title: str, target: float | None) -> Figure:
    return Figure(title=title, unit="ms", target=target, more_is_better=False)


def core_cells() -> list[Cell]:
    """Return the cells that have targets."""
    return [
        *(LossCell(size, LOSS_OF_TARGET) for size in SIZES),
        *(SlowHostCell(size) for size in SIZES),
    ]


def further_cells() -> list[Cell]:
    """Return smaller losses."""
    return [LossCell(size, loss) for loss in LOSSES if loss != LOSS_OF_TARGET for size in SIZES]
