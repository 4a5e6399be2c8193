"""One order of messages, views, network changes and causes."""

from spread.sim.checkers.total_order import CausalOrder, SamePoint, TotalOrder
from spread.sim.trace import Cause, GroupId
from tests.unit.sim.checkers.stage import (
    AGREED,
    RELIABLE,
    SAFE,
    SPLIT,
    A,
    B,
    C,
    D,
    G,
    H,
    Stage,
)


def in_two_groups(stage: Stage) -> None:
    """Let `a`, `b` and `c` be members of `h`, too."""
    for client in stage.members:
        stage.join(client, H)
    stage.view([stage.a], 1, (A,), A, group=H)
    stage.view([stage.a, stage.b], 2, (A, B), B, group=H)
    stage.view(stage.members, 3, (A, B, C), C, group=H)


def test_one_order_of_all_services_is_total(stage: Stage) -> None:
    first, second = stage.send(stage.a, SAFE), stage.send(stage.c, AGREED)
    for client in stage.members:
        stage.deliver(first, client)
        stage.deliver(second, client)

    assert not stage.complaints(TotalOrder())


def test_two_orders_of_two_messages_are_told(stage: Stage) -> None:
    first, second = stage.send(stage.a, SAFE), stage.send(stage.c, AGREED)
    stage.deliver(first, stage.a)
    stage.deliver(second, stage.a, stage.c)
    stage.deliver(first, stage.c)

    (sentence,) = stage.complaints(TotalOrder())
    assert "#a#d0 (connection 0) has message 1 (SAFE of #a#d0) before message 2" in sentence
    assert "#c#d1 (connection 2) has message 2 (AGREED of #c#d1) before message 1" in sentence


def test_a_circle_over_three_clients_is_told(stage: Stage) -> None:
    one, two, three = (stage.send(stage.a, groups=(A, B, C)) for _ in range(3))
    stage.deliver(one, stage.a)
    stage.deliver(two, stage.a, stage.b)
    stage.deliver(three, stage.b, stage.c)
    stage.deliver(one, stage.c)

    (sentence,) = stage.complaints(TotalOrder())
    assert sentence.count(" before ") == 3


def test_a_message_on_two_sides_of_a_join_is_told(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.a)
    stage.view([stage.a, stage.c], 4, (A, B, C, D), D)
    stage.deliver(message, stage.c)

    assert len(stage.complaints(TotalOrder())) == 1


def test_a_message_on_two_sides_of_a_leave_is_told(stage: Stage) -> None:
    message = stage.send(stage.a, groups=(A, C))
    stage.leave(stage.c)
    stage.left(stage.c)
    stage.deliver(message, stage.c, stage.a)
    stage.view([stage.a], 4, (A, B), C, Cause.LEAVE)

    assert len(stage.complaints(TotalOrder())) == 1


def test_who_leaves_last_leaves_no_view_behind(stage: Stage) -> None:
    stage.join(stage.d, H)
    stage.view([stage.d], 1, (D,), D, group=H)
    stage.leave(stage.d, H)
    stage.left(stage.d, H)
    stage.deliver(stage.send(stage.d, groups=(D,)), stage.d)
    stage.join(stage.d, H)
    stage.view([stage.d], 2, (D,), D, group=H)

    assert not stage.complaints(TotalOrder())


def test_network_views_have_a_place_for_each_vs_set_only(stage: Stage) -> None:
    message = stage.send(stage.a, groups=(A, B, C))
    stage.deliver(message, stage.a)
    stage.network(stage.members, (A, B), (C,))
    stage.deliver(message, stage.c)

    assert not stage.complaints(TotalOrder())


def test_a_message_on_two_sides_of_a_network_view_of_one_set_is_told(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.a)
    stage.network(stage.members, (A, B), (C,))
    stage.deliver(message, stage.b)

    assert len(stage.complaints(TotalOrder())) == 1


def test_unordered_messages_have_no_place(stage: Stage) -> None:
    first, second = stage.send(stage.a, RELIABLE), stage.send(stage.a, AGREED)
    stage.deliver(first, stage.a)
    stage.deliver(second, stage.a, stage.b)
    stage.deliver(first, stage.b)

    assert not stage.complaints(TotalOrder())


def test_a_change_with_signals_messages_and_views_in_turn_is_at_one_point(stage: Stage) -> None:
    in_two_groups(stage)
    message = stage.send(stage.a)
    for client in (stage.a, stage.b):
        stage.signal(client)
        stage.signal(client, group=H)
        stage.deliver(message, client)
        stage.network([client], (A, B))
        stage.network([client], (A, B), group=H)

    assert not stage.complaints(SamePoint())


def test_views_of_one_change_out_of_the_order_of_names_are_told(stage: Stage) -> None:
    in_two_groups(stage)
    stage.network([stage.a], (A, B), group=H)
    stage.network([stage.a], (A, B), group=G)

    (sentence,) = stage.complaints(SamePoint())
    assert sentence.endswith("of the same change")


def test_a_message_between_views_of_one_change_is_told(stage: Stage) -> None:
    in_two_groups(stage)
    stage.network([stage.a], (A, B))
    stage.deliver(stage.send(stage.a), stage.a)
    stage.network([stage.a], (A, B), group=H)

    assert len(stage.complaints(SamePoint())) >= 1


