"""Reports that the interactive monitor asks daemons for: to see whether a command took effect, and
for the status of daemons where this host has no entry for status replies.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from spread.monitor.inquiries import Again, Inquiries
from spread.monitor.protocol import KEEP
from spread.monitor.queries import Kind, Query, decode_part
from spread.monitor.report import Report, from_json
from spread.monitor.roster import Roster, Target
from spread.monitor.sender import sender_of
from spread.monitor.watch import Outgoing

__all__ = [
    "PATIENCE_S",
    "Fault",
    "Reports",
    "hash_fault",
    "partition_fault",
    "stop_fault",
    "window_fault",
]

PATIENCE_S: Final = 1.0
"""A daemon without a reply for so long is given up."""

VERIFY_S: Final = 2.0
"""A command takes effect in the next turn of the daemon, and in its report within a second."""

NEVER: Final = float("inf")

Fault = Callable[[Report], str]
"""Returns what is not as it was to be, empty if all is."""

Taker = Callable[[Target, Report], None]
"""Is given the report of a daemon that was asked for one."""


@dataclass(frozen=True, slots=True)
class _Asked:
    target: Target
    end_s: float
    taker: Taker


@dataclass(slots=True)
class _Verification:
    """A look at daemons some time after a command."""

    at_s: float
    targets: Sequence[Target]
    taker: Taker


class Reports:
    """Asks for reports, at once or later, and hands each to who wants it.

    A daemon that does not answer within `PATIENCE_S` is forgotten.
    """

    def __init__(self, now: Callable[[], float], random_number: Callable[[], int]) -> None:
        self._now = now
        self._random_number = random_number
        self._inquiries = Inquiries()
        self._asked: dict[int, _Asked] = {}  # By nonce.
        self._verifications: list[_Verification] = []

    @property
    def are_awaited(self) -> bool:
        """Whether a report is still to come, or to be asked for."""
        return bool(self._asked or self._verifications)

    def next_deadline(self) -> float:
        """Return when to call `due`."""
        times = [each.at_s for each in self._verifications]
        return min([*times, *(each.end_s for each in self._asked.values())], default=NEVER)

    def ask(self, targets: Sequence[Target], roster: Roster, taker: Taker) -> list[Outgoing]:
        """Return the queries for the reports of these daemons."""
        return [self._query(target, roster, taker) for target in targets]

    def ask_later(self, targets: Sequence[Target], taker: Taker) -> None:
        """Let `due` ask when a command that is given at this time has had time to take effect."""
        self._verifications.append(_Verification(self._now() + VERIFY_S, targets, taker))

    def due(self, roster: Roster) -> list[Outgoing]:
        """Return the queries that are due, and forget whoever has not answered in time."""
        now_s = self._now()
        for nonce in [key for key, each in self._asked.items() if now_s >= each.end_s]:
            del self._asked[nonce]
            self._inquiries.forget(nonce)
        sent = []
        for each in [each for each in self._verifications if now_s >= each.at_s]:
            self._verifications.remove(each)
            sent += self.ask(each.targets, roster, each.taker)
        return sent

    def receive(self, data: bytes, source: str, roster: Roster) -> list[Outgoing]:
        """Take a datagram that came from this address; return what it wants to be asked again.

        PeerError if it is no part of a reply.
        """
        part = decode_part(data)
        asked = self._asked.get(part.nonce)
        if asked is None:
            return []  # It comes too late.
        sender_of(part.daemon, source, roster, asked.target)
        reply = self._inquiries.add(data, part.daemon)
        if isinstance(reply, Again):
            return [Outgoing(reply.datagram, asked.target)]
        if reply is not None:
            del self._asked[part.nonce]
            if reply.kind == Kind.REPORT:
                asked.taker(asked.target, from_json(Report, reply.json))
        return []

    def _query(self, target: Target, roster: Roster, taker: Taker) -> Outgoing:
        nonce = self._random_number()
        requester = (roster.own or target).identity
        query = Query(nonce, Kind.REPORT, {}, requester)
        self._asked[nonce] = _Asked(target, self._now() + PATIENCE_S, taker)
        return Outgoing(self._inquiries.ask(query, target.identity), target)


def refusal(report: Report, found: str) -> str:
    """Return why a dangerous command is not in force; `found` is what is."""
    if not report.dangerous_monitor:
        return "it refuses, DangerousMonitor is not set in its configuration"
    return f"it has {found}"


def partition_fault(wanted: tuple[int, ...], text_of: Callable[[Sequence[int]], str]) -> Fault:
    """Return what tells whether a partition is in force; `text_of` puts one into words."""

    def fault(report: Report) -> str:
        found = report.partition or (0,) * len(wanted)
        return "" if found == wanted else refusal(report, text_of(found))

    return fault


def window_fault(window: int, pairs: Sequence[tuple[int, int]], roster: Roster) -> Fault:
    """Return what tells whether windows are in force, those that are not to be kept."""

    def fault(report: Report) -> str:
        target = roster.named(report.daemon)
        personal, accelerated = pairs[target.number] if target else (KEEP, KEEP)
        windows = report.windows
        asked = (window, personal, accelerated)
        found = (windows.window, windows.personal, windows.accelerated)
        if all(ask in (KEEP, is_) for ask, is_ in zip(asked, found, strict=True)):
            return ""
        return refusal(report, f"windows {'/'.join(map(str, found))}; its log says why")

    return fault


def stop_fault(report: Report) -> str:
    """Tell whether a daemon that was to stop still answers."""
    if report.uptime_s < VERIFY_S + PATIENCE_S:
        return ""  # Somebody has started it again.
    return refusal(report, "no intention to stop: see its log")


def hash_fault(wanted: int) -> Fault:
    """Return what tells whether a daemon has a configuration of this hash."""

    def fault(report: Report) -> str:
        if report.configuration_hash in (0, wanted):
            return ""
        return f"its configuration has the hash {report.configuration_hash}, this one {wanted}"

    return fault
