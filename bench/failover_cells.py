"""Cells of what clients notice when a daemon dies, falls silent, comes back, or the network parts.

A client at each of three daemons, a process of its own, notes when which view came. Bounds are
those of our default timeouts; a rate is no part of it, so these cells have no limit.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import spread
from bench import group_crash
from bench.cell import Cell, Effort, Figure, Sample
from bench.load import LoadError
from bench.system import LOOPBACK, System, Topology
from bench.witness import Site, Talker, Watch

RING = Topology(daemons=3)
CRASHED = Topology(daemons=group_crash.DAEMONS, links=LOOPBACK, is_fresh=True)
SIZE = 3
VICTIM = 2
SETTLE_S = 1.0  # Between a view of all and the fault: the ring is at rest, and its timers are, too.
APART_S = 1.0  # How long a daemon is silent, or the network parted, after the last view.
GAP_S = 0.02  # Between messages while the network parts and heals.
NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class FailoverCell:
    """One fault and its end, as the last client notices it."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    topology: Topology = RING
    kind: str = "faults"
    has_limit: bool = False

    def run(self, system: System, effort: Effort) -> Sample:  # noqa: ARG002 - a cell has it.
        """Let it happen once, and wait until all is as before."""
        try:
            with watched(system) as watch:
                return Sample(FAULTS[self.name](system, watch))
        except (TimeoutError, spread.SpreadError) as error:
            raise LoadError(str(error)) from error


@dataclass(frozen=True, slots=True)
class GroupCrashCell:
    """A daemon dies whose clients are in many groups: the last view of the last group."""

    groups: int
    target: float | None
    topology: Topology = CRASHED
    kind: str = "faults"
    has_limit: bool = False

    @property
    def name(self) -> str:
        """The number of groups behind `crash`."""
        return f"crash-groups-{self.groups}"

    @property
    def title(self) -> str:
        """Groups and members."""
        return f"kill -9, {self.groups:,} groups of {group_crash.CLIENTS} members on loopback"

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The time that all views take."""
        title = f"{self.title}: last view"
        return (Figure(title=title, unit="s", target=self.target, more_is_better=False),)

    def run(self, system: System, effort: Effort) -> Sample:  # noqa: ARG002 - a cell has it.
        """Fill the groups, kill, and wait for the last client."""
        return Sample((max(group_crash.measure(system, self.groups)),))


@contextmanager
def watched(system: System) -> Iterator[Watch]:
    """A witness at each daemon that has the view of all."""
    with Watch([_site(system, number) for number in range(SIZE)]) as watch:
        for number in range(SIZE):
            watch.renew(number)
        watch.until_view(SIZE, range(SIZE))
        _settle(watch)
        yield watch


def _site(system: System, number: int) -> Site:
    address = system.location(number)
    return Site(lambda: system.entered(number), f"{address.port}@{address.host}")


def _settle(watch: Watch) -> None:
    time.sleep(SETTLE_S)
    watch.drain()


def _kill(system: System, watch: Watch) -> tuple[float, ...]:
    others = [number for number in range(SIZE) if number != VICTIM]
    began_ns = time.monotonic_ns()
    system.kill(VICTIM)
    lost_ns = max(watch.until_view(SIZE - 1, others).values()) - began_ns
    system.restart(VICTIM)
    watch.renew(VICTIM)
    watch.until_view(SIZE, range(SIZE))
    return (lost_ns / NS_PER_MS,)


def _silence(system: System, watch: Watch) -> tuple[float, ...]:
    others = [number for number in range(SIZE) if number != VICTIM]
    began_ns = time.monotonic_ns()
    system.pause(VICTIM)
    try:
        lost_ns = max(watch.until_view(SIZE - 1, others).values()) - began_ns
        time.sleep(APART_S)
    finally:
        began_ns = time.monotonic_ns()
        system.resume(VICTIM)
    back_ns = max(watch.until_view(SIZE, range(SIZE)).values()) - began_ns
    return lost_ns / NS_PER_MS, back_ns / NS_PER_MS


def _part(system: System, watch: Watch) -> tuple[float, ...]:
    with Talker(_site(system, 0), GAP_S), Talker(_site(system, 1), GAP_S):
        _settle(watch)
        began_ns = time.monotonic_ns()
        system.split([0], [1, 2])
        try:
            sizes = (1, 2, 2)
            parted = watch.until(
                lambda number, note: note.is_view and note.number == sizes[number],
                range(SIZE),
                "the views of the parts",
            )
            time.sleep(APART_S)
            watch.drain()
        finally:
            healing_ns = time.monotonic_ns()
            system.merge()
        merged_ns = max(watch.until_view(SIZE, range(SIZE)).values()) - healing_ns
    return (max(parted.values()) - began_ns) / NS_PER_MS, merged_ns / NS_PER_MS


FAULTS = {"crash": _kill, "silence": _silence, "part": _part}


def _ms(title: str, target: float | None, reference: str) -> Figure:
    return Figure(title=title, unit="ms", target=target, more_is_better=False, reference=reference)


def core_cells() -> list[Cell]:
    """Return a crash, a silence, and a network that parts."""
    return [
        FailoverCell(
            "crash",
            "a daemon is killed",
            (_ms("view at the last survivor after kill -9", 500, "2.5-3.0 k"),),
        ),
        FailoverCell(
            "silence",
            "a daemon stops and continues",
            (
                _ms("view at the last survivor after SIGSTOP", 2_500, "2.5-3.0 k"),
                _ms("view of all after SIGCONT", None, "2.4 k"),
            ),
        ),
        FailoverCell(
            "part",
            "the network parts and heals, with traffic",
            (
                _ms("views of both parts after a split", 2_500, "2.5-3.0 k"),
                _ms("view of all after healing", 1_000, "1.25 k"),
            ),
        ),
    ]


def further_cells() -> list[Cell]:
    """Return crashes that many groups notice."""
    return [GroupCrashCell(1_000, None), GroupCrashCell(10_000, group_crash.BOUND_S)]
