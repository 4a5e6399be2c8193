"""Membership: views that begin, agree and follow as they must, and each way not to."""

from spread.sim.checkers.membership import (
    Causes,
    IdProgress,
    IdUniqueness,
    SelfInclusion,
    ViewAgreement,
)
from spread.sim.trace import Cause, Closure, GroupId
from tests.unit.sim.checkers.stage import RING, A, B, C, D, G, H, Stage


def test_a_stay_from_join_to_leave_is_whole(stage: Stage) -> None:
    stage.leave(stage.b)
    stage.left(stage.b)
    stage.view([stage.a, stage.c], 4, (A, C), B, Cause.LEAVE)

    assert not stage.complaints(SelfInclusion())


def test_a_first_view_may_be_of_the_network(stage: Stage) -> None:
    stage.join(stage.d)
    stage.network([stage.d], (A, B, C), (D,), index=2)

    assert not stage.complaints(SelfInclusion())


def test_a_view_without_its_receiver_is_told(stage: Stage) -> None:
    stage.view([stage.b], 4, (A, C), B, Cause.LEAVE)

    (sentence,) = stage.complaints(SelfInclusion())
    assert sentence.endswith("without itself")


def test_a_view_without_a_join_is_told(stage: Stage) -> None:
    stage.view([stage.d], 4, (A, B, C, D), D)

    (sentence,) = stage.complaints(SelfInclusion())
    assert sentence.endswith("without a join")


def test_a_second_stay_needs_a_second_join(stage: Stage) -> None:
    stage.leave(stage.b)
    stage.left(stage.b)
    stage.view([stage.b], 5, (A, B, C), B)

    (sentence,) = stage.complaints(SelfInclusion())
    assert sentence.endswith("without a join")


def test_a_first_view_of_somebody_elses_join_is_told(stage: Stage) -> None:
    stage.join(stage.d)
    stage.view([stage.d], 4, (A, B, C, D), A)

    assert len(stage.complaints(SelfInclusion())) == 1


def test_a_first_view_of_a_departure_is_told(stage: Stage) -> None:
    stage.join(stage.d)
    stage.view([stage.d], 4, (A, B, D), C, Cause.DISCONNECT)

    assert len(stage.complaints(SelfInclusion())) == 1


def test_a_self_leave_without_a_view_is_told(stage: Stage) -> None:
    stage.leave(stage.d)
    stage.left(stage.d)

    (sentence,) = stage.complaints(SelfInclusion())
    assert sentence.endswith("without a view")


def test_a_self_leave_without_a_request_is_told(stage: Stage) -> None:
    stage.left(stage.b)

    (sentence,) = stage.complaints(SelfInclusion())
    assert sentence.endswith("without asking")


def test_a_signal_without_a_view_is_told(stage: Stage) -> None:
    stage.signal(stage.d)

    assert len(stage.complaints(SelfInclusion())) == 1


def test_a_view_for_a_session_without_membership_messages_is_told(stage: Stage) -> None:
    plain = stage.open(b"#p#d0", 0, membership=False)
    stage.join(plain)
    stage.view([plain], 4, (A, B, b"#p#d0", C), b"#p#d0")

    (sentence,) = stage.complaints(SelfInclusion())
    assert sentence.endswith("asked for no membership messages")


def test_equal_views_agree(stage: Stage) -> None:
    stage.network([stage.a, stage.b], (A, B), ring=(1, 20))
    stage.network([stage.c], (C,), ring=(2, 20))

    assert not stage.complaints(ViewAgreement())


def test_two_lists_of_members_under_one_id_are_told(stage: Stage) -> None:
    stage.view([stage.a], 4, (A, B, C, D), D)
    stage.view([stage.c], 4, (B, C, D), D)

    (sentence,) = stage.complaints(ViewAgreement())
    assert "#c#d1 (connection 2) holds view" in sentence
    assert "#a#d0 (connection 0) view" in sentence


def test_two_causes_under_one_id_are_told(stage: Stage) -> None:
    stage.view([stage.a], 4, (A, C), B, Cause.LEAVE)
    stage.view([stage.c], 4, (A, C), B, Cause.DISCONNECT)

    assert len(stage.complaints(ViewAgreement())) == 1


def test_two_families_of_sets_under_one_id_are_told(stage: Stage) -> None:
    stage.network([stage.a], (A, B), (C,))
    stage.network([stage.c], (A, B, C))

    assert len(stage.complaints(ViewAgreement())) == 1


def test_members_that_do_not_follow_the_configuration_are_told(stage: Stage) -> None:
    stage.view([stage.a], 4, (C, A, B), D)

    (sentence,) = stage.complaints(ViewAgreement())
    assert sentence.endswith("unsorted")


