"""What a daemon judges of itself: each rule by reports that show its case, and its neighbours."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from spread.monitor.health import OwnHealth
from spread.monitor.health_own import OWN_JUDGES
from spread.monitor.health_rules import RULES
from spread.monitor.report import Finding, Peer, Report, RingName, SessionLine, Stranger, View
from tests.unit.monitor.reports import PEERS, course, report

Reports = Sequence[Report]


def found_in(reports: Reports) -> list[Finding]:
    """Return the findings in force after all reports."""
    health = OwnHealth()
    return list([health.update(each) for each in reports][-1].findings)


def rules_in(reports: Reports) -> dict[str, str]:
    """Return the rules found, each with its severity."""
    return {each.rule: each.severity for each in found_in(reports)}


def losing(missed: float, received: float, seconds: int = 15, **growth: float) -> list[Report]:
    """Return reports of a daemon to which so many packets of b come a second."""
    return [
        replace(
            each,
            peers=(
                Peer(
                    "b",
                    "10.0.0.2",
                    is_member=True,
                    missed=int(missed * number),
                    received=int(received * number),
                ),
            ),
        )
        for number, each in enumerate(course(seconds, growth))
    ]


RING_COME = (View(1_800_000_003, RingName("a", 5), ("a", "b")),)
"""Three seconds after the first report."""


def in_trouble(
    trouble: str,
    counter: str,
    seconds: int = 5,
    *,
    views: tuple[View, ...] = (),
    is_member: bool = False,
) -> list[Report]:
    """Return reports of a daemon whose membership has trouble with b."""
    peers = (Peer("b", "10.0.0.2", is_member=is_member, trouble="it is", trouble_name=trouble),)
    return course(seconds, {counter: 1}, peers=peers, views=views)


def with_session(messages: int, size: int, seconds: int = 10) -> list[Report]:
    line = SessionLine("#slow#a", "10.9.9.9", messages, size)
    return course(seconds, slowest=(line,))


def with_clock_set(step_s: float) -> list[Report]:
    return [
        replace(each, time_s=each.time_s + (step_s if number >= 3 else 0))
        for number, each in enumerate(course(5))
    ]


def with_rings(installs: int) -> list[Report]:
    views = (View(0.0, PEERS and report().ring, ("a",), cause="token lost"),)
    return course(20, {"installs": installs / 20}, views=views)


def twice(share: float, segment: int = 1, requested: float = 0) -> list[Report]:
    peers = (Peer("b", "10.0.1.2", segment=segment, is_member=True),)
    growth = {"packets_received": 1000, "duplicates": 1000 * share, "requested": requested}
    return course(15, growth, peers=peers)


CASES: dict[str, tuple[Reports, dict[str, str]]] = {
    "nothing": (course(30), {}),
    "a single report": ([report(counters={"stall_ms": 9999})], {}),
    # Links.
    "1 % lost": (losing(10, 1000), {"lossy-link": "warning"}),
    "10 % lost": (losing(100, 1000), {"lossy-link": "critical"}),
    "half a percent lost": (losing(5, 1000), {}),
    "few packets lost": (losing(1.5, 10), {}),
    "lost for a moment only": (losing(10, 1000, seconds=3), {}),
    "lost in the own system": (
        losing(100, 1000, receive_drops=100, packets_received=10_000),
        {"receive-overrun": "warning"},
    ),
    "lost for a cause that is known": (
        [
            replace(each, peers=(replace(each.peers[0], trouble_name="multicast_lost"),))
            for each in losing(100, 1000)
        ],
        {},
    ),
    # Sessions.
    "a session with 4 MiB": (with_session(10, 4 << 20), {"slow-receiver": "warning"}),
    "a session with 500 messages": (with_session(500, 500), {"slow-receiver": "warning"}),
    "a session with 12 MiB": (with_session(900, 12 << 20), {"slow-receiver": "critical"}),
    "a session with little": (with_session(499, (4 << 20) - 1), {}),
    "a session that catches up": (with_session(900, 12 << 20, seconds=4), {}),
    "a session closed": (course(10, {"ended_slow": 0.1}), {"receivers-closed": "warning"}),
    "sessions that go": (course(10, {"ended_kill": 100, "ended_lost": 10}), {}),
    # The host.
    "late by half a second": (course(10, {"stall_ms": 50}), {"scheduler-delay": "warning"}),
    "late by a second": (
        course(10, {"stall_ms": 100, "stalls": 0.2}),
        {"scheduler-delay": "critical"},
    ),
    "late by little": (course(10, {"stall_ms": 40}), {}),
    "clock ahead": (with_clock_set(2), {"clock-step": "warning"}),
    "clock back": (with_clock_set(-2), {"clock-step": "warning"}),
    "clock far ahead": (with_clock_set(3600), {"clock-step": "critical"}),
    "clock slewed": (with_clock_set(0.2), {}),
    "receive buffers full": (
        course(10, {"receive_drops": 50, "requested": 10, "packets_received": 1000}),
        {"receive-overrun": "critical"},
    ),
    "a few drops": (course(10, {"receive_drops": 0.5, "datagrams_in": 1000}), {}),
    "a few drops of joint datagrams": (
        losing(20, 1000, receive_drops=0.7, requested=20, packets_received=1000),
        {"receive-overrun": "critical"},
    ),
    "few drops beside many losses": (
        losing(100, 1000, receive_drops=0.3, requested=4, packets_received=1000),
        {"lossy-link": "critical"},
    ),
    "datagrams refused": (course(10, {"unsent_denied": 1}), {"send-refused": "warning"}),
    # Ways.
    "large datagrams lost": (
        in_trouble("datagrams_lost", "datagrams_lost"),
        {"path-size": "warning"},
    ),
    "too large for the interface": (
        course(10, {"unsent_too_large": 1}),
        {"path-size": "warning"},
    ),
    "deaf": (in_trouble("deaf", "deaf"), {"one-way-link": "critical"}),
    "multicast lost": (
        in_trouble("multicast_lost", "multicast_lost"),
        {"one-way-link": "critical"},
    ),
    "deaf, and not in the ring": (
        in_trouble("deaf", "deaf", views=(View(1_800_000_000, RingName("a", 5), ("a",)),)),
        {"one-way-link": "critical"},
    ),
    "deaf, but in a ring that has just come": (
        in_trouble("deaf", "deaf", views=RING_COME, is_member=True),
        {"one-way-link": "critical"},
    ),
    "deaf until it came in": (in_trouble("deaf", "deaf", 30, views=RING_COME, is_member=True), {}),
    "multicast lost in a ring that lasts": (
        in_trouble("multicast_lost", "multicast_lost", 15, views=RING_COME, is_member=True),
        {"one-way-link": "critical"},
    ),
    "multicast that arrives": (
        [
            replace(each, peers=(replace(each.peers[0], missed=0, received=100 * number),))
            for number, each in enumerate(in_trouble("multicast_lost", "multicast_lost", 30))
        ],
        {},
    ),
    "another trouble": (in_trouble("clock_ahead", "clock_ahead"), {}),
    "segments on one network": (twice(0.5), {"shared-lan": "warning"}),
    "duplicates in one segment": (twice(0.5, segment=0), {}),
    "duplicates that were asked for": (twice(0.5, requested=400), {}),
    "few duplicates": (twice(0.1), {}),
    "damaged datagrams": (course(10, {"dropped_damaged": 1}), {"damaged-datagrams": "warning"}),
    # Rings.
    "another configuration": (
        course(10, {"dropped_network": 1}),
        {"other-configuration": "critical"},
    ),
    "four rings in a minute": (with_rings(4), {"unstable-ring": "warning"}),
    "eight rings in a minute": (with_rings(8), {"unstable-ring": "critical"}),
    "three rings in a minute": (with_rings(3), {}),
    "a partition command": (course(3, partition=(0, 1)), {"partition-command": "warning"}),
}


@pytest.mark.parametrize(("reports", "expected"), CASES.values(), ids=CASES)
def test_reports_are_judged(reports: Reports, expected: dict[str, str]) -> None:
    assert rules_in(reports) == expected


def test_every_rule_has_a_function_and_a_case() -> None:
    seen = {rule for _, expected in CASES.values() for rule in expected}

    assert set(OWN_JUDGES) == set(RULES) == seen


def test_a_lossy_link_is_told_with_names_and_numbers() -> None:
    (finding,) = found_in(losing(25, 1000))

    assert finding.subject == "b -> a"
    assert finding.sentence == (
        "2.5 % of the packets of b did not reach a at first: 250 of 10000 in 10 s"
    )
    assert "between b and a" in finding.remedy
    assert finding.since_s == 1_800_000_004


def test_a_slow_receiver_is_told_with_its_host_and_what_waits() -> None:
    (finding,) = found_in(with_session(900, 12 << 20))

    assert finding.subject == "#slow#a"
    assert finding.sentence == (
        "#slow#a on 10.9.9.9 does not read fast enough: 900 messages, 12.0 MiB, wait for it"
    )


def test_a_one_way_link_names_both_ends() -> None:
    (finding,) = found_in(in_trouble("deaf", "deaf"))

    assert finding.subject == "a -> b"
    assert finding.sentence == "b is heard by a, but it does not hear a"


def test_senders_are_told_by_name_or_address() -> None:
    strangers = (
        Stranger("10.0.0.2", "dropped_network", 3),
        Stranger("10.7.7.7", "dropped_network", 4),
        Stranger("10.7.7.8", "dropped_classic", 4),
        Stranger("10.7.7.9", "dropped_network", 400),
    )

    (finding,) = found_in(course(10, {"dropped_network": 1}, strangers=strangers))

    assert finding.sentence == (
        "a dropped 10 datagrams in 10 s that came from b (10.0.0.2) and 10.7.7.7 and are of "
        "another configuration"
    )


def test_what_happened_once_is_told_so() -> None:
    (finding,) = found_in(course(10, {"stall_ms": 60, "stalls": 0.1}))

    assert "late by 600 ms in 10 s, once: " in finding.sentence


def test_sentences_and_remedies_have_no_place_left_open() -> None:
    told = [each for reports, _ in CASES.values() for each in found_in(reports)]

    assert not [each for each in told if "{" in each.sentence + each.remedy]
