"""The daemon's sockets, opened for real on addresses of the loopback network."""

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from spread.config.listens import ANY_ADDRESS, Listen, Purpose, Transport
from spread.config.model import Daemon, Segment
from spread.daemon.listeners import (
    RECEIVE_BUFFER_SIZE,
    SEND_BUFFER_SIZE,
    AddressInUseError,
    ListenError,
    Listeners,
    OpenSocket,
    multicast_group,
    open_listeners,
)
from spread.errors import ConfigurationError

ADDRESS = "127.84.0.1"
OTHER_ADDRESS = "127.84.0.2"
GROUP = "225.84.0.1"
DEADLINE_S = 20.0

needs_unix_sockets = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here"
)
needs_proc = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")


def tcp(port: int, address: str = ADDRESS, *, reuse: bool = False) -> Listen:
    return Listen(Transport.TCP, Purpose.CLIENTS, address, port, reuse_address=reuse)


def udp(port: int, address: str = ADDRESS, purpose: Purpose = Purpose.DAEMONS) -> Listen:
    return Listen(Transport.UDP, purpose, address, port)


def unix(path: Path) -> Listen:
    return Listen(Transport.UNIX, Purpose.CLIENTS, path=str(path))


@pytest.fixture
def port() -> int:
    """Return a port that is free for TCP and UDP on all addresses, and so is the next one."""
    while True:
        with ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind((ANY_ADDRESS, 0))
            port: int = first.getsockname()[1]
            try:
                for number, kind in ((port, socket.SOCK_DGRAM), (port + 1, socket.SOCK_DGRAM)):
                    stack.enter_context(socket.socket(type=kind)).bind((ANY_ADDRESS, number))
            except (OSError, OverflowError):
                continue
            return port


@pytest.fixture
def directory() -> Iterator[Path]:
    # The path of a Unix socket has room for 107 bytes; pytest's directories may be longer.
    with tempfile.TemporaryDirectory(prefix="s") as name:
        yield Path(name)


@pytest.mark.parametrize("address", [ADDRESS, ANY_ADDRESS])
def test_clients_connect_and_datagrams_arrive(port: int, address: str) -> None:
    listens = [
        tcp(port, address),
        udp(port, address),
        udp(port + 1, address, Purpose.TOKEN),
    ]
    with open_listeners(listens) as listeners, socket.socket(type=socket.SOCK_DGRAM) as sender:
        [clients] = listeners.serving(Purpose.CLIENTS)
        with socket.create_connection((ADDRESS, port), DEADLINE_S):
            clients.socket.accept()[0].close()
        for purpose, number in ((Purpose.DAEMONS, port), (Purpose.TOKEN, port + 1)):
            [opened] = listeners.serving(purpose)
            sender.sendto(b"data", (ADDRESS, number))
            assert opened.socket.recv(10) == b"data"


@needs_unix_sockets
def test_all_sockets_are_nonblocking_and_known_by_what_they_are_for(
    port: int, directory: Path
) -> None:
    listens = [unix(directory / "4803"), tcp(port), udp(port)]

    with open_listeners(listens) as listeners:
        assert not any(each.socket.getblocking() for each in listeners.sockets)
        assert [each.listen.transport for each in listeners.serving(Purpose.CLIENTS)] == [
            Transport.TCP,
            Transport.UNIX,
        ]
        assert [str(each.listen) for each in listeners.serving(Purpose.DAEMONS)] == [
            f"udp {ADDRESS}:{port}"
        ]


def test_udp_buffers_are_larger_than_the_system_gives_by_itself(port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as plain:
        usual = plain.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    with open_listeners([udp(port)]) as listeners:
        [opened] = listeners.sockets

        assert opened.receive_buffer_size >= usual
        assert opened.receive_buffer_size == opened.socket.getsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF
        )
        assert opened.send_buffer_size > 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_root_gets_udp_buffers_of_the_wanted_size_whatever_the_limit(port: int) -> None:
    with open_listeners([udp(port), tcp(port)]) as listeners:
        received, sent = listeners.least_buffers()

        assert received >= RECEIVE_BUFFER_SIZE
        assert sent >= SEND_BUFFER_SIZE


