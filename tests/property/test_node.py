"""A node in memory against the plain model: each session receives the model's bytes, no others."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.memory.comparison import Comparison, Pair
from tests.memory.daemon import Limits
from tests.memory.traffic import (
    PRIVATE_GROUPS,
    Sent,
    kills,
    malformed,
    messages,
    pieces_of,
    requests,
)

PACKET_SIZES = (64, 100, 1_400, 65_472)
QUEUED_BYTES_MAX = 4 << 30  # Out of reach, though small packets have 2 KiB each.
MACHINE_SETTINGS = settings(max_examples=100, stateful_step_count=40, deadline=None)

cuts = st.lists(st.integers(0, 1 << 20), max_size=3)
conversations = {
    large: st.lists(st.one_of(messages(large=large), requests), min_size=1, max_size=8)
    for large in (False, True)
}


class NodeMachine(RuleBasedStateMachine):
    """Sessions that come, talk in pieces, read at their own pace and go."""

    takes_membership = True
    comparison: Comparison
    payload_max: int

    @initialize(
        payload_max=st.sampled_from(PACKET_SIZES),
        memberships_max=st.sampled_from((0, 3, 1_000)),
        choosy=st.booleans(),
    )
    def start(self, payload_max: int, memberships_max: int, choosy: bool) -> None:
        limits = Limits(memberships=memberships_max, queued_bytes=QUEUED_BYTES_MAX)
        self.begin(Comparison(limits, payload_max=payload_max, choosy=choosy), payload_max)

    def begin(self, comparison: Comparison, payload_max: int) -> None:
        """Let two sessions meet in a group."""
        self.comparison = comparison
        self.payload_max = payload_max
        for private_group in PRIVATE_GROUPS[:2]:
            pair = comparison.open(private_group, membership=self.takes_membership)
            pair.unsent += Sent(0x10000, (b"g",)).by(private_group)
            comparison.transmit(pair, 80)

    @rule(private_group=st.sampled_from(PRIVATE_GROUPS), membership=st.booleans())
    def open(self, private_group: bytes, membership: bool) -> None:
        self.comparison.turn()
        if private_group not in self.comparison.pairs:
            membership = membership and self.takes_membership
            self.comparison.open(private_group, membership=membership)

    @precondition(lambda self: self.comparison.pairs)
    @rule(data=st.data(), cuts=cuts)
    def say(self, data: st.DataObject, cuts: list[int]) -> None:
        pair = self.draw_pair(data)
        # A message of a thousand packets takes long and shows no more than one of forty.
        for frame in data.draw(conversations[self.payload_max >= 1_400], "frames"):
            pair.unsent += frame.by(pair.private_group)
        for piece in pieces_of(bytes(pair.unsent), cuts):
            self.comparison.transmit(pair, len(piece))

    @precondition(lambda self: self.comparison.pairs)
    @rule(data=st.data(), frame=messages(large=False), size=st.integers(0, 200))
    def say_a_part(self, data: st.DataObject, frame: Sent, size: int) -> None:
        pair = self.draw_pair(data)
        pair.unsent += frame.by(pair.private_group)
        self.comparison.transmit(pair, size)

    @precondition(lambda self: self.comparison.pairs)
    @rule(data=st.data(), frame=st.one_of(st.none(), kills, malformed))
    def end(self, data: st.DataObject, frame: Sent | None) -> None:
        pair = self.draw_pair(data)
        if frame is None:
            self.comparison.lose(pair)
        else:
            pair.unsent += frame.by(pair.private_group)
            self.comparison.transmit(pair, len(pair.unsent))

    @precondition(lambda self: self.comparison.pairs)
    @rule(
        data=st.data(),
        room=st.one_of(st.none(), st.just(0), st.integers(0, 300), st.integers(0, 100_000)),
    )
    def make_room(self, data: st.DataObject, room: int | None) -> None:
        self.comparison.make_room(self.draw_pair(data), room)

    @rule()
    def turn(self) -> None:
        self.comparison.turn()

    def teardown(self) -> None:
        self.comparison.finish()

    def draw_pair(self, data: st.DataObject) -> Pair:
        return self.comparison.pairs[
            data.draw(st.sampled_from(sorted(self.comparison.pairs)), "session")
        ]


class BoundedNodeMachine(NodeMachine):
    """The same with an exact bound of the messages that may wait for a receiver."""

    takes_membership = False

    @initialize(
        payload_max=st.sampled_from(PACKET_SIZES), messages_max=st.sampled_from((0, 1, 2, 5, 20))
    )
    def start(self, payload_max: int, messages_max: int) -> None:
        limits = Limits(messages=messages_max, exact=True, queued_bytes=QUEUED_BYTES_MAX)
        self.begin(Comparison(limits, payload_max=payload_max), payload_max)


def test_sessions_receive_what_the_model_says() -> None:
    run_state_machine_as_test(NodeMachine, settings=MACHINE_SETTINGS)


def test_receivers_at_an_exact_bound_are_ended_where_the_model_says() -> None:
    run_state_machine_as_test(BoundedNodeMachine, settings=MACHINE_SETTINGS)
