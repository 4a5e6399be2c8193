"""Liveness: where a healed run must end."""

from spread.sim.checkers.liveness import Liveness
from spread.sim.trace import Cause
from tests.unit.sim.checkers.stage import SPLIT, A, B, C, D, Stage


def test_a_run_that_ends_as_asked_for_is_live(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a), *stage.members)
    stage.settle()

    assert not stage.complaints(Liveness())


def test_nothing_is_late_before_the_end(stage: Stage) -> None:
    stage.send(stage.a)
    stage.join(stage.d)

    assert not stage.complaints(Liveness())


def test_a_message_that_does_not_reach_a_member_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a), stage.a, stage.b)
    stage.settle()

    (sentence,) = stage.complaints(Liveness())
    assert sentence.startswith("#c#d1 (connection 2) never delivered message 1")


def test_a_join_without_a_view_is_told(stage: Stage) -> None:
    stage.join(stage.d)
    stage.settle()

    sentences = stage.complaints(Liveness())
    assert "#d#d2 (connection 3) joined b'g' and has no view of it" in sentences


def test_two_last_views_are_told(stage: Stage) -> None:
    stage.network([stage.a, stage.b], (A, B))
    stage.network([stage.c], (C,), ring=(2, 20))
    stage.settle()

    sentences = stage.complaints(Liveness())
    assert any("#c#d1 (connection 2) ends with" in sentence for sentence in sentences)


def test_a_member_that_is_gone_and_still_in_the_view_is_told(stage: Stage) -> None:
    stage.close(stage.b)
    stage.settle()

    sentences = stage.complaints(Liveness())
    assert sentences
    assert sentences[0].endswith(f"those who asked to be members are {[A, C]}")


def test_a_leave_without_effect_is_told(stage: Stage) -> None:
    stage.leave(stage.c)
    stage.settle()

    assert stage.complaints(Liveness())


def test_a_view_of_a_group_that_was_left_is_told(stage: Stage) -> None:
    stage.leave(stage.c)
    stage.view([stage.a, stage.b], 4, (A, B), C, Cause.LEAVE)
    stage.settle()

    (sentence,) = stage.complaints(Liveness())
    assert sentence.startswith("#c#d1 (connection 2) asked to leave view")


def test_a_disconnect_without_effect_is_told(stage: Stage) -> None:
    stage.disconnect(stage.d)
    stage.settle()

    (sentence,) = stage.complaints(Liveness())
    assert sentence.endswith("asked for the end of its connection and never got it")


def test_one_ring_of_all_that_run_is_live(stage: Stage) -> None:
    for daemon in (0, 1, 2):
        stage.start(daemon)
    stage.install(SPLIT, 0, 1)
    stage.stop(2)
    stage.settle()

    assert not stage.complaints(Liveness())


def test_a_ring_without_a_running_daemon_is_told(stage: Stage) -> None:
    for daemon in (0, 1, 2):
        stage.start(daemon)
    stage.install(SPLIT, 0, 1)
    stage.install((2, 20), 2)
    stage.settle()

    sentences = stage.complaints(Liveness())
    assert "daemon 0 installed ring (1, 20) of (0, 1) last" in sentences[0]
    assert sentences[-1] == "the running daemons end in the rings [(1, 20), (2, 20)]"


def test_a_daemon_without_a_ring_is_told(stage: Stage) -> None:
    stage.start(0)
    stage.settle()

    (sentence,) = stage.complaints(Liveness())
    assert sentence == "daemon 0 runs and never installed a ring"


def test_messages_of_an_earlier_view_are_judged_elsewhere(stage: Stage) -> None:
    stage.send(stage.a)
    stage.join(stage.d)
    stage.view([*stage.members, stage.d], 4, (A, B, C, D), D)
    stage.settle()

    assert not stage.complaints(Liveness())
