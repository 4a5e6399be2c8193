"""The sockets that the daemon listens on: opened together, closed together.

    UDP   address:port     data, membership, monitors    joins the segment's multicast group,
                           and sends all of them         sends to it on the interface of address
          address:port+1   the token
          segment:port     datagrams to the segment      joins the segment's multicast group,
                                                         shared with other daemons of this host
    TCP   address:port     clients
    Unix  /tmp/<port>      clients on the same host

All of them are non-blocking. UDP comes first: a second daemon with the same port fails there,
before it has touched anything of the first one.
"""

import errno
import socket
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address

from spread.config.listens import ANY_ADDRESS, Listen, Purpose, Transport
from spread.config.model import Segment
from spread.daemon.listen_errors import AddressInUseError, ListenError, refusal
from spread.daemon.socket_owner import find_owners
from spread.daemon.unix_socket import SocketFile, open_unix_socket
from spread.system import (
    allow_cutting,
    claim_address,
    force_buffer,
    reuse_address,
)

__all__ = [
    "RECEIVE_BUFFER_SIZE",
    "SEND_BUFFER_SIZE",
    "AddressInUseError",
    "ListenError",
    "Listeners",
    "OpenSocket",
    "multicast_group",
    "open_listeners",
    "raise_buffers",
]

BACKLOG = 1024  # Clients that connect in one burst; the system may cut it (net.core.somaxconn).

# A gap of 1280 packets, the most that may be on the way, each charged 2304 bytes by the kernel with
# 1400 of its own, is 3.5 MiB; the rest lets the daemon be away for a moment.
RECEIVE_BUFFER_SIZE = 8 << 20
SEND_BUFFER_SIZE = 4 << 20

# A segment is one network: routers are not to carry its datagrams further.
MULTICAST_HOPS = 1

_ORDER = (Transport.UDP, Transport.TCP, Transport.UNIX)


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """A socket, what it is for, and the sizes of its buffers in bytes as the system gave them."""

    listen: Listen
    socket: socket.socket
    receive_buffer_size: int
    send_buffer_size: int


class Listeners:
    """All sockets of one daemon; a context manager that closes them."""

    def __init__(
        self, sockets: tuple[OpenSocket, ...], unix_file: SocketFile | None, stack: ExitStack
    ) -> None:
        """Own the sockets, through `stack`, which closes them in the right order."""
        self.sockets = sockets
        self._unix_file = unix_file
        self._stack = stack

    def __enter__(self) -> "Listeners":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serving(self, purpose: Purpose) -> tuple[OpenSocket, ...]:
        """Return the sockets for one purpose; those for clients are TCP first, then Unix."""
        return tuple(each for each in self.sockets if each.listen.purpose is purpose)

    def least_buffers(self) -> tuple[int, int]:
        """Return the bytes that the smallest UDP socket can hold, of arrivals and of departures."""
        sockets = [each for each in self.sockets if each.listen.transport is Transport.UDP]
        return (
            min(each.receive_buffer_size for each in sockets),
            min(each.send_buffer_size for each in sockets),
        )

    def give_to(self, user_id: int, group_id: int) -> None:
        """Let the user that the daemon is going to be remove the Unix socket in the end."""
        if self._unix_file is not None:
            # Otherwise it stays behind, and the next start replaces it.
            with suppress(OSError):
                self._unix_file.give_to(user_id, group_id)

    def close(self) -> None:
        """Close all sockets and remove the file of the Unix socket if it is still ours."""
        self._stack.close()


def multicast_group(segment: Segment) -> str | None:
    """Return the group that the daemons of `segment` are to join: none if there is one daemon."""
    if len(segment.daemons) > 1 and IPv4Address(segment.address).is_multicast:
        return segment.address
    return None


def open_listeners(
    listens: Iterable[Listen],
    *,
    group: str | None = None,
    home: str = ANY_ADDRESS,
    backlog: int = BACKLOG,
    buffer: int | None = None,
) -> Listeners:
    """Open all of `listens` or nothing; the UDP sockets for data join multicast group `group`.

    Those that are bound to all addresses join it, and send to it, on the interface with the
    address `home`; if no interface has it, the routing table chooses one. `buffer` replaces the
    bytes that those for datagrams are asked to hold.

    Raise `AddressInUseError` with the process that has the address, if it can be seen, and
    `ListenError` for whatever else is in the way.
    """
    wanted = sorted(listens, key=lambda each: _ORDER.index(each.transport))
    sockets = []
    unix_file = None
    with ExitStack() as stack:
        for listen in wanted:
            if listen.transport is Transport.UNIX:
                opened, unix_file = open_unix_socket(listen, backlog)
                stack.callback(unix_file.close)
                stack.callback(opened.close)
                stack.callback(unix_file.remove)
            else:
                opened = stack.enter_context(_open_inet(listen, backlog, buffer))
            sockets.append(_measured(listen, opened))
        if group is not None:
            _join(group, sockets, home)
        return Listeners(tuple(sockets), unix_file, stack.pop_all())


