"""Health and readiness of the whole ring."""

from spread.counters import WEB
from spread.monitor.prometheus import metric_name
from spread.monitor.report import RingName, View
from spread.monitor.web.condition import sentences
from spread.monitor.web.metrics import health, metrics, readiness
from spread.monitor.web.rings import rings
from spread.monitor.web.streams import Counts
from tests.unit.monitor.web.sights import NOW_S, in_ring, seen, silent, three

PAIR = View(NOW_S - 5, RingName("a", 2), ("a", "b"), left=("c",))
ALONE = View(NOW_S - 4, RingName("c", 3), ("c",), left=("a", "b"))


def test_a_ring_of_all_is_healthy_and_ready() -> None:
    sight = three()

    assert health(sentences(sight, rings(sight)), []) == (True, "healthy")
    assert readiness(sight) == (True, "ready")


def test_a_dead_daemon_is_named() -> None:
    sight = three(silent("c", 9.0))

    assert readiness(sight) == (False, "no answer from c")


def test_a_partition_is_neither() -> None:
    sides = {"a": PAIR, "b": PAIR, "c": ALONE}
    sight = three(*(seen(name, in_ring(name, view)) for name, view in sides.items()))

    is_healthy, text = health(sentences(sight, rings(sight)), [])

    assert not is_healthy
    assert "There are two rings since" in text
    assert "{time}" not in text
    assert readiness(sight) == (False, "not in one ring with all others: a, b and c")


def test_groups_that_are_not_stable_are_not_ready() -> None:
    assert readiness(three(seen("b", in_ring("b", group_state="GGATHER")))) == (
        False,
        "not stable: b",
    )


def test_a_critical_finding_is_unhealthy() -> None:
    sight = three()

    assert health(sentences(sight, rings(sight)), ["b loses 20 %"]) == (False, "b loses 20 %")


def test_metrics_have_every_daemon_and_this_server() -> None:
    text, kind = metrics(three(silent("c", 9.0)), Counts(opened=3, dropped=1), "")

    lines = text.decode().splitlines()
    assert kind.startswith("text/plain")
    assert {'spread_up{daemon="a"} 1.0', 'spread_up{daemon="c"} 0.0'} <= set(lines)
    assert {"spread_web_opened_total 3.0", "spread_web_dropped_total 1.0"} <= set(lines)


def test_all_that_this_server_counts_is_defined_once() -> None:
    text, _ = metrics(None, Counts(), "")

    told = {line.split()[0] for line in text.decode().splitlines() if not line.startswith("#")}
    assert told == {metric_name(figure) for figure in WEB}
