"""Warn of networks that are allowed and do not work as their authors believe."""

from collections.abc import Callable

from spread.config.diagnostics import Findings, Stage
from spread.config.identity import RESERVED_NAME
from spread.config.model import Daemon, Segment, Use
from spread.config.network import Network
from spread.config.syntax import DaemonNode, SegmentNode

__all__ = ["check_loopback_rule", "is_multicast", "is_wide_area", "warn_of_pitfalls"]


def is_wide_area(segments: tuple[Segment, ...]) -> bool:
    """Tell whether the first daemons of the segments differ in their first two octets."""
    firsts = [segment.daemons[0].address for segment in segments if segment.daemons]
    networks = {tuple(address.split(".")[:2]) for address in firsts}
    return len(networks) > 1


def is_multicast(address: str) -> bool:
    """Tell whether an address is one of a multicast group."""
    return 224 <= int(address.partition(".")[0]) <= 239


def check_loopback_rule(network: Network, findings: Findings) -> None:
    """Refuse loopback segments beside others: their daemons could never reach each other."""
    looped = [_is_loopback(segment.address) for segment in network.segments]
    if len(looped) < 2 or all(looped) or not any(looped):
        return
    odd_one = looped.index(not looped[0])
    node = network.nodes[odd_one]
    message = "loopback segments (127...) cannot be combined with others"
    remedy = "addresses of the network for all segments, or loopback for all"
    findings.error(node.address, message, remedy, Stage.LOAD)


def warn_of_pitfalls(network: Network, findings: Findings) -> None:
    """Look at each segment, each daemon, and each pair of segments."""
    for segment, node in zip(network.segments, network.nodes, strict=True):
        for warn in _SEGMENT_WARNINGS:
            warn(segment, node, findings)
        for daemon, daemon_node in zip(segment.daemons, node.daemons, strict=True):
            _warn_of_daemon(daemon, daemon_node, findings)
            _warn_of_interfaces(daemon, daemon_node, findings)
    _warn_of_loopback_daemons(network, findings)
    _warn_of_shared_addresses(network, findings)
    _warn_of_shared_network(network, findings)


def _warn_of_network_daemons(segment: Segment, node: SegmentNode, findings: Findings) -> None:
    """Daemons of the network in a loopback segment."""
    if len(segment.daemons) < 2 or not _is_loopback(segment.address):
        return
    for daemon, daemon_node in zip(segment.daemons, node.daemons, strict=True):
        if not _is_loopback(daemon.address):
            token = daemon_node.address or daemon_node.name
            message = "a loopback segment reaches no other host"
            findings.warn(token, message, "the broadcast address of the network for the segment")


def _warn_of_multicast(segment: Segment, node: SegmentNode, findings: Findings) -> None:
    if not is_multicast(segment.address) or node.address is None:
        return
    if any(_is_loopback(daemon.address) for daemon in segment.daemons):
        message = "the loopback interface has no multicast"
        findings.warn(node.address, message, "127.0.0.255 as address of a segment on one host")


def _warn_of_target(segment: Segment, node: SegmentNode, findings: Findings) -> None:
    """The segment's address must reach all its daemons with one datagram."""
    if len(segment.daemons) < 2 or is_multicast(segment.address) or node.address is None:
        return
    if any(daemon.address == segment.address for daemon in segment.daemons):
        message = "datagrams to the segment reach only the daemon that has this address"
        findings.warn(node.address, message, "the broadcast address of the network")
        return
    shared = _shared_octets(segment.address)
    strangers = [
        daemon.address
        for daemon in segment.daemons
        if not _is_loopback(daemon.address)
        and not _same_start(daemon.address, segment.address, shared)
    ]
    if strangers and not _is_loopback(segment.address):
        message = f"a broadcast to this address hardly reaches {strangers[0]}"
        findings.warn(node.address, message, "one segment for each network")


_SEGMENT_WARNINGS: tuple[Callable[[Segment, SegmentNode, Findings], None], ...] = (
    _warn_of_network_daemons,
    _warn_of_multicast,
    _warn_of_target,
)