def _open_inet(listen: Listen, backlog: int, buffer: int | None) -> socket.socket:
    is_tcp = listen.transport is Transport.TCP
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        if is_tcp:
            claim_address(opened)
            if listen.reuse_address:
                reuse_address(opened)
        else:
            raise_buffers(opened, buffer)
            _prepare_datagrams(opened, listen)
        _bind(opened, listen)
        if is_tcp:
            opened.listen(backlog)
    except (OSError, OverflowError) as error:
        opened.close()
        raise refusal(listen, error) from error
    return opened


def _bind(opened: socket.socket, listen: Listen) -> None:
    try:
        opened.bind((listen.address, listen.port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not listen.reuse_if_closed or find_owners(listen):
            raise
        # Nobody is seen to have it, so connections of an earlier daemon may be all that holds it:
        # then the address is ours, else listening is refused.
        reuse_address(opened)
        opened.bind((listen.address, listen.port))
    if listen.reuse_if_closed:
        # Its connections inherit the option, without which they could not be told from others.
        reuse_address(opened)


def _prepare_datagrams(opened: socket.socket, listen: Listen) -> None:
    if listen.purpose is Purpose.SEGMENT:
        # Each daemon of this host that has the segment's address gets its copy.
        reuse_address(opened)
    else:
        claim_address(opened)
    if listen.purpose is not Purpose.DAEMONS:
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, MULTICAST_HOPS)
    # Routers cut what is too large for the next network. Otherwise they would have to say so, and a
    # filter that swallows such an answer would swallow every large packet with it.
    allow_cutting(opened)
    # Another daemon of this host must hear it as well.
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    if listen.address != ANY_ADDRESS:
        interface = socket.inet_aton(listen.address)
        # Whether the address is ours is told, with advice, when it is bound.
        with suppress(OSError):
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)


def raise_buffers(opened: socket.socket, buffer: int | None = None) -> None:
    """Let a UDP socket hold as much as the system allows up to our sizes, or `buffer` bytes."""
    for option, wished in (
        (socket.SO_RCVBUF, RECEIVE_BUFFER_SIZE),
        (socket.SO_SNDBUF, SEND_BUFFER_SIZE),
    ):
        size = wished if buffer is None else buffer
        # The size that results is kept for the log; a smaller one costs retransmissions only.
        with suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, option, size)
        with suppress(OSError):
            force_buffer(opened, option, size)


def _measured(listen: Listen, opened: socket.socket) -> OpenSocket:
    return OpenSocket(
        listen,
        opened,
        opened.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
        opened.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
    )


def _join(group: str, sockets: Iterable[OpenSocket], home: str) -> None:
    # A socket at the segment's address gets what arrives on any interface that it has joined on.
    daemons = [each for each in sockets if each.listen.purpose is Purpose.DAEMONS]
    segment = [each for each in sockets if each.listen.purpose is Purpose.SEGMENT]
    for each in daemons:
        if each.listen.address == ANY_ADDRESS:
            _join_on(group, _chosen_interface(each, home), each)
            continue
        _join_on(group, each.listen.address, each)
        for other in segment:
            _join_on(group, each.listen.address, other)


def _chosen_interface(opened: OpenSocket, home: str) -> str:
    """Let multicasts leave by the interface of `home` and return that, or any address."""
    try:
        interface = socket.inet_aton(home)
        opened.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
    except OSError:
        # The daemon's address may belong to a translating router in front of this host.
        return ANY_ADDRESS
    return home


def _join_on(group: str, address: str, opened: OpenSocket) -> None:
    membership = socket.inet_aton(group) + socket.inet_aton(address)
    try:
        opened.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return  # Two of our addresses are on one interface.
        place = "the interface of the route to it" if address == ANY_ADDRESS else address
        advice = "; add a route to it" if error.errno == errno.ENODEV else ""
        raise ListenError(
            f"{opened.listen} cannot join multicast group {group} on {place}: "
            f"{error.strerror}{advice}"
        ) from error
