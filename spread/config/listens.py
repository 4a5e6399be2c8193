"""Which sockets a daemon opens for a configuration."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from spread.config.model import Configuration, Daemon, Interface, PortReuse, Segment, Use
from spread.system import CAN_BIND_SEGMENT, HAS_UNIX_SOCKETS

__all__ = [
    "ANY_ADDRESS",
    "Listen",
    "Purpose",
    "Transport",
    "listens",
    "main_address",
    "uses_segment_address",
]

ANY_ADDRESS = "0.0.0.0"

# Where clients of the classic library look for the socket of a daemon on their own host.
UNIX_DIRECTORY = "/tmp"


class Transport(Enum):
    """Kind of socket."""

    TCP = "tcp"
    UDP = "udp"
    UNIX = "unix"


class Purpose(Enum):
    """Who talks to a socket."""

    CLIENTS = "clients"
    DAEMONS = "daemons and monitors"
    TOKEN = "token"
    SEGMENT = "datagrams to the segment"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class Listen:
    """One socket: address and port, or the path of a Unix socket."""

    transport: Transport
    purpose: Purpose
    address: str = ""
    port: int = 0
    path: str = ""
    reuse_address: bool = False  # Whether the socket option of that name is to be set.
    reuse_if_closed: bool = False  # Set it when only closed connections have the address.

    def __str__(self) -> str:
        """Return the transport and where it listens, as in `tcp 0.0.0.0:4803`."""
        place = self.path or f"{self.address}:{self.port}"
        return f"{self.transport.value} {place}"


def listens(configuration: Configuration) -> tuple[Listen, ...]:
    """Return the sockets of the own daemon: TCP, UDP, then the Unix socket, each once.

    Systems without Unix sockets leave out that one, and systems that cannot bind to the address
    of a segment the one whose purpose is SEGMENT. Of several daemons on the loopback interface
    that share a port, all on this host, the first has the Unix socket.
    """
    port = configuration.segment.port
    interfaces = configuration.me.interfaces
    found = [
        *(_client_listen(configuration, each) for each in interfaces if Use.CLIENT in each.uses),
        *_daemon_listens(configuration),
    ]
    if HAS_UNIX_SOCKETS and _has_unix_socket(configuration):
        path = f"{UNIX_DIRECTORY}/{port}"
        found.append(Listen(Transport.UNIX, Purpose.CLIENTS, path=path))
    return tuple(dict.fromkeys(found))


def main_address(daemon: Daemon) -> str:
    """Return where tokens and data for a daemon go: its address if that serves daemons.

    A multi-homed daemon whose address is for clients only gets them on its first daemon address.
    """
    served = [each.address for each in daemon.interfaces if Use.DAEMON in each.uses]
    return daemon.address if daemon.address in served or not served else served[0]


def uses_segment_address(segment: Segment, option: bool | None) -> bool:
    """Tell whether one datagram to its address reaches all daemons of `segment`.

    `option` is what the file says; otherwise every address does but one on the loopback
    interface, which brings a datagram to one process only.
    """
    if len(segment.daemons) < 2:
        return False
    return not _is_loopback(segment.address) if option is None else option


def _has_unix_socket(configuration: Configuration) -> bool:
    me = configuration.me
    if not _is_loopback(me.address):
        return True
    first = next(
        each
        for segment in configuration.segments
        if segment.port == configuration.segment.port
        for each in segment.daemons
        if _is_loopback(each.address)
    )
    return first == me


def _client_listen(configuration: Configuration, interface: Interface) -> Listen:
    policy = configuration.options.socket_port_reuse
    reuse = policy is PortReuse.ON or (policy is PortReuse.AUTO and not interface.any)
    return Listen(
        Transport.TCP,
        Purpose.CLIENTS,
        _bound_address(interface),
        configuration.segment.port,
        reuse_address=reuse,
        reuse_if_closed=policy is PortReuse.AUTO and not reuse,
    )


def _daemon_listens(configuration: Configuration) -> Iterator[Listen]:
    segment = configuration.segment
    served = [each for each in configuration.me.interfaces if Use.DAEMON in each.uses]
    for interface in served:
        address = _bound_address(interface)
        yield Listen(Transport.UDP, Purpose.DAEMONS, address, segment.port)
        yield Listen(Transport.UDP, Purpose.TOKEN, address, segment.port + 1)
    is_used = uses_segment_address(segment, configuration.options.multicast)
    if CAN_BIND_SEGMENT and is_used and any(not interface.any for interface in served):
        yield Listen(Transport.UDP, Purpose.SEGMENT, segment.address, segment.port)


def _bound_address(interface: Interface) -> str:
    return ANY_ADDRESS if interface.any else interface.address


def _is_loopback(address: str) -> bool:
    return address.startswith("127.")
