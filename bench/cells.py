"""The cells of the benchmark: what each runs, its figures, targets and reference figures.

Targets are the project's own. Reference figures are those of the classic daemon 4.4.0 with default
windows on a machine of the same kind (2 virtual cores), whose limit of the path was measured with
another generator; compare ratios of one run, not these with yours.
"""

from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Protocol

from bench.clients import measure_client
from bench.daemon import Daemon
from bench.footprint import measure_footprint
from bench.load import Bounds, Measurement, Workload, measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long each cell takes and how often it is run."""

    runs: int = 5
    warm_up_s: float = 1.0
    duration_s: float = 3.0
    client_count: int = 300_000  # Messages that a Python client receives.
    session_count: int = 5_000
    idle_s: float = 3.0


QUICK = Effort(
    runs=1, warm_up_s=0.2, duration_s=0.5, client_count=50_000, session_count=500, idle_s=1.0
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a cell and what it is held against."""

    title: str
    unit: str
    target: float | None = None
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
    """One run of a cell: a value per figure, and the whole measurement of a load."""

    values: tuple[float, ...]
    measurement: Measurement | None = None


class Cell(Protocol):
    """Something to measure on a daemon."""

    @property
    def name(self) -> str:
        """Short name for the command line."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What a run yields, in the order of `Sample.values`."""

    @property
    def has_limit(self) -> bool:
        """Whether the bare forwarder can run it, too."""

    def run(self, daemon: Daemon, effort: Effort) -> Sample:
        """Run once; raises what the measurement raises."""


@dataclass(frozen=True, slots=True)
class LoadCell:
    """A workload of the compiled generator on one transport."""

    name: str
    figure: Figure
    transport: str
    workload: Workload
    has_limit: bool = True

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The one figure: a rate, or the median latency for the unit `us`."""
        return (self.figure,)

    def run(self, daemon: Daemon, effort: Effort) -> Sample:
        """Warm up and measure for the times of `effort`."""
        bounds = Bounds(warm_up_s=effort.warm_up_s, duration_s=effort.duration_s)
        measurement = measure(
            daemon.address(self.transport), self.workload, bounds, probe=daemon.cpu_s
        )
        value = {
            "messages/s": measurement.messages_per_s,
            "deliveries/s": measurement.deliveries_per_s,
            "us": measurement.latency_own.us_p50,
        }[self.figure.unit]
        return Sample((value,), measurement)


@dataclass(frozen=True, slots=True)
class ClientCell:
    """A Python client of the package that receives."""

    name: str
    figure: Figure
    transport: str
    client: str
    payload_size: int = 100
    has_limit: bool = False

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The rate, and what a message costs the client, which other processes disturb less."""
        cost = replace(
            self.figure, title=f"{self.figure.title}: its CPU", unit="us/message", target=None
        )
        return (self.figure, replace(cost, more_is_better=False))

    def run(self, daemon: Daemon, effort: Effort) -> Sample:
        """Receive the messages of `effort`."""
        received = measure_client(
            self.client, daemon.address(self.transport), self.payload_size, effort.client_count
        )
        return Sample((received.count / received.seconds, received.cpu_s * 1e6 / received.count))


@dataclass(frozen=True, slots=True)
class FootprintCell:
    """A daemon process of its own that does nothing."""

    name: str = "idle"
    has_limit: bool = False

    @property
    def figures(self) -> tuple[Figure, ...]:
        """From start to many idle sessions."""
        return (
            Figure(title="start to accepting", unit="s", target=0.5, more_is_better=False),
            Figure(
                title="idle CPU",
                unit="% of a core",
                target=0.1,  # "0 %": what rounds to it; a timer a second may remain.
                more_is_better=False,
                reference="0",
            ),
            Figure(
                title="resident, idle", unit="MB", target=40, more_is_better=False, reference="3"
            ),
            Figure(title="per idle session", unit="bytes", target=8192, more_is_better=False),
            Figure(title="CPU with idle sessions", unit="% of a core", more_is_better=False),
        )

    def run(self, daemon: Daemon, effort: Effort) -> Sample:
        """Start another process of the same implementation."""
        idle = measure_footprint(
            daemon.implementation, effort.session_count, effort.idle_s, daemon.core
        )
        return Sample(
            (
                idle.start_s,
                idle.idle_cpu_percent,
                idle.resident_mb,
                idle.session_bytes,
                idle.sessions_cpu_percent,
            )
        )


