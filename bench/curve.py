"""Latency against rate in open loop, and the knee: the highest rate that is still answered soon.

The knee is the highest rate whose p99 is at most KNEE_FACTOR times the p99 at the lowest rate of
the curve, a tenth of what the daemons deliver in closed loop. Coarse rates find where it lies,
halving finds it; both are bounded, because every rate takes seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # Of the closed-loop maximum.
SHARES_BEYOND = (1.0, 1.1, 1.25)  # Tried in turn when no rate of SHARES is too high.
KNEE_FACTOR = 5.0
DELIVERED_SHARE = 0.9  # Of the offered rate; below, messages pile up whatever p99 says yet.
HALVINGS = 4  # 20 % of the maximum between two coarse rates become 1.25 %.


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one offered rate led to."""

    offered_per_s: float  # Messages/s of all senders together.
    delivered_per_s: float = 0.0  # At the slowest receiver.
    us_p50: float = 0.0
    us_p90: float = 0.0
    us_p99: float = 0.0
    us_p999: float = 0.0
    us_max: float = 0.0
    daemon_cpu_us_per_message: float = 0.0
    ended: str = ""  # Why the run ended early, as under overload; then nothing else counts.

    def is_within(self, us_p99: float) -> bool:
        """Whether the rate was delivered, and 99 % of the messages within the time."""
        is_delivered = self.delivered_per_s >= DELIVERED_SHARE * self.offered_per_s
        return not self.ended and is_delivered and self.us_p99 <= us_p99


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The points in the order of their rates."""

    maximum_per_s: float  # In closed loop.
    points: tuple[Point, ...]

    @property
    def us_p99_bound(self) -> float:
        """What p99 may reach at the knee; 0 when the lowest rate was not delivered."""
        lowest = self.points[0]
        return 0.0 if lowest.ended else KNEE_FACTOR * lowest.us_p99

    @property
    def knee_per_s(self) -> float:
        """The highest rate within the bound, 0 when there is none."""
        within = [p.offered_per_s for p in self.points if p.is_within(self.us_p99_bound)]
        return max(within, default=0.0)

    def us_p99_at(self, rate_per_s: float) -> float | None:
        """Return p99 at a rate, on the line between its neighbours; None outside the points."""
        points = [point for point in self.points if not point.ended]
        for low, high in pairwise(points):
            if low.offered_per_s <= rate_per_s <= high.offered_per_s:
                share = (rate_per_s - low.offered_per_s) / (high.offered_per_s - low.offered_per_s)
                return low.us_p99 + share * (high.us_p99 - low.us_p99)
        return None


def trace(maximum_per_s: float, offer: Callable[[float], Point]) -> Curve:
    """Offer one rate after the other and return the curve with its knee found.

    `offer` runs a rate; what ends it early is noted in its point.
    """
    points = [offer(share * maximum_per_s) for share in SHARES]
    curve = _curve(maximum_per_s, points)
    for share in SHARES_BEYOND:
        if _first_beyond(curve) is not None:
            break
        points.append(offer(share * maximum_per_s))
        curve = _curve(maximum_per_s, points)
    for _ in range(HALVINGS):
        beyond = _first_beyond(curve)
        if beyond is None or curve.knee_per_s == 0.0:
            break
        points.append(offer((curve.knee_per_s + beyond) / 2))
        curve = _curve(maximum_per_s, points)
    return curve


def _curve(maximum_per_s: float, points: list[Point]) -> Curve:
    ordered = sorted(points, key=lambda point: point.offered_per_s)
    return Curve(maximum_per_s=maximum_per_s, points=tuple(ordered))


def _first_beyond(curve: Curve) -> float | None:
    """Return the lowest rate above the knee, or None when nothing higher was tried."""
    rates = [p.offered_per_s for p in curve.points if p.offered_per_s > curve.knee_per_s]
    return min(rates, default=None)
