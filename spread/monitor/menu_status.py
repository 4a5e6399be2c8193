"""The status of chosen daemons, as the interactive monitor shows it: asked for at once and again.

A classic status request goes to each daemon, and its reply to the own entry of the configuration.
Where this host has none, reports are asked for instead.
"""

from collections.abc import Callable
from typing import Final

from spread.monitor import commands
from spread.monitor.menu_reports import PATIENCE_S, Reports
from spread.monitor.protocol import StatusRecord, decode_status
from spread.monitor.report import Report
from spread.monitor.roster import Roster, Target
from spread.monitor.screen import block, record_of
from spread.monitor.sender import OddAnswerError, Source, Strange, sender_of
from spread.monitor.silence import silence_of
from spread.monitor.watch import Outgoing, Watched

__all__ = ["ChosenStatus"]

NEVER: Final = float("inf")


class ChosenStatus:
    """Whose status is asked for, and what came of it. What it returns are lines to show."""

    def __init__(
        self,
        roster: Roster,
        reports: Reports,
        *,
        reply_port: int,
        interval_s: float,
        now: Callable[[], float],
    ) -> None:
        self.chosen: list[Target] = []
        self._roster = roster
        self._reports = reports
        self._reply_port = reply_port
        self._interval_s = interval_s
        self._now = now
        self._next_s = NEVER
        self._asked_s = NEVER
        self._waiting: dict[str, Target] = {}  # By address.
        self._strange: dict[str, Strange] = {}  # By name.
        self._silent: set[str] = set()
        self._before: dict[str, StatusRecord] = {}
        self._said: list[str] = []

    @property
    def is_awaited(self) -> bool:
        """Whether a reply is still to come."""
        return bool(self._waiting)

    def next_deadline(self) -> float:
        """Return when to call `due`."""
        return min(self._next_s, self._asked_s + PATIENCE_S if self._waiting else NEVER)

    def choose(self, chosen: list[Target]) -> list[Outgoing]:
        """Show these from now on; return the requests for the first time."""
        self.chosen = chosen
        self._silent.clear()
        self._waiting = {}
        self._next_s = NEVER
        return self._ask() if chosen else []

    def due(self) -> list[Outgoing]:
        """Return the requests that are due, and note who had its time."""
        now_s = self._now()
        if self._waiting and now_s >= self._asked_s + PATIENCE_S:
            for target in list(self._waiting.values()):
                self._fall_silent(target, "")
        return self._ask() if now_s >= self._next_s else []

    def receive(self, data: bytes, source: Source) -> None:
        """Take a status reply; PeerError if it is none, or not of the daemon that it names."""
        reply = decode_status(data)
        try:
            target = sender_of(reply.daemon, source[0], self._roster)
        except OddAnswerError as error:
            self.note(source, error.strange)
            raise
        self._show(target, reply.record)

    def note(self, source: Source, strange: Strange) -> None:
        """Keep what came from where a daemon was asked, to say it if nothing else comes."""
        for target in self._waiting.values():
            if target.address == source[0]:
                self._strange[target.name] = strange

    def failed(self, address: str, port: int, reason: str) -> None:
        """Take what the system says of datagrams to an address."""
        for target in list(self._waiting.values()):
            if (target.address, target.port) == (address, port):
                self._fall_silent(target, reason)

    def take_said(self) -> list[str]:
        """Return what there is to show, once."""
        said, self._said = self._said, []
        return said

    def _ask(self) -> list[Outgoing]:
        self._asked_s = self._now()
        self._next_s = self._asked_s + self._interval_s
        self._waiting = {each.identity: each for each in self.chosen}
        self._strange.clear()
        if self._roster.own is not None:
            return commands.status(self.chosen, self._roster, self._reply_port)
        return self._reports.ask(self.chosen, self._roster, self._show_report)

    def _show_report(self, target: Target, report: Report) -> None:
        self._show(target, record_of(report, self._roster))

    def _show(self, target: Target, record: StatusRecord) -> None:
        self._waiting.pop(target.identity, None)
        self._silent.discard(target.name)
        self._said += block(record, self._before.get(target.name), self._roster)
        self._before[target.name] = record

    def _fall_silent(self, target: Target, reason: str) -> None:
        """Say once that a daemon does not answer, and what to check."""
        self._waiting.pop(target.identity, None)
        if target.name in self._silent:
            return
        self._silent.add(target.name)
        watched = Watched(
            target,
            silent_since_s=self._now(),
            trouble=reason,
            strange=self._strange.get(target.name),
        )
        silence = silence_of(watched, self._roster)
        self._said += [
            f"{target.name} does not answer: {silence.sentence}",
            *(f"    check: {each}" for each in silence.checks),
        ]
