"""Damaged frames against the daemon's core without sockets, its invariants checked at every step.

Many sessions at once, their bytes cut anywhere and interleaved, outputs taken in pieces, sessions
dropped in the middle. A broken invariant ends the process that runs this, so `fuzz_core` runs it in
a child: `python -m tests.fuzz.core COUNT SEED` prints the tally as JSON.
"""

import sys
from dataclasses import dataclass, field

from spread._memory_driver import MemoryDriver
from spread._node import Node
from spread.config.model import EventPriority, EventType
from spread.daemon.access import Permit
from spread.daemon.access_files import AccessFiles
from spread.daemon.auth import Authentication, Transport
from spread.daemon.control import Control, ControlSettings
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.views import RingId
from tests.daemon.harness import wire
from tests.fuzz.apart import fuzz_apart, print_tally
from tests.fuzz.frame_oracle import normalised
from tests.fuzz.frames import METHOD_LIST_SIZE, Input, inputs_of
from tests.fuzz.mutation import Mutator
from tests.fuzz.tally import Tally

__all__ = ["fuzz_core"]

LIVE_SESSIONS = 24
PIECES = (1, 7, 48, 100, 1_000, 65_536)  # Bytes handed in or taken at a time.
STEP_NS = 1_000_000
HANDSHAKE_TIMEOUT_NS = 10_000_000_000
RUN_TIMEOUT_PER_INPUT = 0.01  # Seconds; a hundred times what an input takes.


@dataclass
class _Live:
    """A session in the middle of its stream."""

    slot: int
    item: Input
    rest: bytes
    skip: int  # Bytes of the handshake's answer that are still to come.
    reader: wire.FrameReader = field(default_factory=wire.FrameReader)
    echoes: list[bytes] = field(default_factory=list)


class _NoLog:
    """An event sink that keeps nothing."""

    def event(
        self, types: EventType, priority: EventPriority, wording: str, /, **fields: object
    ) -> None:
        del types, priority, wording, fields


class _Core:
    """A node with its control plane, on a clock that this object moves."""

    def __init__(self, tally: Tally, seed: int) -> None:
        self.now_ns = 1
        self._tally = tally
        self._mutator = Mutator(seed + 1)
        self._control = Control(
            _settings(), log=_NoLog(), clock_ns=lambda: self.now_ns, random_number=lambda: 4803
        )
        self._node = Node(
            self._control,
            route_seed=seed,
            session_messages_max=1000,
            session_bytes_max=16 * 2**20,
            session_messages_exact=False,
            queued_bytes_max=64 * 2**20,
            inbound_bytes_max=32 * 2**20,
        )
        self._control.attach(self._node)
        self._driver = MemoryDriver(self._node)
        self.live: dict[int, _Live] = {}

    def open(self, item: Input) -> None:
        slot = self._node.open_session()
        self._control.connected(slot, "unix", Transport.UNIX)
        skip = METHOD_LIST_SIZE + 5 + len(item.private_group)
        self.live[slot] = _Live(slot, item, item.greeting + item.stream, skip)

    def step(self) -> None:
        """Hand in a piece of one stream, let the node run, and take some of what it has to say."""
        choose = self._mutator.choose
        one = self.live[choose.choice(list(self.live))]
        size = choose.choice(PIECES)
        if self._driver.receive(one.slot, one.rest[:size], self.now_ns):
            one.rest = one.rest[size:]
        self._settle(choose.choice(PIECES))
        if not one.rest and one.slot in self.live:
            self._finish(one)
        elif self._mutator.often(0.002):
            self._drop(one.slot)

    def _settle(self, size_max: int) -> None:
        self.now_ns += STEP_NS
        while self._driver.step(self.now_ns):
            self._take_output(2**24)
        self._take_output(size_max)
        for slot in self._driver.take_ended():
            self._ended(slot)

    def _take_output(self, size_max: int) -> None:
        for slot in self._driver.take_dirty():
            self._note(slot, self._driver.take_output(slot, size_max))

    def _note(self, slot: int, data: bytes) -> None:
        one = self.live.get(slot)
        if one is None:
            return
        skipped = min(one.skip, len(data))
        one.skip -= skipped
        one.reader.feed(data[skipped:])
        while (frame := one.reader.next_frame()) is not None:
            if frame.is_data and wire.stripped(frame.name) == one.item.private_group:
                one.echoes.append(normalised(frame))

    def _finish(self, one: _Live) -> None:
        """All of a stream has been handed in: read everything, judge, close."""
        self._settle(2**24)
        if one.slot not in self.live:
            return
        self._note(one.slot, self._driver.take_output(one.slot, 2**30))
        self._judge(one, ended=False)
        self._drop(one.slot)

    def _drop(self, slot: int) -> None:
        self.live.pop(slot, None)
        self._driver.receive_end(slot)
        self._settle(2**24)

    def _ended(self, slot: int) -> None:
        one = self.live.pop(slot, None)
        if one is not None:
            self._judge(one, ended=True)

    def _judge(self, one: _Live, *, ended: bool) -> None:
        expected = one.item.expected
        self._tally.count(expected.outcome, expected.frames)
        if expected.outcome == "undecided":
            return
        echoes = expected.echoes
        right = one.echoes == echoes if not ended else one.echoes == echoes[: len(one.echoes)]
        if not right or ended != (expected.outcome == "closed"):
            self._tally.disagree(
                f"session {one.item.private_group!r} should be {expected.outcome}, "
                f"{'ended' if ended else 'lives'}, {len(echoes)} echoes expected, "
                f"{len(one.echoes)} came; frames {one.item.stream[:600].hex()}"
            )


def fuzz_core(count: int, seed: int) -> Tally:
    """Hand `count` frames at least to the core, some damaged, in a process of its own."""
    return fuzz_apart("core", count, seed, seconds_per_input=RUN_TIMEOUT_PER_INPUT)


def _run(count: int, seed: int) -> Tally:
    tally = Tally("core", seed)
    core = _Core(tally, seed)
    inputs = inputs_of(seed)
    while tally.inputs < count and tally.is_clean:
        while len(core.live) < LIVE_SESSIONS:
            core.open(next(inputs))
        core.step()
    return tally


def _settings() -> ControlSettings:
    authentication = Authentication.load(("NULL",), (), AccessFiles(()))
    return ControlSettings(
        handshake=HandshakeSettings(b"d1", authentication, Permit()),
        ring=RingId(leader=0x7F000001, time=1),
        daemons=(b"d1",),
        handshake_timeout_ns=HANDSHAKE_TIMEOUT_NS,
        message_size_max=143_952,
        memberships_max=500_000,
    )


if __name__ == "__main__":
    print_tally(_run(int(sys.argv[1]), int(sys.argv[2])))
