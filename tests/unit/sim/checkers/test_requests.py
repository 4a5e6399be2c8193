"""Requests: their order, complete sequences, private messages."""

from spread.sim.checkers.requests import NoSilentLoss, PrivateMessages, RequestOrder
from spread.sim.trace import Cause, Closure
from tests.unit.sim.checkers.stage import AGREED, RELIABLE, A, B, C, D, G, H, Stage


def test_requests_with_their_effects_in_order_pass(stage: Stage) -> None:
    before, through = stage.send(stage.b), stage.send(stage.b, groups=(B,))
    stage.leave(stage.b)
    after = stage.send(stage.b)
    stage.deliver(before, *stage.members)
    stage.deliver(through, stage.b)
    stage.left(stage.b)
    stage.deliver(after, stage.a, stage.c)
    stage.settle()

    assert not stage.complaints(RequestOrder())


def test_an_own_message_sent_behind_the_leave_is_told(stage: Stage) -> None:
    stage.leave(stage.b)
    message = stage.send(stage.b)
    stage.deliver(message, stage.b)

    (sentence,) = stage.complaints(RequestOrder())
    assert "sent while it had joined none of the destinations" in sentence


def test_an_own_message_missed_before_the_leave_is_told(stage: Stage) -> None:
    stage.send(stage.b)
    stage.leave(stage.b)
    stage.left(stage.b)

    (sentence,) = stage.complaints(RequestOrder())
    assert "sent before it left b'g'" in sentence


def test_an_own_message_missed_at_the_end_is_told(stage: Stage) -> None:
    stage.send(stage.b)
    stage.settle()

    (sentence,) = stage.complaints(RequestOrder())
    assert sentence.endswith("although it stayed open")


def test_a_message_sent_behind_the_join_and_got_before_the_view_is_told(stage: Stage) -> None:
    stage.join(stage.a, H)
    message = stage.send(stage.a, groups=(G, H))
    stage.deliver(message, stage.a)
    stage.view([stage.a], 1, (A,), A, group=H)

    (sentence,) = stage.complaints(RequestOrder())
    assert "outside of its views of [b'h']" in sentence


def test_a_leave_that_took_effect_untold_is_told(stage: Stage) -> None:
    stage.leave(stage.c)
    stage.view([stage.a, stage.b], 4, (A, B), C, Cause.LEAVE)
    stage.deliver(stage.send(stage.a, groups=(B, C)), stage.b, stage.c)

    (sentence,) = stage.complaints(RequestOrder())
    assert sentence.startswith("#c#d1 (connection 2) got no notice that it left b'g'")


def test_a_leave_that_took_effect_behind_the_end_of_a_trace_needs_no_notice(stage: Stage) -> None:
    stage.leave(stage.c)
    stage.deliver(stage.send(stage.a, groups=(B, C)), stage.b, stage.c)
    stage.view([stage.a, stage.b], 4, (A, B), C, Cause.LEAVE)
    stage.close(stage.c, Closure.CRASH)

    assert not stage.complaints(RequestOrder())


def test_self_discard_is_no_loss(stage: Stage) -> None:
    stage.send(stage.b, discards_self=True)
    stage.settle()

    assert not stage.complaints(RequestOrder())


def test_a_second_stay_is_judged_for_itself(stage: Stage) -> None:
    stage.leave(stage.b)
    stage.left(stage.b)
    stage.join(stage.b)
    stage.view([stage.b], 5, (A, B, C), B)
    stage.deliver(stage.send(stage.b), stage.b)
    stage.settle()

    assert not stage.complaints(RequestOrder())


def test_clients_of_one_daemon_with_one_sequence_lose_nothing(stage: Stage) -> None:
    stage.deliver(stage.send(stage.c, RELIABLE), stage.a, stage.b)
    stage.deliver(stage.send(stage.a, discards_self=True), stage.b)
    stage.settle()

    assert not stage.complaints(NoSilentLoss())


def test_a_closed_client_may_lack_the_end(stage: Stage) -> None:
    stage.deliver(stage.send(stage.c), stage.a, stage.b)
    stage.deliver(stage.send(stage.c), stage.a)
    stage.close(stage.b, Closure.DAEMON)
    stage.settle()

    assert not stage.complaints(NoSilentLoss())


def test_an_open_client_that_lacks_the_end_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.c), stage.a)
    stage.settle()

    (sentence,) = stage.complaints(NoSilentLoss())
    assert "of one daemon got message 1 (AGREED of #c#d1) and nothing more" in sentence


