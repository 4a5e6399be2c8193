"""Cells that show how cost grows: with daemons, sessions, receivers, groups, members and sizes.

Each measures several steps on one system and gives the cost of one at the largest step, and the
exponent by which the whole cost grows from step to step: 1 is linear. Where there are more daemons
than cores a rate says how the scheduler works: cost is processor time of the daemons.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from bench.cell import Cell, Effort, Figure, Sample
from bench.crowd import group_names, join_all, leave_all, longest_wait_s
from bench.drive import drive
from bench.growth import LINEAR_MAX, exponents
from bench.load import Bounds, Workload
from bench.load_cell import LoadCell, cost_per_delivery, delivery_cost
from bench.session import Session
from bench.system import System, Topology

ONE_DAEMON = Topology()
ONE_FRESH = Topology(is_fresh=True)
RING = Topology(daemons=3)
RING_FRESH = Topology(daemons=3, is_fresh=True)
LARGE = Topology(options=("MaxMessageSize = 1048800",))

DAEMONS = (1, 2, 3, 5, 8)
STEPS = (1, 10, 100, 1000)
GROUPS = (100, 10_000, 100_000)
MEMBERS = (10, 100, 1000)
SIZES = (0, 100, 1000, 10_000, 140_000)
LARGE_SIZES = (65_536, 262_144, 1_048_576)
CLIENTS_WITH_GROUPS = 6  # In all; each is in its share of them.
STEP_S = 1.0
WARM_UP_S = 0.2
CALLS = 40  # Of another session while sessions end.
SETTLE_S = 0.5  # Until all daemons have done what one of them has confirmed.

JOIN_ALL_S = 5.0
GROUP_BYTES = 500.0


@dataclass(frozen=True, slots=True)
class Steps:
    """What a cell has measured: sizes, and the cost of one at each of them."""

    sizes: tuple[float, ...]
    costs: tuple[float, ...]  # Microseconds or bytes.

    def worst_exponent(self) -> float:
        """Return how all together grow, at the worst step."""
        return max(self.exponents())

    def exponents(self) -> list[float]:
        """Return how all together grow from step to step."""
        return [1 + each for each in exponents(self.sizes, self.costs)]

    def shown(self) -> dict[str, object]:
        """Return the steps for the result document."""
        return {"sizes": self.sizes, "costs": self.costs, "exponents": self.exponents()}


def _cost(title: str, unit: str, target: float | None = None) -> Figure:
    return Figure(title=title, unit=unit, target=target, more_is_better=False)


def _growth(title: str) -> Figure:
    return Figure(title=title, unit="exponent", target=LINEAR_MAX, more_is_better=False)


def _bounds(effort: Effort) -> Bounds:
    return Bounds(
        warm_up_s=min(WARM_UP_S, effort.warm_up_s), duration_s=min(STEP_S, effort.duration_s)
    )


@contextmanager
def _sessions(
    system: System, count: int, *, everywhere: bool = False, membership: bool = False
) -> Iterator[list[Session]]:
    """Open so many sessions, at the first daemon or at all in turn."""
    token = secrets.token_hex(3)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                system.open(
                    i % system.size if everywhere else 0, f"{token}{i:x}", membership=membership
                )
            )
            for i in range(count)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSteps:
    """A workload at several sizes of one of its dimensions."""

    name: str
    title: str
    workloads: tuple[tuple[float, Workload], ...]
    topology: Topology = ONE_DAEMON
    kind: str = "scale"
    has_limit: bool = False

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The cost at each step, and how it grows."""
        return (
            *(
                _cost(f"{self.title}: {size:,.0f}, daemons' CPU", "us/delivery")
                for size, _ in self.workloads
            ),
            _growth(f"{self.title}: growth"),
        )

    def run(self, system: System, effort: Effort) -> Sample:
        """Run each step."""
        costs = [
            cost_per_delivery(drive(system, workload, _bounds(effort)))
            for _, workload in self.workloads
        ]
        steps = self.steps(tuple(costs))
        return Sample((*costs, steps.worst_exponent()), extra={"growth": steps.shown()})

    def steps(self, costs: tuple[float, ...]) -> Steps:
        """Hold the cost of one against how many there are."""
        return Steps(tuple(size for size, _ in self.workloads), costs)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSteps(LoadSteps):
    """Messages of several sizes: the cost of one may grow as its bytes do."""

    def steps(self, costs: tuple[float, ...]) -> Steps:
        """Hold the cost of a byte against the size, header included: no message is free."""
        sizes = tuple(workload.message_size for _, workload in self.workloads)
        return Steps(sizes, tuple(cost / size for cost, size in zip(costs, sizes, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleSteps:
    """Sessions that say nothing, more and more of them at each daemon, beside three that work."""

    name: str
    title: str
    topology: Topology = RING_FRESH
    kind: str = "scale"
    has_limit: bool = False

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What idle sessions cost to open, to keep, and in the messages of others."""
        return (
            *(
                _cost(f"{self.title}: {count:,}, daemons' CPU of the others", "us/delivery")
                for count in STEPS
            ),
            _growth(f"{self.title}: growth of the others' cost"),
            _cost(f"{self.title}: opening one of the last, CPU", "us/session"),
            _growth(f"{self.title}: growth of opening"),
            _cost(f"{self.title}: memory of one of the last", "bytes/session", 8192),
        )

    def run(self, system: System, effort: Effort) -> Sample:
        """Open more sessions step by step; measure others beside them."""
        costs, openings, memory = [], [], 0.0
        workload = Workload(payload_size=100, window=100, senders=system.size)
        drive(system, workload, _bounds(effort))
        with ExitStack() as stack:
            present = 0
            for count in STEPS:
                more = (count - present) * system.size
                before_kb, before_s = sum(system.resident_kb()), system.cpu_s()
                stack.enter_context(_sessions(system, more, everywhere=True))
                openings.append((system.cpu_s() - before_s) * 1e6 / more)
                memory = (sum(system.resident_kb()) - before_kb) * 1024 / more
                present = count
                costs.append(cost_per_delivery(drive(system, workload, _bounds(effort))))
        others, opening = Steps(STEPS, tuple(costs)), Steps(STEPS, tuple(openings))
        return Sample(
            (*costs, others.worst_exponent(), openings[-1], opening.worst_exponent(), memory),
            extra={"growth": others.shown(), "growth of opening": opening.shown()},
        )


@dataclass(frozen=True, slots=True)
class _GroupCosts:
    """What so many groups with one member cost, each; processor time of all daemons."""

    join_s: float  # All of them.
    join_us: float
    leave_us: float
    end_us: float
    bytes: float  # At the daemon where they take most.
    stall_s: float  # Of another session while those that are in them go.


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSteps:
    """More and more groups with one member."""

    name: str
    title: str
    topology: Topology
    kind: str = "scale"
    has_limit: bool = False

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What the most groups cost, and how that grows."""
        most = f"{self.title}: {GROUPS[-1]:,}"
        return (
            _cost(f"{most}, all joins", "s", JOIN_ALL_S),
            _cost(f"{most}, memory at a daemon", "bytes/group", GROUP_BYTES),
            _cost(f"{most}, join, daemons' CPU", "us/group"),
            _growth(f"{self.title}: growth of joins"),
            _cost(f"{most}, leave, daemons' CPU", "us/group"),
            _growth(f"{self.title}: growth of leaves"),
            _cost(f"{most}, end of the sessions, daemons' CPU", "us/group"),
            _growth(f"{self.title}: growth of ends"),
            _cost(f"{most}, longest wait of others meanwhile", "s"),
        )

    def run(self, system: System, effort: Effort) -> Sample:  # noqa: ARG002 - always all.
        """Let groups come and go, step by step; the most last."""
        costs = [self._measure(system, count) for count in GROUPS]
        joins = Steps(GROUPS, tuple(each.join_us for each in costs))
        leaves = Steps(GROUPS, tuple(each.leave_us for each in costs))
        ends = Steps(GROUPS, tuple(each.end_us for each in costs))
        last = costs[-1]
        return Sample(
            (
                last.join_s,
                last.bytes,
                last.join_us,
                joins.worst_exponent(),
                last.leave_us,
                leaves.worst_exponent(),
                last.end_us,
                ends.worst_exponent(),
                last.stall_s,
            ),
            extra={
                "growth of joins": joins.shown(),
                "growth of leaves": leaves.shown(),
                "growth of ends": ends.shown(),
                "bytes per group": [each.bytes for each in costs],
            },
        )

    def _measure(self, system: System, count: int) -> _GroupCosts:
        groups = group_names(count, secrets.token_hex(2))
        with _sessions(system, 1) as (other,), ExitStack() as crowd:
            sessions = crowd.enter_context(_sessions(system, CLIENTS_WITH_GROUPS, everywhere=True))
            resident_kb, begin_s, cpu_s = system.resident_kb(), time.monotonic(), system.cpu_s()
            join_all(sessions, groups)
            join_s = time.monotonic() - begin_s
            time.sleep(SETTLE_S)
            joined_s, now_kb = system.cpu_s(), system.resident_kb()
            half = groups[: count // 2 // CLIENTS_WITH_GROUPS * CLIENTS_WITH_GROUPS]
            leave_all(sessions, half)
            time.sleep(SETTLE_S)
            left_s = system.cpu_s()
            crowd.close()
            stall_s = longest_wait_s(other, CALLS)
            ended_s = system.cpu_s()
            longest_wait_s(other, CALLS)  # The same calls once more, nothing else.
            calls_s = system.cpu_s() - ended_s
        return _GroupCosts(
            join_s=join_s,
            join_us=(joined_s - cpu_s) * 1e6 / count,
            leave_us=(left_s - joined_s) * 1e6 / len(half),
            end_us=max(1e-4, ended_s - left_s - calls_s) * 1e6 / (count - len(half)),
            bytes=max(b - a for a, b in zip(resident_kb, now_kb, strict=True)) * 1024 / count,
            stall_s=stall_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSteps:
    """One group that has more and more members: none of them wants views, or one that watches."""

    name: str
    title: str
    is_watched: bool
    topology: Topology = RING_FRESH
    kind: str = "scale"
    has_limit: bool = False

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What it costs to join as one of the most members, and how that grows."""
        # A view names every member: with somebody who wants them all, bytes grow as squares do.
        target = None if self.is_watched else LINEAR_MAX
        return (
            _cost(f"{self.title}: {MEMBERS[-1]:,}, join, daemons' CPU", "us/member"),
            Figure(
                title=f"{self.title}: growth of joins",
                unit="exponent",
                target=target,
                more_is_better=False,
            ),
        )

    def run(self, system: System, effort: Effort) -> Sample:  # noqa: ARG002 - always all.
        """Let members come into one group after the other."""
        joins = Steps(MEMBERS, tuple(self._join_us(system, count) for count in MEMBERS))
        return Sample(
            (joins.costs[-1], joins.worst_exponent()), extra={"growth of joins": joins.shown()}
        )

    def _join_us(self, system: System, count: int) -> float:
        group = f"members-{secrets.token_hex(3)}".encode()
        with (
            _sessions(system, 1, membership=self.is_watched) as (watcher,),
            _sessions(system, count, everywhere=True) as members,
        ):
            watcher.join(group)
            watcher.barrier()
            before_s = system.cpu_s()
            for member in members:
                member.join(group)
            members[-1].barrier()
            watcher.barrier()
            time.sleep(SETTLE_S)
            return (system.cpu_s() - before_s) * 1e6 / count


def core_cells() -> list[Cell]:
    """Return the cell of 100,000 groups."""
    return [
        GroupSteps(name="scale-groups-3", title="3 daemons, groups of one", topology=RING_FRESH)
    ]


def further_cells() -> list[Cell]:
    """Return one cell for each other dimension."""
    return [
        *_daemon_cells(),
        IdleSteps(name="scale-idle", title="3 daemons, idle sessions at each"),
        _sender_cell(),
        _receiver_cell(),
        _busy_group_cell(),
        GroupSteps(name="scale-groups-1", title="1 daemon, groups of one", topology=ONE_FRESH),
        MemberSteps(
            name="scale-members",
            title="3 daemons, members of one group, no views wanted",
            is_watched=False,
        ),
        MemberSteps(
            name="scale-views",
            title="3 daemons, members of one group, one of them gets all views",
            is_watched=True,
        ),
        *_size_cells(),
    ]


def _daemon_cells() -> list[Cell]:
    """Return what a delivery costs with one daemon up to eight; all have clients that send."""
    return [
        LoadCell(
            name=f"scale-daemons-{count}",
            title=(title := f"{_daemons(count)}, a client at each, all send, 100 B"),
            workload=Workload(payload_size=100, window=50, senders=count),
            metrics=(delivery_cost(f"{title}: daemons' CPU"),),
            kind="scale",
            topology=Topology(daemons=count),
            has_limit=False,
        )
        for count in DAEMONS
    ]


def _daemons(count: int) -> str:
    return "1 daemon" if count == 1 else f"{count} daemons"


def _sender_cell() -> Cell:
    one = Workload(payload_size=100)
    return LoadSteps(
        name="scale-clients",
        title="3 daemons, clients at each that all send and receive 100 B",
        workloads=tuple(
            (count, replace(one, senders=3 * count, window=max(2, 100 // count)))
            for count in STEPS[:3]
        ),
        topology=RING,
    )


def _receiver_cell() -> Cell:
    one = Workload(payload_size=100, window=50, senders_receive=False)
    return LoadSteps(
        name="scale-receivers",
        title="1 daemon, one sender, receivers of 100 B",
        workloads=tuple((count, replace(one, receivers=count)) for count in STEPS[:3]),
    )


def _busy_group_cell() -> Cell:
    one = Workload(payload_size=100, window=200)
    return LoadSteps(
        name="scale-groups",
        title="1 daemon, 100 B to groups in turn",
        workloads=tuple((count, replace(one, groups=count)) for count in (1, 100, 10_000)),
    )


def _size_cells() -> list[Cell]:
    def workload(size: int) -> Workload:
        return Workload(payload_size=size, window=max(4, min(200, 1_000_000 // (size + 80))))

    return [
        SizeSteps(
            name="scale-sizes",
            title="1 daemon, messages of so many bytes",
            workloads=tuple((size, workload(size)) for size in SIZES),
        ),
        SizeSteps(
            name="scale-large",
            title="1 daemon, messages of so many bytes",
            workloads=tuple((size, workload(size)) for size in LARGE_SIZES),
            topology=LARGE,
        ),
    ]
