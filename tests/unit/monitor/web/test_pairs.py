"""Losses between each two daemons."""

from spread.monitor.report import Peer
from spread.monitor.web.pairs import Pair, pairs
from tests.unit.monitor.web.sights import in_ring, seen, silent, three


def test_what_was_missed_in_the_last_minute_is_told_beside_the_total() -> None:
    sight = three(
        seen(
            "b",
            in_ring("b", peers=(Peer("a", "10.0.0.1", missed=100, received=5000),)),
            in_ring("b", peers=(Peer("a", "10.0.0.1", missed=104, received=6000, heard_ms=3),)),
        )
    )

    assert pairs(sight) == [Pair("a", "b", 4, 104, 1000, 3)]


def test_ways_without_traffic_and_daemons_without_answer_say_nothing() -> None:
    peers = (Peer("a", "10.0.0.1", received=9),)

    assert pairs(three(seen("b", in_ring("b", peers=peers)))) == []
    assert pairs(three(silent("c", 9.0))) == []


def test_trouble_on_a_way_is_told_without_traffic() -> None:
    peers = (Peer("a", "10.0.0.1", trouble="carries in one direction only"),)

    (pair,) = pairs(three(seen("b", in_ring("b", peers=peers))))

    assert pair.trouble == "carries in one direction only"
