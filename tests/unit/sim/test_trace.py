"""Views of a client with what was delivered in each."""

from itertools import count

import pytest

from spread.sim.trace import (
    Cause,
    ClientTrace,
    Closed,
    Closure,
    Delivered,
    Event,
    GroupId,
    LeftGroup,
    Message,
    Transitional,
    Viewed,
)

ME = b"#me#d1"
clock = count()


def view(index: int, group: bytes = b"g") -> Viewed:
    group_id = GroupId(1, 2, index)
    return Viewed(next(clock), 0, group, group_id, (ME,), Cause.JOIN, ((ME,),), 0, ME)


def message(identity: int, *groups: bytes) -> Delivered:
    sent = Message(identity, ME, 0x10, groups or (b"g",), 0, b"")
    return Delivered(next(clock), 0, sent)


def signal(group: bytes = b"g") -> Transitional:
    return Transitional(next(clock), 0, group, GroupId(1, 2, 1))


def trace_of(*events: Event) -> ClientTrace:
    return ClientTrace(0, ME, 0, 1, True, 0, list(events))


def identities(messages: list[Message]) -> list[int]:
    return [each.identity for each in messages]


def test_messages_belong_to_the_view_in_which_they_came() -> None:
    trace = trace_of(view(1), message(1), message(2), view(2), message(3))

    first, second = trace.spans()[b"g"]

    assert identities(first.deliveries) == [1, 2]
    assert identities(second.deliveries) == [3]
    assert first.successor is second.view


def test_the_signal_divides_a_view() -> None:
    trace = trace_of(view(1), message(1), signal(), message(2), view(2))

    first = trace.spans()[b"g"][0]

    assert (identities(first.deliveries), first.regular) == ([1, 2], 1)


def test_without_a_signal_all_of_a_view_is_regular() -> None:
    trace = trace_of(view(1), message(1), message(2))

    (only,) = trace.spans()[b"g"]

    assert (only.regular, only.ended_by, only.signal) == (2, None, None)


def test_a_message_to_two_groups_belongs_to_the_views_of_both() -> None:
    trace = trace_of(view(1, b"g"), view(1, b"h"), message(1, b"g", b"h", b"g"))

    spans = trace.spans()

    assert identities(spans[b"g"][0].deliveries) == identities(spans[b"h"][0].deliveries) == [1]


@pytest.mark.parametrize(
    "end",
    [LeftGroup(next(clock), 0, b"g"), Closed(next(clock), 0, Closure.CRASH, False)],
    ids=["left", "closed"],
)
def test_what_ends_a_view_is_told(end: LeftGroup | Closed) -> None:
    trace = trace_of(view(1), message(1), end)

    (only,) = trace.spans()[b"g"]

    assert only.ended_by is end
    assert only.successor is None


def test_messages_outside_of_views_belong_to_none() -> None:
    trace = trace_of(message(1), view(1), LeftGroup(next(clock), 0, b"g"), message(2))

    (only,) = trace.spans()[b"g"]

    assert only.deliveries == []


def test_a_closed_connection_is_not_open() -> None:
    assert trace_of(view(1)).is_open
    assert not trace_of(Closed(next(clock), 0, Closure.CLIENT, True)).is_open