def test_a_signal_behind_views_of_its_change_is_told(stage: Stage) -> None:
    in_two_groups(stage)
    stage.signal(stage.a)
    stage.network([stage.a], (A, B))
    stage.signal(stage.a, group=H)
    stage.network([stage.a], (A, B), group=H)

    (sentence,) = stage.complaints(SamePoint())
    assert "signalled behind" in sentence


def test_a_signal_at_two_points_of_the_order_is_told(stage: Stage) -> None:
    in_two_groups(stage)
    first, second = stage.send(stage.a, groups=(A, B)), stage.send(stage.a, groups=(A, B))
    stage.signal(stage.a)
    stage.deliver(first, stage.a, stage.b)
    stage.deliver(second, stage.a)
    stage.signal(stage.b, group=H)
    stage.deliver(second, stage.b)
    stage.network([stage.a], (A, B))
    stage.network([stage.b], (A, B), group=H)

    (sentence,) = stage.complaints(SamePoint())
    assert "the signal at daemon 0" in sentence


def test_views_of_one_change_at_two_points_are_told(stage: Stage) -> None:
    in_two_groups(stage)
    message = stage.send(stage.a, groups=(A, B))
    stage.network([stage.a], (A, B))
    stage.deliver(message, stage.a, stage.b)
    stage.network([stage.b], (A, B), group=H)

    (sentence,) = stage.complaints(SamePoint())
    assert "the change at daemon 0" in sentence


def test_other_daemons_see_a_change_elsewhere(stage: Stage) -> None:
    message = stage.send(stage.a, groups=(A, C))
    stage.deliver(message, stage.a)
    stage.network([stage.a, stage.c], (A, B), (C,), ring=SPLIT)
    stage.deliver(message, stage.c)

    assert not stage.complaints(SamePoint())


def test_a_signal_of_a_late_second_change_may_come_at_the_end(stage: Stage) -> None:
    in_two_groups(stage)
    message = stage.send(stage.a, groups=(A, B))
    stage.signal(stage.a)
    stage.deliver(message, stage.a)
    stage.signal(stage.a, group=H, group_id=GroupId(1, 10, 3))
    stage.network([stage.a], (A, B))
    stage.network([stage.a], (A, B), group=H)
    stage.deliver(message, stage.b)
    stage.signal(stage.b, group=H)
    stage.network([stage.b], (A, B), group=H)

    assert not stage.complaints(SamePoint())


def test_a_signal_behind_a_view_of_the_change_itself_repeats_the_first(stage: Stage) -> None:
    """`a` joins `h` while the change goes on, and gets the signal of it only then."""
    message = stage.send(stage.a, groups=(A, B))
    stage.signal(stage.a, stage.b)
    stage.join(stage.a, H)
    stage.deliver(message, stage.a)
    stage.network([stage.a], (A,), (C,), ring=(1, 19), index=2, group=H)
    stage.signal(stage.a, group=H, group_id=GroupId(1, 19, 2))
    stage.deliver(stage.send(stage.b, groups=(A, B)), stage.a)
    stage.deliver(message, stage.b)
    stage.network([stage.a, stage.b], (A, B))
    stage.network([stage.a], (A,), group=H)

    assert not stage.complaints(SamePoint())


def test_answers_behind_their_questions_are_causal(stage: Stage) -> None:
    question = stage.send(stage.a)
    stage.deliver(question, *stage.members)
    stage.deliver(stage.send(stage.b), *stage.members)

    assert not stage.complaints(CausalOrder())


def test_an_answer_before_its_question_is_told(stage: Stage) -> None:
    question = stage.send(stage.a)
    stage.deliver(question, stage.b)
    answer = stage.send(stage.b)
    stage.deliver(answer, stage.c)
    stage.deliver(question, stage.c)

    (sentence,) = stage.complaints(CausalOrder())
    assert "before its cause message 1 (AGREED of #a#d0) at event" in sentence


def test_an_answer_without_its_question_is_told(stage: Stage) -> None:
    question = stage.send(stage.a)
    stage.deliver(question, stage.b)
    answer = stage.send(stage.b)
    stage.deliver(answer, stage.c)

    (sentence,) = stage.complaints(CausalOrder())
    assert "but never message 1" in sentence


def test_a_question_of_an_earlier_view_is_not_owed(stage: Stage) -> None:
    question = stage.send(stage.a)
    stage.deliver(question, stage.b)
    answer = stage.send(stage.b)
    stage.network(stage.members, (A, B), (C,))
    stage.deliver(answer, stage.c)

    assert not stage.complaints(CausalOrder())


def test_a_circle_through_a_cause_that_was_not_delivered_is_told(stage: Stage) -> None:
    """`c` gets the third before the first; the second, which joins them, it never gets."""
    first = stage.send(stage.a, groups=(B, C))
    stage.deliver(first, stage.b)
    second = stage.send(stage.b, groups=(D,))
    stage.deliver(second, stage.d)
    third = stage.send(stage.d, groups=(C,))
    stage.deliver(third, stage.c)
    stage.deliver(first, stage.c)

    (sentence,) = stage.complaints(CausalOrder())
    assert sentence.count(" before ") == 3


def test_own_messages_are_causes(stage: Stage) -> None:
    first, second = stage.send(stage.a), stage.send(stage.a)
    stage.deliver(second, stage.c)
    stage.deliver(first, stage.c)

    assert len(stage.complaints(CausalOrder())) == 1
