"""Which rings there are, from what daemons report."""

from dataclasses import replace

from spread.monitor.report import RingName, View
from spread.monitor.web.rings import outside, rings
from spread.monitor.web.sight import Sight
from tests.unit.monitor.web.sights import NOW_S, TOKEN_LOST, in_ring, seen, silent, three

TWO = View(NOW_S - 5, RingName("a", 2), ("a", "b"), left=("c",), cause=TOKEN_LOST)
ONE = View(NOW_S - 4, RingName("c", 3), ("c",), left=("a", "b"), cause=TOKEN_LOST)


def test_daemons_with_the_same_view_are_one_ring() -> None:
    found = rings(three())

    assert [ring.members for ring in found] == [("a", "b", "c")]
    assert found[0].since_s == NOW_S - 50
    assert outside(three(), found) == ()


def test_a_silent_member_stays_in_the_ring_while_others_count_on_it() -> None:
    found = rings(three(silent("c", 2.0)))

    assert found[0].members == ("a", "b", "c")
    assert found[0].answering == ("a", "b")


def test_a_silent_daemon_that_was_left_behind_stands_outside() -> None:
    sight = three(seen("a", in_ring("a", TWO)), seen("b", in_ring("b", TWO)), silent("c", 8.0))

    found = rings(sight)

    assert [ring.members for ring in found] == [("a", "b")]
    assert (found[0].left, found[0].cause) == (("c",), TOKEN_LOST)
    assert outside(sight, found) == ("c",)


def test_both_sides_of_a_partition_are_rings_and_the_larger_comes_first() -> None:
    sight = three(
        seen("a", in_ring("a", TWO)), seen("b", in_ring("b", TWO)), seen("c", in_ring("c", ONE))
    )

    assert [ring.members for ring in rings(sight)] == [("a", "b"), ("c",)]


def test_who_has_not_told_of_the_later_ring_yet_is_shown_in_it() -> None:
    sight = three(seen("a", in_ring("a", TWO)), silent("c", 2.0))

    assert [ring.members for ring in rings(sight)] == [("a", "b")]


def test_who_is_not_in_the_later_ring_is_on_its_way_to_another() -> None:
    sight = three(seen("a", in_ring("a", TWO)), seen("b", in_ring("b", TWO)))

    found = rings(sight)

    assert [ring.members for ring in found] == [("a", "b"), ("c",)]
    assert [ring.is_forming for ring in found] == [False, True]


def test_a_ring_whose_leader_looks_for_others_works() -> None:
    looking = in_ring("a", state="GATHER", is_looking=True)

    assert not rings(three(seen("a", looking)))[0].is_forming


def test_the_cause_is_that_of_who_knows_why() -> None:
    followed = replace(TWO, cause="a member looks for a ring: b")
    knows = replace(TWO, time_s=TWO.time_s + 1, cause="a member cannot be reached: c")

    sight = three(
        seen("a", in_ring("a", followed)), seen("b", in_ring("b", knows)), silent("c", 9.0)
    )

    assert rings(sight)[0].cause == "a member cannot be reached: c"


def test_a_ring_is_forming_while_a_member_is_between_two_rings() -> None:
    assert not rings(three())[0].is_forming
    assert rings(three(seen("b", in_ring("b", state="GATHER"))))[0].is_forming


def test_nobody_who_answers_means_no_ring() -> None:
    sight = Sight(NOW_S, (silent("a", 9.0),))

    assert rings(sight) == ()
    assert outside(sight, ()) == ("a",)