THROUGHPUT = (  # payload, target, reference, limit beside the reference
    (100, 400_000, "36-42 k", "800 k"),
    (1350, 250_000, "39 k", "600 k"),
    (8000, 55_000, "15.6 k", "100 k"),
)
FAN_OUT = ((4, None, "28 k"), (10, 1_000_000, "-"))  # receivers, target, reference
CLIENTS = (("blocking", 300_000), ("asyncio", 200_000))
TRANSPORTS = (("unix", "Unix socket"), ("tcp", "TCP"))


def _throughput_cells() -> list[Cell]:
    return [
        LoadCell(
            f"{transport}-{payload_size}",
            Figure(
                title=f"{payload_size} B, window 200, {text}",
                unit="messages/s",
                target=target,
                reference=reference,
                reference_limit=limit,
            ),
            transport,
            Workload(payload_size=payload_size),
        )
        for transport, text in TRANSPORTS
        for payload_size, target, reference, limit in THROUGHPUT
    ]


def _latency_cells() -> list[Cell]:
    return [
        LoadCell(
            f"{transport}-ping",
            Figure(
                title=f"100 B, window 1, median round trip, {text}",
                unit="us",
                target=40,
                more_is_better=False,
                reference="45",
            ),
            transport,
            Workload(payload_size=100, window=1),
        )
        for transport, text in TRANSPORTS
    ]


def _fan_out_cells() -> list[Cell]:
    return [
        LoadCell(
            f"{transport}-fan-{receivers}",
            Figure(
                title=f"100 B, one sender to {receivers} receivers, {text}",
                unit="deliveries/s",
                target=target,
                reference=reference,
            ),
            transport,
            Workload(payload_size=100, senders_receive=False, receivers=receivers),
        )
        for transport, text in TRANSPORTS
        for receivers, target, reference in FAN_OUT
    ]


def _client_cells() -> list[Cell]:
    return [
        ClientCell(
            f"client-{client}",
            Figure(
                title=f"Python client, {client}, 100 B, Unix socket",
                unit="messages/s",
                target=target,
            ),
            "unix",
            client,
        )
        for client, target in CLIENTS
    ]


def _extra_cells() -> list[Cell]:
    """Return cells without target: services, sizes, groups, views, several senders."""
    workloads = (
        ("safe-100", "100 B SAFE", Workload(payload_size=100, services=("safe",))),
        ("safe-1350", "1350 B SAFE", Workload(payload_size=1350, services=("safe",))),
        ("reliable-100", "100 B RELIABLE", Workload(payload_size=100, services=("reliable",))),
        (
            "mix-100",
            "100 B, 90 % AGREED, 10 % SAFE",
            Workload(payload_size=100, services=("agreed",) * 9 + ("safe",)),
        ),
        ("empty", "0 B", Workload(payload_size=0)),
        ("unix-65000", "65,000 B, window 20", Workload(payload_size=65_000, window=20)),
        ("unix-140000", "140,000 B, window 20", Workload(payload_size=140_000, window=20)),
        ("window-1000", "100 B, window 1000", Workload(payload_size=100, window=1000)),
        ("groups-100", "100 B, 100 groups in turn", Workload(payload_size=100, groups=100)),
        (
            "multicast-3",
            "100 B to 3 groups each",
            Workload(payload_size=100, groups=3, groups_per_message=3),
        ),
        ("views", "100 B, sessions see views", Workload(payload_size=100, membership=True)),
        (
            "senders-3",
            "100 B, 3 clients that all send and receive, window 100",
            Workload(payload_size=100, senders=3, window=100),
        ),
    )
    rates: list[Cell] = [
        LoadCell(name, Figure(title=title, unit="messages/s"), "unix", workload)
        for name, title, workload in workloads
    ]
    sparse = Figure(title="100 B, one message per 20 ms, median", unit="us", more_is_better=False)
    return [
        *rates,
        LoadCell("sparse", sparse, "unix", Workload(payload_size=100, interval_us=20_000)),
    ]


def core_cells() -> list[Cell]:
    """Return the cells that have targets, and those beside them."""
    return [
        *_throughput_cells(),
        *_latency_cells(),
        *_fan_out_cells(),
        *_client_cells(),
        FootprintCell(),
    ]


def all_cells() -> list[Cell]:
    """Return every cell."""
    return [*core_cells(), *_extra_cells()]


def select(cells: list[Cell], patterns: list[str]) -> list[Cell]:
    """Return the cells whose name matches one of the shell patterns.

    Raises ValueError for a pattern that matches none.
    """
    for pattern in patterns:
        if not any(fnmatch(cell.name, pattern) for cell in cells):
            names = ", ".join(cell.name for cell in cells)
            raise ValueError(f"no cell is named {pattern!r}; there are: {names}")
    return [cell for cell in cells if any(fnmatch(cell.name, pattern) for pattern in patterns)]
