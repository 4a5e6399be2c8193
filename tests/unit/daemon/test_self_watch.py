"""What the watching thread adds to reports, and what it tells the log."""

import sys
import threading

import pytest

from spread.config.model import EventPriority, EventType
from spread.counters import FIGURES
from spread.daemon.receive_buffers import ReceiveBuffers
from spread.daemon.self_watch import EVENT_TYPES, SelfWatch
from spread.monitor.health_rules import RULES
from tests.unit.daemon.event_list import EventList
from tests.unit.monitor.reports import course, report


@pytest.fixture
def log() -> EventList:
    return EventList()


@pytest.fixture
def watch(log: EventList) -> SelfWatch:
    return SelfWatch(log, ReceiveBuffers([]))


def test_reports_in_time_are_no_stall(watch: SelfWatch) -> None:
    whole = [watch.complete(each) for each in course(5)][-1]

    assert (whole.counters["stalls"], whole.counters["stall_ms"]) == (0, 0)


def test_a_report_that_is_late_is_a_stall(watch: SelfWatch) -> None:
    for second in (0, 1.05, 4.3):
        whole = watch.complete(report(second))

    assert (whole.counters["stalls"], whole.counters["stall_ms"]) == (1, 2250)


def test_turns_that_are_late_are_stalls_though_the_report_is_not(watch: SelfWatch) -> None:
    watch.complete(report(0, lateness=(*[0] * 18, 3, 0)))
    little = watch.complete(report(1, lateness=(9, *[0] * 17, 4, 0)))
    whole = watch.complete(report(2, lateness=(9, *[0] * 17, 5, 1)))

    assert (little.counters["stalls"], little.counters["stall_ms"]) == (0, 0)
    assert (whole.counters["stalls"], whole.counters["stall_ms"]) == (2, 393)


def test_time_in_which_the_daemon_computes_is_no_stall(log: EventList) -> None:
    used_s = iter([0.0, 0.2, 3.1, 3.2])
    watch = SelfWatch(log, ReceiveBuffers([]), cpu_s=lambda: next(used_s))
    watch.complete(report(0))
    busy = watch.complete(report(3, lateness=(*[0] * 20, 3)))
    stopped = watch.complete(report(6, lateness=(*[0] * 20, 3)))

    assert (busy.counters["stalls"], busy.counters["stall_ms"]) == (0, 0)
    assert (stopped.counters["stalls"], stopped.counters["stall_ms"]) == (1, 2000)


def test_a_clock_that_was_set_is_counted(watch: SelfWatch) -> None:
    watch.complete(report(0))
    whole = watch.complete(report(1, time_s=1_700_000_000.0))

    assert whole.counters["clock_steps"] == 1


def test_what_others_count_is_part_of_the_report(log: EventList) -> None:
    watch = SelfWatch(log, ReceiveBuffers([]), [lambda: {"metrics_requests": 4}])

    whole = watch.complete(report(counters={"tokens": 3}, gauges={"sessions": 1.0}))

    assert whole.counters["metrics_requests"] == 4
    assert whole.counters["tokens"] == 3
    assert whole.gauges["sessions"] == 1
    assert set(whole.counters) | set(whole.gauges) <= set(FIGURES)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of other threads")
def test_the_time_of_all_watching_threads_is_counted(log: EventList) -> None:
    has_worked, may_end = threading.Event(), threading.Event()

    def work() -> None:
        sum(range(3_000_000))
        has_worked.set()
        may_end.wait()

    thread = threading.Thread(target=work)
    thread.start()
    has_worked.wait()

    both = SelfWatch(log, ReceiveBuffers([]), threads=[thread]).complete(report())
    alone = SelfWatch(log, ReceiveBuffers([])).complete(report())
    may_end.set()
    thread.join()

    assert both.counters["observing_cpu_ms"] > alone.counters["observing_cpu_ms"]


def test_a_finding_is_told_when_it_begins_and_when_it_is_over(
    log: EventList, watch: SelfWatch
) -> None:
    for second in range(40):
        whole = watch.complete(
            report(second, counters={"stall_ms": 0}, partition=(0, 1) if second < 20 else ())
        )

    begun, over = log.told
    fields = begun.fields
    assert (begun.wording, begun.priority) == ("health finding", EventPriority.WARNING)
    assert (over.wording, over.priority) == ("health finding over", EventPriority.INFO)
    assert all(EventType.PRINT in each.types and not each.lines for each in log.told)
    assert fields["rule"] == "partition-command"
    assert "a partition command" in str(fields["finding"])
    assert whole.findings == ()


def test_findings_are_part_of_the_report(watch: SelfWatch) -> None:
    whole = [watch.complete(each) for each in course(2, partition=(0, 1))][-1]

    assert [each.rule for each in whole.findings] == ["partition-command"]


def test_every_rule_has_a_class_of_events() -> None:
    assert set(EVENT_TYPES) == set(RULES)
