"""Numbers of a daemon out of its reports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.monitor.report import Latency
from spread.monitor.web.figures import figures, percentile_us
from tests.unit.monitor.web.sights import in_ring, seen


def test_rates_come_from_the_growth_of_counters() -> None:
    daemon = seen(
        "a",
        in_ring("a", counters={"frames_in": 100, "tokens": 1000}),
        in_ring("a", counters={"frames_in": 350, "tokens": 4000}),
    )

    found = figures(daemon.history)

    assert (found.messages_in, found.visits) == (250.0, 3000.0)
    assert found.deliveries is None


def test_times_are_those_since_the_report_before() -> None:
    old = in_ring("a", latency=Latency(agreed=(0, 0, 0, 1000)))
    new = in_ring("a", latency=Latency(agreed=(0, 0, 0, 1000, 0, 0, 100)))

    median, last = figures(seen("a", old, new).history).agreed_us

    assert median == pytest.approx(48.0)
    assert last == pytest.approx(63.68)


def test_nothing_counted_has_no_median() -> None:
    assert percentile_us([], 0.5) is None
    assert percentile_us([0, 0], 0.5) is None


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=24), st.floats(0.01, 1.0))
def test_a_percentile_lies_in_a_bucket_that_has_something(counts: list[int], share: float) -> None:
    found = percentile_us(counts, share)

    if not any(counts):
        assert found is None
        return
    assert found is not None
    first = next(index for index, count in enumerate(counts) if count)
    last = max(index for index, count in enumerate(counts) if count)
    low = 0.0 if first == 0 else 2.0 ** (first - 1)
    assert low <= found <= 2.0**last
