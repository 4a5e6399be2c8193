"""Datagrams that a ring does not take: a line of the log that names the sender and the remedy.

Whoever can reach the port decides how many come, so each sender gets one line a minute for each
cause, with the count of those told since.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from spread.config.model import EventPriority, EventType
from spread.daemon.event_sink import EventSink

__all__ = ["CAUSES", "Cause", "Strangers"]

INTERVAL_NS: Final = 60_000_000_000

SENDERS_MAX: Final = 256
"""Senders and causes that are remembered; who comes back after so many others gets a line."""

LATEST_MAX: Final = 8
"""Of these, those that reports name."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why datagrams are dropped."""

    counter: str
    """Name of their counter in `spread.counters`."""
    reason: str = ""
    remedy: str = ""


CAUSES: Final = (
    Cause("none"),
    Cause(
        "dropped_not_ours",
        "it is no packet of a daemon",
        "keep other programs away from the daemons' UDP ports",
    ),
    Cause(
        "dropped_classic",
        "it has the form of the classic Spread Toolkit: of a daemon of it, or of a monitor whose "
        "file has another port",
        "if it is a daemon: rings do not mix, replace all daemons at once; if it is a monitor: "
        "give it the daemons' file",
    ),
    Cause(
        "dropped_version",
        "a daemon of another version",
        "install the same version on all hosts",
    ),
    Cause(
        "dropped_network",
        "a daemon with another configuration",
        "give all daemons the same file; spread --check shows what differs",
    ),
    Cause(
        "dropped_damaged",
        "damaged on its way, the checksum does not match",
        "look for a faulty network card, cable or switch",
    ),
    Cause(
        "dropped_malformed",
        "malformed although its checksum is right",
        "install the same version on all hosts, and let nobody else send to the daemons' ports",
    ),
)
"""By the number of the packet's fault."""


@dataclass(slots=True)
class _Told:
    when_ns: int
    since: int = 0  # Datagrams since the line.


class Strangers:
    """Tells the log of datagrams that were dropped."""

    def __init__(self, log: EventSink, clock_ns: Callable[[], int]) -> None:
        self._log = log
        self._clock_ns = clock_ns
        self._told: dict[tuple[int, int], _Told] = {}  # Least recently told first.
        self.latest: tuple[tuple[int, int, int], ...] = ()
        """Cause, source and time of the last lines, newest last; any thread may look."""

    def seen(self, cause: int, source: int) -> None:
        """A datagram from the IPv4 address `source` was dropped because of fault `cause`."""
        now_ns = self._clock_ns()
        told = self._told.pop((cause, source), None)
        if told is not None and now_ns - told.when_ns < INTERVAL_NS:
            told.since += 1
            self._told[cause, source] = told
            return
        if len(self._told) >= SENDERS_MAX:
            del self._told[next(iter(self._told))]
        self._told[cause, source] = _Told(now_ns)
        others = (each for each in self.latest if each[:2] != (cause, source))
        self.latest = (*others, (cause, source, now_ns))[-LATEST_MAX:]
        self._log.event(
            EventType.PRINT | EventType.NETWORK,
            EventPriority.WARNING,
            "packet of a stranger dropped",
            address=str(IPv4Address(source)),
            reason=CAUSES[cause].reason,
            remedy=CAUSES[cause].remedy,
            dropped_since=0 if told is None else told.since,
        )
