"""What `spread doctor` learns of a host on that host: facts for others, and checks of its own."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

from spread.config import Configuration, HostView, main_address
from spread.config.diagnostics import Diagnostic
from spread.config.model import Use
from spread.daemon.datagram_size import find_datagram_size
from spread.daemon.listeners import RECEIVE_BUFFER_SIZE, SEND_BUFFER_SIZE
from spread.daemon.network import configured_daemons, network_hash
from spread.daemon.responder import Clocks
from spread.monitor.doctor_evidence import Check, Severity
from spread.monitor.doctor_talk import Facts
from spread.release import release

__all__ = ["entry_checks", "facts_of"]


def facts_of(
    buffers: tuple[int, int], clocks: Clocks, *, is_daemon: bool = True
) -> Callable[[Configuration], Facts]:
    """Return what tells the facts of this host; `buffers` are bytes to receive and to send."""

    def facts(configuration: Configuration) -> Facts:
        size = find_datagram_size(configuration)
        return Facts(
            name=configuration.me.name,
            number=configured_daemons(configuration).index(configuration.me),
            is_daemon=is_daemon,
            release=release(),
            ring_hash=network_hash(configuration),
            time_ns=clocks.wall_ns(),
            steady_ns=clocks.steady_ns(),
            receive_bytes=buffers[0],
            send_bytes=buffers[1],
            wanted_receive_bytes=RECEIVE_BUFFER_SIZE,
            wanted_send_bytes=SEND_BUFFER_SIZE,
            size=size.sizes[0],
            is_size_configured=size.is_configured,
            mtu=size.mtu or 0,
        )

    return facts


def entry_checks(
    configuration: Configuration, warnings: tuple[Diagnostic, ...], host: HostView
) -> Iterator[Check]:
    """Check file and own entry against this host."""
    path = configuration.path or "none, --local"
    yield Check("configuration", Severity.OK, f"{path}, {_counted(configuration)}")
    for each in warnings:
        place = f"{each.path}:{each.line}:{each.column}"
        yield Check(
            "configuration", Severity.WARNING, f"{place}: {each.message}", f"write {each.remedy}"
        )
    yield _address_check(configuration, host)
    yield from _name_checks(configuration, host)


def _address_check(configuration: Configuration, host: HostView) -> Check:
    me, address = configuration.me, main_address(configuration.me)
    local = host.local_addresses()
    if address not in local and not IPv4Address(address).is_loopback:
        return Check(
            "entry",
            Severity.FAILURE,
            f"{me.name} has {address}, and no interface of this host does ({', '.join(local)})",
            "correct the address in the file, give it to an interface, or name the entry of this "
            "host with -n",
        )
    served = {each.address for each in me.interfaces if Use.DAEMON in each.uses}
    if me.address not in served:
        return Check(
            "entry",
            Severity.WARNING,
            f"{me.address}, the address of {me.name}, is not for daemons; others send to {address}",
            f"write {address} as the address of {me.name}",
        )
    return Check("entry", Severity.OK, f"{me.name} is {address}, an address of this host")


def _name_checks(configuration: Configuration, host: HostView) -> Iterator[Check]:
    """Compare what the entry's name resolves to with its address; most names need not resolve."""
    me = configuration.me
    found = host.look_up(me.name)
    own = {each.address for each in me.interfaces} | {me.address}
    if found is None:
        yield Check("name", Severity.OK, f"{me.name} is no host name, and need not be one")
    elif found in own:
        yield Check("name", Severity.OK, f"{me.name} resolves to {found}")
    else:
        yield Check(
            "name",
            Severity.NOTE,
            f"{me.name} resolves to {found}, the file says {me.address}; the file counts",
        )


def _counted(configuration: Configuration) -> str:
    daemons, segments = len(configured_daemons(configuration)), len(configuration.segments)
    return (
        f"{daemons} daemon{'s' if daemons > 1 else ''} "
        f"in {segments} segment{'s' if segments > 1 else ''}"
    )
