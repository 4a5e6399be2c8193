"""Cells on one daemon: the client path, Python clients, and what an idle daemon costs.

Targets are the project's own. Reference figures are those of the classic daemon 4.4.0 with default
windows on a machine of the same kind (2 virtual cores), whose limit of the path was measured with
another generator; compare ratios of one run, not these with yours.
"""

from dataclasses import dataclass

from bench.cell import Cell, Effort, Figure, Sample
from bench.clients import measure_client
from bench.footprint import measure_footprint
from bench.load import Workload
from bench.load_cell import ONE_DAEMON, LoadCell, deliveries, own_latency, rate
from bench.system import System, Topology

THROUGHPUT = (  # payload, target, reference, limit beside the reference
    (100, 400_000, "36-42 k", "800 k"),
    (1350, 250_000, "39 k", "600 k"),
    (8000, 55_000, "15.6 k", "100 k"),
)
FAN_OUT = ((4, None, "28 k"), (10, 1_000_000, "-"))  # receivers, target, reference
CLIENTS = (("blocking", 300_000), ("asyncio", 200_000))
FRESH = Topology(is_fresh=True)
TRANSPORTS = (("unix", "Unix socket"), ("tcp", "TCP"))


@dataclass(frozen=True, slots=True)
class ClientCell:
    """A Python client of the package that receives."""

    client: str
    target: float
    payload_size: int = 100
    kind: str = "client path"
    topology: Topology = ONE_DAEMON
    has_limit: bool = False

    @property
    def name(self) -> str:
        """The client's name behind `client`."""
        return f"client-{self.client}"

    @property
    def title(self) -> str:
        """Client, size and transport."""
        return f"Python client, {self.client}, {self.payload_size} B, Unix socket"

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The rate, and what a message costs the client, which other processes disturb less."""
        return (
            Figure(title=self.title, unit="messages/s", target=self.target),
            Figure(title=f"{self.title}: its CPU", unit="us/message", more_is_better=False),
        )

    def run(self, system: System, effort: Effort) -> Sample:
        """Receive the messages of `effort`."""
        received = measure_client(self.client, system, self.payload_size, effort.client_count)
        return Sample((received.count / received.seconds, received.cpu_s * 1e6 / received.count))


@dataclass(frozen=True, slots=True)
class FootprintCell:
    """A daemon process of its own that does nothing."""

    name: str = "idle"
    title: str = "a daemon that does nothing"
    kind: str = "footprint"
    topology: Topology = FRESH
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

    def run(self, system: System, effort: Effort) -> Sample:
        """Watch it idle, alone and with sessions."""
        idle = measure_footprint(system, effort.session_count, effort.idle_s)
        return Sample(
            (
                idle.start_s,
                idle.idle_cpu_percent,
                idle.resident_mb,
                idle.session_bytes,
                idle.sessions_cpu_percent,
            )
        )


def core_cells() -> list[Cell]:
    """Return the cells that have targets, and those beside them."""
    return [
        *_throughput_cells(),
        *_latency_cells(),
        *_fan_out_cells(),
        *(ClientCell(client, target) for client, target in CLIENTS),
        FootprintCell(),
    ]


def _throughput_cells() -> list[Cell]:
    return [
        LoadCell(
            name=f"{transport}-{size}",
            title=(title := f"{size} B, window 200, {text}"),
            workload=Workload(payload_size=size),
            metrics=(rate(title, target, reference, limit),),
            transport=transport,
        )
        for transport, text in TRANSPORTS
        for size, target, reference, limit in THROUGHPUT
    ]


def _latency_cells() -> list[Cell]:
    return [
        LoadCell(
            name=f"{transport}-ping",
            title=(title := f"100 B, window 1, median round trip, {text}"),
            workload=Workload(payload_size=100, window=1),
            metrics=(own_latency(title, "p50", 40, "45"),),
            transport=transport,
        )
        for transport, text in TRANSPORTS
    ]


def _fan_out_cells() -> list[Cell]:
    return [
        LoadCell(
            name=f"{transport}-fan-{receivers}",
            title=(title := f"100 B, one sender to {receivers} receivers, {text}"),
            workload=Workload(payload_size=100, senders_receive=False, receivers=receivers),
            metrics=(deliveries(title, target, reference),),
            transport=transport,
        )
        for transport, text in TRANSPORTS
        for receivers, target, reference in FAN_OUT
    ]


def further_cells() -> list[Cell]:
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
    title = "100 B, one message per 20 ms, median"
    return [
        *(
            LoadCell(
                name=name, title=text, workload=workload, metrics=(rate(text),), transport="unix"
            )
            for name, text, workload in workloads
        ),
        LoadCell(
            name="sparse",
            title=title,
            workload=Workload(payload_size=100, interval_us=20_000),
            metrics=(own_latency(title, "p50"),),
            transport="unix",
        ),
    ]
