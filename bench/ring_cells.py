"""Cells on several daemons: rates, latency at a low rate, cost where cores are too few for rates.

Targets are the project's own. Reference figures are those of the classic daemon 4.4.0 with default
windows on a machine of the same kind, and of a bare forwarder beside it.
"""

from dataclasses import replace

from bench.cell import Cell, Figure
from bench.load import Workload
from bench.load_cell import LoadCell, Metric, delivery_cost, other_latency, own_latency, rate
from bench.system import LOOPBACK, Topology

RING = Topology(daemons=3)
JUMBO = Topology(daemons=3, mtu=9000)
UNICAST = Topology(daemons=3, links=LOOPBACK)

# Payload, window, target, reference AGREED and SAFE, limit beside the reference. SAFE with more
# than 100 B is known as the same as AGREED or 30 % less.
THROUGHPUT = (
    (100, 100, 450_000, "24-44 k", "24-42 k", "1.0-1.26 M"),
    (1350, 100, 180_000, "13.5-21.6 k", "9.5-21.6 k", "350-480 k"),
    (8000, 100, 30_000, "2.7-4.7 k", "1.9-4.7 k", "57-75 k"),
    (60_000, 20, 4_000, "0.5 k", "0.35-0.5 k", "7-10 k"),
)
# Half of the most that the reference delivers, all senders together. Its p99 there was not noted:
# the bound is a quarter of its p99 at 900 messages/s, which it can only exceed.
HALF = ((100, 20_000), (1350, 9_000), (8000, 1_900))
HALF_P99_US = 575
LIMIT_SHARE = 0.4
LOW_RATE = 300.0  # Messages/s of each sender.
COST_US = 2.0
SERVICES = ("agreed", "safe")


def core_cells() -> list[Cell]:
    """Return the cells that have targets, and those beside them."""
    return [
        *_throughput_cells("ring", RING, "3 daemons, all send"),
        *_latency_cells(),
        *_half_cells(),
        *_cost_cells(),
    ]


def further_cells() -> list[Cell]:
    """Return other links, mixes and senders, and one message under way."""
    return [
        *_ping_cells(),
        _joint_cell(),
        *(_bare(cell) for cell in _throughput_cells("jumbo", JUMBO, "MTU 9000, all send")),
        *(_bare(cell) for cell in _throughput_cells("unicast", UNICAST, "loopback, all send")),
        *_mixed_cells(),
    ]


def _throughput_cells(prefix: str, topology: Topology, text: str) -> list[LoadCell]:
    return [
        LoadCell(
            name=f"{prefix}-{service}-{size}",
            title=(title := f"{text}, {size} B {service.upper()}, window {window}"),
            workload=Workload(payload_size=size, window=window, senders=3, services=(service,)),
            metrics=(
                rate(
                    title,
                    target,
                    agreed if service == "agreed" else safe,
                    limit,
                    limit_share=LIMIT_SHARE,
                ),
                delivery_cost(f"{title}: daemons' CPU", COST_US if size == 100 else None),
            ),
            kind="ring",
            topology=topology,
        )
        for service in SERVICES
        for size, window, target, agreed, safe, limit in THROUGHPUT
    ]


def _bare(cell: LoadCell) -> LoadCell:
    """Return a cell without target and reference, which are those of another topology."""
    return replace(cell, metrics=tuple(_without_target(metric) for metric in cell.metrics))


def _without_target(metric: Metric) -> Metric:
    figure = replace(
        metric.figure, target=None, limit_share=None, reference="-", reference_limit="-"
    )
    return Metric(figure, metric.read)


def _latency_cells() -> list[Cell]:
    """Return senders that know nothing of each other, and one that sends now and then."""
    low = "3 daemons, 300 messages/s per sender"
    sparse = "3 daemons, one message per 20 ms"
    return [
        *(
            _latency_cell(
                f"low-{service}-{size}",
                f"{low}, {size} B {service.upper()}",
                _independent(size, LOW_RATE, service),
                {"p50": 180.0 if has_target else None, "p99": 1000.0 if has_target else None},
                references,
            )
            for service, size, has_target, references in (
                ("agreed", 100, True, {}),
                ("agreed", 1350, True, {"p50": "370", "p99": "2.3 k"}),
                ("safe", 100, False, {"p50": "650", "p99": "7 k"}),
            )
        ),
        *(
            _latency_cell(
                f"sparse-{service}",
                f"{sparse}, 100 B {service.upper()}",
                Workload(payload_size=100, window=1, interval_us=20_000, services=(service,)),
                {"p50": target},
                {"p50": reference},
                receivers=2,
            )
            for service, target, reference in (
                ("agreed", 250.0, "584-597"),
                ("safe", 400.0, "718-1359"),
            )
        ),
    ]


