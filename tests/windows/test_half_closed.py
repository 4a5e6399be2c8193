"""Clients that have no more to send, but still receive, as when the daemon stops.

Some call that a hang-up, with which connections that are gone are told as well.
"""

import socket
import threading
from contextlib import ExitStack

import pytest

from tests.daemon.harness.waiting import DEADLINE
from tests.windows.clock import IDLE_NS, IDLE_TURNS_MAX, Clock

QUEUED = 16 << 20
"""Bytes, more than the system takes for a connection at once."""


class Receiver(threading.Thread):
    """Takes all that comes, until `expected` bytes have or the other end has no more."""

    def __init__(self, sock: socket.socket, expected: int) -> None:
        super().__init__()
        self.sock = sock
        self.expected = expected
        self.received = 0

    def run(self) -> None:
        self.sock.settimeout(DEADLINE)
        while self.received < self.expected and (data := self.sock.recv(1 << 16)):
            self.received += len(data)


@pytest.fixture
def client(clock: Clock, stack: ExitStack) -> Receiver:
    """A client that has half-closed and for which bytes are queued."""
    near, far = socket.socketpair()
    stack.enter_context(far)
    near.setblocking(False)
    clock.node.reply(clock.reactor.adopt(near.detach()), bytes(QUEUED))
    far.shutdown(socket.SHUT_WR)
    return Receiver(far, QUEUED)


def test_what_is_queued_is_written_while_nothing_is_read(clock: Clock, client: Receiver) -> None:
    client.start()

    clock.reactor.drain(int(DEADLINE * 1e9))
    client.join()

    assert client.received == QUEUED


def test_the_loop_sleeps_while_nothing_is_read_and_the_connection_is_full(
    clock: Clock, client: Receiver
) -> None:
    begin = clock.turns()

    clock.reactor.drain(IDLE_NS)

    assert clock.turns() - begin < IDLE_TURNS_MAX
    client.start()
    clock.reactor.drain(int(DEADLINE * 1e9))
    client.join()
    assert client.received == QUEUED


def test_an_end_that_is_read_ends_the_session(clock: Clock, stack: ExitStack) -> None:
    near, far = socket.socketpair()
    stack.enter_context(far)
    near.setblocking(False)
    slot = clock.reactor.adopt(near.detach())
    far.shutdown(socket.SHUT_WR)

    clock.run_until(lambda: clock.ended == [slot])

    assert far.recv(1) == b""