def test_the_least_of_the_udp_buffers_are_reported(port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.socket() as stream:
        sockets = (
            OpenSocket(udp(port), datagrams, 16 << 20, 212992),
            OpenSocket(udp(port), datagrams, 400_000, 8 << 20),
            OpenSocket(tcp(port), stream, 5, 5),
        )

        assert Listeners(sockets, None, ExitStack()).least_buffers() == (400_000, 212992)


def test_udp_buffers_can_be_asked_to_be_small(port: int) -> None:
    with open_listeners([udp(port)], buffer=20_000) as listeners:
        received, _ = listeners.least_buffers()

    assert 20_000 <= received <= 80_000  # Linux counts twice what is asked for.


@pytest.mark.parametrize("listen_of", [tcp, udp])
def test_busy_port_is_an_error_with_exit_status_3(
    port: int, listen_of: Callable[..., Listen]
) -> None:
    with (
        open_listeners([listen_of(port)]),
        pytest.raises(AddressInUseError, match=f"cannot listen on ... {ADDRESS}:{port}") as caught,
    ):
        open_listeners([listen_of(port)])

    assert caught.value.exit_status == 3
    assert isinstance(caught.value, ConfigurationError)


@needs_proc
def test_error_names_the_process_that_holds_the_port(port: int) -> None:
    with (
        open_listeners([tcp(port, ANY_ADDRESS)]),
        pytest.raises(AddressInUseError, match=f"in use by process {os.getpid()} "),
    ):
        open_listeners([tcp(port)])


def leave_closed_connection(listen: Listen) -> None:
    with (
        open_listeners([listen]) as listeners,
        socket.create_connection((listen.address, listen.port), DEADLINE_S) as client,
    ):
        listeners.sockets[0].socket.accept()[0].close()
        assert client.recv(1) == b""


@needs_proc
def test_connections_in_their_last_minute_are_named_as_the_reason(port: int) -> None:
    leave_closed_connection(tcp(port))

    with pytest.raises(AddressInUseError, match="1 closed connections of an earlier daemon"):
        open_listeners([tcp(port)])


def test_reused_address_is_free_at_once(port: int) -> None:
    leave_closed_connection(tcp(port, reuse=True))

    with open_listeners([tcp(port, reuse=True)]) as listeners:
        assert len(listeners.sockets) == 1


def test_address_that_only_closed_connections_hold_is_free_if_it_may_be(port: int) -> None:
    listen = Listen(Transport.TCP, Purpose.CLIENTS, ADDRESS, port, reuse_if_closed=True)
    leave_closed_connection(listen)

    with open_listeners([listen]) as listeners:
        assert len(listeners.sockets) == 1


def test_address_of_a_live_daemon_is_refused_however_it_may_be_reused(port: int) -> None:
    listen = Listen(Transport.TCP, Purpose.CLIENTS, ADDRESS, port, reuse_if_closed=True)

    with open_listeners([listen]), pytest.raises(AddressInUseError):
        open_listeners([listen])


def test_address_of_another_host_is_refused_with_advice(port: int) -> None:
    # TEST-NET-3 of RFC 5737 is nobody's.
    with pytest.raises(ListenError, match="correct the address of this daemon"):
        open_listeners([tcp(port, "203.0.113.1")])


def test_segment_address_of_another_network_is_refused_with_advice(port: int) -> None:
    with pytest.raises(ListenError, match="must be the broadcast address of one of our networks"):
        open_listeners([udp(port, "203.0.113.255", Purpose.SEGMENT)])


def test_token_port_above_the_last_one_is_refused_with_advice() -> None:
    with pytest.raises(ListenError, match="choose a lower port in Spread_Segment"):
        open_listeners([udp(65536, purpose=Purpose.TOKEN)])


@needs_unix_sockets
def test_failure_closes_what_was_opened(port: int, directory: Path) -> None:
    path = directory / "4803"
    (directory / "file").touch()

    with pytest.raises(ListenError):
        open_listeners([udp(port), tcp(port), unix(path), unix(directory / "file")])

    assert not path.exists()
    with open_listeners([udp(port), tcp(port), unix(path)]):
        assert path.is_socket()


@needs_unix_sockets
def test_unix_socket_of_a_running_daemon_is_not_even_looked_at(port: int, directory: Path) -> None:
    path = directory / "4803"
    with open_listeners([udp(port)]):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(path))

        with pytest.raises(AddressInUseError, match="udp"):
            open_listeners([unix(path), tcp(port), udp(port)])

    assert path.is_socket()


@needs_unix_sockets
def test_close_frees_ports_and_removes_the_unix_socket(port: int, directory: Path) -> None:
    listeners = open_listeners([udp(port), tcp(port), unix(directory / "4803")])

    listeners.close()
    listeners.close()

    assert list(directory.iterdir()) == []
    assert all(each.socket.fileno() == -1 for each in listeners.sockets)


