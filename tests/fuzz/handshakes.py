"""Damaged handshakes against the real daemon, each answer compared with what the page says."""

import socket
from collections.abc import Iterator

from tests.daemon.harness.handshake import connect_request, method_choice
from tests.fuzz.handshake_oracle import expected_answer
from tests.fuzz.mutation import Mutator
from tests.fuzz.tally import Tally
from tests.fuzz.target import FuzzedDaemon, open_socket, read_all

__all__ = ["fuzz_handshakes"]

BATCH = 64  # Connections under way at a time.
WITNESS_EVERY = 2048  # Inputs between two looks at the witness.

VERSIONS = (
    (4, 4, 0),
    (4, 4, 0),
    (5, 0, 1),
    (3, 17, 4),
    (3, 16, 0),
    (3, 15, 0),
    (3, 15, 100),
    (3, 14),
    (3, 1),
    (3, 0),
    (2, 9),
    (99, 99, 99),
    (128, 0, 0),
)
METHODS = ((b"NULL",), (b"NULL", b"NULL"), (b"IP",), (b"XYZ",), (), (b"NULL", b"IP"), (b"PWORD",))
DIGITS = b"0123456789abcdefghijklmnopqrstuvwxyz"


def fuzz_handshakes(count: int, seed: int) -> Tally:
    """Send `count` connects that are damaged in most cases, and close each behind its bytes."""
    tally = Tally("handshake", seed)
    inputs = _inputs(seed)
    with FuzzedDaemon(tally) as target:
        while tally.inputs < count and tally.is_clean:
            size = min(BATCH, count - tally.inputs)
            _play_batch(target, tally, [next(inputs) for _ in range(size)])
            if tally.inputs % WITNESS_EVERY < BATCH and not target.serves():
                break
            if tally.inputs == BATCH * 16:
                target.note_before()  # Tables have grown to their usual size.
    return tally


def _play_batch(target: FuzzedDaemon, tally: Tally, batch: list[bytes]) -> None:
    sockets = []
    try:
        for stream in batch:
            sock = open_socket(target.path)
            sockets.append(sock)
            _send_and_end(sock, stream)
        for sock, stream in zip(sockets, batch, strict=True):
            _judge(tally, stream, read_all(sock))
    except TimeoutError:
        tally.hang(f"no end of stream; one of {[stream.hex() for stream in batch]}")
    except ConnectionRefusedError:
        tally.crash(f"nobody listens any more:\n{target.daemon.output()}")
    finally:
        for sock in sockets:
            sock.close()


def _send_and_end(sock: socket.socket, stream: bytes) -> None:
    try:
        sock.sendall(stream)
        sock.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):  # It has seen enough.
        pass


def _judge(tally: Tally, stream: bytes, answer: bytes) -> None:
    expected = expected_answer(stream)
    tally.count(expected.outcome)
    if not expected.allows(answer):
        tally.disagree(
            f"{stream.hex()} ({expected.outcome}) got {answer.hex() or 'nothing'}, "
            f"expected {expected.reply.hex() or 'nothing'}"
        )


def _inputs(seed: int) -> Iterator[bytes]:
    mutator = Mutator(seed)
    choose = mutator.choose
    number = 0
    while True:
        number += 1
        name = _name(number) if mutator.often(0.9) else b""
        version = choose.choice(VERSIONS)
        request = connect_request(name, version, membership=mutator.often(0.5))
        stream = request + method_choice(*choose.choice(METHODS))
        damage = choose.choice((0, 1, 1, 1, 2, 4))
        if mutator.often(0.5):
            # Most fields stand in the first bytes; damage spread evenly would hit the zeros.
            head = mutator.damaged(request, damage)
            yield head + stream[len(request) :]
        else:
            yield mutator.damaged(stream, damage)


def _name(number: int) -> bytes:
    """Return a name that no other connection of the run has."""
    digits = bytearray()
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits.append(DIGITS[digit])
    return bytes(digits)
