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
KILL_MS, SILENCE_MS, PART_MS, MERGE_MS = 500, 2_500, 2_500, 1_000  # Targets.


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
                return Sample(FAULTS[self.name](system, watch, VICTIM))
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
    with Watch([site_of(system, number) for number in range(SIZE)]) as watch:
        for number in range(SIZE):
            watch.renew(number)
        watch.until_view(SIZE, range(SIZE))
        yield watch


def site_of(system: System, number: int) -> Site:
    """Return where the clients of a daemon are."""
    address = system.location(number)
    return Site(lambda: system.entered(number), f"{address.port}@{address.host}")


def settle(watch: Watch) -> None:
    """Let the ring come to rest, and forget what was noted."""
    time.sleep(SETTLE_S)
    watch.drain()


def kill(system: System, watch: Watch, victim: int) -> tuple[float, ...]:
    """Return ms from kill -9 to the view at the last survivor, and from the restart to all views.

    The second has the start of the process in it, and that its client joins.
    """
    others = [number for number in range(SIZE) if number != victim]
    settle(watch)
    began_ns = time.monotonic_ns()
    system.kill(victim)
    lost_ns = max(watch.until_view(SIZE - 1, others).values()) - began_ns
    began_ns = time.monotonic_ns()
    system.restart(victim)
    watch.renew(victim)
    back_ns = max(watch.until_view(SIZE, range(SIZE)).values()) - began_ns
    return lost_ns / NS_PER_MS, back_ns / NS_PER_MS


def silence(system: System, watch: Watch, victim: int) -> tuple[float, ...]:
    """Return ms from SIGSTOP to the view at the last survivor, and from SIGCONT to that of all."""
    others = [number for number in range(SIZE) if number != victim]
    settle(watch)
    began_ns = time.monotonic_ns()
    system.pause(victim)
    try:
        lost_ns = max(watch.until_view(SIZE - 1, others).values()) - began_ns
        time.sleep(APART_S)
    finally:
        began_ns = time.monotonic_ns()
        system.resume(victim)
    back_ns = max(watch.until_view(SIZE, range(SIZE)).values()) - began_ns
    return lost_ns / NS_PER_MS, back_ns / NS_PER_MS


def part(system: System, watch: Watch, victim: int) -> tuple[float, ...]:
    """Return ms from a split to the last view of a part, and from healing to that of all.

    The victim is alone in its part. Clients on both sides send one message every GAP_S.
    """
    others = [number for number in range(SIZE) if number != victim]
    sizes = {victim: 1, **dict.fromkeys(others, SIZE - 1)}
    here, there = site_of(system, victim), site_of(system, others[0])
    with Talker(here, GAP_S), Talker(there, GAP_S):
        settle(watch)
        began_ns = time.monotonic_ns()
        system.split(others, [victim])
        try:
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


FAULTS = {"crash": kill, "silence": silence, "part": part}


def _ms(title: str, target: float | None, reference: str) -> Figure:
    return Figure(title=title, unit="ms", target=target, more_is_better=False, reference=reference)


def core_cells() -> list[Cell]:
    """Return a crash, a silence, and a network that parts."""
    return [
        FailoverCell(
            "crash",
            "a daemon is killed",
            (
                _ms("view at the last survivor after kill -9", KILL_MS, "2.5-3.0 k"),
                _ms("view of all after a restart", None, "-"),
            ),
        ),
        FailoverCell(
            "silence",
            "a daemon stops and continues",
            (
                _ms("view at the last survivor after SIGSTOP", SILENCE_MS, "2.5-3.0 k"),
                _ms("view of all after SIGCONT", None, "2.4 k"),
            ),
        ),
        FailoverCell(
            "part",
            "the network parts and heals, with traffic",
            (
                _ms("views of both parts after a split", PART_MS, "2.5-3.0 k"),
                _ms("view of all after healing", MERGE_MS, "1.25 k"),
            ),
        ),
    ]


def further_cells() -> list[Cell]:
    """Return crashes that many groups notice."""
    return [GroupCrashCell(1_000, None), GroupCrashCell(10_000, group_crash.BOUND_S)]
