"""Each checker must catch a trace doctored against its guarantee, and pass an honest one."""

from dataclasses import replace

import pytest

from tests.daemon.checkers import CHECKERS, Checker, violations
from tests.daemon.checkers.integrity import (
    Fidelity,
    NoDuplicates,
    RightRecipients,
    SenderFidelity,
)
from tests.daemon.checkers.membership import (
    Causes,
    IdProgress,
    IdUniqueness,
    NoNetworkEvents,
    SelfInclusion,
    ViewAgreement,
)
from tests.daemon.checkers.ordering import (
    Causality,
    Fifo,
    NoGaps,
    TotalOrder,
    VirtualSynchrony,
)
from tests.daemon.checkers.reliability import (
    NoSilentLoss,
    PrivateMessages,
    RequestOrder,
    SafeDelivery,
    SelfDelivery,
)
from tests.daemon.harness.wire import (
    AGREED,
    CAUSED_BY_DISCONNECT,
    CAUSED_BY_JOIN,
    CAUSED_BY_LEAVE,
    SAFE,
    SELF_DISCARD,
    GroupId,
)
from tests.daemon.trace import (
    ClientTrace,
    Delivered,
    Ended,
    Event,
    History,
    JoinRequested,
    LeaveRequested,
    LeftGroup,
    Message,
    Sent,
    Transitional,
    Viewed,
)

A, B = b"#a#d1", b"#b#d1"
G = b"g"


class Stage:
    """Writes traces by hand; two clients `a` and `b` whose joins of `g` have been seen by both."""

    def __init__(self) -> None:
        self.history = History()
        self.a = self.history.open(A)
        self.b = self.history.open(B)
        self.join(self.a)
        self.view(self.a, 1, (A,))
        self.join(self.b)
        self.view(self.a, 2, (A, B), changed=B)
        self.view(self.b, 2, (A, B), changed=B)

    def add(self, client: ClientTrace, event: Event) -> None:
        client.events.append(event)

    def join(self, client: ClientTrace) -> None:
        self.add(client, JoinRequested(self.history.tick(), G))

    def leave(self, client: ClientTrace) -> None:
        self.add(client, LeaveRequested(self.history.tick(), G))

    def left(self, client: ClientTrace) -> None:
        self.add(client, LeftGroup(self.history.tick(), G))

    def end(self, client: ClientTrace, *, by_client: bool = True) -> None:
        self.add(client, Ended(self.history.tick(), by_client, drained=by_client))

    def view(
        self,
        client: ClientTrace,
        index: int,
        members: tuple[bytes, ...],
        cause: int = CAUSED_BY_JOIN,
        changed: bytes = A,
    ) -> None:
        event = Viewed(self.history.tick(), G, GroupId(1, 1, index), members, cause, ((changed,),))
        self.add(client, event)

    def send(
        self, client: ClientTrace, service: int = AGREED, groups: tuple[bytes, ...] = (G,)
    ) -> Message:
        at = self.history.tick()
        message = Message(b"%d" % at, client.private_group, service, groups, 7, b"payload")
        self.add(client, Sent(at, message))
        return message

    def deliver(self, message: Message, *clients: ClientTrace) -> None:
        for client in clients:
            self.add(client, Delivered(self.history.tick(), message))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def complaints(checker: Checker, stage: Stage) -> list[str]:
    return list(checker.check(stage.history))


def test_an_honest_history_has_no_violation(stage: Stage) -> None:
    first, second = stage.send(stage.a), stage.send(stage.b, SAFE)
    stage.deliver(first, stage.a, stage.b)
    stage.deliver(second, stage.a, stage.b)
    quiet = stage.send(stage.a, AGREED | SELF_DISCARD, (G, B))
    stage.deliver(quiet, stage.b)
    whisper = stage.send(stage.b, AGREED, (A,))
    stage.deliver(whisper, stage.a)
    stage.leave(stage.b)
    stage.left(stage.b)
    stage.view(stage.a, 3, (A,), CAUSED_BY_LEAVE, B)
    stage.join(stage.b)
    stage.view(stage.a, 4, (A, B), CAUSED_BY_JOIN, B)
    stage.view(stage.b, 4, (A, B), CAUSED_BY_JOIN, B)
    stage.end(stage.b)
    stage.view(stage.a, 5, (A,), CAUSED_BY_DISCONNECT, B)

    assert violations(stage.history) == []