@pytest.mark.parametrize(
    ("address", "count", "group"),
    [
        ("225.0.1.1", 2, "225.0.1.1"),
        ("225.0.1.1", 1, None),
        ("239.255.255.255", 2, "239.255.255.255"),
        ("192.168.7.255", 2, None),
        ("240.0.0.1", 2, None),
    ],
)
def test_group_is_joined_by_several_daemons_with_a_multicast_address(
    address: str, count: int, group: str | None
) -> None:
    daemons = tuple(Daemon(f"d{n}", f"10.0.0.{n}", ()) for n in range(count))

    assert multicast_group(Segment(address, 4803, daemons)) == group


def send_to_group(port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        interface = socket.inet_aton("127.0.0.1")
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sender.sendto(b"data", (GROUP, port))


@needs_proc
def test_datagrams_to_the_group_arrive_at_the_segments_address(port: int) -> None:
    listens = [
        udp(port),
        udp(port, OTHER_ADDRESS),
        udp(port + 1, purpose=Purpose.TOKEN),
        udp(port, GROUP, Purpose.SEGMENT),
    ]

    with open_listeners(listens, group=GROUP) as listeners:
        [segment] = listeners.serving(Purpose.SEGMENT)
        send_to_group(port)
        segment.socket.settimeout(DEADLINE_S)

        assert segment.socket.recv(10) == b"data"


@pytest.mark.skipif(sys.platform != "linux", reason="options of Linux")
def test_routers_may_cut_what_the_daemon_sends(port: int) -> None:
    mtu_discover, never = 10, 0

    with open_listeners([udp(port)]) as listeners:
        [opened] = listeners.sockets

        assert opened.socket.getsockopt(socket.IPPROTO_IP, mtu_discover) == never


@needs_proc
def test_a_datagram_to_the_group_reaches_every_daemon_of_this_host_from_its_own_address(
    port: int,
) -> None:
    ours = [udp(port), udp(port, GROUP, Purpose.SEGMENT)]
    theirs = [udp(port, OTHER_ADDRESS), udp(port, GROUP, Purpose.SEGMENT)]

    with (
        open_listeners(ours, group=GROUP) as mine,
        open_listeners(theirs, group=GROUP) as others,
    ):
        mine.serving(Purpose.DAEMONS)[0].socket.sendto(b"data", (GROUP, port))

        for listeners in (mine, others):
            [segment] = listeners.serving(Purpose.SEGMENT)
            segment.socket.settimeout(DEADLINE_S)
            assert segment.socket.recvfrom(10) == (b"data", (ADDRESS, port))


@needs_proc
def test_a_datagram_to_the_broadcast_address_reaches_every_daemon_of_this_host(port: int) -> None:
    broadcast = "127.255.255.255"
    ours = [udp(port), udp(port, broadcast, Purpose.SEGMENT)]
    theirs = [udp(port, OTHER_ADDRESS), udp(port, broadcast, Purpose.SEGMENT)]

    with open_listeners(ours) as mine, open_listeners(theirs) as others:
        mine.serving(Purpose.DAEMONS)[0].socket.sendto(b"data", (broadcast, port))

        for listeners in (mine, others):
            [segment] = listeners.serving(Purpose.SEGMENT)
            segment.socket.settimeout(DEADLINE_S)
            assert segment.socket.recv(10) == b"data"


@needs_proc
def test_group_is_joined_by_the_route_without_interfaces_of_our_own(port: int) -> None:
    # As the kernel shows it: the four bytes read as a number of this machine.
    shown = f"{int.from_bytes(socket.inet_aton(GROUP), sys.byteorder):08X}"
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        if probe.connect_ex((GROUP, port)) != 0:
            pytest.skip("no route to the group")

    with open_listeners([udp(port, ANY_ADDRESS)], group=GROUP):
        assert shown in Path("/proc/net/igmp").read_text()


@needs_proc
def test_home_is_the_interface_of_the_group_for_who_listens_everywhere(port: int) -> None:
    shown = f"{int.from_bytes(socket.inet_aton(GROUP), sys.byteorder):08X}"

    with open_listeners([udp(port, ANY_ADDRESS)], group=GROUP, home="127.0.0.1") as listeners:
        joined = Path("/proc/net/igmp").read_text().partition("\tlo ")[2]
        opened = listeners.sockets[0].socket
        chosen = opened.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4)

    assert shown in joined.partition("\n2\t")[0]
    assert chosen == socket.inet_aton("127.0.0.1")


@needs_proc
def test_group_without_an_interface_to_join_on_is_refused(port: int) -> None:
    with pytest.raises(ListenError, match=f"cannot join multicast group 10.0.0.1 on {ADDRESS}"):
        open_listeners([udp(port)], group="10.0.0.1")