def test_a_closed_client_with_a_gap_is_told(stage: Stage) -> None:
    first, second = stage.send(stage.c), stage.send(stage.c)
    stage.deliver(first, stage.a)
    stage.deliver(second, stage.a, stage.b)
    stage.close(stage.b, Closure.DAEMON)

    assert len(stage.complaints(NoSilentLoss())) == 1


def test_a_client_that_went_on_without_the_end_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.c, RELIABLE), stage.b)
    stage.view([stage.a], 4, (A, B), C, Cause.LEAVE)

    assert len(stage.complaints(NoSilentLoss())) == 1


def test_a_neighbour_without_views_is_owed_the_same(stage: Stage) -> None:
    plain = stage.open(b"#p#d0", 0, membership=False)
    stage.join(plain)
    stage.view(stage.members, 4, (A, B, b"#p#d0", C), b"#p#d0")
    first, second = stage.send(stage.c), stage.send(stage.c)
    stage.deliver(first, plain, stage.a, stage.b)
    stage.deliver(second, stage.a, stage.b)
    stage.settle()

    sentences = stage.complaints(NoSilentLoss())
    assert len(sentences) == 2
    assert "never got message 2" in sentences[0]


def test_a_closed_neighbour_without_views_may_lack_the_end_only(stage: Stage) -> None:
    plain = stage.open(b"#p#d0", 0, membership=False)
    stage.join(plain)
    stage.view(stage.members, 4, (A, B, b"#p#d0", C), b"#p#d0")
    first, second, third = (stage.send(stage.c) for _ in range(3))
    stage.deliver(first, stage.a)
    stage.deliver(second, plain, stage.a)
    stage.deliver(third, stage.a)
    stage.close(plain, Closure.CRASH)

    (sentence,) = stage.complaints(NoSilentLoss())
    assert "never got message 1" in sentence


def test_a_private_message_at_its_target_passes(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, AGREED, (B,)), stage.b)
    stage.settle()

    assert not stage.complaints(PrivateMessages())


def test_a_private_message_lost_at_one_daemon_is_told(stage: Stage) -> None:
    stage.send(stage.a, AGREED, (B,))
    stage.settle()

    (sentence,) = stage.complaints(PrivateMessages())
    assert sentence.startswith("#b#d0 (connection 1) never got the private message 1")


def test_a_private_message_for_who_is_gone_is_dropped(stage: Stage) -> None:
    stage.close(stage.b)
    stage.send(stage.a, AGREED, (B, b"#nobody#d1"))
    stage.settle()

    assert not stage.complaints(PrivateMessages())


def test_a_private_message_to_oneself_with_self_discard_is_dropped(stage: Stage) -> None:
    stage.send(stage.b, AGREED, (B,), discards_self=True)
    stage.settle()

    assert not stage.complaints(PrivateMessages())


def test_a_private_message_for_two_connections_of_one_name_is_told(stage: Stage) -> None:
    message = stage.send(stage.a, AGREED, (B,))
    stage.deliver(message, stage.b)
    stage.close(stage.b)
    stage.deliver(message, stage.open(B, 0))

    (sentence,) = stage.complaints(PrivateMessages())
    assert "#b#d0 (connection 1) and #b#d0 (connection 4) got" in sentence


def test_a_private_message_between_daemons_with_later_ones_is_told(stage: Stage) -> None:
    stage.send(stage.a, AGREED, (C,))
    stage.deliver(stage.send(stage.a, AGREED, (G,)), stage.c)

    (sentence,) = stage.complaints(PrivateMessages())
    assert sentence.endswith("in which it got later ones")


def test_a_private_message_lost_in_a_split_is_dropped(stage: Stage) -> None:
    stage.send(stage.a, AGREED, (C,))
    stage.network(stage.members, (A, B), (C,))
    stage.deliver(stage.send(stage.a), stage.c)
    stage.send(stage.d, AGREED, (A,))
    stage.settle()

    assert not stage.complaints(PrivateMessages())


def test_a_private_message_sent_before_the_target_came_is_dropped(stage: Stage) -> None:
    stage.send(stage.a, AGREED, (b"#n#d0",))
    stage.open(b"#n#d0", 0)
    stage.settle()

    assert not stage.complaints(PrivateMessages())
    assert D in {client.private_group for client in stage.history.clients}
