"""Network changes: honest splits and merges pass, each forged one is told."""

from spread.sim.checkers.network_views import (
    TransitionalSets,
    TransitionalSignals,
    UndisturbedGroups,
)
from spread.sim.trace import Cause, GroupId
from tests.unit.sim.checkers.stage import RING, SPLIT, A, B, C, D, Stage

MERGED = (1, 30)


def split(stage: Stage) -> None:
    """Daemon 1 is lost to daemon 0, and the reverse."""
    stage.signal(*stage.members)
    stage.network([stage.a, stage.b], (A, B))
    stage.network([stage.c], (C,), ring=(2, 20))


def test_signals_come_before_losses_and_not_before_merges(stage: Stage) -> None:
    split(stage)
    stage.network(stage.members, (A, B), (C,), ring=MERGED)

    assert not stage.complaints(TransitionalSignals())


def test_a_view_made_behind_the_signal_is_signalled_anew(stage: Stage) -> None:
    stage.signal(stage.a)
    stage.network([stage.a], (A,), (C,), ring=(1, 19), index=2)
    stage.signal(stage.a, group_id=GroupId(1, 19, 2))
    stage.network([stage.a], (A,))

    assert not stage.complaints(TransitionalSignals())


def test_a_loss_without_a_signal_is_told(stage: Stage) -> None:
    stage.network([stage.a], (A, B))

    (sentence,) = stage.complaints(TransitionalSignals())
    assert "without a signal" in sentence


def test_a_member_that_comes_back_in_another_set_without_a_signal_is_told(stage: Stage) -> None:
    stage.network([stage.a], (A, B), (C,))

    (sentence,) = stage.complaints(TransitionalSignals())
    assert "apart from [b'#c#d1'] and without a signal" in sentence


def test_a_second_signal_is_told(stage: Stage) -> None:
    stage.signal(stage.a, stage.a)

    (sentence,) = stage.complaints(TransitionalSignals())
    assert "twice" in sentence


def test_a_signal_with_the_id_of_another_view_is_told(stage: Stage) -> None:
    stage.signal(stage.a, group_id=GroupId(*RING, 2))

    (sentence,) = stage.complaints(TransitionalSignals())
    assert "with the id 0x00000001@10:2 in the view 0x00000001@10:3" in sentence


def test_a_join_behind_a_signal_is_told(stage: Stage) -> None:
    stage.signal(stage.a)
    stage.view([stage.a], 4, (A, B, C, D), D, Cause.JOIN)

    (sentence,) = stage.complaints(TransitionalSignals())
    assert "behind the signal" in sentence


def test_a_signal_for_nothing_is_told(stage: Stage) -> None:
    stage.signal(stage.a)
    stage.network([stage.a], (A, B, C), (D,))

    (sentence,) = stage.complaints(TransitionalSignals())
    assert "with all members together" in sentence


def test_sets_that_split_the_members_by_origin_pass(stage: Stage) -> None:
    split(stage)
    stage.network(stage.members, (A, B), (C,), ring=MERGED)

    assert not stage.complaints(TransitionalSets())


def test_sets_that_forget_a_member_are_told(stage: Stage) -> None:
    stage.network([stage.a], (A,), (C,))
    view = stage.a.events[-1]
    view.members = (A, B, C)  # type: ignore[union-attr]

    (sentence,) = stage.complaints(TransitionalSets())
    assert "no partition" in sentence


def test_sets_that_overlap_are_told(stage: Stage) -> None:
    stage.network([stage.a], (A, B), (B, C))
    view = stage.a.events[-1]
    view.members = (A, B, C)  # type: ignore[union-attr]

    assert len(stage.complaints(TransitionalSets())) == 1


def test_the_set_of_others_as_the_own_one_is_told(stage: Stage) -> None:
    stage.network([stage.a], (A, B), (C,))
    view = stage.a.events[-1]
    view.own = 1  # type: ignore[union-attr]

    (sentence,) = stage.complaints(TransitionalSets())
    assert "as its own vs-set" in sentence


def test_one_set_for_members_from_two_views_is_told(stage: Stage) -> None:
    split(stage)
    stage.network(stage.members, (A, B, C), ring=MERGED)

    (sentence,) = stage.complaints(TransitionalSets())
    assert "but came from" in sentence


def test_two_sets_for_clients_of_one_daemon_are_told(stage: Stage) -> None:
    stage.network(stage.members, (A, C), (B,))

    (sentence,) = stage.complaints(TransitionalSets())
    assert "of one daemon" in sentence


def test_a_newcomer_in_a_set_of_others_is_told(stage: Stage) -> None:
    stage.network([stage.d], (A, B, D), (C,))

    (sentence,) = stage.complaints(TransitionalSets())
    assert "without a view before" in sentence


def test_changes_that_bring_or_take_members_disturb(stage: Stage) -> None:
    split(stage)
    stage.network(stage.members, (A, B), (C,), ring=MERGED)

    assert not stage.complaints(UndisturbedGroups())


def test_a_member_that_was_away_for_a_moment_disturbs(stage: Stage) -> None:
    stage.signal(stage.a)
    stage.network([stage.a], (A, B), (C,))

    assert not stage.complaints(UndisturbedGroups())


def test_a_view_with_everybody_as_before_is_told(stage: Stage) -> None:
    stage.network(stage.members, (A, B, C), ring=SPLIT)

    sentences = stage.complaints(UndisturbedGroups())
    assert len(sentences) == 3
    assert "the same members all together" in sentences[0]
