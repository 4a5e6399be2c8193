"""The last minute of a daemon: what grew, and what a restart or a repeated report does to it."""

from spread.monitor.health_span import COURSE_S, Course, Span
from spread.monitor.report import Peer, Report
from tests.unit.monitor.reports import course, report


def span_of(reports: list[Report], seconds: float = COURSE_S) -> Span:
    kept = Course()
    for each in reports:
        kept.add(each)
    span = kept.span(seconds)
    assert span is not None
    return span


def test_growth_is_that_of_the_span_only() -> None:
    span = span_of(course(30, {"tokens": 5, "parks": 1}), 10)

    assert (span.seconds, span.grown("tokens"), span.grown("tokens", "parks")) == (10, 50, 60)


def test_a_counter_that_is_not_told_has_not_grown() -> None:
    assert span_of(course(3)).grown("of_tomorrow") == 0


def test_no_more_than_a_minute_is_kept() -> None:
    assert span_of(course(200)).seconds == COURSE_S


def test_a_restart_begins_anew() -> None:
    span = span_of([*course(5, {"tokens": 9}), report(process=8, uptime_s=1.0)])

    assert (span.seconds, span.grown("tokens")) == (0, 0)


def test_the_same_report_again_is_left_out() -> None:
    assert len(span_of([report(), report(), report(1)]).reports) == 2


def test_peers_that_were_not_there_before_have_no_growth() -> None:
    before = report(peers=(Peer("b", "10.0.0.2", received=5, missed=1),))
    after = report(
        1,
        peers=(
            Peer("b", "10.0.0.2", received=9, missed=3),
            Peer("c", "10.0.0.3", received=7, missed=7),
        ),
    )

    (growth,) = span_of([before, after]).peers()

    assert (growth.peer.name, growth.received, growth.missed) == ("b", 4, 2)


def test_nothing_is_known_without_a_report() -> None:
    assert Course().span(10) is None
