"""How large this daemon's datagrams are to be, from what the system knows of the ways to others.

    PacketSize in the file      so large
    else                        what the narrowest way carries uncut, by the interfaces and routes
                                of this host: 1472 bytes for an MTU of 1500, 8972 for 9000

Nobody knows the whole way to another segment, so at most an Ethernet frame is assumed there. What
the system says is a hope: the ring measures it when it needs it, and goes down the sizes here.
"""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from spread.config.listens import main_address, uses_segment_address
from spread.config.model import Configuration
from spread.system import path_mtu

__all__ = ["DatagramSize", "Way", "find_datagram_size", "mtu_of", "sizes_from"]

HEADERS_SIZE: Final = 28
"""Of IPv4 and UDP, in front of a datagram's payload."""

ETHERNET_SIZE: Final = 1472
"""Payload that fits an Ethernet frame of 1500 bytes."""

TUNNEL_SIZE: Final = 1232
"""Payload that fits whatever carries IPv6 (1280 bytes), tunnels and clouds included."""

SAFE_SIZE: Final = 548
"""Payload of the largest datagram that every host with IPv4 must take."""

SIZE_MAX: Final = 65_507
"""Payload of the largest datagram of UDP over IPv4; the loopback interface takes it uncut.

Measured there with three daemons, against half of it: the same for messages of 100 bytes, 5 to 8 %
more for those of 8,000 and of 60,000.
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to other daemons: its name, where it leads, and what it is said to carry."""

    name: str
    address: str
    port: int
    mtu_max: int | None = None  # What may be assumed at most.


@dataclass(frozen=True, slots=True)
class DatagramSize:
    """Sizes of datagrams, as UDP's payload: the first is wanted, the last passes everywhere.

    `mtu` is that of the narrowest way, None if the system told of none; `way` names it.
    """

    sizes: tuple[int, ...]
    mtu: int | None
    way: str
    is_configured: bool

    @property
    def is_cut(self) -> bool:
        """Whether IP has to cut datagrams of the wanted size."""
        return self.mtu is not None and self.sizes[0] > self.mtu - HEADERS_SIZE


def find_datagram_size(
    configuration: Configuration, find_mtu: Callable[[str, Way], int | None] | None = None
) -> DatagramSize:
    """Return the sizes for the own daemon; `find_mtu` asks the system about a way."""
    find_mtu = find_mtu or mtu_of
    own = main_address(configuration.me)
    found = [
        (mtu if way.mtu_max is None else min(mtu, way.mtu_max), way.name)
        for way in _ways(configuration)
        if (mtu := find_mtu(own, way)) is not None
    ]
    mtu, way = min(found) if found else (None, "")
    configured = configuration.options.packet_size
    wanted = configured or _uncut(mtu)
    return DatagramSize(sizes_from(wanted), mtu, way, configured is not None)


def sizes_from(wanted: int) -> tuple[int, ...]:
    """Return the sizes to try where one is wanted, largest first; the last passes everywhere."""
    smaller = (each for each in (ETHERNET_SIZE, TUNNEL_SIZE, SAFE_SIZE) if each < wanted)
    return wanted, *smaller


def mtu_of(own: str, way: Way) -> int | None:
    """Return the largest packet of IP for a way, from address `own`, as the system knows it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            asking.bind((own, 0))
            if IPv4Address(way.address).is_multicast:
                interface = socket.inet_aton(own)
                asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
            asking.connect((way.address, way.port))
            return path_mtu(asking)
        except OSError:
            # No such address here, or no route yet: the ring will find out.
            return None


def _ways(configuration: Configuration) -> Iterator[Way]:
    own = configuration.segment
    if uses_segment_address(own, configuration.options.multicast):
        yield Way("segment", own.address, own.port)
    for segment in configuration.segments:
        limit = None if segment == own else ETHERNET_SIZE + HEADERS_SIZE
        for daemon in segment.daemons:
            if daemon != configuration.me:
                yield Way(daemon.name, main_address(daemon), segment.port, limit)


def _uncut(mtu: int | None) -> int:
    if mtu is None:
        return ETHERNET_SIZE
    return max(SAFE_SIZE, min(mtu - HEADERS_SIZE, SIZE_MAX))
