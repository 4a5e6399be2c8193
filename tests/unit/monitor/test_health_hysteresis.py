"""Findings begin late, end late, and never flap, whatever rules say."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.monitor.health_hysteresis import (
    SUBJECTS_MAX,
    Changes,
    Hysteresis,
    Level,
    Rule,
    Verdict,
)

RULE = Rule(
    name="rule",
    about="",
    warning="",
    critical="",
    reason="",
    sentence="{number} of {subject}",
    remedy="mend {subject}",
    raise_after_s=3.0,
    clear_after_s=5.0,
)

LEVELS = st.lists(st.sampled_from([0, 1, 2]), max_size=80)
"""What a rule says each second; 0 for nothing."""


def verdict(level: int, subject: str = "x") -> list[Verdict]:
    values = {"number": 7, "subject": subject}
    return [Verdict(subject, Level(level), values)] if level else []


def run(levels: list[int]) -> list[Changes]:
    """Return what came of each second."""
    hysteresis = Hysteresis()
    return [
        hysteresis.update([(RULE, verdict(level))], float(second), 1000.0 + second)
        for second, level in enumerate(levels)
    ]


def severities(levels: list[int]) -> list[int]:
    """Return the level of the finding in force after each second."""
    return [
        max((Level[each.severity.upper()] for each in changes.findings), default=0)
        for changes in run(levels)
    ]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([1, 1, 1], [0, 0, 0]),
        ([1, 1, 1, 1], [0, 0, 0, 1]),
        ([1, 1, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0]),
        ([1, 1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1, 1, 0]),
        ([1, 1, 1, 1, 0, 0, 0, 0, 1], [0, 0, 0, 1, 1, 1, 1, 1, 1]),
        ([2, 2, 2, 2], [0, 0, 0, 2]),
        ([1, 1, 1, 2, 2, 2, 2], [0, 0, 0, 1, 1, 1, 2]),
        ([2, 2, 2, 2, 1, 1, 1, 1, 1], [0, 0, 0, 2, 2, 2, 2, 2, 1]),
    ],
)
def test_a_finding_follows_with_hysteresis(levels: list[int], expected: list[int]) -> None:
    assert severities(levels) == expected


def test_beginning_change_and_end_are_told_once_each() -> None:
    changes = run([1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0])

    assert [len(each.begun) for each in changes].index(1) == 3
    assert [len(each.changed) for each in changes].index(1) == 7
    assert [len(each.ended) for each in changes].index(1) == 12
    assert sum(len(each.begun + each.changed + each.ended) for each in changes) == 3


def test_a_finding_has_the_words_of_its_rule_and_the_time_of_its_begin() -> None:
    (finding,) = run([1, 1, 1, 1, 1, 1])[-1].findings

    assert (finding.sentence, finding.remedy) == ("7 of x", "mend x")
    assert finding.since_s == 1003


def test_subjects_are_judged_apart() -> None:
    hysteresis = Hysteresis()
    for second in range(4):
        said = verdict(1, "x") + (verdict(2, "y") if second else [])
        changes = hysteresis.update([(RULE, said)], float(second), 0)

    assert [each.subject for each in changes.findings] == ["x"]


def test_the_worst_comes_first() -> None:
    hysteresis = Hysteresis()
    for second in range(4):
        said = verdict(1, "a") + verdict(2, "z")
        changes = hysteresis.update([(RULE, said)], float(second), 0)

    assert [each.subject for each in changes.findings] == ["z", "a"]


def test_subjects_are_bounded() -> None:
    hysteresis = Hysteresis()
    said = [each for number in range(SUBJECTS_MAX + 50) for each in verdict(1, str(number))]

    for second in range(5):
        changes = hysteresis.update([(RULE, said)], float(second), 0)

    assert len(changes.findings) == SUBJECTS_MAX


@given(LEVELS)
def test_a_finding_never_flaps(levels: list[int]) -> None:
    found = severities(levels)
    turns = [
        second
        for second, (before, after) in enumerate(pairwise(found))
        if bool(before) != bool(after)
    ]

    # It ends 5 s after it was said last, and begins when it was said for 3 s.
    assert all(after - before >= 3 for before, after in pairwise(turns))


@given(LEVELS)
def test_what_is_never_said_for_long_is_never_found(levels: list[int]) -> None:
    for second, level in enumerate(severities(levels)):
        if level:
            said = levels[: second + 1]
            runs = "".join("x" if each >= level else " " for each in said).split()
            assert max(map(len, runs)) >= 4


@given(LEVELS)
def test_what_is_said_without_a_break_is_found(levels: list[int]) -> None:
    found = severities(levels)
    for second in range(3, len(levels)):
        least = min(levels[second - 3 : second + 1])
        assert found[second] >= least


@given(LEVELS, st.data())
def test_findings_are_monotone_in_severity(levels: list[int], data: st.DataObject) -> None:
    worse = [data.draw(st.integers(level, 2)) for level in levels]

    assert all(a <= b for a, b in zip(severities(levels), severities(worse), strict=True))


@given(LEVELS)
def test_every_beginning_has_its_end_told(levels: list[int]) -> None:
    changes = run(levels + [0] * 6)

    begun = sum(len(each.begun) for each in changes)
    ended = sum(len(each.ended) for each in changes)
    assert begun == ended
    assert changes[-1].findings == ()