def _independent(size: int, rate_per_s: float, service: str = "agreed") -> Workload:
    """Return three senders in open loop, each at random times of its own that a seed repeats."""
    return Workload(
        payload_size=size,
        senders=3,
        window=1000,
        rates=(rate_per_s,),
        is_poisson=True,
        services=(service,),
    )


def _joint_cell() -> LoadCell:
    """Return the same rate with all senders at the same instants: the most that can meet."""
    return _latency_cell(
        "joint-agreed-100",
        "3 daemons, 300 messages/s per sender at the same instants, 100 B AGREED",
        replace(_independent(100, LOW_RATE), is_poisson=False),
        {"p50": None, "p99": None},
        {},
    )


def _ping_cells() -> list[Cell]:
    """Return one message under way at a time, between messages as fast as the ring answers."""
    return [
        _latency_cell(
            f"ping-{service}",
            f"3 daemons, one sender, window 1, 100 B {service.upper()}",
            Workload(payload_size=100, window=1, services=(service,)),
            {"p50": None, "p99": None},
            references,
            receivers=2,
        )
        for service, references in (
            ("agreed", {"p50": "140-178", "p99": "430-800"}),
            ("safe", {"p50": "256-288", "p99": "1400-2100"}),
        )
    ]


def _latency_cell(
    name: str,
    title: str,
    workload: Workload,
    targets: dict[str, float | None],
    references: dict[str, str],
    *,
    receivers: int = 0,
) -> LoadCell:
    """Return a cell of percentiles, of messages of others and of own ones."""
    metrics = [
        part(f"{title}, {who}, {percentile}", percentile, target, references.get(percentile, "-"))
        for percentile, target in targets.items()
        for who, part in (("at others", other_latency), ("at the sender", own_latency))
    ]
    return LoadCell(
        name=name,
        title=title,
        workload=replace(workload, receivers=receivers),
        metrics=tuple(metrics),
        kind="latency",
        topology=RING,
    )


def _half_cells() -> list[Cell]:
    return [
        _latency_cell(
            f"half-{size}",
            f"3 daemons, {total:,} messages/s in all, {size} B AGREED",
            _independent(size, total / 3),
            {"p99": HALF_P99_US},
            {"p99": "> 2.3 k"},
        )
        for size, total in HALF
    ]


def _cost_cells() -> list[Cell]:
    """Return what a delivery costs with two daemons and with five, where rates say nothing."""
    return [
        LoadCell(
            name=f"cost-{count}",
            title=(title := f"{count} daemons, all send, 100 B AGREED, window 100"),
            workload=Workload(payload_size=100, window=100, senders=count),
            metrics=(delivery_cost(f"{title}: daemons' CPU", COST_US),),
            kind="ring",
            topology=Topology(daemons=count),
        )
        for count in (2, 5)
    ]


def _mixed_cells() -> list[Cell]:
    """Return unequal services and senders."""
    mix = ("agreed",) * 9 + ("safe",)
    text = "3 daemons, 100 B"
    return [
        _rate_cell(
            "ring-mix",
            f"{text}, all send, 90 % AGREED 10 % SAFE, window 100",
            Workload(payload_size=100, window=100, senders=3, services=mix),
        ),
        _rate_cell(
            "ring-one-sender",
            f"{text}, one sender, AGREED, window 100",
            Workload(payload_size=100, window=100, receivers=2),
        ),
        _heavy_cell(),
        *(_fairness_cell(count) for count in (3, 30)),
    ]


def _rate_cell(name: str, title: str, workload: Workload) -> LoadCell:
    return LoadCell(
        name=name,
        title=title,
        workload=workload,
        metrics=(rate(title), delivery_cost(f"{title}: daemons' CPU")),
        kind="ring",
        topology=RING,
    )


def _heavy_cell() -> LoadCell:
    """Return one sender that takes what it gets beside two that need little of it, and soon."""
    title = "3 daemons, 1350 B AGREED, one sender with window 100, two with 100 messages/s"
    return LoadCell(
        name="ring-heavy",
        title=title,
        workload=Workload(payload_size=1350, window=100, senders=3, rates=(0, 100, 100)),
        metrics=(
            rate(title),
            other_latency(f"{title}: at others, p50", "p50"),
            other_latency(f"{title}: at others, p99", "p99"),
        ),
        kind="ring",
        topology=RING,
    )


def _fairness_cell(senders: int) -> LoadCell:
    """Return senders that all take what they get: whether they get the same."""
    title = f"3 daemons, {senders} senders, 100 B AGREED, window 100: least / most of a sender"
    figure = Figure(title=title, unit="ratio")
    return LoadCell(
        name=f"ring-fair-{senders}",
        title=title,
        workload=Workload(payload_size=100, window=100, senders=senders),
        metrics=(
            Metric(figure, lambda measurement: measurement.fairness),
            rate(f"3 daemons, {senders} senders, 100 B AGREED, window 100"),
        ),
        kind="ring",
        topology=RING,
    )