def test_every_checker_names_a_guarantee() -> None:
    assert len({checker.number for checker in CHECKERS}) == len(CHECKERS)
    assert all(checker.number.startswith("S") for checker in CHECKERS)


def test_fidelity_catches_a_message_that_nobody_sent(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(replace(message, identity=b"invented"), stage.b)

    assert len(complaints(Fidelity(), stage)) == 1


def test_fidelity_catches_an_altered_payload(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(replace(message, payload=b"payloae"), stage.b)

    assert len(complaints(Fidelity(), stage)) == 1


def test_duplicates_are_caught(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.b, stage.b)

    assert len(complaints(NoDuplicates(), stage)) == 1


def test_a_delivery_after_the_self_leave_is_caught(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.left(stage.b)
    stage.deliver(message, stage.b)

    assert len(complaints(RightRecipients(), stage)) == 1


def test_a_private_message_at_another_client_is_caught(stage: Stage) -> None:
    message = stage.send(stage.a, AGREED, (B,))
    stage.deliver(message, stage.a)

    assert len(complaints(RightRecipients(), stage)) == 1


def test_a_copy_despite_self_discard_is_caught(stage: Stage) -> None:
    message = stage.send(stage.a, AGREED | SELF_DISCARD)
    stage.deliver(message, stage.a)

    assert len(complaints(RightRecipients(), stage)) == 1


def test_a_false_sender_is_caught(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(replace(message, sender=B), stage.b)

    assert len(complaints(SenderFidelity(), stage)) == 1


def test_a_view_without_its_receiver_is_caught(stage: Stage) -> None:
    stage.view(stage.b, 3, (A,), CAUSED_BY_LEAVE, B)

    assert len(complaints(SelfInclusion(), stage)) == 1


def test_a_view_without_a_join_is_caught(stage: Stage) -> None:
    stranger = stage.history.open(b"#c#d1")
    stage.view(stranger, 3, (A, B, b"#c#d1"), CAUSED_BY_JOIN, b"#c#d1")

    assert len(complaints(SelfInclusion(), stage)) == 1


def test_a_first_view_of_somebody_elses_join_is_caught(stage: Stage) -> None:
    joiner = stage.history.open(b"#c#d1")
    stage.join(joiner)
    stage.view(joiner, 3, (A, B, b"#c#d1"), CAUSED_BY_JOIN, A)

    assert len(complaints(SelfInclusion(), stage)) == 1


def test_a_self_leave_without_a_view_is_caught(stage: Stage) -> None:
    stage.left(stage.b)
    stage.left(stage.b)

    assert len(complaints(SelfInclusion(), stage)) == 1


def test_two_clients_with_other_lists_for_one_id_are_caught(stage: Stage) -> None:
    stage.view(stage.a, 3, (A, B, b"#c#d1"))
    stage.view(stage.b, 3, (A, B))

    assert len(complaints(ViewAgreement(), stage)) == 1


def test_unsorted_members_are_caught(stage: Stage) -> None:
    stage.view(stage.a, 3, (B, A))

    assert len(complaints(ViewAgreement(), stage)) == 1


def test_an_id_that_comes_again_is_caught(stage: Stage) -> None:
    stage.left(stage.b)
    stage.view(stage.b, 2, (A, B), changed=B)

    assert len(complaints(IdUniqueness(), stage)) == 1


def test_a_jump_of_the_index_is_caught(stage: Stage) -> None:
    stage.view(stage.a, 4, (A,), CAUSED_BY_LEAVE, B)

    assert len(complaints(IdProgress(), stage)) == 1


def test_a_view_that_loses_more_than_it_says_is_caught(stage: Stage) -> None:
    stage.view(stage.a, 3, (A,), CAUSED_BY_JOIN, b"#c#d1")

    assert len(complaints(Causes(), stage)) == 1


def test_a_transitional_signal_is_caught(stage: Stage) -> None:
    stage.add(stage.a, Transitional(stage.history.tick(), G))

    assert len(complaints(NoNetworkEvents(), stage)) == 1


def test_two_orders_of_two_messages_are_caught(stage: Stage) -> None:
    first, second = stage.send(stage.a), stage.send(stage.b)
    stage.deliver(first, stage.a)
    stage.deliver(second, stage.a, stage.b)
    stage.deliver(first, stage.b)

    assert len(complaints(TotalOrder(), stage)) == 1


def test_a_message_on_two_sides_of_a_view_is_caught(stage: Stage) -> None:
    third = (A, B, b"#c#d1")
    message = stage.send(stage.a)
    stage.deliver(message, stage.a)
    stage.view(stage.a, 3, third, changed=b"#c#d1")
    stage.view(stage.b, 3, third, changed=b"#c#d1")
    stage.deliver(message, stage.b)

    assert len(complaints(TotalOrder(), stage)) == 1
    assert len(complaints(VirtualSynchrony(), stage)) == 1


def test_a_message_that_one_member_skipped_is_caught(stage: Stage) -> None:
    first, second = stage.send(stage.a), stage.send(stage.a)
    stage.deliver(first, stage.a)
    stage.deliver(second, stage.a, stage.b)

    assert len(complaints(NoGaps(), stage)) == 1


def test_messages_of_one_sender_out_of_order_are_caught(stage: Stage) -> None:
    first, second = stage.send(stage.a, AGREED), stage.send(stage.a, SAFE)
    stage.deliver(second, stage.b)
    stage.deliver(first, stage.b)

    assert len(complaints(Fifo(), stage)) == 1


def test_a_gap_in_the_messages_of_one_sender_is_caught(stage: Stage) -> None:
    stage.send(stage.a)
    second = stage.send(stage.a)
    stage.deliver(second, stage.b)

    assert len(complaints(Fifo(), stage)) == 1


def test_an_answer_before_its_question_is_caught(stage: Stage) -> None:
    question = stage.send(stage.a)
    stage.deliver(question, stage.b)
    answer = stage.send(stage.b)
    stage.deliver(answer, stage.a)
    stage.deliver(question, stage.a)

    assert len(complaints(Causality(), stage)) == 1


def test_an_own_message_that_never_comes_back_is_caught(stage: Stage) -> None:
    stage.send(stage.a)

    assert len(complaints(SelfDelivery(), stage)) == 1


def test_a_safe_message_that_a_member_lacks_is_caught(stage: Stage) -> None:
    message = stage.send(stage.a, SAFE)
    stage.deliver(message, stage.a)

    assert len(complaints(SafeDelivery(), stage)) == 1


def test_a_message_delivered_although_sent_after_the_leave_is_caught(stage: Stage) -> None:
    stage.leave(stage.b)
    message = stage.send(stage.b)
    stage.deliver(message, stage.b)

    assert len(complaints(RequestOrder(), stage)) == 1


def test_a_message_lost_although_sent_before_the_leave_is_caught(stage: Stage) -> None:
    stage.send(stage.b)
    stage.leave(stage.b)

    assert len(complaints(RequestOrder(), stage)) == 1


def test_a_client_closed_unasked_is_caught(stage: Stage) -> None:
    stage.end(stage.b, by_client=False)

    assert len(complaints(NoSilentLoss(), stage)) == 1


def test_an_unordered_message_that_a_member_lacks_is_caught(stage: Stage) -> None:
    message = stage.send(stage.a, 0x02)
    stage.deliver(message, stage.a)

    assert len(complaints(NoSilentLoss(), stage)) == 1


def test_a_lost_private_message_is_caught(stage: Stage) -> None:
    stage.send(stage.a, AGREED, (B,))

    assert len(complaints(PrivateMessages(), stage)) == 1
