"""Networks of one machine: hosts, each a namespace, on the bridges of a switch, or behind a router.

    Switch   bridges; every host's cable ends in a port of one of them, and can be moved
    Host     one or more interfaces
    Router   a host on several bridges that forwards unicast

A bridge floods multicast to all its ports, as a switch does that does not listen to IGMP.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.namespaces import Namespace

__all__ = ["Host", "Plug", "Switch"]


@dataclass(frozen=True, slots=True)
class Plug:
    """Where a host's interface is: its address with the length of the prefix, and the bridge."""

    interface: str
    address: str
    bridge: str


class Host:
    """One host and its interfaces."""

    def __init__(self, name: str, namespace: Namespace, plugs: tuple[Plug, ...]) -> None:
        self.name = name
        self.namespace = namespace
        self.plugs = plugs

    @property
    def address(self) -> str:
        """Address of the first interface."""
        return self.plugs[0].address.partition("/")[0]

    def route(self, gateway: str) -> None:
        """Send what is for other networks to a gateway."""
        self.namespace.ip(f"route add default via {gateway}")

    def route_multicast(self) -> None:
        """Let multicast leave by the first interface, as the default route of a real host says."""
        self.namespace.ip(f"route replace 224.0.0.0/4 dev {self.plugs[0].interface}")

    def set_interface(self, interface: str, *, up: bool) -> None:
        """Switch an interface on or off, as an operator does on the host itself."""
        self.namespace.ip(f"link set {interface} {'up' if up else 'down'}")
        if up:
            self.route_multicast()  # It went with the interface.

    def send_frames_singly(self, interface: str = "eth0") -> None:
        """Let the host cut what it sends joint, as hosts do whose cards cannot.

        What a virtual cable carries joint passes through any device, however large its parts are.
        """
        self.namespace.ip(f"link set {interface} gso_max_segs 1")

    def drop_fragments(self) -> None:
        """Lose all fragments of IP, as some filters do: there is no room to put them together."""
        self.namespace.set_option("ipv4/ipfrag_low_thresh", "0")
        self.namespace.set_option("ipv4/ipfrag_high_thresh", "0")

    def add_address(self, address: str, interface: str = "eth0") -> None:
        self.namespace.ip(f"address add {address} dev {interface}")

    def drop_arriving(self, *ports: int) -> None:
        """Drop silently, as a firewall does, the UDP datagrams that arrive for some ports."""
        # The rule for local addresses is the first one, so it has to make room.
        self.namespace.ip(
            *(f"rule add pref 10 iif eth0 ipproto udp dport {port} blackhole" for port in ports),
            "rule add pref 20 lookup local",
            "rule del pref 0",
        )

    def pass_arriving(self, *ports: int) -> None:
        """Undo `drop_arriving` with the same ports."""
        self.namespace.ip(
            "rule add pref 0 lookup local",
            "rule del pref 20",
            *(f"rule del pref 10 iif eth0 ipproto udp dport {port}" for port in ports),
        )


class Switch:
    """Bridges with the cables of hosts, all in one namespace; a context manager.

    Frames may be as large as `mtu` on all of them.
    """

    def __init__(self, bridges: Iterable[str] = ("main",), mtu: int = 1500) -> None:
        self._mtu = mtu
        self._stack = ExitStack()
        self._namespace = self._made()
        self.hosts: dict[str, Host] = {}
        for bridge in bridges:
            self.add_bridge(bridge)

    def __enter__(self) -> "Switch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything; processes in it keep their part until they end."""
        self._stack.close()

    def add_bridge(self, bridge: str) -> None:
        # A bridge whose MTU nobody has changed takes the least one of its ports, and a kernel that
        # filters on bridges cuts what is larger into fragments, which no switch does.
        self._namespace.ip(
            f"link add {bridge} type bridge mcast_snooping 0 stp_state 0",
            f"link set {bridge} mtu {self._mtu + 1}",
            f"link set {bridge} mtu {self._mtu}",
            f"link set {bridge} up",
        )

    def add_host(self, name: str, *plugs: Plug) -> Host:
        """Add a host and connect its interfaces."""
        namespace = self._made()
        host = self.hosts[name] = Host(name, namespace, plugs)
        for plug in plugs:
            port = _port(name, plug.interface)
            self._namespace.ip(
                f"link add {port} mtu {self._mtu} type veth "
                f"peer name {plug.interface} mtu {self._mtu} netns {{0}}",
                f"link set {port} master {plug.bridge}",
                f"link set {port} up",
                others=[namespace],
            )
            namespace.ip(
                f"address add {plug.address} broadcast + dev {plug.interface}",
                f"link set {plug.interface} up",
            )
        host.route_multicast()
        return host

    def add_router(self, name: str, *plugs: Plug) -> Host:
        """Add a host that forwards between its interfaces."""
        router = self.add_host(name, *plugs)
        router.namespace.set_option("ipv4/ip_forward", "1")
        return router

    def move(self, host: str, bridge: str, interface: str = "eth0") -> None:
        """Pull a host's cable and put it into another bridge."""
        self._namespace.ip(f"link set {_port(host, interface)} master {bridge}")

    def split(self, *parts: Sequence[str]) -> None:
        """Put the hosts of each part onto a bridge of their own; the first part stays on main."""
        for number, part in enumerate(parts):
            bridge = "main" if number == 0 else f"part{number}"
            for host in part:
                self.move(host, bridge)

    def set_cable(self, host: str, interface: str = "eth0", *, plugged: bool) -> None:
        """Pull a host's cable out of the switch, or plug it in again."""
        state = "up" if plugged else "down"
        self._namespace.ip(f"link set {_port(host, interface)} {state}")

    def plug_in(self, host: Host) -> None:
        """Connect a host as it was in the beginning."""
        for plug in host.plugs:
            self.move(host.name, plug.bridge, plug.interface)
            self.set_cable(host.name, plug.interface, plugged=True)

    def set_mtu(self, host: str, mtu: int, interface: str = "eth0") -> None:
        """Let the switch's port for a host pass no larger frames; the host does not know."""
        self._namespace.ip(f"link set {_port(host, interface)} mtu {mtu}")

    def set_multicast(self, host: str, interface: str = "eth0", *, passes: bool) -> None:
        """Let multicast reach a host, or not; broadcast and unicast do."""
        state = "on" if passes else "off"
        self._namespace.ip(
            f"link set {_port(host, interface)} type bridge_slave mcast_flood {state}"
        )

    def _made(self) -> Namespace:
        namespace = Namespace()
        self._stack.callback(namespace.close)
        return namespace


def _port(host: str, interface: str) -> str:
    return f"{host}-{interface}"
