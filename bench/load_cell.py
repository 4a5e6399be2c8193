"""Cells that are a workload of the compiled generator, and the figures that are read from it."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.cell import Effort, Figure, Sample
from bench.drive import drive
from bench.load import Bounds, Measurement, Workload
from bench.system import System, Topology

ONE_DAEMON = Topology()


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure and how it is read from a measurement."""

    figure: Figure
    read: Callable[[Measurement], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCell:
    """A workload on a topology, its clients connected by one transport."""

    name: str
    title: str
    workload: Workload
    metrics: tuple[Metric, ...]
    kind: str = "client path"
    topology: Topology = ONE_DAEMON
    transport: str = "tcp"
    has_limit: bool = True

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What the metrics read."""
        return tuple(metric.figure for metric in self.metrics)

    def run(self, system: System, effort: Effort) -> Sample:
        """Warm up and measure for the times of `effort`."""
        bounds = Bounds(warm_up_s=effort.warm_up_s, duration_s=effort.seconds_of(self.kind))
        measurement = drive(system, self.workload, bounds, transport=self.transport)
        return Sample(tuple(metric.read(measurement) for metric in self.metrics), measurement)


def rate(
    title: str,
    target: float | None = None,
    reference: str = "-",
    reference_limit: str = "-",
    *,
    limit_share: float | None = None,
) -> Metric:
    """Return the rate at the slowest receiver."""
    figure = Figure(
        title=title,
        unit="messages/s",
        target=target,
        limit_share=limit_share,
        reference=reference,
        reference_limit=reference_limit,
    )
    return Metric(figure, lambda measurement: measurement.messages_per_s)


def deliveries(title: str, target: float | None = None, reference: str = "-") -> Metric:
    """Return the rate of all receivers together."""
    figure = Figure(title=title, unit="deliveries/s", target=target, reference=reference)
    return Metric(figure, lambda measurement: measurement.deliveries_per_s)


def own_latency(
    title: str, percentile: str, target: float | None = None, reference: str = "-"
) -> Metric:
    """Return a percentile of the latency of own messages: `p50`, `p99` and so on."""
    return _latency(title, "latency_own", percentile, target, reference)


def other_latency(
    title: str, percentile: str, target: float | None = None, reference: str = "-"
) -> Metric:
    """Return the same of the messages of others."""
    return _latency(title, "latency_other", percentile, target, reference)


def _latency(
    title: str, part: str, percentile: str, target: float | None, reference: str
) -> Metric:
    figure = Figure(
        title=title, unit="us", target=target, more_is_better=False, reference=reference
    )

    def read(measurement: Measurement) -> float:
        value: float = getattr(getattr(measurement, part), f"us_{percentile}")
        return value

    return Metric(figure, read)


def delivery_cost(title: str, target: float | None = None, reference: str = "-") -> Metric:
    """Return the processor time of all daemons per message delivered to a client."""
    figure = Figure(
        title=title, unit="us/delivery", target=target, more_is_better=False, reference=reference
    )
    return Metric(figure, cost_per_delivery)


def cost_per_delivery(measurement: Measurement) -> float:
    """Return processor microseconds of all daemons per delivery, summed over all receivers."""
    cost = measurement.daemon_cpu_us_per_message  # Per message at the slowest receiver.
    return (cost or 0.0) * min(measurement.delivered) / max(1, sum(measurement.delivered))
