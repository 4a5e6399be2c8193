"""The packet window against a set of numbers."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from spread._window import WindowProbe

INSERTED, DUPLICATE, OUT_OF_RANGE = 0, 1, 2
SLOTS = 2_048


class WindowMachine(RuleBasedStateMachine):
    """Packets come in any order, single ones and runs, and are given up from below."""

    def __init__(self) -> None:
        super().__init__()
        self.window = WindowProbe()
        self.held: set[int] = set()
        self.discarded = 0

    @property
    def aru(self) -> int:
        """The last number of the unbroken sequence, counted one by one."""
        seq = self.discarded
        while seq + 1 in self.held:
            seq += 1
        return seq

    def insert(self, seq: int) -> None:
        if seq <= self.discarded or seq in self.held:
            expected = DUPLICATE
        elif seq > self.discarded + SLOTS:
            expected = OUT_OF_RANGE
        else:
            expected = INSERTED
            self.held.add(seq)
        assert self.window.insert(seq) == expected

    @rule(distance=st.integers(-20, 20))
    def insert_near_the_received_prefix(self, distance: int) -> None:
        self.insert(max(0, self.aru + distance))

    @rule(distance=st.one_of(st.integers(0, 3_000), st.integers(2_040, 2_056)))
    def insert_ahead(self, distance: int) -> None:
        self.insert(self.discarded + distance)

    @rule(distance=st.integers(0, 2_100), count=st.integers(1, 300))
    def insert_a_run(self, distance: int, count: int) -> None:
        for seq in range(self.discarded + distance, self.discarded + distance + count):
            self.insert(seq)

    @rule(seq=st.integers(0, 2**64 - 1))
    def insert_anything(self, seq: int) -> None:
        self.insert(seq)

    @rule()
    def fill_the_next_hole(self) -> None:
        self.insert(self.aru + 1)

    @rule(distance=st.integers(0, 2_100))
    def discard(self, distance: int) -> None:
        seq = self.discarded + distance
        self.window.discard(seq)
        given_up = min(seq, self.aru)
        self.discarded = max(self.discarded, given_up)
        self.held = {seq for seq in self.held if seq > self.discarded}

    @invariant()
    def shows_the_same_state(self) -> None:
        highest = max(self.held, default=self.discarded)
        assert self.window.state() == (self.discarded, self.aru, highest, len(self.held))


def test_the_window_is_a_set_with_an_unbroken_beginning() -> None:
    run_state_machine_as_test(
        WindowMachine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
