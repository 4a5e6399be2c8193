"""The window of a writer: never more on the way than its size, and never stuck."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spread.cli.flood.window import SendWindow


@pytest.fixture
def window() -> SendWindow:
    return SendWindow(10, now_s=0.0)


def test_a_new_window_has_room_for_its_size(window: SendWindow) -> None:
    assert window.room() == 10


def test_what_is_sent_takes_room_until_it_has_come_back(window: SendWindow) -> None:
    window.send(10, now_s=0.0)
    window.returned(4, now_s=0.0)

    assert window.room() == 4


def test_the_slowest_reader_decides(window: SendWindow) -> None:
    window.enroll("#a#d")
    window.enroll("#b#d")
    window.send(10, now_s=0.0)
    window.returned(10, now_s=0.0)
    window.acknowledge("#a#d", 10, now_s=0.0)

    window.acknowledge("#b#d", 5, now_s=0.0)

    assert window.room() == 5


def test_a_reader_that_is_dismissed_is_not_waited_for(window: SendWindow) -> None:
    window.enroll("#a#d")
    window.send(10, now_s=0.0)
    window.returned(10, now_s=0.0)

    window.dismiss("#a#d")

    assert window.room() == 10
    assert window.readers == frozenset()


def test_a_late_reader_takes_no_room_by_what_it_never_had(window: SendWindow) -> None:
    window.send(10, now_s=0.0)
    window.returned(10, now_s=0.0)

    window.acknowledge("#late#d", 1, now_s=0.0)

    assert window.room() == 10
    window.send(10, now_s=0.0)
    window.returned(20, now_s=0.0)
    window.acknowledge("#late#d", 6, now_s=0.0)
    assert window.room() == 5


def test_a_reader_cannot_acknowledge_more_than_was_sent(window: SendWindow) -> None:
    window.enroll("#a#d")
    window.send(3, now_s=0.0)
    window.returned(3, now_s=0.0)

    window.acknowledge("#a#d", 2**60, now_s=0.0)

    assert window.room() == 10


def test_an_acknowledgement_never_takes_back_an_earlier_one(window: SendWindow) -> None:
    window.enroll("#a#d")
    window.send(10, now_s=0.0)
    window.returned(10, now_s=0.0)
    window.acknowledge("#a#d", 8, now_s=0.0)

    window.acknowledge("#a#d", 2, now_s=0.0)

    assert window.room() == 8


def test_a_reader_hinders_when_it_leaves_no_room_for_too_long(window: SendWindow) -> None:
    window.enroll("#slow#d")
    window.enroll("#quick#d")
    window.send(10, now_s=1.0)
    window.returned(10, now_s=1.0)
    window.acknowledge("#quick#d", 10, now_s=2.0)

    assert window.hindering(now_s=31.9, patience_s=30.0) == []
    assert window.hindering(now_s=32.0, patience_s=30.0) == ["#slow#d"]


def test_nobody_hinders_a_writer_that_pauses(window: SendWindow) -> None:
    window.enroll("#a#d")
    window.send(9, now_s=0.0)

    assert window.hindering(now_s=1000.0, patience_s=30.0) == []


def test_a_pause_before_the_window_filled_does_not_count(window: SendWindow) -> None:
    window.enroll("#a#d")
    window.send(9, now_s=0.0)
    window.send(1, now_s=1000.0)

    assert window.hindering(now_s=1001.0, patience_s=30.0) == []


@given(size=st.integers(1, 50), count=st.integers(1, 300))
def test_readers_that_acknowledge_by_the_interval_keep_the_window_open(
    size: int, count: int
) -> None:
    window = SendWindow(size, now_s=0.0)
    window.enroll("#a#d")

    while window.sent_count < count:
        assert window.room() >= window.interval
        window.send(window.interval, now_s=0.0)
        window.returned(window.sent_count, now_s=0.0)
        whole = window.sent_count // window.interval * window.interval
        window.acknowledge("#a#d", whole, now_s=0.0)


class WindowAgainstReaders(RuleBasedStateMachine):
    """Readers take messages one by one and acknowledge as flooders do."""

    @initialize(size=st.integers(1, 8), names=st.sets(st.sampled_from("abc")))
    def begin(self, size: int, names: set[str]) -> None:
        self.window = SendWindow(size, now_s=0.0)
        self.taken = dict.fromkeys(sorted(names), 0)
        self.own = 0
        for name in self.taken:
            self.window.enroll(name)

    @precondition(lambda self: self.window.room() > 0)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        self.window.send(data.draw(st.integers(1, self.window.room())), now_s=0.0)

    @precondition(lambda self: self.own < self.window.sent_count)
    @rule()
    def own_delivery(self) -> None:
        self.own += 1
        self.window.returned(self.own, now_s=0.0)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def a_reader_takes_one(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.taken)))
        if self.taken[name] < self.window.sent_count:
            self.taken[name] += 1
            count = self.taken[name]
            if count == 1 or count % self.window.interval == 0:
                self.window.acknowledge(name, count, now_s=0.0)

    @invariant()
    def nobody_is_sent_more_than_a_window_beyond_what_he_took(self) -> None:
        for count in (self.own, *self.taken.values()):
            assert self.window.sent_count - count <= self.window.size

    @invariant()
    def room_is_left_when_everybody_has_taken_everything(self) -> None:
        if all(count == self.window.sent_count for count in (self.own, *self.taken.values())):
            assert self.window.room() > 0


TestWindowAgainstReaders = WindowAgainstReaders.TestCase
