"""The knee of a latency curve, over daemons that are formulas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.curve import (
    HALVINGS,
    KNEE_FACTOR,
    SHARES,
    SHARES_BEYOND,
    Curve,
    Point,
    trace,
)


class Queue:
    """A server whose latency grows as 1 / (1 - load), and that closes above `closed_at_per_s`."""

    def __init__(self, capacity_per_s: float, closed_at_per_s: float = 1e12) -> None:
        self.capacity_per_s = capacity_per_s
        self.closed_at_per_s = closed_at_per_s
        self.offered: list[float] = []

    def offer(self, rate_per_s: float) -> Point:
        self.offered.append(rate_per_s)
        if rate_per_s >= self.closed_at_per_s:
            return Point(offered_per_s=rate_per_s, ended="session 0 was closed")
        if rate_per_s >= self.capacity_per_s:
            delivered = self.capacity_per_s
            return Point(offered_per_s=rate_per_s, delivered_per_s=delivered, us_p99=1e6)
        us_p99 = 100 / (1 - rate_per_s / self.capacity_per_s)
        return Point(offered_per_s=rate_per_s, delivered_per_s=rate_per_s, us_p99=us_p99)

    def knee_per_s(self, lowest_per_s: float) -> float:
        """Where p99 is KNEE_FACTOR times that at the lowest rate, or sessions are closed."""
        free = (1 - lowest_per_s / self.capacity_per_s) / KNEE_FACTOR
        return min(self.capacity_per_s * (1 - free), self.closed_at_per_s)


@given(
    maximum=st.floats(1e3, 1e6),
    capacity_share=st.floats(0.2, 1.2),
    closed_share=st.floats(0.35, 2.0),
)
def test_knee_is_found_to_one_halving_of_the_coarse_step(
    maximum: float, capacity_share: float, closed_share: float
) -> None:
    server = Queue(capacity_share * maximum, closed_share * maximum)

    curve = trace(maximum, server.offer)

    true_knee = server.knee_per_s(SHARES[0] * maximum)
    step = 0.2 * maximum / 2**HALVINGS
    assert curve.knee_per_s <= true_knee * (1 + 1e-9)
    assert curve.knee_per_s >= true_knee - step * (1 + 1e-9)


@given(maximum=st.floats(1.0, 1e6), capacity_share=st.floats(0.01, 5.0))
def test_number_of_rates_is_bounded_whatever_the_daemon_does(
    maximum: float, capacity_share: float
) -> None:
    server = Queue(capacity_share * maximum)

    curve = trace(maximum, server.offer)

    assert len(curve.points) == len(server.offered)
    assert len(server.offered) <= len(SHARES) + len(SHARES_BEYOND) + HALVINGS


def test_points_stand_in_the_order_of_their_rates() -> None:
    curve = trace(1000.0, Queue(800.0).offer)

    rates = [point.offered_per_s for point in curve.points]
    assert rates == sorted(rates)


def test_rate_at_which_a_session_is_closed_stays_in_the_curve_with_its_reason() -> None:
    curve = trace(1000.0, Queue(5000.0, closed_at_per_s=600.0).offer)

    assert curve.points[-1].ended == "session 0 was closed"
    assert 585.0 <= curve.knee_per_s < 600.0


def test_daemon_that_takes_more_than_its_maximum_is_tried_beyond_it() -> None:
    server = Queue(10_000.0)

    curve = trace(1000.0, server.offer)

    assert curve.knee_per_s == pytest.approx(SHARES_BEYOND[-1] * 1000.0)


def test_no_knee_when_the_lowest_rate_ends_the_run() -> None:
    curve = trace(1000.0, Queue(5000.0, closed_at_per_s=1.0).offer)

    assert curve.knee_per_s == 0.0
    assert len(curve.points) == len(SHARES)


def test_knee_needs_the_offered_rate_delivered() -> None:
    slow = Point(offered_per_s=500.0, delivered_per_s=400.0, us_p99=10.0)

    assert not slow.is_within(50.0)


def test_p99_between_two_rates_lies_on_their_line() -> None:
    curve = Curve(
        maximum_per_s=100.0,
        points=(
            Point(offered_per_s=10.0, us_p99=100.0),
            Point(offered_per_s=50.0, us_p99=900.0, ended="closed"),
            Point(offered_per_s=30.0, us_p99=300.0),
        ),
    )

    assert curve.us_p99_at(20.0) == 200.0
    assert curve.us_p99_at(40.0) is None
