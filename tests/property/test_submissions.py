"""What a daemon submits against one long stream of bytes, cut and rewound."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from spread._ring_probes import SubmissionsProbe

HEADER_SIZE = 64
NO_FRAME = 0xFFFF


class SubmissionsMachine(RuleBasedStateMachine):
    """Frames go in, packets come out, and rings break in between.

    `starts` are the places of the frames in the stream of all bytes, `at` is the place of the next
    byte that is taken.
    """

    @initialize(payload_max=st.sampled_from((64, 65, 100, 1_408, 20_000)))
    def open(self, payload_max: int) -> None:
        self.payload_max = payload_max
        self.probe = SubmissionsProbe(payload_max)
        self.stream = bytearray()
        self.starts: list[int] = []
        self.heads: list[int] = []
        self.at = 0
        self.sealed = 0
        self.is_held = False

    @rule(
        head=st.integers(1, 3_248),
        body=st.one_of(st.integers(0, 200), st.integers(0, 5_000)),
        filling=st.integers(0, 255),
    )
    def append(self, head: int, body: int, filling: int) -> None:
        self.starts.append(len(self.stream))
        self.heads.append(head)
        # No long stretch repeats, so that a packet out of place shows.
        size = head + body
        frame = b"".join(b"%03d%04d" % (filling, at) for at in range(size // 7 + 1))[:size]
        self.stream += frame
        self.probe.append(frame, head)

    @rule(size=st.sampled_from((64, 65, 100, 1_408)), count=st.integers(1, 3))
    def append_exactly_a_packet(self, size: int, count: int) -> None:
        for _ in range(count):
            self.append(min(48, size), size - min(48, size), 0)

    @rule()
    def seal(self) -> None:
        self.probe.seal()
        self.sealed = len(self.stream)

    @rule(is_held=st.booleans())
    def hold(self, is_held: bool) -> None:
        self.probe.hold(is_held)
        self.is_held = is_held

    @rule(count=st.integers(1, 20))
    def take(self, count: int) -> None:
        for _ in range(count):
            packet = self.probe.take()
            if packet is None:
                assert self.is_shut() or self.at >= self.sealed
                return
            self.check(*packet)

    def is_shut(self) -> bool:
        """Whether nothing may be taken: a frame that has begun goes on, held or not."""
        bounds = pairwise([*self.starts, len(self.stream)])
        is_inside = any(start < self.at < end for start, end in bounds)
        return self.is_held and not is_inside

    def check(self, payload: bytes, first: int) -> None:
        end = self.at + len(payload)
        assert not self.is_shut()
        assert 0 < len(payload) <= self.payload_max
        assert payload == self.stream[self.at : end]
        begun = [start for start in self.starts if self.at <= start < end]
        assert first == (begun[0] - self.at if begun else NO_FRAME)
        for start, head in zip(self.starts, self.heads, strict=True):
            if self.at <= start < end and head <= self.payload_max:
                assert start + head <= end
        self.at = end

    @rule()
    def break_the_ring(self) -> None:
        self.probe.rewind()
        for start, end in pairwise([*self.starts, len(self.stream)]):
            if start < self.at < end:
                self.at = start

    @rule()
    def clear(self) -> None:
        self.probe.clear()
        self.stream.clear()
        self.starts.clear()
        self.heads.clear()
        self.at = self.sealed = 0
        assert self.probe.state() == (0, 0, 0)

    @invariant()
    def knows_whether_something_waits(self) -> None:
        assert self.probe.has_pending() == (not self.is_shut() and self.at < len(self.stream))

    @invariant()
    def keeps_nothing_of_what_was_taken_whole(self) -> None:
        if self.at == len(self.stream):
            assert self.probe.state() == (0, 0, 0)

    def teardown(self) -> None:
        """Everything comes out in the end."""
        self.hold(False)
        self.seal()
        self.take(100_000)
        assert self.at == len(self.stream)


def test_submissions_are_one_stream_that_goes_back_to_a_frame() -> None:
    run_state_machine_as_test(
        SubmissionsMachine,
        settings=settings(max_examples=80, stateful_step_count=40, deadline=None),
    )
