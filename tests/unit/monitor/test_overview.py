"""The ring as lines of text."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.config import local_ring
from spread.monitor import overview
from spread.monitor.report import Finding, Report, RingName
from spread.monitor.roster import roster_of
from spread.monitor.sender import Oddity, Strange
from spread.monitor.watch import RingWatch


def watch_of(*reports: Report) -> RingWatch:
    """Return a watch of local1 to local3 in which these have answered and others had their time."""
    watch = RingWatch(
        roster_of(local_ring(24000, 3, 1)),
        reply_port=6000,
        random_number=itertools.count(1).__next__,
        wall_clock=lambda: 0.0,
    )
    for watched in watch.daemons.values():
        watched.silent_since_s = 90.0
    for report in reports:
        watched = watch.daemons[report.daemon]
        watched.report, watched.heard_s, watched.silent_since_s = report, 100.0, None
        watched.history.add(report, 100.0)
    return watch


def report(number: int, **fields: object) -> Report:
    usual = Report(
        f"local{number}",
        f"127.0.0.{number}",
        uptime_s=61.5,
        ring=RingName("local1", 4),
        members=("local1", "local2", "local3"),
        counters={"retransmitted": 12_345},
    )
    return replace(usual, **fields)  # type: ignore[arg-type]


def test_a_ring_that_is_well_is_a_table_and_nothing_else() -> None:
    watch = watch_of(report(1), report(2), report(3))

    lines = overview.text_lines(watch, 100.0)

    assert overview.is_well(watch)
    assert len(lines) == 4
    assert lines[1].split() == ["local1", "OP", "local1", "3", "1m01", "0", "0", "-", "-", "12.3k"]


def test_a_silent_daemon_is_a_row_and_a_sentence_with_checks() -> None:
    watch = watch_of(report(1), report(2))

    lines = overview.text_lines(watch, 100.0)

    assert not overview.is_well(watch)
    assert lines[3].split()[:3] == ["local3", "silent", "-"]
    assert lines[5].startswith("local3 does not answer for 10s: ")
    assert lines[6].startswith("    check: ")


def test_several_daemons_that_are_silent_alike_are_explained_once() -> None:
    watch = watch_of(report(1))

    lines = list(overview.troubles(watch, 100.0))

    assert [line for line in lines if "does not answer" in line] == [lines[0]]
    assert lines[-1] == "    so it is with local3"


def test_a_critical_finding_is_not_well() -> None:
    watch = watch_of(report(1), report(2), report(3))
    watch.findings = (Finding("lossy-link", "critical", "a -> b", "lossy", ""),)

    assert not overview.is_well(watch)


def test_what_health_says_is_not_said_twice() -> None:
    watch = watch_of(report(1), report(2), report(3, ring=RingName("local3", 1)))
    finding = Finding("split-ring", "critical", "ring", "the daemons are in 2 rings", "join them")
    plain = list(overview.troubles(watch, 100.0))

    watch.findings = (finding, finding)

    assert plain == ["2 rings instead of one: local1, local2 | local3"]
    assert list(overview.troubles(watch, 100.0)) == [
        "critical: the daemons are in 2 rings",
        "    join them",
    ]


def test_what_a_terminal_would_obey_is_shown() -> None:
    watch = watch_of(report(1, state="\x1b[2J"))
    watch.findings = (Finding("x", "critical", "x", "a\x07b", ""),)

    assert all(line.isprintable() for line in overview.text_lines(watch, 100.0))


def test_critical_findings_come_first() -> None:
    watch = watch_of(report(1))
    watch.findings = (
        Finding("slow-receiver", "warning", "s", "slow", ""),
        Finding("no-answer", "critical", "x", "silent", ""),
        Finding("lossy-link", "critical", "a -> b", "lossy", ""),
    )

    assert [each.rule for each in overview.findings_of(watch)] == ["lossy-link", "slow-receiver"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (59.9, "59s"), (60, "1m00"), (3599, "59m59"), (3600, "1h00"), (1e6, "11d")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert overview.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (7, "7"),
        (7.25, "7.2"),
        (999, "999"),
        (999.7, "1.0k"),
        (12_345, "12.3k"),
        (123_456, "123k"),
        (4_500_000, "4.5M"),
        (1e11, "100G"),
    ],
)
def test_numbers(value: float, shown: str) -> None:
    assert overview.number(value) == shown


@given(st.floats(0, 1e15))
def test_a_number_takes_five_characters_at_most(value: float) -> None:
    assert len(overview.number(value)) <= 5


@given(st.floats(0, 9e9))
def test_a_time_takes_five_characters_at_most(value: float) -> None:
    assert len(overview.microseconds(value)) <= 7
    assert value >= 99e6 or len(overview.microseconds(value)) <= 5


def test_daemons_that_are_silent_for_different_reasons_are_explained_one_by_one() -> None:
    watch = watch_of(report(1))
    watch.daemons["local2"].strange = Strange(Oddity.UNKNOWN_DAEMON, "10.0.0.9")

    lines = list(overview.troubles(watch, 100.0))

    assert [line.split(" for ")[0] for line in lines if " does not answer" in line] == [
        "local2 does not answer",
        "local3 does not answer",
    ]
