"""What the daemon finds on its host that the speed of the ring hangs on, and what it costs.

One finding is one line: of the log at the start, and of `spread --check`. What is as it should be
is told too, so that two hosts can be compared.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from spread._path import charge_of
from spread.daemon.datagram_size import DatagramSize
from spread.daemon.listeners import RECEIVE_BUFFER_SIZE, SEND_BUFFER_SIZE, raise_buffers
from spread.system import IS_LINUX

__all__ = ["Finding", "HostSockets", "findings", "probe_sockets"]

# Of Linux; not in every Python's `socket`.
_SOL_UDP = 17
_UDP_SEGMENT = 103
_UDP_GRO = 104


@dataclass(frozen=True, slots=True)
class HostSockets:
    """What the system gives to sockets for datagrams: bytes, and whether it joins and cuts."""

    receive_bytes: int
    send_bytes: int
    segmentation: bool
    coalescing: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A fixed wording and its values; a `warning` is something that an operator can mend."""

    wording: str
    fields: Mapping[str, str | int] = field(default_factory=dict)
    is_warning: bool = False


def findings(size: DatagramSize, sockets: HostSockets) -> tuple[Finding, ...]:
    """Return what there is to say of a host, one finding for each subject."""
    return _size_finding(size), _buffer_finding(size, sockets), _offload_finding(sockets)


def probe_sockets(buffer: int | None = None, *, offload: bool = True) -> HostSockets:
    """Ask the system with a socket of its own what those of a daemon would get.

    `buffer` replaces the sizes that are asked for; without `offload` none is asked for.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        raise_buffers(asking, buffer)
        return HostSockets(
            asking.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
            asking.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
            offload and _takes(asking, _UDP_SEGMENT),
            offload and _takes(asking, _UDP_GRO),
        )


def _takes(asking: socket.socket, option: int) -> bool:
    if not IS_LINUX:
        return False
    try:
        asking.setsockopt(_SOL_UDP, option, 1)
    except OSError:
        return False
    return True


def _size_finding(size: DatagramSize) -> Finding:
    known: dict[str, str | int] = {"bytes": size.sizes[0]}
    if size.mtu is None:
        known |= {"mtu": "unknown"}
    else:
        known |= {"mtu": size.mtu, "narrowest_way": size.way}
    if size.is_configured:
        known |= {"from": "PacketSize"}
    if not size.is_cut:
        return Finding("size of datagrams", known)
    return Finding(
        "datagrams larger than the way takes, so IP cuts them",
        known
        | {
            "cost": "one lost fragment loses the datagram, and some filters pass no fragments",
            "remedy": "leave PacketSize out, or raise the MTU of all interfaces and switches",
        },
        is_warning=True,
    )


def _buffer_finding(size: DatagramSize, sockets: HostSockets) -> Finding:
    known: dict[str, str | int] = {
        "receive_bytes": sockets.receive_bytes,
        "send_bytes": sockets.send_bytes,
        "datagrams_held": sockets.receive_bytes // charge_of(size.sizes[0]),
    }
    if sockets.receive_bytes >= RECEIVE_BUFFER_SIZE and sockets.send_bytes >= SEND_BUFFER_SIZE:
        return Finding("socket buffers", known)
    return Finding(
        "socket buffers smaller than wished",
        known
        | {
            "cost": "what does not fit is lost and sent again, so less is sent at a time",
            "remedy": f"raise net.core.rmem_max to {RECEIVE_BUFFER_SIZE} and net.core.wmem_max to "
            f"{SEND_BUFFER_SIZE}, or start as root",
        },
        is_warning=True,
    )


def _offload_finding(sockets: HostSockets) -> Finding:
    known: dict[str, str | int] = {
        "segmentation": "yes" if sockets.segmentation else "no",
        "coalescing": "yes" if sockets.coalescing else "no",
    }
    if sockets.segmentation and sockets.coalescing:
        return Finding("offload for datagrams", known)
    return Finding(
        "offload for datagrams",
        known
        | {
            "cost": "datagrams pass the system one by one, which takes several times its time",
            "remedy": "Linux has segmentation from 4.18 on, coalescing from 5.0 on; "
            "Windows has both from 10 version 2004 on",
        },
    )
