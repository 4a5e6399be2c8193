"""Datagrams as only Windows hands them out: refusals among them, and several joined to one.

What the system does on real networks is done here by functions in its place.
"""

import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from spread import _datagrams
from spread.config.load import local_ring
from spread.system import forbid_cutting
from tests.daemon.harness.ports import free_port
from tests.unit.datagram_daemon import Daemon

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="Winsock")

if sys.platform == "win32":
    import ctypes

    from tests.windows import winsock


DATAGRAMS = 10
BODIES = [b"%04d" % number * 50 for number in range(DATAGRAMS)]
RESET = 10054  # WSAECONNRESET
GET_FUNCTION = 0xC8000006  # SIO_GET_EXTENSION_FUNCTION_POINTER
UDP = 17
COALESCED_MAX = 3  # UDP_RECV_MAX_COALESCED_SIZE
COALESCED_INFO = 3


@pytest.fixture
def daemon(stack: ExitStack) -> Daemon:
    return Daemon(local_ring(free_port(), 3, 1), stack)


def send(daemon: Daemon, *datagrams: bytes) -> None:
    (port,) = {address[1] for address in daemon.sockets.data_places}
    with socket.socket(type=socket.SOCK_DGRAM) as peer:
        for each in datagrams:
            peer.sendto(each, ("127.0.0.1", port))


class TestRefusals:
    """Every second call tells that a port was closed, as long as refusals are left."""

    @pytest.fixture(autouse=True)
    def refusals(self, stack: ExitStack) -> Callable[[int], None]:
        self.left = 0
        self.calls = 0

        def receive(*arguments: object) -> int:
            self.calls += 1
            if self.left > 0 and (self.calls % 2 or self.left > DATAGRAMS):
                self.left -= 1
                return winsock.fail(RESET)
            failed = true(*arguments) != 0
            return winsock.fail(ctypes.get_last_error() if failed else 0)

        true = winsock.replace(_datagrams, "WSARecvFrom", winsock.RECEIVE_FROM, receive, stack)

        def set_left(count: int) -> None:
            self.left = count

        return set_left

    def test_they_end_no_batch(self, daemon: Daemon, refusals: Callable[[int], None]) -> None:
        daemon.attach(offload=False)
        send(daemon, *(daemon.packet(1, body) for body in BODIES))
        refusals(DATAGRAMS)

        daemon.run_until(lambda: len(daemon.upcalls.bodies) == DATAGRAMS)

        assert daemon.upcalls.bodies == BODIES
        assert daemon.statistics()["receives"] < DATAGRAMS // 2
        assert daemon.statistics()["receive_errors"] == 0

    def test_many_of_them_are_no_error(
        self, daemon: Daemon, refusals: Callable[[int], None]
    ) -> None:
        daemon.attach(offload=False)
        send(daemon, daemon.packet(1, b"one"))
        refusals(500)

        daemon.run_until(lambda: daemon.upcalls.bodies == [b"one"])

        assert daemon.statistics()["receive_errors"] == 0


class TestJoined:
    """A message of several datagrams, which came as one that long."""

    @pytest.fixture(autouse=True)
    def system(self, stack: ExitStack) -> None:
        self.tells_size = True
        self.refusals = 0
        self.sizes_asked: list[int] = []
        self.datagram_size = 0
        self.own = winsock.RECEIVE_MESSAGE(self.receive)
        winsock.keep(self.own)
        self.receive_from = winsock.RECEIVE_FROM(("WSARecvFrom", winsock.ws2_32))
        self.true_ioctl = winsock.replace(_datagrams, "WSAIoctl", winsock.IOCTL, self.ioctl, stack)
        self.true_set = winsock.replace(
            _datagrams, "setsockopt", winsock.SET_OPTION, self.set_option, stack
        )

    def ioctl(self, sock: int, code: int, *rest: object) -> int:
        if code != GET_FUNCTION:
            return self.true_ioctl(sock, code, *rest)
        rest[2][0] = ctypes.cast(self.own, ctypes.c_void_p).value  # type: ignore[index]
        return 0

    def set_option(self, sock: int, level: int, name: int, value: object, size: int) -> int:
        if (level, name) != (UDP, COALESCED_MAX):
            return self.true_set(sock, level, name, value, size)
        self.sizes_asked.append(value[0])  # type: ignore[index]
        return 0

    def receive(self, sock: int, message: object, size: object, *_: object) -> int:
        header = message[0]  # type: ignore[index]
        if self.refusals > 0:
            self.refusals -= 1
            header.control_size = header.name_size = 0
            return winsock.fail(RESET)
        flags, name_size = ctypes.c_ulong(0), ctypes.c_int(header.name_size)
        result = self.receive_from(
            sock,
            header.buffers,
            header.buffer_count & 0xFFFFFFFF,
            size,
            ctypes.byref(flags),
            header.name,
            ctypes.byref(name_size),
            None,
            None,
        )
        error = ctypes.get_last_error() if result else 0
        assert header.control_size > 0
        if result == 0 and self.tells_size:
            told = (ctypes.c_uint64 * 3).from_address(header.control)
            told[:] = (20, UDP | COALESCED_INFO << 32, self.datagram_size)
        header.control_size = 24 if self.tells_size else 0
        return winsock.fail(error)

    def test_it_is_cut_where_the_system_says(self, daemon: Daemon) -> None:
        daemon.attach()
        packets = [daemon.packet(1, body) for body in BODIES]
        self.datagram_size = len(packets[0])
        send(daemon, b"".join(packets))

        daemon.run_until(lambda: bool(daemon.upcalls.bodies))

        assert daemon.upcalls.bodies == BODIES
        assert daemon.statistics()["joint_receives"] == 1
        assert daemon.statistics()["joint_unmarked"] == 0

    def test_it_is_cut_where_packets_begin_if_the_system_says_nothing(self, daemon: Daemon) -> None:
        daemon.attach()
        self.tells_size = False
        assert self.sizes_asked[-1] > 0
        send(daemon, b"".join(daemon.packet(1, body) for body in BODIES))

        daemon.run_until(lambda: bool(daemon.upcalls.bodies))

        assert daemon.upcalls.bodies == BODIES
        assert daemon.statistics()["joint_unmarked"] == 1
        assert self.sizes_asked[-1] == 0

    def test_refusals_in_front_of_it_spoil_nothing(self, daemon: Daemon) -> None:
        daemon.attach()
        packets = [daemon.packet(1, body) for body in BODIES]
        self.datagram_size = len(packets[0])
        self.refusals = 3
        send(daemon, b"".join(packets))

        daemon.run_until(lambda: bool(daemon.upcalls.bodies))

        assert daemon.upcalls.bodies == BODIES
        assert daemon.statistics()["joint_receives"] == 1
        assert daemon.statistics()["joint_unmarked"] == 0
        assert daemon.statistics()["receive_errors"] == 0


def test_datagrams_that_are_too_large_for_the_network_are_not_cut() -> None:
    do_not_cut = 14  # IP_DONTFRAGMENT
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert sock.getsockopt(socket.IPPROTO_IP, do_not_cut) == 0

        assert forbid_cutting(sock)

        assert sock.getsockopt(socket.IPPROTO_IP, do_not_cut) == 1
