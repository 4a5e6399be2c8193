"""What a daemon tells the log of itself: how it starts, what it found, what went wrong, its end."""

import os
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from typing import Final

from spread.config import Configuration
from spread.config.model import EventPriority, EventType
from spread.daemon.event_sink import EventSink
from spread.daemon.findings import Finding
from spread.daemon.membership.log import Trouble
from spread.daemon.network import configured_daemons
from spread.daemon.privileges import Notice
from spread.release import release
from spread.system import error_text

__all__ = ["DaemonLog"]

TROUBLES: Final = ("dropped_", "unsent_")
"""How the names of counters begin that tell what datagrams were not taken or not sent."""

TRAFFIC: Final = ("frames_in", "deliveries", "sessions_accepted")


class DaemonLog:
    """Words and filters of these events."""

    def __init__(self, log: EventSink, configuration: Configuration) -> None:
        self._log = log
        self._configuration = configuration

    def configured(self, configuration: Configuration) -> None:
        """Another configuration is in force."""
        self._configuration = configuration

    def tell(self, wording: str, /, **fields: str | int) -> None:
        """Tell everybody something of the daemon as a whole."""
        self._log.event(EventType.PRINT, EventPriority.PRINT, wording, lines=(), **fields)

    def starts(self, warnings: Iterable[str]) -> None:
        """The daemon starts with a configuration that has these warnings."""
        configuration = self._configuration
        self.tell("daemon starts", version=release(), process=os.getpid())
        self.tell("configuration", file=configuration.path or "none, --local")
        for warning in warnings:
            self._log.event(EventType.CONFIGURATION, EventPriority.WARNING, warning)
        for number, segment in enumerate(configuration.segments):
            self._tell_configuration(
                "segment",
                number=number,
                address=segment.address,
                port=segment.port,
                daemons=len(segment.daemons),
                lines=[f"  {each.name} {each.address}" for each in segment.daemons],
            )
        self._tell_configuration("configuration hash", hash=configuration.hash)
        me = configuration.me
        self._tell_configuration(
            "own entry", name=me.name, address=me.address, port=configuration.segment.port
        )

    def faults(self, found: Finding) -> None:
        """Faults are made for tests."""
        self._warn(EventType.PRINT | EventType.NETWORK, found.wording, **found.fields)

    def findings(self, found: Iterable[Finding]) -> None:
        """This was found about sockets and the size of datagrams."""
        for each in found:
            self._log.event(
                EventType.NETWORK | EventType.CONFIGURATION,
                EventPriority.WARNING if each.is_warning else EventPriority.INFO,
                each.wording,
                lines=(),
                **each.fields,
            )

    def privileges(self, notices: Iterable[Notice], *, is_change: bool) -> None:
        """As whom the daemon runs; who is root without a user of its own must see it."""
        kinds = EventType.SECURITY | (EventType.PRINT if is_change else EventType(0))
        for each in notices:
            self._log.event(kinds, EventPriority.WARNING, each.wording, **each.fields)

    def metrics_served(self, address: str, port: int) -> None:
        """Metrics can be fetched."""
        self.tell("metrics served", address=address, port=port)
        if not IPv4Address(address).is_loopback:
            wording = "metrics are open to everybody who can connect"
            self._warn(EventType.PRINT | EventType.SECURITY, wording, address=address, port=port)

    def ring_time_lost(self, directory: str | None, error: OSError) -> None:
        """The time of the last ring could not be kept for the next start."""
        self._warn(
            EventType.PRINT | EventType.MEMBERSHIP,
            "time of the ring not kept",
            directory=directory,
            reason=error.strerror,
        )

    def send_failed(self, cause: str, count: int, error: int, target: int) -> None:
        """Datagrams to the daemon with this number, or to the segment, were not sent."""
        daemons = configured_daemons(self._configuration)
        self._warn(
            EventType.PRINT | EventType.NETWORK,
            "datagrams not sent",
            cause=cause,
            count=count,
            target=daemons[target].name if target < len(daemons) else "segment",
            reason=error_text(error) if error else "",
        )

    def connection_refused(self, reason: str) -> None:
        """A client was not let in."""
        self._warn(EventType.SESSION, "connection refused", reason=reason)

    def stopped(self, counters: dict[str, int]) -> None:
        """The daemon has ended in order; what went wrong is told where it did."""
        wrong = {
            name: counters[name]
            for name in sorted(counters)
            if counters[name] and (name.startswith(TROUBLES) or name.upper() in Trouble.__members__)
        }
        self.tell("daemon stopped", **{name: counters[name] for name in TRAFFIC}, **wrong)

    def _tell_configuration(
        self, wording: str, /, *, lines: Sequence[str] = (), **fields: str | int
    ) -> None:
        self._log.event(EventType.CONFIGURATION, EventPriority.INFO, wording, lines=lines, **fields)

    def _warn(self, kinds: EventType, wording: str, /, **fields: object) -> None:
        self._log.event(kinds, EventPriority.WARNING, wording, lines=(), **fields)
