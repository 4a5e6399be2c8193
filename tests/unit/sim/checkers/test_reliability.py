"""Reliability: own messages come back, safe ones are everybody's."""

import pytest

from spread.sim.checkers.reliability import (
    SafeDelivery,
    SafeDeliveryInTransition,
    SelfDelivery,
)
from spread.sim.trace import Closure
from tests.unit.sim.checkers.stage import AGREED, RELIABLE, SAFE, A, B, C, D, G, H, Stage


def test_own_messages_that_come_back_are_self_delivered(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a), stage.a)
    stage.send(stage.a, discards_self=True)
    stage.send(stage.a, RELIABLE)
    stage.send(stage.a, groups=(H,))
    stage.settle()

    assert not stage.complaints(SelfDelivery())


def test_an_own_message_that_never_came_back_is_told(stage: Stage) -> None:
    stage.send(stage.a)
    stage.settle()

    (sentence,) = stage.complaints(SelfDelivery())
    assert sentence.startswith("#a#d0 (connection 0) never got back message 1")


def test_before_the_end_a_message_is_only_late(stage: Stage) -> None:
    stage.send(stage.a)

    assert not stage.complaints(SelfDelivery())


def test_who_leaves_or_is_closed_is_owed_nothing(stage: Stage) -> None:
    stage.send(stage.a)
    stage.leave(stage.a)
    stage.send(stage.b)
    stage.close(stage.b, Closure.CRASH)
    stage.settle()

    assert not stage.complaints(SelfDelivery())


def test_a_safe_message_of_everybody_is_safe(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, SAFE), *stage.members)
    stage.deliver(stage.send(stage.a, SAFE, discards_self=True), stage.b, stage.c)
    stage.settle()

    assert not stage.complaints(SafeDelivery())


def test_another_component_may_deliver_it_behind_the_signal(stage: Stage) -> None:
    message = stage.send(stage.a, SAFE)
    stage.deliver(message, stage.a, stage.b)
    stage.signal(*stage.members)
    stage.deliver(message, stage.c)
    stage.network([stage.a, stage.b], (A, B))
    stage.network([stage.c], (C,), ring=(2, 20))

    assert not stage.complaints(SafeDelivery())


def test_a_member_of_another_component_without_it_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, SAFE), stage.a, stage.b)
    stage.signal(*stage.members)
    stage.network([stage.a, stage.b], (A, B))
    stage.network([stage.c], (C,), ring=(2, 20))

    (sentence,) = stage.complaints(SafeDelivery())
    assert sentence.endswith("#c#d1 (connection 2) delivered it never, not in that view")


def test_a_member_at_the_end_of_the_run_without_it_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, SAFE), stage.a, stage.b)
    assert not stage.complaints(SafeDelivery())

    stage.settle()

    assert len(stage.complaints(SafeDelivery())) == 1


def test_delivery_in_the_next_view_is_told(stage: Stage) -> None:
    message = stage.send(stage.a, SAFE)
    stage.deliver(message, stage.a, stage.b)
    stage.network([stage.c], (C,), ring=(2, 20))
    stage.deliver(message, stage.c)

    (sentence,) = stage.complaints(SafeDelivery())
    assert "delivered it at event" in sentence


@pytest.mark.parametrize("service", [AGREED, RELIABLE])
def test_other_services_promise_less(stage: Stage, service: int) -> None:
    stage.deliver(stage.send(stage.a, service), stage.a, stage.b)
    stage.settle()

    assert not stage.complaints(SafeDelivery())


@pytest.mark.parametrize("closure", list(Closure))
def test_closed_members_owe_nothing(stage: Stage, closure: Closure) -> None:
    stage.deliver(stage.send(stage.a, SAFE), stage.a, stage.b)
    stage.close(stage.c, closure)
    stage.settle()

    assert not stage.complaints(SafeDelivery())


def test_a_member_that_leaves_owes_nothing(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, SAFE), stage.a, stage.b)
    stage.leave(stage.c)
    stage.left(stage.c)
    stage.settle()

    assert not stage.complaints(SafeDelivery())


def test_a_member_that_never_had_the_view_is_told(stage: Stage) -> None:
    stage.join(stage.d)
    stage.view(stage.members, 4, (A, B, C, D), D)
    stage.deliver(stage.send(stage.a, SAFE), *stage.members)
    stage.settle()

    (sentence,) = stage.complaints(SafeDelivery())
    assert "#d#d2 (connection 3) delivered it never" in sentence


def test_a_member_that_asks_for_no_views_is_owed_it_too(stage: Stage) -> None:
    plain = stage.open(b"#p#d2", 2, membership=False)
    stage.join(plain)
    stage.view(stage.members, 4, (A, B, C, b"#p#d2"), b"#p#d2")
    first, second = stage.send(stage.a, SAFE), stage.send(stage.a, SAFE)
    stage.deliver(first, plain, *stage.members)
    stage.deliver(second, *stage.members)
    stage.settle()

    (sentence,) = stage.complaints(SafeDelivery())
    assert "message 2" in sentence


def test_a_member_that_asked_to_leave_before_the_view_owes_nothing(stage: Stage) -> None:
    stage.join(stage.d)
    stage.leave(stage.d)
    stage.view(stage.members, 4, (A, B, C, D), D)
    stage.deliver(stage.send(stage.a, SAFE), *stage.members)
    stage.settle()

    assert not stage.complaints(SafeDelivery())


def test_behind_the_signal_the_own_set_is_safe(stage: Stage) -> None:
    message = stage.send(stage.a, SAFE)
    stage.signal(*stage.members)
    stage.deliver(message, stage.a, stage.b)
    stage.network([stage.a, stage.b], (A, B))
    stage.network([stage.c], (C,), ring=(2, 20))

    assert not stage.complaints(SafeDeliveryInTransition())


def test_behind_the_signal_one_of_the_own_set_without_it_is_told(stage: Stage) -> None:
    message = stage.send(stage.a, SAFE)
    stage.signal(*stage.members)
    stage.deliver(message, stage.a)
    stage.network([stage.a, stage.b], (A, B))

    (sentence,) = stage.complaints(SafeDeliveryInTransition())
    assert "#b#d0 (connection 1) delivered it never" in sentence


def test_behind_the_signal_who_misses_the_next_view_is_owed_it_too(stage: Stage) -> None:
    message = stage.send(stage.a, SAFE)
    stage.signal(*stage.members)
    stage.deliver(message, stage.a)
    stage.network([stage.a], (A, B), (C,))
    stage.network([stage.b], (B,), ring=(1, 30))

    (sentence,) = stage.complaints(SafeDeliveryInTransition())
    assert "#b#d0 (connection 1) delivered it never" in sentence


def test_behind_the_signal_only_safe_messages_are_judged(stage: Stage) -> None:
    message = stage.send(stage.a, AGREED, (G,))
    stage.signal(*stage.members)
    stage.deliver(message, stage.a)
    stage.network([stage.a, stage.b], (A, B))

    assert not stage.complaints(SafeDeliveryInTransition())
