"""When messages are due, by the compiled schedule of the generator."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench._load import due_times
from bench.workload import Workload

COUNT = 20_000


def test_fixed_schedule_begins_at_once_and_keeps_its_interval() -> None:
    assert due_times(3_333_333, None, 4) == [0, 3_333_333, 6_666_666, 9_999_999]


@given(interval_ns=st.integers(1_000, 10**9), seed=st.integers(0, 2**64 - 1))
def test_random_schedule_is_repeated_by_its_seed_and_never_goes_back(
    interval_ns: int, seed: int
) -> None:
    times = due_times(interval_ns, seed, 50)

    assert times == due_times(interval_ns, seed, 50)
    assert times == sorted(times)


def test_intervals_of_a_poisson_process_have_its_mean_and_deviation() -> None:
    times = due_times(1_000_000, 7, COUNT)

    intervals = [after - before for before, after in pairwise([0, *times])]
    mean = sum(intervals) / COUNT
    deviation = (sum((i - mean) ** 2 for i in intervals) / COUNT) ** 0.5
    assert mean == pytest.approx(1_000_000, rel=0.03)
    assert deviation == pytest.approx(1_000_000, rel=0.05)


@pytest.mark.parametrize(("multiple", "share"), [(0.5, 0.3935), (1.0, 0.6321), (3.0, 0.9502)])
def test_intervals_of_a_poisson_process_are_exponential(multiple: float, share: float) -> None:
    times = due_times(1_000_000, 11, COUNT)

    intervals = [after - before for before, after in pairwise([0, *times])]
    below = sum(interval <= multiple * 1_000_000 for interval in intervals)
    assert below / COUNT == pytest.approx(share, abs=0.015)


def test_senders_of_one_run_have_schedules_of_their_own() -> None:
    workload = Workload(payload_size=100, senders=3, rates=(1000.0,), is_poisson=True)

    times = {tuple(due_times(1_000_000, workload.seed_of(i), 5)) for i in range(3)}

    assert len(times) == 3


def test_rates_are_given_in_turn_and_zero_means_as_the_window_allows() -> None:
    workload = Workload(payload_size=100, senders=4, rates=(0.0, 100.0))

    assert [workload.interval_ns(i) for i in range(4)] == [0, 10_000_000, 0, 10_000_000]
    assert workload.offered_per_s is None


def test_offered_rate_is_the_sum_over_senders() -> None:
    workload = Workload(payload_size=100, senders=3, rates=(1000.0, 100.0))

    assert workload.offered_per_s == pytest.approx(2100.0)


def test_sender_without_rate_and_window_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a rate or a window"):
        Workload(payload_size=100, senders=2, rates=(100.0, 0.0), window=0)
