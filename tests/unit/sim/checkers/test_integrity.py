"""Integrity: doctored deliveries are told, honest ones are not."""

from dataclasses import replace

import pytest

from spread.sim.checkers.integrity import (
    NoCreation,
    NoDuplication,
    RightRecipients,
    SenderFidelity,
    Wholeness,
)
from tests.unit.sim.checkers.stage import AGREED, A, B, C, D, G, H, Stage


def test_messages_as_they_were_sent_are_no_creation(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a), *stage.members)

    assert not stage.complaints(NoCreation())


def test_a_message_that_nobody_sent_is_told(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(replace(message, identity=999), stage.b)

    (sentence,) = stage.complaints(NoCreation())
    assert sentence.startswith("#b#d0 (connection 1) delivered message 999")
    assert sentence.endswith("nobody sent it")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", 32),
        ("groups", (G, H)),
        ("mess_type", 8),
        ("payload", b"payloae"),
        ("discards_self", True),
    ],
)
def test_an_altered_field_is_told(stage: Stage, field: str, value: object) -> None:
    message = stage.send(stage.a)
    stage.deliver(replace(message, **{field: value}), stage.b)  # type: ignore[arg-type]

    (sentence,) = stage.complaints(NoCreation())
    assert sentence.endswith(f"{field} altered")


def test_one_delivery_each_is_no_duplication(stage: Stage) -> None:
    message = stage.send(stage.a, groups=(G, B, G))
    stage.deliver(message, *stage.members)

    assert not stage.complaints(NoDuplication())


def test_a_second_delivery_is_told_with_both_places(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.b, stage.b)

    (sentence,) = stage.complaints(NoDuplication())
    assert sentence.endswith("at event 14 and again at event 15")


def test_members_and_named_connections_are_right_recipients(stage: Stage) -> None:
    stage.deliver(stage.send(stage.d), *stage.members)
    stage.deliver(stage.send(stage.a, groups=(D,)), stage.d)

    assert not stage.complaints(RightRecipients())


def test_a_session_without_views_needs_a_join(stage: Stage) -> None:
    plain = stage.open(b"#p#d0", 0, membership=False)
    message = stage.send(stage.a)
    stage.deliver(message, plain)
    stage.join(plain)
    stage.deliver(stage.send(stage.a), plain)

    (sentence,) = stage.complaints(RightRecipients())
    assert "delivered message 1 " in sentence


def test_a_delivery_behind_the_self_leave_is_told(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.left(stage.b)
    stage.deliver(message, stage.b)

    assert len(stage.complaints(RightRecipients())) == 1


def test_a_private_message_of_others_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, AGREED, (B,)), stage.c)

    assert len(stage.complaints(RightRecipients())) == 1


def test_a_copy_in_spite_of_self_discard_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, discards_self=True), stage.a)

    (sentence,) = stage.complaints(RightRecipients())
    assert "self-discard" in sentence


def test_whole_messages_are_whole(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a), *stage.members)

    assert not stage.complaints(Wholeness())


def test_a_message_of_two_halves_is_told(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(replace(message, payload=b"payother"), stage.c)

    (sentence,) = stage.complaints(Wholeness())
    assert sentence.endswith("that are not its 7 bytes")


def test_senders_named_truly_are_faithful(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a), *stage.members)

    assert not stage.complaints(SenderFidelity())


def test_a_false_sender_is_told(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(replace(message, sender=C), stage.b)

    (sentence,) = stage.complaints(SenderFidelity())
    assert sentence.endswith(f"as if {C.decode()} had sent it")
    assert A.decode() in sentence
