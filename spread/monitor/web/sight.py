"""What is known of all daemons of a configuration at one moment."""

from dataclasses import dataclass
from typing import Final, Protocol

from spread.monitor.flight_file import FlightFile
from spread.monitor.rates import History
from spread.monitor.report import GroupPage, Report, SessionLine

__all__ = ["GONE_S", "LATE_S", "Seen", "Sight", "Watch"]

LATE_S: Final = 1.4
"""Daemons are asked once a second: one that did not answer for so long has missed a question."""

GONE_S: Final = 3.0
"""From here on it is no single lost datagram any more."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A daemon of the configuration, and what it told in the last minute."""

    name: str
    address: str
    port: int
    history: History
    silent_s: float | None = None
    """How long ago its last answer came; None if none ever came."""
    segment: int = 0
    is_classic: bool = False
    is_refused: bool = False
    """Whether its host says that nobody listens at its port."""
    why_silent: str = ""
    """Why it may not answer; empty while it does."""
    checks: tuple[str, ...] = ()
    """What to look at then, the likeliest first."""

    @property
    def report(self) -> Report | None:
        """Its last report, however old."""
        last = self.history.last
        return last.report if last is not None else None

    @property
    def is_answering(self) -> bool:
        """Whether it answered of late."""
        return self.silent_s is not None and self.silent_s < LATE_S and not self.is_refused


@dataclass(frozen=True, slots=True)
class Sight:
    """All daemons, in the order of the configuration."""

    time_s: float
    """Seconds since 1970, by the clock of this host."""
    seen: tuple[Seen, ...]
    now_s: float = 0.0
    """Seconds of a clock that never goes back."""
    unexpected: int = 0
    """Datagrams so far that were no answer to what was asked."""

    def named(self, name: str) -> Seen | None:
        """Return the daemon of that name."""
        return next((each for each in self.seen if each.name == name), None)


class Watch(Protocol):
    """What the page needs of whoever asks the daemons."""

    def look(self) -> Sight:
        """Return what is known now."""

    async def changed(self) -> None:
        """Wait until something has come in."""

    async def groups(self, daemon: str, offset: int, count: int, prefix: str) -> GroupPage:
        """Return groups as `daemon` knows them; PeerError if it does not answer in time."""

    async def sessions(self, daemon: str) -> tuple[SessionLine, ...]:
        """Return the slowest sessions of `daemon`; PeerError if it does not answer in time."""

    async def trace(self, daemon: str, packets: int) -> FlightFile:
        """Return the end of what `daemon` recorded; PeerError if it does not answer in time."""
