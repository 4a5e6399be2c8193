"""Cells about what delivery costs, how the ring works meanwhile, and a member that stalls."""

from dataclasses import asdict, dataclass

from bench.cell import Cell, Effort, Figure, Sample
from bench.drive import drive
from bench.load import Bounds, LoadError, Measurement, Workload, opened, run
from bench.load_cell import LoadCell, Metric
from bench.session import Session
from bench.stalled import StalledCell
from bench.system import System, Topology
from bench.tracing import TracingError, counted_system_calls

ONE_DAEMON = Topology()
RING = Topology(daemons=3)
FRESH_RING = Topology(daemons=3, is_fresh=True)
TRACED_S = 1.0  # Long enough for a hundred thousand deliveries.
SYSTEM_CALLS = 0.2  # Target, per delivered 100 B message.
PAYLOADS = (100, 1350, 8000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCallCell:
    """System calls of all daemons per delivery, from a short run that is traced."""

    name: str
    title: str
    workload: Workload
    target: float | None = None
    topology: Topology = RING
    kind: str = "ring"
    has_limit: bool = False
    reference: str = "-"

    @property
    def figures(self) -> tuple[Figure, ...]:
        """System calls per delivery."""
        return (
            Figure(
                title=f"{self.title}: daemons' system calls",
                unit="calls/delivery",
                target=self.target,
                more_is_better=False,
                reference=self.reference,
            ),
        )

    def run(self, system: System, effort: Effort) -> Sample:
        """Count from before the first message until after the last, warm-up and drain included."""
        bounds = Bounds(duration_s=min(effort.duration_s, TRACED_S))

        def opener(number: int, name: str) -> Session:
            return system.open(number % system.size, name)

        with opened(opener, self.workload, hosts=system.size) as load:
            try:
                with counted_system_calls(system.pids) as calls:
                    measurement = run(load, self.workload, bounds)
            except TracingError as error:
                raise LoadError(str(error)) from error
            deliveries = load.sent * len(measurement.delivered)
        return Sample(
            (calls.count / deliveries,),
            None,  # Tracing slows the daemons: its rate and latency are not theirs.
            {"tool": calls.tool, "calls": calls.count, "deliveries": deliveries},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RingCell:
    """How the ring works under load, from what the daemons have counted when they end.

    The rotation is the mean: time of the load by visits of the token at the first daemon. A few
    visits before and after the load belong to these, too. There is no p99: what daemons tell
    monitors of its distribution has a step for each power of two.
    """

    name: str
    title: str
    workload: Workload
    topology: Topology = FRESH_RING
    kind: str = "ring"
    has_limit: bool = False

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Rotation time, packets per visit, and packets sent again."""
        return (
            Figure(title=f"{self.title}: rotation, mean", unit="us", more_is_better=False),
            Figure(title=f"{self.title}: new packets per visit", unit="packets"),
            Figure(
                title=f"{self.title}: packets sent again", unit="% of sent", more_is_better=False
            ),
        )

    def run(self, system: System, effort: Effort) -> Sample:
        """Run the load, then end the daemons; raises LoadError if they have counted nothing."""
        bounds = Bounds(warm_up_s=effort.warm_up_s, duration_s=effort.duration_s)
        measurement = drive(system, self.workload, bounds)
        counters = system.statistics()
        if not counters or not counters[0].get("tokens") or not counters[0].get("packets_sent"):
            raise LoadError("not measured: the daemons tell no counters at their end")
        tokens = counters[0]["tokens"]
        sent = sum(each.get("packets_sent", 0) for each in counters)
        again = sum(each.get("retransmitted", 0) for each in counters)
        load_s = measurement.seconds + bounds.warm_up_s
        values = (load_s * 1e6 / tokens, counters[0]["packets_sent"] / tokens, again / sent * 100)
        return Sample(values, measurement, {"counters": counters})


def core_cells() -> list[Cell]:
    """Return processor time, system calls where they have a target, the ring's work, memory."""
    return [
        *(_cost_cell(size) for size in PAYLOADS),
        _system_call_cell(100),
        RingCell(
            name="ring-work",
            title="3 daemons, all send, 1350 B AGREED",
            workload=Workload(payload_size=1350, window=100, senders=3),
        ),
        StalledCell(
            name="memory-stalled-ring",
            title="3 daemons, 8000 B, one member does not read",
            workload=Workload(payload_size=8000, window=100, senders=3),
            topology=FRESH_RING,
        ),
        SystemCallCell(
            name="calls-one-daemon",
            title="1 daemon, 100 B AGREED, window 200",
            workload=Workload(payload_size=100, window=200),
            topology=ONE_DAEMON,
            kind="client path",
            target=SYSTEM_CALLS,
            reference="13",
        ),
    ]


def further_cells() -> list[Cell]:
    """Return system calls of larger messages, and a member of one daemon that stalls."""
    return [
        *(_system_call_cell(size) for size in PAYLOADS if size != 100),
        StalledCell(
            name="memory-stalled",
            title="1 daemon, 8000 B, one member does not read",
            workload=Workload(payload_size=8000, window=100),
        ),
    ]


def _cost_cell(size: int) -> Cell:
    title = f"3 daemons, all send, {size} B AGREED, window 100"
    return LoadCell(
        name=f"cost-split-{size}",
        title=title,
        workload=Workload(payload_size=size, window=100, senders=3),
        metrics=(
            _cost(f"{title}: daemons, user", "daemon_user_us"),
            _cost(f"{title}: daemons, system", "daemon_system_us"),
            _cost(f"{title}: its client, user", "client_user_us"),
            _cost(f"{title}: its client, system", "client_system_us"),
        ),
        kind="footprint",
        topology=RING,
    )


def _cost(title: str, field: str) -> Metric:
    """Return processor time per delivery: each daemon delivers, each client receives once."""

    def read(measurement: Measurement) -> float:
        return float(asdict(measurement)[field] or 0.0)

    return Metric(Figure(title=title, unit="us/delivery", more_is_better=False), read)


def _system_call_cell(size: int) -> Cell:
    return SystemCallCell(
        name=f"calls-{size}",
        title=f"3 daemons, all send, {size} B AGREED, window 100",
        workload=Workload(payload_size=size, window=100, senders=3),
        target=SYSTEM_CALLS if size == 100 else None,
    )
