"""Short waits of the loop: what happens to a socket ends them, on each system in its own way.

The node asks again and again to be woken a little later than it takes an answer to come: a loop
that only saw the answers when its time was over would go there as often as there are answers.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from spread._node import Node
from spread._reactor import Reactor
from tests.daemon.harness.waiting import DEADLINE

SHORT_NS = 40_000_000
ROUNDS = 100
LATE_MAX = ROUNDS // 2
"""So many answers may come too late on a slow machine."""


class Clock:
    """Asks to be woken soon, whenever it is."""

    def __init__(self) -> None:
        self.woken = 0
        self.node = Node(
            self,  # type: ignore[arg-type]  # The other upcalls belong to sessions.
            route_seed=1,
            session_messages_max=1000,
            session_bytes_max=1 << 20,
            session_messages_exact=False,
            queued_bytes_max=1 << 26,
            inbound_bytes_max=1 << 24,
        )
        self.reactor = Reactor(self.node)
        self.end_ns = self.reactor.now() + int(DEADLINE * 1e9)

    def deadline(self, _: int) -> None:
        self.woken += 1
        assert self.reactor.now() < self.end_ns, "nothing came"
        self.ask()

    def ask(self) -> None:
        self.node.set_deadline(self.reactor.now() + SHORT_NS)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.ask()
    return made


def echo(sock: socket.socket) -> None:
    while data := sock.recv(10):
        sock.send(data)


def test_bytes_that_come_end_a_wait(clock: Clock, stack: ExitStack) -> None:
    near, far = (stack.enter_context(each) for each in socket.socketpair())
    near.setblocking(False)
    answers = 0

    def take() -> None:
        nonlocal answers
        answers += len(near.recv(10))
        clock.ask()
        if answers < ROUNDS:
            near.send(b"a")
        else:
            clock.reactor.stop()

    clock.reactor.watch(near.fileno(), take)
    thread = threading.Thread(target=echo, args=(far,))
    thread.start()
    near.send(b"a")
    clock.reactor.run()
    near.shutdown(socket.SHUT_WR)
    thread.join()

    assert answers == ROUNDS
    assert clock.woken < LATE_MAX


def test_what_is_left_in_a_socket_ends_the_next_wait(clock: Clock, stack: ExitStack) -> None:
    near, far = (stack.enter_context(each) for each in socket.socketpair())
    near.setblocking(False)
    taken = 0

    def take() -> None:
        nonlocal taken
        taken += len(near.recv(1))
        clock.ask()
        if taken == ROUNDS:
            clock.reactor.stop()

    clock.reactor.watch(near.fileno(), take)
    far.send(bytes(ROUNDS))
    clock.reactor.run()

    assert clock.woken < LATE_MAX


def test_datagrams_end_a_wait(clock: Clock, stack: ExitStack) -> None:
    near, far = (stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(2))
    for each in (near, far):
        each.bind(("127.0.0.1", 0))
    near.setblocking(False)
    near.connect(far.getsockname())
    far.connect(near.getsockname())
    far.settimeout(DEADLINE)
    answers = 0

    def take() -> None:
        nonlocal answers
        answers += len(near.recv(10))
        clock.ask()
        near.send(b"a" if answers < ROUNDS else b"")
        if answers == ROUNDS:
            clock.reactor.stop()

    clock.reactor.watch(near.fileno(), take)
    thread = threading.Thread(target=echo, args=(far,))
    thread.start()
    near.send(b"a")
    clock.reactor.run()
    thread.join()

    assert clock.woken < LATE_MAX


def test_connections_that_come_end_a_wait(clock: Clock, stack: ExitStack) -> None:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    listener.setblocking(False)
    may_connect = threading.Semaphore(1)
    accepted = 0

    def connect() -> None:
        for _ in range(ROUNDS):
            may_connect.acquire()
            socket.create_connection(listener.getsockname(), DEADLINE).close()

    def accept() -> None:
        nonlocal accepted
        listener.accept()[0].close()
        accepted += 1
        clock.ask()
        may_connect.release()
        if accepted == ROUNDS:
            clock.reactor.stop()

    clock.reactor.watch(listener.fileno(), accept)
    thread = threading.Thread(target=connect)
    thread.start()
    clock.reactor.run()
    thread.join()

    assert clock.woken < LATE_MAX


def test_a_socket_that_is_watched_no_more_can_be_waited_on_again(
    clock: Clock, stack: ExitStack
) -> None:
    near, far = (stack.enter_context(each) for each in socket.socketpair())
    near.setblocking(False)
    clock.reactor.watch(near.fileno(), clock.reactor.stop)
    far.send(b"a")
    clock.reactor.run()

    clock.reactor.unwatch(near.fileno())
    near.settimeout(DEADLINE)

    assert near.recv(10) == b"a"
    threading.Timer(0, far.send, (b"b",)).start()
    assert near.recv(10) == b"b"


def test_many_short_waits_end_when_nothing_comes(clock: Clock, stack: ExitStack) -> None:
    near, _ = (stack.enter_context(each) for each in socket.socketpair())
    near.setblocking(False)
    clock.reactor.watch(near.fileno(), clock.reactor.stop)
    early: list[int] = []

    def deadline(now_ns: int) -> None:
        clock.woken += 1
        early.append(due_ns - now_ns)
        again()

    def again() -> None:
        nonlocal due_ns
        due_ns = clock.reactor.now() + 300_000
        clock.node.set_deadline(due_ns)
        if clock.woken == ROUNDS:
            clock.reactor.stop()

    due_ns = 0
    clock.deadline = deadline  # type: ignore[method-assign]
    again()
    clock.reactor.run()

    assert max(early) <= 0
