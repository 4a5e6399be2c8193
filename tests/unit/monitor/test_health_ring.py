"""What only all reports together show, by reports that show its case, and its neighbours."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from spread.monitor.health import RingHealth
from spread.monitor.health_ring import RING_JUDGES, late_us
from spread.monitor.health_rules import RING_RULES
from spread.monitor.report import Finding, Peer, Report, RingName
from tests.unit.monitor.reports import report

Ring = Mapping[str, Report | None]


def ring(**changed: Mapping[str, object] | None) -> dict[str, Report | None]:
    """Return reports of daemons a, b and c of one ring; `changed` are fields of theirs."""
    found: dict[str, Report | None] = {}
    for name in ("a", "b", "c"):
        peers = tuple(
            Peer(other, "10.0.0.9", is_member=True, heard_ms=10)
            for other in ("a", "b", "c")
            if other != name
        )
        fields = changed.get(name, {})
        usual = report(daemon=name, peers=peers, ring_hash=1, configuration_hash=1)
        found[name] = None if fields is None else replace(usual, **fields)  # type: ignore[arg-type]
    return found


def heard(**ages_ms: int | None) -> tuple[Peer, ...]:
    """Return peers outside the ring that were heard so long ago."""
    return tuple(Peer(name, "10.0.0.9", heard_ms=age_ms) for name, age_ms in ages_ms.items())


def found_in(answers: Ring, seconds: int = 12) -> list[Finding]:
    """Return the findings after the same was seen for so many seconds."""
    health = RingHealth()
    found: tuple[Finding, ...] = ()
    for second in range(seconds + 1):
        later = {
            name: each and replace(each, uptime_s=each.uptime_s + second)
            for name, each in answers.items()
        }
        found = health.update(later, float(second), 1000.0 + second)
    return list(found)


OTHER = {"ring": RingName("c", 6), "members": ("c",)}

CASES: dict[str, tuple[Ring, dict[str, str]]] = {
    "all is well": (ring(), {}),
    "one does not answer": (ring(c=None), {"no-answer": "critical"}),
    "two rings": (ring(c=OTHER), {"split-ring": "critical"}),
    "two rings by command": (ring(a={"partition": (0, 0, 1)}, c=OTHER), {}),
    "options differ": (ring(c={"configuration_hash": 2}), {"two-configurations": "warning"}),
    "daemons differ": (ring(c={"ring_hash": 2}), {"two-configurations": "critical"}),
    "a classic daemon tells no hash": (ring(c={"ring_hash": 0, "configuration_hash": 0}), {}),
    "a hears b, b not a": (
        ring(a={"peers": heard(b=10)}, b={"peers": heard(a=None)}),
        {"one-way": "critical"},
    ),
    "b heard a long ago": (
        ring(a={"peers": heard(b=10)}, b={"peers": heard(a=6000)}),
        {"one-way": "critical"},
    ),
    "neither hears the other": (
        ring(a={"peers": heard(b=None)}, b={"peers": heard(a=None)}),
        {},
    ),
    "a started just now": (
        ring(a={"peers": heard(b=10)}, b={"peers": heard(a=None), "uptime_s": -20.0}),
        {},
    ),
}


@pytest.mark.parametrize(("answers", "expected"), CASES.values(), ids=CASES)
def test_a_ring_is_judged(answers: Ring, expected: dict[str, str]) -> None:
    assert {each.rule: each.severity for each in found_in(answers)} == expected


def test_every_rule_has_a_function() -> None:
    assert set(RING_JUDGES) == set(RING_RULES)


def test_a_silent_daemon_is_found_after_three_seconds_and_heals_at_once() -> None:
    health = RingHealth()
    silent = [health.update(ring(c=None), float(second), 0) for second in range(4)]
    back = health.update(ring(), 4.0, 0)

    assert [len(each) for each in silent] == [0, 0, 0, 1]
    assert back == ()


def test_rings_are_told_by_their_daemons() -> None:
    (finding,) = found_in(ring(c=OTHER))

    assert finding.sentence == "the daemons are in 2 rings: a, b; c"


def test_configurations_are_told_by_who_has_which() -> None:
    (finding,) = found_in(ring(c={"ring_hash": 2}))

    assert finding.sentence == (
        "segments or daemons of the configurations differ: a, b have 00000001; c have 00000002"
    )


def test_a_way_that_carries_one_direction_is_told_with_that_direction() -> None:
    (finding,) = found_in(ring(a={"peers": heard(b=10)}, b={"peers": heard(a=None)}))

    assert finding.subject == "a -> b"
    assert finding.sentence == "b hears nothing of a, but a hears b"


def test_a_single_look_tells_what_nothing_else_tells() -> None:
    deaf = ring(a={"peers": heard(b=10)}, b={"peers": heard(a=None)}, c=OTHER)

    goes_on = RingHealth().update(deaf, 0, 0)
    found = RingHealth().update(deaf, 0, 0, is_only_look=True)

    assert goes_on == ()
    assert [each.rule for each in found] == ["one-way"]


def test_findings_of_the_daemons_are_shown_too() -> None:
    own = Finding("lossy-link", "warning", "b -> a", "sentence", "remedy")

    found = found_in(ring(a={"findings": (own,)}, c=None))

    assert [each.rule for each in found] == ["no-answer", "lossy-link"]


def test_lateness_is_at_least_the_lower_bounds_of_its_buckets() -> None:
    assert late_us((5, 3, 2, 1)) == 3 * 1 + 2 * 2 + 1 * 4


Lateness = Mapping[str, float]
"""By name, the share of each second that a daemon is late."""


def slowed(late: Lateness, seconds: int = 13) -> list[Finding]:
    """Return the findings of a ring whose daemons are late so much, second after second."""
    health = RingHealth()
    found: tuple[Finding, ...] = ()
    for second in range(seconds + 1):
        # Lateness of one microsecond each, so that counts are microseconds; and a round a second
        # of 3 ms, the middle of a bucket.
        answers = {
            name: report(
                second,
                daemon=name,
                lateness=(0, int(share * second * 1e6)),
                rotation=(*[0] * 12, second),
            )
            for name, share in late.items()
        }
        found = health.update(answers, float(second), 0)
    return list(found)


@pytest.mark.parametrize(
    ("late", "severity"),
    [
        ({"a": 0.06, "b": 0, "c": 0}, "warning"),
        ({"a": 0.15, "b": 0.07, "c": 0.07}, "warning"),
        ({"a": 0.3, "b": 0, "c": 0}, "critical"),
        ({"a": 0.04, "b": 0, "c": 0}, None),
        ({"a": 0.15, "b": 0.08, "c": 0}, None),
        ({"a": 0.15, "b": 0.07, "c": 0.07, "d": 0.07}, None),
        ({"a": 0.9}, None),
    ],
)
def test_the_host_that_holds_up_the_token_is_named(late: Lateness, severity: str | None) -> None:
    assert [(each.subject, each.severity) for each in slowed(late)] == (
        [] if severity is None else [("a", severity)]
    )


def test_a_host_that_holds_up_the_token_is_told_with_the_time_of_a_round() -> None:
    (finding,) = slowed({"a": 0.1, "b": 0.01, "c": 0.01})

    assert finding.sentence == (
        "a holds up the token: it was late by 900 ms in 10 s, all others together by 180 ms; "
        "rounds took 3.1 ms on average"
    )


def test_a_host_that_stood_still_once_is_not_slow() -> None:
    health = RingHealth()
    for second in range(14):
        late = (0, 900_000 if second > 5 else 0)
        answers = {"a": report(second, daemon="a", lateness=late), "b": report(second, daemon="b")}

        assert health.update(answers, float(second), 0) == ()
