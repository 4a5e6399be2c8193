"""Events that wait for a log: as many as have room, and a count of the others in their place."""

from hypothesis import given
from hypothesis import strategies as st

from spread.eventlog_queue import BoundedQueue


def queue_of(size_max: int) -> BoundedQueue[str]:
    """Return an empty queue of texts, whose reports of losses have two characters."""
    return BoundedQueue(size_max, len, lambda count: f"-{count % 10}")


def test_events_leave_in_order() -> None:
    queue = queue_of(10)
    assert queue.offer("one")
    assert queue.offer("two")

    assert [queue.pop(), queue.pop()] == ["one", "two"]
    assert not queue


def test_an_event_that_has_no_room_is_counted() -> None:
    queue = queue_of(5)
    assert queue.offer("12345")

    assert not queue.offer("x")

    assert (list(queue.items), queue.unreported) == (["12345"], 1)


def test_losses_are_reported_in_their_place_when_half_of_the_queue_is_free() -> None:
    queue = queue_of(12)
    for text in ("1234", "56789", "abcd", "e"):
        queue.offer(text)
    assert list(queue.items) == ["1234", "56789"]

    queue.pop()
    assert not queue.offer("f")
    queue.pop()
    assert queue.offer("g")

    assert list(queue.items) == ["-3", "g"]
    assert queue.unreported == 0


def test_losses_are_reported_when_nothing_else_waits() -> None:
    queue = queue_of(5)
    queue.offer("12345")
    queue.offer("lost")
    queue.report_losses()
    assert list(queue.items) == ["12345"]

    queue.pop()
    assert queue
    queue.report_losses()

    assert list(queue.items) == ["-1"]


def test_what_an_earlier_queue_owes_comes_first() -> None:
    queue = queue_of(10)
    queue.offer("new")

    queue.put_back(["old", "older"], unreported=2)

    assert list(queue.items) == ["old", "older", "new"]
    assert (queue.size, queue.unreported) == (11, 2)


@given(st.lists(st.one_of(st.text(max_size=6), st.none())))
def test_every_event_is_written_or_reported_and_the_bound_holds(steps: list[str | None]) -> None:
    queue: BoundedQueue[tuple[str, int]] = BoundedQueue(
        10, lambda event: len(event[0]), lambda count: ("--", count)
    )
    taken: list[tuple[str, int]] = []
    for step in steps:
        if step is not None:
            queue.offer((step, 0))
        elif queue.items:
            taken.append(queue.pop())
        assert queue.size == sum(len(text) for text, _ in queue.items) <= 10
    taken += queue.items

    written = sum(count == 0 for _, count in taken)
    reported = sum(count for _, count in taken)
    offered = sum(step is not None for step in steps)
    assert written + reported + queue.unreported == offered
