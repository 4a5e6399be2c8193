"""Cells that trace latency against rate, three daemons, one client each that sends and receives."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from bench.cell import Cell, Effort, Figure, Sample
from bench.curve import Curve, Point, trace
from bench.drive import drive
from bench.load import Bounds, LoadError, Measurement, Workload
from bench.session import SessionError
from bench.system import System, Topology

RING = Topology(daemons=3)
CORE_PAYLOAD = 1350
FURTHER_PAYLOADS = (100, 8000)
# Times of one rate: a curve has up to twelve.
WARM_UP_S = 0.3
DURATION_S = 1.0
STALL_S = 3.0
SHARE_OF_MAXIMUM = 0.5  # At which p99 is a figure of its own.


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveCell:
    """Poisson senders at rising rates; the figures are the knee and p99 at half of the maximum."""

    name: str
    title: str
    workload: Workload  # In closed loop, for the maximum.
    topology: Topology = RING
    kind: str = "curve"
    has_limit: bool = False  # Its curve would say nothing: it acknowledges by bytes, not messages.

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Maximum, knee, and p99 at half of the maximum."""
        return (
            Figure(title=f"{self.title}: maximum in closed loop", unit="messages/s"),
            Figure(title=f"{self.title}: knee", unit="messages/s"),
            Figure(
                title=f"{self.title}: p99 at half of the maximum", unit="us", more_is_better=False
            ),
        )

    def run(self, system: System, effort: Effort) -> Sample:
        """Find the maximum in closed loop, then trace the curve; its points go into `extra`.

        A session that a daemon closes under overload ends its rate only, with the reason.
        """
        bounds = Bounds(
            warm_up_s=min(effort.warm_up_s, WARM_UP_S),
            duration_s=min(effort.duration_s, DURATION_S),
            stall_s=STALL_S,
        )
        closed = drive(system, self.workload, bounds)
        curve = trace(closed.messages_per_s, self._offer(system, bounds))
        if curve.points[0].ended:
            raise LoadError(f"a tenth of the maximum is too much: {curve.points[0].ended}")
        middle = curve.us_p99_at(SHARE_OF_MAXIMUM * curve.maximum_per_s)
        if middle is None:
            raise LoadError("no rate above half of the maximum in closed loop was delivered")
        values = (curve.maximum_per_s, curve.knee_per_s, middle)
        return Sample(values, closed, {"curve": self._record(curve)})

    def _offer(self, system: System, bounds: Bounds) -> Callable[[float], Point]:
        senders = self.workload.senders

        def offer(rate_per_s: float) -> Point:
            workload = replace(
                self.workload, window=0, rates=(rate_per_s / senders,), is_poisson=True
            )
            try:
                return point_of(rate_per_s, drive(system, workload, bounds))
            except (LoadError, SessionError) as error:
                return Point(offered_per_s=rate_per_s, ended=str(error))

        return offer

    def _record(self, curve: Curve) -> dict[str, object]:
        return {
            "payload_size": self.workload.payload_size,
            "maximum_per_s": curve.maximum_per_s,
            "knee_per_s": curve.knee_per_s,
            "us_p99_bound": curve.us_p99_bound,
            "points": [asdict(point) for point in curve.points],
        }


def point_of(offered_per_s: float, measurement: Measurement) -> Point:
    """Return the point of a measurement: latency at clients of other daemons where there are."""
    other = measurement.latency_other
    latency = other if other.count else measurement.latency_own
    return Point(
        offered_per_s=offered_per_s,
        delivered_per_s=measurement.messages_per_s,
        us_p50=latency.us_p50,
        us_p90=latency.us_p90,
        us_p99=latency.us_p99,
        us_p999=latency.us_p999,
        us_max=latency.us_max,
        daemon_cpu_us_per_message=measurement.daemon_cpu_us_per_message or 0.0,
    )


def core_cells() -> list[Cell]:
    """Return the curve of messages that fill a packet."""
    return [_ring_curve(CORE_PAYLOAD)]


def further_cells() -> list[Cell]:
    """Return those of other payloads, and that of one daemon."""
    return [
        *(_ring_curve(size) for size in FURTHER_PAYLOADS),
        CurveCell(
            name="curve-one-daemon",
            title="1 daemon, one client, 100 B AGREED",
            workload=Workload(payload_size=100, window=200),
            topology=Topology(),
        ),
    ]


def _ring_curve(size: int) -> CurveCell:
    return CurveCell(
        name=f"curve-{size}",
        title=f"3 daemons, all send, {size} B AGREED",
        workload=Workload(payload_size=size, window=100, senders=3),
    )
