"""The last minute of a daemon: rates, and what must not look like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.monitor.rates import History
from spread.monitor.report import Report


def report(uptime_s: float, process: int = 7, **counters: int) -> Report:
    return Report("a", "10.0.0.1", process=process, uptime_s=uptime_s, counters=counters)


def history_of(*samples: tuple[float, Report]) -> History:
    history = History()
    for at_s, each in samples:
        history.add(each, at_s)
    return history


def test_there_is_no_rate_before_the_second_report() -> None:
    history = history_of((0, report(10.5, tokens=100)))

    assert history.rate("tokens") is None


def test_a_rate_is_taken_by_the_clock_of_the_daemon() -> None:
    history = history_of((0, report(10.5, tokens=100)), (1.4, report(11.5, tokens=150)))

    assert history.rate("tokens") == 50


def test_a_daemon_that_states_whole_seconds_is_measured_by_our_clock() -> None:
    history = history_of((0, report(10.0, tokens=100)), (0.5, report(11.0, tokens=150)))

    assert history.rate("tokens") == 100


def test_a_rate_is_that_of_the_last_seconds() -> None:
    samples = [(second, report(0.5 + second, tokens=second * 10)) for second in range(10)]
    history = history_of(*samples, (10, report(10.5, tokens=1090)))

    assert history.rate("tokens", span_s=1) == 1000
    assert history.rate("tokens", span_s=5) == pytest.approx(208)


def test_two_reports_far_apart_still_make_a_rate() -> None:
    history = history_of((0, report(0.5, tokens=0)), (20, report(20.5, tokens=200)))

    assert history.rate("tokens") == 10


def test_a_counter_that_falls_back_has_no_rate() -> None:
    history = history_of((0, report(1.5, tokens=100)), (1, report(2.5, tokens=3)))

    assert history.rate("tokens") is None
    assert history.rate_series("tokens") == [(1, None)]


def test_a_counter_that_is_not_reported_has_no_rate() -> None:
    history = history_of((0, report(1.5)), (1, report(2.5)))

    assert history.rate("tokens") is None
    assert history.rates() == {}


def test_the_reports_of_another_process_take_the_place_of_all_before() -> None:
    history = history_of((0, report(100.5, tokens=100)), (1, report(1.5, process=8, tokens=4)))

    assert len(history) == 1


def test_an_uptime_that_falls_back_is_another_process() -> None:
    history = history_of((0, report(100.5, process=0)), (1, report(3.5, process=0)))

    assert len(history) == 1


def test_the_same_report_again_says_nothing_new() -> None:
    history = History()

    assert history.add(report(1.5, tokens=1), 0)
    assert not history.add(report(1.5, tokens=1), 0.5)
    assert len(history) == 1


def test_a_minute_is_kept() -> None:
    history = history_of(*((second, report(0.5 + second)) for second in range(200)))

    assert next(iter(history)).at_s == 139
    assert len(history) == 61


def test_gauges_have_a_series() -> None:
    reports = [Report("a", "x", uptime_s=each, gauges={"seq": each * 2}) for each in (1.5, 2.5)]
    history = history_of((0, reports[0]), (1, reports[1]))

    assert history.gauge_series("seq") == [(0, 3.0), (1, 5.0)]


SAMPLE = st.tuples(
    st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 3), st.integers(0, 2**63 - 1)
)


@given(st.lists(SAMPLE, max_size=50))
def test_no_rate_is_negative_and_times_rise(samples: list[tuple[float, float, int, int]]) -> None:
    history = History()
    for at_s, uptime_s, process, tokens in samples:
        history.add(report(uptime_s, process, tokens=tokens), at_s)

    times = [sample.at_s for sample in history]
    assert times == sorted(set(times))
    assert all(rate is None or rate >= 0 for _, rate in history.rate_series("tokens"))
    assert (history.rate("tokens") or 0) >= 0
