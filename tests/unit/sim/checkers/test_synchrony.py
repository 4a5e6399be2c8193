"""Virtual synchrony and what goes with it."""

from spread.sim.checkers.synchrony import (
    AgreedDelivery,
    NoGaps,
    SameView,
    UnorderedServices,
    VirtualSynchrony,
)
from tests.unit.sim.checkers.stage import RELIABLE, UNRELIABLE, A, B, C, D, G, H, Stage


def go_on(stage: Stage) -> None:
    """A join ends the view for everybody."""
    stage.view(stage.members, 4, (A, B, C, D), D)


def test_members_that_delivered_the_same_are_synchronous(stage: Stage) -> None:
    first, second = stage.send(stage.a), stage.send(stage.b)
    stage.deliver(first, *stage.members)
    stage.signal(*stage.members)
    stage.deliver(second, stage.a, stage.b)
    stage.network(stage.members, (A, B), (C,))

    assert not stage.complaints(VirtualSynchrony())


def test_self_discard_is_no_difference(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, discards_self=True), stage.b, stage.c)
    stage.deliver(stage.send(stage.b, discards_self=True), stage.a, stage.c)
    go_on(stage)

    assert not stage.complaints(VirtualSynchrony())


def test_a_message_that_only_one_delivered_is_told(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.a, stage.b)
    go_on(stage)

    sentences = stage.complaints(VirtualSynchrony())
    assert len(sentences) == 2
    assert "in the regular part of view 0x00000001@10:3" in sentences[0]
    assert "message 1 (AGREED of #a#d0) at event 14 as number 0" in sentences[0]
    assert sentences[0].endswith("the latter message 1 (AGREED of #a#d0) never")


def test_a_self_discarded_message_that_one_of_the_others_lacks_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, discards_self=True), stage.b)
    go_on(stage)

    assert len(stage.complaints(VirtualSynchrony())) == 1


def test_a_message_on_two_sides_of_the_signal_is_told(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.a)
    stage.signal(stage.a, stage.b)
    stage.deliver(message, stage.b)
    stage.network([stage.a, stage.b], (A, B))

    sentences = stage.complaints(VirtualSynchrony())
    assert ["regular part" in sentence for sentence in sentences] == [True, False]


def test_members_of_two_sets_need_not_agree(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a), stage.a, stage.b)
    stage.network(stage.members, (A, B), (C,))

    assert not stage.complaints(VirtualSynchrony())


def test_a_crash_cuts_a_sequence_at_its_end(stage: Stage) -> None:
    first, second = stage.send(stage.a), stage.send(stage.a)
    stage.deliver(first, *stage.members)
    stage.deliver(second, stage.a, stage.b)

    assert not stage.complaints(NoGaps())


def test_a_gap_is_told_with_both_messages(stage: Stage) -> None:
    first, second = stage.send(stage.a), stage.send(stage.a)
    stage.deliver(first, stage.a)
    stage.deliver(second, stage.a, stage.c)

    (sentence,) = stage.complaints(NoGaps())
    assert "message 1 (AGREED of #a#d0) at event 15 as number 0" in sentence
    assert "message 2 (AGREED of #a#d0) at event 17;" in sentence


def test_what_comes_behind_the_signal_may_have_gaps(stage: Stage) -> None:
    first, second = stage.send(stage.a), stage.send(stage.a)
    stage.deliver(first, stage.a)
    stage.signal(stage.c)
    stage.deliver(second, stage.a, stage.c)

    assert not stage.complaints(NoGaps())


def test_unordered_messages_reach_all_that_go_on(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, RELIABLE), stage.c, stage.a, stage.b)
    stage.deliver(stage.send(stage.a, UNRELIABLE, discards_self=True), stage.b, stage.c)
    go_on(stage)

    assert not stage.complaints(UnorderedServices())


def test_an_unreliable_message_that_one_of_those_lost_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, UNRELIABLE), stage.a, stage.b)
    go_on(stage)

    sentences = stage.complaints(UnorderedServices())
    assert sentences
    assert sentences[0].startswith("#c#d1 (connection 2) goes from view")


def test_a_gap_where_an_unreliable_message_was_is_told(stage: Stage) -> None:
    first, second = stage.send(stage.a, UNRELIABLE), stage.send(stage.a)
    stage.deliver(first, stage.a)
    stage.deliver(second, stage.a, stage.c)

    (sentence,) = stage.complaints(UnorderedServices())
    assert "message 1 (UNRELIABLE of #a#d0) at event 15 as number 0" in sentence


def test_a_gap_of_ordered_messages_is_no_matter_of_unordered_ones(stage: Stage) -> None:
    first, second = stage.send(stage.a), stage.send(stage.a)
    stage.deliver(first, stage.a)
    stage.deliver(second, stage.a, stage.c)

    assert not stage.complaints(UnorderedServices())


def test_agreed_messages_of_those_that_go_on_are_everybodys(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a), *stage.members)
    stage.deliver(stage.send(stage.b, discards_self=True), stage.a, stage.c)
    go_on(stage)

    assert not stage.complaints(AgreedDelivery())


def test_an_agreed_message_that_one_lacks_is_told(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a), stage.a, stage.b)
    go_on(stage)

    (sentence,) = stage.complaints(AgreedDelivery())
    assert sentence.startswith("#c#d1 (connection 2) goes from view")
    assert sentence.endswith("the former never")


def test_either_side_of_the_signal_is_agreed_delivery(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.a)
    stage.signal(stage.a, stage.b)
    stage.deliver(message, stage.b)
    stage.network([stage.a, stage.b], (A, B))

    assert not stage.complaints(AgreedDelivery())


def test_messages_in_one_view_each_are_in_the_same(stage: Stage) -> None:
    stage.deliver(stage.send(stage.a, groups=(G, H)), *stage.members)

    assert not stage.complaints(SameView())


def test_a_message_in_two_views_is_told(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.a)
    stage.view([stage.c], 4, (A, B, C, D), D)
    stage.deliver(message, stage.c)

    (sentence,) = stage.complaints(SameView())
    assert "at event 14 in view 0x00000001@10:3" in sentence
    assert "at event 16 in view 0x00000001@10:4" in sentence


def test_views_made_behind_the_signal_are_excepted(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.a)
    stage.signal(stage.c)
    stage.network([stage.c], (C,), (A, B), ring=(2, 19), index=2)
    stage.deliver(message, stage.c)

    assert not stage.complaints(SameView())
