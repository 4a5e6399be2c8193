"""FIFO: sending order, and no gap in what a member gets of a member."""

from dataclasses import replace

from spread.sim.checkers.sender_order import FifoOrder
from tests.unit.sim.checkers.stage import AGREED, FIFO, SAFE, A, B, C, D, G, H, Stage


def test_messages_in_sending_order_are_fifo(stage: Stage) -> None:
    for message in (stage.send(stage.a, FIFO), stage.send(stage.a, SAFE)):
        stage.deliver(message, *stage.members)

    assert not stage.complaints(FifoOrder())


def test_a_later_message_first_is_told(stage: Stage) -> None:
    first, second = stage.send(stage.a, AGREED), stage.send(stage.a, FIFO, (H, C))
    stage.deliver(second, stage.c)
    stage.deliver(first, stage.c)

    sentences = stage.complaints(FifoOrder())
    assert len(sentences) == 1
    assert "behind message 2 (FIFO of #a#d0) at event 15, which was sent later" in sentences[0]


def test_a_gap_before_the_signal_is_told(stage: Stage) -> None:
    stage.send(stage.a)
    stage.deliver(stage.send(stage.a), stage.c)

    (sentence,) = stage.complaints(FifoOrder())
    assert sentence.startswith("#c#d1 (connection 2) never delivered message 1")


def test_what_was_sent_before_a_common_view_is_not_owed(stage: Stage) -> None:
    stage.send(stage.a)
    stage.network(stage.members, (A, B, C), (D,))
    stage.deliver(stage.send(stage.a), stage.c)

    assert not stage.complaints(FifoOrder())


def test_own_messages_with_self_discard_are_no_gap(stage: Stage) -> None:
    stage.send(stage.a, discards_self=True)
    stage.deliver(stage.send(stage.a), stage.a)

    assert not stage.complaints(FifoOrder())


def test_behind_the_signal_a_message_of_a_lost_sender_may_be_missing(stage: Stage) -> None:
    stage.send(stage.c)
    message = stage.send(stage.c)
    stage.signal(stage.a)
    stage.deliver(message, stage.a)
    stage.network([stage.a], (A, B))

    assert not stage.complaints(FifoOrder())


def test_behind_the_signal_a_message_of_a_companion_is_owed(stage: Stage) -> None:
    stage.send(stage.b)
    message = stage.send(stage.b)
    stage.signal(stage.a)
    stage.deliver(message, stage.a)
    stage.network([stage.a], (A, B))

    assert len(stage.complaints(FifoOrder())) == 1


def test_messages_to_other_groups_are_no_gap(stage: Stage) -> None:
    stage.send(stage.a, groups=(H,))
    stage.deliver(stage.send(stage.a, groups=(G, G)), stage.b)

    assert not stage.complaints(FifoOrder())


def test_messages_that_nobody_sent_have_no_place(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(replace(message, identity=77), stage.b)
    stage.deliver(message, stage.b)

    assert not stage.complaints(FifoOrder())
