"""Where the daemons of a system run: hosts on a network, and the spread.conf that describes it."""

import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from bench.address import DEFAULT_PORT, unix_address
from bench.namespaces import Namespace, why_impossible
from bench.switch import Plug, Switch
from bench.system import ETHERNET_MTU, LOOPBACK, NAMESPACES, DaemonError, Topology

PARTS_MAX = 3
MULTICAST, LOOPBACK_SEGMENT = "239.255.1.1", "127.0.0.255"
PORT_RANGE = (20000, 30000)  # Below the ephemeral ports, which 5,000 sessions use up.
AS_ROOT = ("DaemonUser = root", "DaemonGroup = root")  # Else daemons look for a user of their own.


@dataclass(frozen=True, slots=True)
class Host:
    """Where one daemon runs, and its name in the configuration."""

    name: str
    address: str
    namespace: Namespace | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """The hosts of a system, the port of its daemons, and the text of their configuration."""

    hosts: tuple[Host, ...]
    port: int
    configuration: str
    switch: Switch | None = None  # Where there are links that can be parted.

    def split(self, *parts: Sequence[int]) -> None:
        """Part the network; each part has the hosts of these numbers, PARTS_MAX parts at most."""
        if self.switch is None:
            raise DaemonError("a network on loopback cannot be parted; it takes namespaces")
        self.switch.split(*[[f"h{number + 1}" for number in part] for part in parts])


def links_of(topology: Topology) -> str:
    """Return LOOPBACK or NAMESPACES, as it will be; raises DaemonError where it cannot be."""
    wants_namespaces = topology.links == NAMESPACES or topology.mtu != ETHERNET_MTU
    is_alone = topology.daemons == 1 and not wants_namespaces
    if topology.links == LOOPBACK and topology.mtu != ETHERNET_MTU:
        raise DaemonError(f"an MTU of {topology.mtu} needs links between namespaces")
    if topology.links == LOOPBACK or is_alone:
        return LOOPBACK
    reason = _why_impossible()
    if not reason:
        return NAMESPACES
    if wants_namespaces:
        raise DaemonError(f"no daemons in namespaces, which this cell needs: {reason}")
    return LOOPBACK


@cache
def _why_impossible() -> str:
    return why_impossible()


def described(topology: Topology) -> str:
    """Return a topology in words, with the links that it has here."""
    try:
        links = links_of(topology)
    except DaemonError:
        return str(topology)
    return str(replace(topology, links=links))


@contextmanager
def network(topology: Topology) -> Iterator[Network]:
    """Make the hosts of a topology for as long as they are needed."""
    if links_of(topology) == LOOPBACK:
        yield _loopback(topology)
        return
    bridges = ["main", *(f"part{number}" for number in range(1, PARTS_MAX))]
    with Switch(bridges, mtu=topology.mtu) as switch:
        hosts = []
        for number in range(1, topology.daemons + 1):
            host = switch.add_host(f"h{number}", Plug("eth0", f"10.1.0.{number}/24", "main"))
            hosts.append(Host(f"d{number}", host.address, host.namespace))
        entries = [f"{host.name} {host.address}" for host in hosts]
        text = _configuration(topology, MULTICAST, DEFAULT_PORT, entries)
        yield Network(tuple(hosts), DEFAULT_PORT, text, switch)


def _loopback(topology: Topology) -> Network:
    port = free_port()
    if topology.daemons == 1:
        hosts = [Host("localhost", "127.0.0.1")]
        entries = ["localhost 127.0.0.1"]
    else:
        # Each is to listen on its own address only: they share the port.
        hosts = [Host(f"d{k}", f"127.0.0.{k}") for k in range(1, topology.daemons + 1)]
        entries = [f"{host.name} {host.address} {{ {host.address} }}" for host in hosts]
    text = _configuration(topology, LOOPBACK_SEGMENT, port, entries)
    return Network(tuple(hosts), port, text)


def _configuration(topology: Topology, segment: str, port: int, entries: list[str]) -> str:
    return "\n".join(
        [
            f"Spread_Segment {segment}:{port} {{",
            *(f"    {entry}" for entry in entries),
            "}",
            *(AS_ROOT if os.geteuid() == 0 else ()),
            *topology.options,
            "",
        ]
    )


def free_port() -> int:
    """Return a port that neither TCP, UDP nor a Unix socket uses just now, nor the one after it."""
    while True:
        port = PORT_RANGE[0] + secrets.randbelow(PORT_RANGE[1] - PORT_RANGE[0])
        is_taken = Path(unix_address(port).path).exists()
        if not is_taken and _is_free(port) and _is_free(port + 1):
            return port


def _is_free(port: int) -> bool:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        try:
            tcp.bind(("0.0.0.0", port))
            udp.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
