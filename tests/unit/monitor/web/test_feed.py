"""Page data of one look after the other."""

import json
from dataclasses import replace

from spread.monitor.report import Finding, RingName, SessionLine, View
from spread.monitor.web.condition import Level
from spread.monitor.web.feed import PAST_SIZE, SERIES, Feed, to_text
from spread.monitor.web.picture import TOTAL, short
from tests.unit.monitor.web.sights import NOW_S, in_ring, seen, silent, three

LOSSY = Finding("lossy-link", "warning", "b", "b misses packets", "look at the cable")


def test_a_tick_tells_every_daemon_of_the_configuration() -> None:
    tick = Feed().take(three(silent("c", 9.0))).picture.tick()

    told = {each["name"]: each["level"] for each in tick["daemons"]}  # type: ignore[attr-defined]
    assert told == {"a": "good", "b": "good", "c": "bad"}
    assert tick["level"] == "bad"


def test_page_data_is_json_with_one_line() -> None:
    feed = Feed()
    page = feed.take(three())

    for data in (page.picture.tick(), feed.past(), feed.story()):
        text = to_text(data)
        assert "\n" not in text
        assert json.loads(text)


def test_the_story_is_sent_when_it_has_changed() -> None:
    feed = Feed()

    assert feed.take(three()).story is not None
    assert feed.take(three()).story is None


def test_plots_remember_so_many_points_and_no_more() -> None:
    feed = Feed()
    for second in range(PAST_SIZE + 7):
        feed.take(replace(three(), time_s=NOW_S + second))

    past = feed.past()

    assert len(past["times"]) == PAST_SIZE  # type: ignore[arg-type]
    assert past["times"][0] == NOW_S + 7  # type: ignore[index]
    assert set(past["plots"]) == {TOTAL, "a", "b", "c"}  # type: ignore[call-overload]
    assert set(past["plots"]["a"]) == set(SERIES)  # type: ignore[index]


def test_a_look_that_follows_at_once_takes_the_place_of_the_one_before() -> None:
    feed = Feed()
    feed.take(three())
    feed.take(replace(three(), time_s=NOW_S + 0.2))

    assert feed.past()["times"] == [NOW_S + 0.2]


def test_the_whole_orders_what_each_ring_orders_once() -> None:
    daemons = [
        seen(
            name,
            in_ring(name, counters={"messages_delivered": 0, "deliveries": 0}),
            in_ring(name, counters={"messages_delivered": 500, "deliveries": 700}),
        )
        for name in "abc"
    ]

    tick = Feed().take(three(*daemons)).picture.tick()

    assert tick["total"][:2] == [500, 2100]  # type: ignore[index]


def test_a_finding_that_two_daemons_report_is_told_once() -> None:
    sight = three(*(seen(name, in_ring(name, findings=(LOSSY,))) for name in "ab"))

    tick = Feed().take(sight).picture.tick()

    assert [each["rule"] for each in tick["findings"]] == ["lossy-link"]  # type: ignore[attr-defined]


def test_a_partition_that_the_sentences_tell_is_a_finding_all_the_same() -> None:
    finding = Finding("partition-command", "warning", "c", "kept apart", "heal it")
    alone = View(NOW_S - 4, RingName("c", 3), ("c",), left=("a", "b"))
    pair = View(NOW_S - 5, RingName("a", 2), ("a", "b"), left=("c",))
    told = {"findings": (finding,), "partition": (1, 1, 2)}
    sight = three(
        seen("a", in_ring("a", pair)),
        seen("b", in_ring("b", pair)),
        seen("c", in_ring("c", alone, **told)),
    )

    picture = Feed().take(sight).picture

    assert [each.rule for each in picture.findings] == ["partition-command"]
    assert next(each for each in picture.told if each.key.startswith("split")).level is Level.WARN


def test_a_daemon_that_does_not_answer_is_a_finding_as_in_the_status() -> None:
    feed = Feed()
    for second in range(30):
        sight = three(silent("c", second + 2.0))
        picture = feed.take(replace(sight, now_s=float(second), time_s=NOW_S + second)).picture

    assert [(each.rule, each.subject) for each in picture.findings] == [("no-answer", "c")]


def test_slow_sessions_of_all_daemons_stand_in_one_list() -> None:
    small, large = SessionLine("#x#a", queued_bytes=10), SessionLine("#y#b", queued_bytes=99)
    sight = three(
        seen("a", in_ring("a", slowest=(small,))), seen("b", in_ring("b", slowest=(large,)))
    )

    tick = Feed().take(sight).picture.tick()

    told = [(each["daemon"], each["name"]) for each in tick["slow"]]  # type: ignore[attr-defined]
    assert told == [("b", "#y#b"), ("a", "#x#a")]


def test_numbers_are_as_long_as_they_are_shown() -> None:
    assert [short(value) for value in (1234.5678, 0.033333, 12.0, None)] == [
        1235,
        0.03333,
        12,
        None,
    ]
