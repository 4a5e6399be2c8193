"""Short waits where something happens between two steps of one, or a step fails."""

import ctypes
import socket
import sys
from contextlib import ExitStack, suppress
from ctypes import wintypes

import pytest

from spread import _poller, _reactor
from tests.windows.clock import IDLE_TURNS_MAX, Clock

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="Winsock")

if sys.platform == "win32":
    from tests.windows import winsock

    POLL = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_void_p, wintypes.ULONG, ctypes.c_int)
    SELECT = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_long)
    SEND = ctypes.WINFUNCTYPE(
        ctypes.c_int,
        ctypes.c_size_t,
        ctypes.c_void_p,
        wintypes.DWORD,
        ctypes.POINTER(wintypes.DWORD),
        wintypes.DWORD,
        ctypes.c_void_p,
        ctypes.c_void_p,
    )

WRITE = 2  # FD_WRITE
NO_BUFFERS = 10055  # WSAENOBUFS
ROUNDS = 100
LATE_MAX = ROUNDS // 2


def pair(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    near, far = (stack.enter_context(each) for each in socket.socketpair())
    near.setblocking(False)
    return near, far


def test_what_comes_between_a_look_and_the_wait_ends_it(clock: Clock, stack: ExitStack) -> None:
    near, far = pair(stack)
    taken = 0

    def take() -> None:
        nonlocal taken
        taken += len(near.recv(10))
        clock.ask()
        if taken >= ROUNDS:
            clock.reactor.stop()

    def poll(entries: int, count: int, timeout_ms: int) -> int:
        ready = true(entries, count, timeout_ms)
        if ready == 0 and timeout_ms == 0:
            far.send(b"a")
        return ready

    clock.reactor.watch(near.fileno(), take)
    true = winsock.replace(_poller, "WSAPoll", POLL, poll, stack)
    clock.reactor.run()

    assert clock.woken < LATE_MAX


def test_a_loop_that_may_not_wait_pauses_and_ends_in_the_long_run(
    clock: Clock, stack: ExitStack
) -> None:
    near, _ = pair(stack)
    clock.reactor.watch(near.fileno(), clock.reactor.stop)
    calls = 0

    def poll(*_: int) -> int:
        nonlocal calls
        calls += 1
        return winsock.fail(NO_BUFFERS)

    winsock.replace(_poller, "WSAPoll", POLL, poll, stack)

    with pytest.raises(OSError, match="refuses to wait"):
        clock.reactor.run()

    assert clock.woken > calls // 10


def test_a_few_waits_that_are_refused_are_survived(clock: Clock, stack: ExitStack) -> None:
    near, far = pair(stack)
    clock.reactor.watch(near.fileno(), clock.reactor.stop)
    far.send(b"a")
    refused = iter(range(10))

    def poll(entries: int, count: int, timeout_ms: int) -> int:
        if next(refused, None) is not None:
            return winsock.fail(NO_BUFFERS)
        return true(entries, count, timeout_ms)

    true = winsock.replace(_poller, "WSAPoll", POLL, poll, stack)

    clock.reactor.run()

    assert near.recv(10) == b"a"


def test_room_is_to_end_a_wait_exactly_while_a_connection_is_full(
    clock: Clock, stack: ExitStack
) -> None:
    near, far = socket.socketpair()
    stack.enter_context(far)
    near.setblocking(False)
    far.setblocking(False)
    asked = [0]
    left = total = 32 << 20

    def select(sock: int, event: int, happenings: int) -> int:
        asked.append(happenings)
        return true(sock, event, happenings)

    def is_received() -> bool:
        nonlocal left
        with suppress(BlockingIOError):
            while data := far.recv(1 << 20):
                left -= len(data)
        return left == 0

    true = winsock.replace(_poller, "WSAEventSelect", SELECT, select, stack)
    clock.node.reply(clock.reactor.adopt(near.detach()), bytes(total))
    clock.turns_while_idle()

    assert asked[-1] & WRITE
    clock.run_until(is_received)
    assert not asked[-1] & WRITE


class TestNoMemory:
    """The system has none for what is written, although the connection has room."""

    @pytest.fixture(autouse=True)
    def refusals(self, stack: ExitStack) -> None:
        self.may_write = False
        self.true = winsock.replace(_reactor, "WSASend", SEND, self.send, stack)
        self.calls = 0

    def send(self, sock: int, buffers: int, count: int, *rest: object) -> int:
        self.calls += 1
        if self.may_write:
            return self.true(sock, buffers, count, *rest)
        return winsock.fail(NO_BUFFERS)

    def test_is_tried_again_later_without_haste(self, clock: Clock, stack: ExitStack) -> None:
        near, far = socket.socketpair()
        stack.enter_context(far)
        near.setblocking(False)
        clock.node.reply(clock.reactor.adopt(near.detach()), b"tea")

        turns = clock.turns_while_idle()

        assert 2 < self.calls < IDLE_TURNS_MAX
        assert turns < IDLE_TURNS_MAX
        assert not clock.ended
        woken = clock.woken
        self.may_write = True
        clock.run_until(lambda: clock.woken > woken + 1)
        assert far.recv(10) == b"tea"