def _warn_of_daemon(daemon: Daemon, node: DaemonNode, findings: Findings) -> None:
    if daemon.name == RESERVED_NAME:
        message = "this name is reserved for the monitor: no daemon can be started with it"
        findings.warn(node.name, message, "another name")
    elif not daemon.name:
        message = "private group names of this daemon end with nothing"
        findings.warn(node.name, message, "a name of 1 to 19 bytes")
    elif "#" in daemon.name:
        message = "programs cut private group names at #, and this name is a part of them"
        findings.warn(node.name, message, "a name without #")


def _warn_of_interfaces(daemon: Daemon, node: DaemonNode, findings: Findings) -> None:
    served = {each.address for each in daemon.interfaces if Use.DAEMON in each.uses}
    seen: set[tuple[str, Use]] = set()
    for interface, interface_node in zip(daemon.interfaces, node.interfaces or (), strict=False):
        token = interface_node.address
        for use in (Use.DAEMON, Use.CLIENT):
            if use in interface.uses and (interface.address, use) in seen:
                findings.warn(token, f"{interface.address} is listed twice for one use", "it once")
        seen.update((interface.address, use) for use in interface.uses)
        if interface.uses == Use.MONITOR and interface.address not in served:
            message = "M alone opens no socket, monitors use the D addresses"
            findings.warn(token, message, f"D {interface.address}, or nothing")


def _warn_of_loopback_daemons(network: Network, findings: Findings) -> None:
    """Loopback mixed with the network: other hosts cannot reach those daemons."""
    daemons = [
        (daemon, daemon_node)
        for segment, node in zip(network.segments, network.nodes, strict=True)
        for daemon, daemon_node in zip(segment.daemons, node.daemons, strict=True)
    ]
    looped = [each for each in daemons if _is_loopback(each[0].address)]
    if len(looped) == len(daemons):
        return
    for daemon, node in looped:
        message = f"daemons on other hosts cannot reach {daemon.address}"
        findings.warn(node.address or node.name, message, "its address on the network")


def _warn_of_shared_addresses(network: Network, findings: Findings) -> None:
    """Datagrams to one of two segments with one address reach both."""
    seen: dict[tuple[str, int], int] = {}
    for segment, node in zip(network.segments, network.nodes, strict=True):
        key = (segment.address, segment.port)
        line = seen.setdefault(key, findings.source.line(node.keyword.offset))
        if line != findings.source.line(node.keyword.offset) and node.address is not None:
            message = f"the segment in line {line} has this address and port too"
            findings.warn(node.address, message, "another port, or one segment for both")


def _warn_of_shared_network(network: Network, findings: Findings) -> None:
    """Two segments on one LAN get every message twice.

    Networks are guessed by their first three octets, since masks are not in the file.
    """
    first_lines: dict[str, int] = {}
    for segment, node in zip(network.segments, network.nodes, strict=True):
        line = findings.source.line(node.keyword.offset)
        networks = {daemon.address.rpartition(".")[0] for daemon in segment.daemons}
        for prefix in sorted(networks):
            other = first_lines.setdefault(prefix, line)
            if other != line and not _is_loopback(prefix) and node.address is not None:
                message = (
                    f"the segment in line {other} has daemons in {prefix}.0/24 too:"
                    " on one LAN each message is sent once for each segment"
                )
                findings.warn(node.address, message, "one segment for the daemons of one LAN")


def _is_loopback(address: str) -> bool:
    return address.startswith("127.")


def _shared_octets(broadcast: str) -> int:
    """Return how many leading octets a broadcast address surely shares with its hosts.

    Its trailing 255s stand for hosts; one octet more may be cut by a mask.
    """
    octets = broadcast.split(".")
    while octets and octets[-1] == "255":
        octets.pop()
    return max(len(octets) - 1, 0)


def _same_start(one: str, other: str, octets: int) -> bool:
    return one.split(".")[:octets] == other.split(".")[:octets]