def test_members_are_sorted_by_daemon_before_name(stage: Stage) -> None:
    stage.view([stage.a], 4, (A, b"#z#d0", C), b"#z#d0")

    assert not stage.complaints(ViewAgreement())


def test_new_ids_are_unique(stage: Stage) -> None:
    stage.view(stage.members, 4, (A, B, C, D), D)

    assert not stage.complaints(IdUniqueness())


def test_an_id_that_comes_again_is_told(stage: Stage) -> None:
    stage.left(stage.b)
    stage.view([stage.b], 3, (A, B, C), B)

    (sentence,) = stage.complaints(IdUniqueness())
    assert "had that id at event" in sentence


def test_an_id_that_comes_again_for_a_later_connection_is_told(stage: Stage) -> None:
    stage.close(stage.b)
    again = stage.open(B, 0)
    stage.view([again], 3, (A, B, C), B)

    assert len(stage.complaints(IdUniqueness())) == 1


def test_indices_of_one_ring_and_a_new_ring_are_progress(stage: Stage) -> None:
    stage.view([stage.a], 4, (A, B, C, D), D)
    stage.network([stage.a], (A, B), (C, D))

    assert not stage.complaints(IdProgress())


def test_network_views_behind_the_signal_go_on_in_their_ring(stage: Stage) -> None:
    stage.signal(stage.a)
    stage.network([stage.a], (A, B), (C,), (D,), ring=(1, 19), index=2)
    stage.signal(stage.a)
    stage.network([stage.a], (A, B), (C,), ring=(1, 19), index=3)

    assert not stage.complaints(IdProgress())


def test_a_group_that_is_new_behind_the_signal_of_others_goes_on_in_its_ring(stage: Stage) -> None:
    stage.join(stage.d, H)
    stage.view([stage.d], 1, (D,), D, group=H)
    stage.network([stage.d], (D,), (C,), ring=RING, index=2, group=H)
    stage.signal(stage.d, group=H, group_id=GroupId(*RING, 2))

    assert not stage.complaints(IdProgress())


def test_a_jump_of_the_index_is_told(stage: Stage) -> None:
    stage.view([stage.a], 5, (A, C), B, Cause.LEAVE)

    assert len(stage.complaints(IdProgress())) == 1


def test_a_network_view_in_the_same_ring_is_told(stage: Stage) -> None:
    stage.network([stage.a], (A, B), (C,), ring=RING, index=4)
    stage.deliver(stage.send(stage.b), stage.a)

    assert len(stage.complaints(IdProgress())) == 1


def test_a_join_in_another_ring_is_told(stage: Stage) -> None:
    stage.network([stage.a], (A, B), (C,))
    stage.view([stage.a], 2, (A, B, C, D), D)

    assert len(stage.complaints(IdProgress())) == 1


def test_steps_that_the_cause_explains_pass(stage: Stage) -> None:
    stage.join(stage.d)
    stage.view(stage.members, 4, (A, B, C, D), D)
    stage.leave(stage.b)
    stage.view([stage.a, stage.c], 5, (A, C, D), B, Cause.LEAVE)
    stage.close(stage.d, Closure.CLIENT)
    stage.view([stage.a, stage.c], 6, (A, C), D, Cause.DISCONNECT)
    stage.settle()

    assert not stage.complaints(Causes())


def test_a_view_that_loses_more_than_it_says_is_told(stage: Stage) -> None:
    stage.leave(stage.b)
    stage.view([stage.a], 4, (A,), B, Cause.LEAVE)

    (sentence,) = stage.complaints(Causes())
    assert "does not explain" in sentence


def test_a_join_of_a_member_is_told(stage: Stage) -> None:
    stage.view([stage.a], 4, (A, B, C), B)

    assert len(stage.complaints(Causes())) == 1


def test_a_disconnect_of_an_open_connection_is_told(stage: Stage) -> None:
    stage.view([stage.a], 4, (A, C), B, Cause.DISCONNECT)
    stage.settle()

    (sentence,) = stage.complaints(Causes())
    assert "did explains it" in sentence


def test_a_leave_that_nobody_asked_for_is_told(stage: Stage) -> None:
    stage.leave(stage.b, H)
    stage.view([stage.a], 4, (A, C), B, Cause.LEAVE)

    assert len(stage.complaints(Causes())) == 1


def test_a_join_that_nobody_asked_for_is_told(stage: Stage) -> None:
    stage.view([stage.a], 4, (A, B, C, D), D, group=G)

    assert len(stage.complaints(Causes())) == 1
