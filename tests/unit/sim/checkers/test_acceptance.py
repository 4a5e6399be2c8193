"""Acceptance: what a daemon took from its clients arrives, also across changes of the ring."""

from spread.sim.checkers.acceptance import AcceptedMessages, BackPressure
from spread.sim.trace import Closure
from tests.unit.sim.checkers.stage import UNRELIABLE, A, B, C, D, H, Stage


def test_everything_of_the_own_daemon_arrives(stage: Stage) -> None:
    for message in (stage.send(stage.a), stage.send(stage.a, UNRELIABLE)):
        stage.deliver(message, *stage.members)
    stage.send(stage.a, groups=(H,))
    stage.settle()

    assert not stage.complaints(BackPressure())


def test_a_message_dropped_between_others_is_told(stage: Stage) -> None:
    messages = [stage.send(stage.a, UNRELIABLE) for _ in range(3)]
    for message in (messages[0], messages[2]):
        stage.deliver(message, stage.b)

    (sentence,) = stage.complaints(BackPressure())
    assert sentence.startswith("#b#d0 (connection 1) got none of message 2 (UNRELIABLE of #a#d0)")


def test_a_message_dropped_before_others_is_told(stage: Stage) -> None:
    stage.send(stage.a)
    stage.deliver(stage.send(stage.a), stage.b)

    assert len(stage.complaints(BackPressure())) == 1


def test_a_message_dropped_at_the_end_is_told(stage: Stage) -> None:
    stage.send(stage.a)
    assert not stage.complaints(BackPressure())

    stage.settle()

    assert len(stage.complaints(BackPressure())) == 2


def test_a_dropped_message_of_a_sender_outside_is_told(stage: Stage) -> None:
    outsider = stage.open(b"#o#d0", 0)
    messages = [stage.send(outsider) for _ in range(3)]
    stage.deliver(messages[0], stage.a, stage.b)
    stage.deliver(messages[2], stage.a, stage.b)

    assert len(stage.complaints(BackPressure())) == 2


def test_a_sender_that_vanished_may_take_its_last_words_along(stage: Stage) -> None:
    stage.send(stage.a)
    stage.close(stage.a, Closure.CLIENT, drained=False)
    stage.settle()

    assert not stage.complaints(BackPressure())


def test_last_words_of_a_drained_connection_are_owed(stage: Stage) -> None:
    stage.send(stage.a)
    stage.close(stage.a, Closure.CLIENT, drained=True)
    stage.settle()

    assert len(stage.complaints(BackPressure())) == 1


def test_a_message_of_the_old_view_may_come_in_the_next(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.network(stage.members, (A, B, C), (D,))
    stage.deliver(message, *stage.members)
    stage.deliver(stage.send(stage.a), *stage.members)
    stage.settle()

    assert not stage.complaints(AcceptedMessages())


def test_a_message_lost_in_the_change_is_told_by_a_later_one(stage: Stage) -> None:
    stage.send(stage.a)
    stage.network(stage.members, (A, B, C), (D,))
    stage.deliver(stage.send(stage.a), stage.c)

    (sentence,) = stage.complaints(AcceptedMessages())
    assert sentence.startswith("#c#d1 (connection 2) never got message 1")


def test_a_message_lost_in_the_change_is_told_by_the_end(stage: Stage) -> None:
    stage.send(stage.a)
    stage.network(stage.members, (A, B, C), (D,))
    assert not stage.complaints(AcceptedMessages())

    stage.settle()

    assert len(stage.complaints(AcceptedMessages())) == 3


def test_other_components_are_not_owed_it(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.network(stage.members, (A, B), (C,))
    stage.deliver(message, stage.a, stage.b)
    stage.settle()

    assert not stage.complaints(AcceptedMessages())
