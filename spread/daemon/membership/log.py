"""What membership tells the operator: each trouble with peer, cause and remedy, and counted.

A trouble that lasts would fill the log, and a peer decides how often it happens; so each peer gets
one line a minute for each cause, and the counters tell the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import Final, Protocol

from spread.config.model import EventPriority, EventType
from spread.counters import MEMBERSHIP
from spread.daemon.membership.settings import NetworkSettings

__all__ = ["LOSS_TEXTS", "EventSink", "MembershipLog", "Trouble"]

INTERVAL_NS: Final = 60_000_000_000
"""A person reads the log; one line a minute for each peer and cause is enough."""

LOSS_TEXTS: Final = (
    "asked for",
    "token lost",
    "recovery made no progress",
    "this daemon was stopped for longer than TokenTimeout",
    "this daemon leaves",
)
"""What the numbers of the data plane mean when it declares the ring broken."""


class EventSink(Protocol):
    """Where decisions are logged; an `EventLog` is one."""

    def event(
        self,
        types: EventType,
        priority: EventPriority,
        wording: str,
        /,
        *,
        lines: Sequence[str] = (),
        **fields: object,
    ) -> None:
        """Write one event: fixed wording, then fields, then further lines."""


@dataclass(frozen=True, slots=True)
class _Words:
    cause: str
    remedy: str


class Trouble(Enum):
    """What can be wrong with a peer, and what to do about it; the name is that of the counter."""

    CONTROL_MALFORMED = _Words(
        "a membership packet of it does not hold together",
        "install the same version on all hosts, and let nobody else send to the daemons' ports",
    )
    DUPLICATE_DAEMON = _Words(
        "two running daemons use this name",
        "stop one of them, or give each its own name and address in the configuration",
    )
    CLOCK_AHEAD = _Words(
        "its ring time is more than 12 days ahead of this host's clock",
        "set the clocks of both hosts",
    )
    CLOCK_BEHIND = _Words(
        "it calls itself older than it was before: its host's clock went back between two starts",
        "set the clock of its host",
    )
    WRONG_ADDRESS = _Words(
        "it sends from another address than the configuration gives it",
        "let the configuration name the address that it sends from, or correct its routes",
    )
    MULTICAST_LOST = _Words(
        "its unicast arrives here, its multicast never does",
        "let switches and firewalls pass the segment's multicast address, "
        "or set Multicast = no in all configurations",
    )
    DATAGRAMS_LOST = _Words(
        "datagrams of this size do not reach it, smaller ones do and are used, at the price of "
        "throughput",
        "give all interfaces and switches on the way the same MTU and let filters pass fragments "
        "of IP; or set PacketSize to passing_bytes, which saves the search",
    )
    MEASURES_UNANSWERED = _Words(
        "it does not answer which datagrams reach it, not even for the smallest; their size stays",
        "let the firewalls pass the daemons' UDP port both ways, and look whether its host is "
        "overloaded or stands still",
    )
    TOKEN_PORT = _Words(
        "the token is lost again and again as soon as a ring with it is installed",
        "let the firewalls pass the daemons' UDP port and the port above it, both ways",
    )
    FORM_UNANSWERED = _Words(
        "it is heard but acknowledges no FORM",
        "let the firewalls pass the daemons' UDP port and the port above it, both ways",
    )
    DEAF = _Words(
        "it is heard but does not hear this daemon",
        "look for a link or a firewall that passes one direction only, or for a switch that does "
        "not pass the segment's multicast address on (Multicast = no does without)",
    )


class MembershipLog:
    """Counts and tells."""

    def __init__(self, sink: EventSink, network: NetworkSettings) -> None:
        self.counters: dict[str, int] = {each.name: 0 for each in MEMBERSHIP}
        self.last: dict[int, tuple[str, str, int]] = {}
        """By daemon number the last trouble by the name of its counter, its cause, and when."""
        self._sink = sink
        self._network = network
        # One entry for each daemon, trouble and size at most, so the configuration bounds it.
        self._told_ns: dict[tuple[int, Trouble, int | None], int] = {}

    def count(self, name: str) -> None:
        """Count what needs no line; `name` is one of `spread.counters.MEMBERSHIP`."""
        self.counters[name] += 1

    def trouble(
        self,
        trouble: Trouble,
        daemon: int,
        now_ns: int,
        source: int | None = None,
        *,
        datagram_bytes: int | None = None,
        passing_bytes: int | None = None,
    ) -> None:
        """Count a trouble with a daemon, and tell the log unless it was told this minute.

        `source` is the IPv4 address that its packets come from, if that is not its own;
        `datagram_bytes` the size of datagrams that the trouble is about, `passing_bytes` the size
        that is used instead.
        """
        self.count(trouble.name.lower())
        self.last[daemon] = (trouble.name.lower(), trouble.value.cause, now_ns)
        told_ns = self._told_ns.get((daemon, trouble, datagram_bytes))
        if told_ns is not None and now_ns - told_ns < INTERVAL_NS:
            return
        self._told_ns[daemon, trouble, datagram_bytes] = now_ns
        sizes = {"datagram_bytes": datagram_bytes, "passing_bytes": passing_bytes}
        self._sink.event(
            EventType.PRINT | EventType.MEMBERSHIP,
            EventPriority.WARNING,
            "trouble with a daemon",
            daemon=self.name(daemon),
            address=str(IPv4Address(self._network.ids[daemon] if source is None else source)),
            lines=(),
            **{name: size for name, size in sizes.items() if size is not None},
            cause=trouble.value.cause,
            remedy=trouble.value.remedy,
        )

    def state(self, wording: str, priority: EventPriority, **fields: str | int) -> None:
        """Tell of a change of state."""
        self._sink.event(EventType.MEMBERSHIP, priority, wording, lines=(), **fields)

    def name(self, daemon: int) -> str:
        """Return a daemon's name as text."""
        return self._network.names[daemon].decode("utf-8", "surrogateescape")

    def names(self, daemons: Sequence[int]) -> str:
        """Return the names of several daemons, parted by blanks."""
        return " ".join(self.name(each) for each in daemons)
