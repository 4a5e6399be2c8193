"""Short waits of the loop: what happens to a socket ends them, on each system in its own way.

The node asks again and again to be woken a little later than it takes an answer to come: a loop
that only saw the answers when its time was over would go there as often as there are answers.
"""

import socket
import threading
from contextlib import ExitStack

from tests.daemon.harness.waiting import DEADLINE
from tests.windows.clock import IDLE_TURNS_MAX, Clock

ROUNDS = 100
LATE_MAX = ROUNDS // 2
"""So many answers may come too late on a slow machine."""


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


def watched_no_more(clock: Clock, stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    """Return a socket that was watched until a byte came, with that byte, and its other end."""
    near, far = (stack.enter_context(each) for each in socket.socketpair())
    near.setblocking(False)
    clock.reactor.watch(near.fileno(), clock.reactor.stop)
    far.send(b"a")
    clock.reactor.run()
    clock.reactor.unwatch(near.fileno())
    return near, far


def test_a_socket_that_is_watched_no_more_can_be_waited_on_again(
    clock: Clock, stack: ExitStack
) -> None:
    near, far = watched_no_more(clock, stack)

    near.settimeout(DEADLINE)

    assert near.recv(10) == b"a"
    threading.Timer(0, far.send, (b"b",)).start()
    assert near.recv(10) == b"b"


def test_a_socket_that_is_watched_no_more_can_be_made_blocking(
    clock: Clock, stack: ExitStack
) -> None:
    near, _ = watched_no_more(clock, stack)

    near.setblocking(True)

    assert near.recv(10) == b"a"


def test_what_has_come_and_was_taken_ends_no_more_waits(clock: Clock, stack: ExitStack) -> None:
    near, far = (stack.enter_context(each) for each in socket.socketpair())
    near.setblocking(False)
    taken: list[bytes] = []
    clock.reactor.watch(near.fileno(), lambda: taken.append(near.recv(10)))
    far.send(b"a")
    clock.run_until(lambda: bool(taken))

    turns = clock.turns_while_idle()

    assert turns < IDLE_TURNS_MAX


def test_short_waits_need_no_tick_of_the_system(clock: Clock) -> None:
    clock.turns_while_idle()

    assert clock.reactor.has_exact_waits
