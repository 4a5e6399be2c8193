"""What a reload brings with it, told from trouble by reports."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from spread.daemon.membership import intake
from spread.monitor.agreement import disagreements
from spread.monitor.health import OwnHealth, RingHealth
from spread.monitor.health_reload import LEFT, RELOADED, UNDER_WAY_S, Rollout, rollout
from spread.monitor.report import Finding, Report, RingName, View
from tests.unit.monitor.reports import report

START_S = report().time_s
LOST = "token lost"
MERGED = "daemons found each other"

Step = tuple[float, str, str]
"""When a ring came, the letters of its members, and why the one before ended."""


def views_of(steps: Iterable[Step]) -> tuple[View, ...]:
    views: list[View] = []
    for second, members, cause in steps:
        before = views[-1].members if views else ()
        views.append(
            View(
                START_S + second,
                RingName(members[0], int(second)),
                tuple(members),
                tuple(each for each in members if each not in before),
                tuple(each for each in before if each not in members),
                cause,
            )
        )
    return tuple(views)


def life(
    *steps: Step, seconds: int = 60, drops: Sequence[float] = (), loads: Sequence[float] = ()
) -> list[Report]:
    """Return a report for each second: of rings, foreign datagrams and reloads at those times."""
    begun = (-50.0, "abc", "")
    return [
        report(
            second,
            views=views_of([begun, *(each for each in steps if each[0] <= second)]),
            network_changed_s=max([0.0, *(START_S + each for each in loads if each <= second)]),
            counters={
                "installs": 1 + sum(each[0] <= second for each in steps),
                "dropped_network": sum(each <= second for each in drops),
            },
        )
        for second in range(seconds + 1)
    ]


def found_in(reports: Sequence[Report]) -> dict[str, Finding]:
    """Return each finding that was ever in force, as it was last."""
    health = OwnHealth()
    return {each.rule: each for one in reports for each in health.update(one).findings}


RELOADED_FIRST = life(
    (10, "a", RELOADED),
    (12, "a", RELOADED),
    (20, "ab", MERGED),
    (30, "abc", MERGED),
    drops=range(10, 30),
    loads=[10.5],
)
RELOADED_LAST = life(
    (10, "bc", f"{LEFT}: a"),
    (20, "c", f"{LEFT}: b"),
    (30, "c", RELOADED),
    (31, "abc", RELOADED),
    drops=range(10, 30),
    loads=[30.5],
)
TWICE = life(
    (5, "a", RELOADED),
    (6, "abc", MERGED),
    (35, "a", RELOADED),
    (36, "ac", MERGED),
    (40, "abc", MERGED),
    drops=[5, 6, 35, 36, 40],
    loads=[5.5, 35.5],
)


@pytest.mark.parametrize("reports", [RELOADED_FIRST, RELOADED_LAST, TWICE])
def test_daemons_that_are_reloaded_one_after_the_other_are_well(reports: list[Report]) -> None:
    assert found_in(reports) == {}


def test_daemon_that_is_not_reloaded_is_told_when_it_has_had_its_time() -> None:
    left = (5.0, "bc", f"{LEFT}: a")
    end = 5 + int(UNDER_WAY_S)

    early = found_in(life(left, drops=range(5, 60), seconds=end))
    late = found_in(life(left, drops=range(5, 60), seconds=end + 1))

    assert early == {}
    assert late["other-configuration"].severity == "critical"
    assert "dropped 1 datagrams" in late["other-configuration"].sentence


def test_daemon_with_another_configuration_that_was_never_here_is_told_at_once() -> None:
    found = found_in(life(drops=[10], seconds=10))

    assert found["other-configuration"].severity == "critical"


def test_what_was_dropped_before_a_reload_is_no_trouble_after_it() -> None:
    reports = life((21, "abc", RELOADED), drops=range(5, 20), loads=[20], seconds=40)
    health = OwnHealth()

    found = [health.update(each).findings for each in reports]

    assert [each.rule for each in found[19]] == ["other-configuration"]
    assert found[40] == ()


def test_daemon_that_fails_again_and_again_is_no_reload() -> None:
    steps = [(5.0 * n, "bc" if n % 2 else "abc", LOST if n % 2 else MERGED) for n in range(1, 9)]

    found = found_in(life(*steps))

    assert found["unstable-ring"].severity == "critical"
    assert "8 rings" in found["unstable-ring"].sentence


def test_rings_that_fail_after_a_reload_are_counted_without_its_own() -> None:
    found = found_in(
        life(
            (5, "a", RELOADED),
            (6, "abc", MERGED),
            *((7.0 + n, "abc", f"{LOST} {n}") for n in range(4)),
            loads=[5.5],
        )
    )

    assert found["unstable-ring"].severity == "warning"
    assert "into 4 rings" in found["unstable-ring"].sentence
    assert RELOADED not in found["unstable-ring"].sentence


def ring(age_s: float, uptime_s: float = 100) -> dict[str, Report | None]:
    """Return reports of a, which has had another configuration for so long, and of b and c."""
    usual = {name: report(daemon=name, ring_hash=1, configuration_hash=1) for name in "abc"}
    usual["a"] = replace(
        usual["a"],
        ring=RingName("a", 6),
        ring_hash=2,
        configuration_hash=2,
        network_changed_s=START_S - age_s,
        uptime_s=uptime_s,
    )
    return dict(usual)


def judged(answers: dict[str, Report | None]) -> dict[str, str]:
    health = RingHealth()
    found: tuple[Finding, ...] = ()
    for second in range(13):
        found = health.update(answers, float(second), START_S + second)
    return {each.rule: each.severity for each in found}


def test_reload_under_way_is_told_with_who_has_it_and_is_no_finding() -> None:
    answers = ring(age_s=UNDER_WAY_S)
    reports = [each for each in answers.values() if each is not None]

    assert rollout(reports) == Rollout(("a",), ("b", "c"))
    assert [each.sentence for each in disagreements(reports)] == [
        "a reload is under way: a has the new list of daemons, b, c not yet"
    ]
    assert judged(answers) == {}


def test_what_a_daemon_drops_that_has_come_with_the_new_list_is_part_of_the_reload() -> None:
    dropped = Finding("other-configuration", "critical", "d", "d dropped datagrams", "")
    come = replace(report(daemon="d", uptime_s=4), ring_hash=2, configuration_hash=2)
    come = replace(come, ring=RingName("d", 9), network_changed_s=0.0, findings=(dropped,))

    during = judged({**ring(age_s=UNDER_WAY_S - 1), "d": come})
    after = judged({**ring(age_s=UNDER_WAY_S + 1), "d": come})

    assert during == {}
    assert after["other-configuration"] == "critical"


def test_reload_that_does_not_go_on_is_trouble() -> None:
    answers = ring(age_s=UNDER_WAY_S + 1)
    reports = [each for each in answers.values() if each is not None]

    assert rollout(reports) is None
    assert judged(answers) == {"split-ring": "critical", "two-configurations": "critical"}
    assert [each.rule for each in disagreements(reports)] == ["split-ring", "two-configurations"]


def test_daemon_that_starts_again_and_again_with_a_list_of_its_own_is_trouble() -> None:
    answers = ring(age_s=1, uptime_s=20)
    started = {
        name: replace(each, network_changed_s=0.0)
        for name, each in answers.items()
        if each is not None
    }

    assert rollout(list(started.values())) is None
    assert judged(dict(started)) == {"split-ring": "critical", "two-configurations": "critical"}


def test_daemons_that_agree_are_not_being_reloaded() -> None:
    answers = ring(age_s=1)
    same = [replace(each, ring_hash=1) for each in answers.values() if each is not None]

    assert rollout(same) is None


def test_words_of_membership_are_those_that_are_looked_for() -> None:
    assert intake.LEFT == LEFT
