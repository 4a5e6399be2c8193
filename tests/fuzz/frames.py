"""Damaged frames against the real daemon, many in a session, each effect compared with the page.

A session says everything at once: its handshake, some frames of which a few are damaged, and a
last message to itself whose return proves that it was served up to there. Sessions that the page
says are closed must be closed, the others must be served, and what comes back must be what was
sent, in order.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from tests.daemon.harness import wire
from tests.daemon.harness.handshake import CHOICE_NULL, connect_request
from tests.fuzz.frame_oracle import Expectation, expected_of, normalised
from tests.fuzz.mutation import INTERESTING_WORDS, Mutator
from tests.fuzz.tally import Tally
from tests.fuzz.target import FuzzedDaemon, open_socket

__all__ = ["METHOD_LIST_SIZE", "Input", "fuzz_frames", "inputs_of"]

BATCH = 32  # Sessions under way at a time.
WITNESS_EVERY = 64  # Batches between two looks at the witness.
WARM_UP_BATCHES = 50  # After which tables have grown to their usual size.
FRAMES_MAX = 24  # Per session.

TOKEN = b"the last message of a session"
METHOD_LIST_SIZE = 6
FIELDS = ((0, 4), (36, 4), (40, 4), (44, 4))  # Offset and size: type, groups, hint, data size.
SERVICES = (wire.UNRELIABLE, wire.RELIABLE, wire.FIFO, wire.CAUSAL, wire.AGREED, wire.SAFE)
TYPE_BITS = tuple(1 << bit for bit in range(32))


@dataclass(frozen=True, slots=True)
class Input:
    """One session: its private group, its frames, and what they lead to."""

    private_group: bytes
    greeting: bytes
    stream: bytes
    expected: Expectation


def fuzz_frames(count: int, seed: int) -> Tally:
    """Send `count` frames at least, some damaged, in as many sessions as it takes."""
    tally = Tally("frame", seed)
    inputs = inputs_of(seed)
    batches = 0
    with FuzzedDaemon(tally) as target:
        while tally.inputs < count and tally.is_clean:
            _play_batch(target, tally, [next(inputs) for _ in range(BATCH)])
            batches += 1
            if batches % WITNESS_EVERY == 0 and not target.serves():
                break
            if batches == WARM_UP_BATCHES:
                target.note_before()
    return tally


def _play_batch(target: FuzzedDaemon, tally: Tally, batch: list[Input]) -> None:
    sockets = []
    try:
        for item in batch:
            sock = open_socket(target.path)
            sockets.append(sock)
            _send(sock, item)
        for sock, item in zip(sockets, batch, strict=True):
            tally.count(item.expected.outcome, item.expected.frames)
            _judge(tally, sock, item)
    except TimeoutError:
        tally.hang(f"no answer; one of {[item.stream[:400].hex() for item in batch]}")
    except ConnectionRefusedError:
        tally.crash(f"nobody listens any more:\n{target.daemon.output()}")
    finally:
        for sock in sockets:
            sock.close()


def _send(sock: socket.socket, item: Input) -> None:
    try:
        sock.sendall(item.greeting + item.stream)
        if item.expected.outcome != "served":
            sock.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):  # It has seen enough.
        pass


def _judge(tally: Tally, sock: socket.socket, item: Input) -> None:
    served = item.expected.outcome == "served"
    echoes, ended = _read_echoes(sock, item, up_to_token=served)
    expected = item.expected.echoes
    if item.expected.outcome == "undecided":
        return
    right = echoes == expected if served else echoes == expected[: len(echoes)]
    if not right or (served and ended):
        tally.disagree(
            f"session {item.private_group!r} should be {item.expected.outcome}, "
            f"{len(expected)} echoes expected, {len(echoes)} came, "
            f"{'closed' if ended else 'open'}; frames {item.stream[:600].hex()}"
        )


def _read_echoes(
    sock: socket.socket, item: Input, *, up_to_token: bool
) -> tuple[list[bytes], bool]:
    """Return the own messages that came back, and whether the daemon closed the connection."""
    skip = METHOD_LIST_SIZE + 5 + len(item.private_group)
    reader = wire.FrameReader()
    echoes: list[bytes] = []
    while True:
        try:
            part = sock.recv(262_144)
        except ConnectionResetError:
            part = b""
        if not part:
            return echoes, True
        skipped = min(skip, len(part))
        skip -= skipped
        reader.feed(part[skipped:])
        while (frame := reader.next_frame()) is not None:
            if frame.is_data and wire.stripped(frame.name) == item.private_group:
                echoes.append(normalised(frame))
                if up_to_token and frame.data == TOKEN:
                    return echoes, False


def inputs_of(seed: int) -> Iterator[Input]:
    """Yield sessions without end, the same for the same seed."""
    mutator = Mutator(seed)
    number = 0
    while True:
        number += 1
        name = b"%x" % number
        private_group = b"#%s#d1" % name
        greeting = connect_request(name, membership=mutator.often(0.3)) + CHOICE_NULL
        frames = [
            _damaged_frame(mutator, _frame(mutator, private_group))
            for _ in range(mutator.choose.randint(1, FRAMES_MAX))
        ]
        frames.append(wire.data_frame(private_group, wire.AGREED, (private_group,), TOKEN))
        stream = b"".join(frames)
        expected = expected_of(stream, private_group)
        if expected.outcome == "served" and frames[-1] not in expected.echoes[-1:]:
            expected.outcome = "cut"  # A damaged size has swallowed the last message.
        yield Input(private_group, greeting, stream, expected)


def _frame(mutator: Mutator, private_group: bytes) -> bytes:
    choose = mutator.choose
    order: wire.Order = "big" if mutator.often(0.3) else "little"
    kind = choose.random()
    group = _group(mutator, private_group)
    if kind < 0.15:
        return wire.request_frame(private_group, wire.JOIN, group, order)
    if kind < 0.22:
        return wire.request_frame(private_group, wire.LEAVE, group, order)
    if kind < 0.23:
        return wire.request_frame(private_group, wire.KILL, private_group, order)
    groups = tuple(_group(mutator, private_group) for _ in range(_group_count(mutator)))
    size = (
        choose.choice((0, 1, 10, 100, 1_432)) if mutator.often(0.99) else 143_952 - 32 * len(groups)
    )
    data = choose.randbytes(8) * (size // 8 + 1)
    service = choose.choice(SERVICES) | (wire.SELF_DISCARD if mutator.often(0.1) else 0)
    mess_type = choose.randint(-0x8000, 0x7FFF)
    return wire.data_frame(private_group, service, groups, data[:size], mess_type, order)


def _group(mutator: Mutator, private_group: bytes) -> bytes:
    """Names of this session only, so that sessions of one batch do not answer each other."""
    own = b"g" + private_group[1:-3]
    if mutator.often(0.5):
        return own
    return mutator.choose.choice(
        (own + b" 2", own + b"\0junk", own + b"\xff" * 31, private_group, b"#nobody#d1")
    )


def _group_count(mutator: Mutator) -> int:
    few = mutator.choose.choice((0, 1, 1, 1, 1, 2, 3))
    return few if mutator.often(0.97) else mutator.choose.choice((43, 44, 99, 100))


def _damaged_frame(mutator: Mutator, frame: bytes) -> bytes:
    """Leave most frames alone, so that sessions live for a while."""
    choose = mutator.choose
    kind = choose.random()
    if kind < 0.92:
        return frame
    changed = bytearray(frame)
    if kind < 0.95:
        offset, size = choose.choice(FIELDS)
        word = choose.choice(INTERESTING_WORDS)
        changed[offset : offset + size] = word.to_bytes(size, choose.choice(("little", "big")))
        return bytes(changed)
    if kind < 0.97:
        word = int.from_bytes(changed[:4], "little") ^ choose.choice(TYPE_BITS)
        changed[:4] = word.to_bytes(4, "little")
        return bytes(changed)
    return mutator.damaged(frame, choose.choice((1, 1, 2)))
