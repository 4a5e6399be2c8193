"""Which entry of the file is the own one?"""

from collections.abc import Iterator

from spread.config.diagnostics import Findings, Stage
from spread.config.host import HostView
from spread.config.model import Daemon, Segment
from spread.config.network import Network
from spread.config.tokens import Token

__all__ = ["IDENTITY_UNKNOWN", "RESERVED_NAME", "find_own"]

# The monitor's own name, reserved by Spread.
RESERVED_NAME = "Monitor"

# What is "found" when no entry has an address of this host; `check` looks for it.
IDENTITY_UNKNOWN = "no entry for this host"

Place = tuple[Segment, Daemon, Token]


def find_own(
    network: Network, name: str | None, host: HostView, findings: Findings
) -> tuple[Segment, Daemon] | None:
    """Return the own segment and daemon, by name or by local address; None after an error.

    A name is taken as it is, without a look at the host. Without a name the addresses of the
    host's own name are tried first, then those of its interfaces in the order of the system; for
    each, the first daemon with such an interface wins.
    """
    if not network.segments:
        message = "the file names no daemon"
        remedy = "Spread_Segment 192.168.1.255:4803 { NAME 192.168.1.10 }"
        findings.error(None, message, remedy, Stage.LOAD, found="no segment")
        return None
    if name is not None:
        return _find_by_name(network, name, host, findings)
    return _find_by_address(network, host, findings)


def _find_by_name(
    network: Network, name: str, host: HostView, findings: Findings
) -> tuple[Segment, Daemon] | None:
    for segment, daemon, token in _places(network):
        if daemon.name == name and name != RESERVED_NAME:
            _warn_if_elsewhere(daemon, token, host, findings)
            return segment, daemon
    found = f"no daemon named {name!r}"
    if name == RESERVED_NAME:
        message, remedy = "this name is reserved for the monitor", "another name behind -n"
    else:
        message = "the name behind -n is not in the file"
        known = [daemon.name for _, daemon, _ in _places(network)]
        listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
        remedy = f"an entry for it, or one of these names behind -n: {listed}"
    findings.error(None, message, remedy, Stage.LOAD, found=found)
    return None


def _find_by_address(
    network: Network, host: HostView, findings: Findings
) -> tuple[Segment, Daemon] | None:
    addresses = tuple(dict.fromkeys((*host.own_name_addresses(), *host.local_addresses())))
    matches = [
        (address, *place)
        for address in addresses
        for place in _places(network)
        if any(each.address == address for each in place[1].interfaces)
    ]
    if not matches:
        message = f"no interface of the file is an address of this host ({', '.join(addresses)})"
        remedy = "an entry for this host, or the name of one behind -n"
        findings.error(None, message, remedy, Stage.LOAD, found=IDENTITY_UNKNOWN)
        return None
    address, segment, daemon, token = matches[0]
    others = dict.fromkeys(each.name for _, _, each, _ in matches if each is not daemon)
    if others:
        message = (
            f"this host has addresses of several daemons ({daemon.name}, {', '.join(others)})"
            f" and takes itself for {daemon.name}"
        )
        findings.warn(token, message, "the right name behind -n")
    elif address.startswith("127.") and sum(1 for _ in _places(network)) > 1:
        message = f"every host has {address} and takes itself for {daemon.name}"
        findings.warn(token, message, "the address of one host, or names behind -n everywhere")
    return segment, daemon


def _warn_if_elsewhere(daemon: Daemon, token: Token, host: HostView, findings: Findings) -> None:
    local = host.local_addresses()
    elsewhere = [
        each.address
        for each in daemon.interfaces
        if each.address not in local and not each.address.startswith("127.")
    ]
    if elsewhere:
        message = (
            f"this host has no address {', '.join(dict.fromkeys(elsewhere))}:"
            f" it cannot serve as {daemon.name}"
        )
        findings.warn(token, message, "the name of the entry for this host behind -n")


def _places(network: Network) -> Iterator[Place]:
    for segment, node in zip(network.segments, network.nodes, strict=True):
        for daemon, daemon_node in zip(segment.daemons, node.daemons, strict=True):
            yield segment, daemon, daemon_node.name
