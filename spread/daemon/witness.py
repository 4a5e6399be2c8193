"""What happens to a daemon, for its log and its activity file: clients and memberships.

session_opened, session_closed  ->  activity file
ring_installed                  ->  log event `membership` and its listing; activity file
"""

import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address

from spread.config import Configuration
from spread.config.model import EventPriority, EventType
from spread.daemon.activity import ActivityFile, ActivityRecorder
from spread.daemon.event_sink import EventSink
from spread.daemon.network import configured_daemons, segment_numbers
from spread.daemon.ring_time import as_signed
from spread.daemon.sessions import Session

__all__ = ["DaemonWitness"]


class DaemonWitness:
    """Tells the log, and the activity file if there is one."""

    def __init__(
        self,
        configuration: Configuration,
        log: EventSink,
        activity: ActivityFile | None,
        *,
        sequence: Callable[[], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`sequence` gives the highest sequence number of the ring, `clock` seconds since 1970."""
        self.configured(configuration)
        self._log = log
        self._activity = activity
        self._recorder = None if activity is None else ActivityRecorder(activity, clock, sequence)
        self._sequence = sequence
        self._clock = clock
        self._id = int(IPv4Address(configuration.me.address))
        self._follow: Callable[[tuple[int, int], Sequence[int]], None] | None = None
        self.own_time = 0
        """Largest time in the ids of rings that bear this daemon's address."""

    def follow_rings(self, follow: Callable[[tuple[int, int], Sequence[int]], None]) -> None:
        """Tell `follow` of each ring that is installed: its id, the numbers of its members."""
        self._follow = follow

    def configured(self, configuration: Configuration) -> None:
        """Know daemons by the numbers that they have in this configuration."""
        self._daemons = configured_daemons(configuration)
        self._segments = list(segment_numbers(configuration))

    def started(self) -> None:
        """The daemon is about to serve."""
        if self._activity is not None:
            self._activity.started(self._clock())

    def alive(self) -> None:
        """Some time has passed; the daemon still lives."""
        if self._activity is not None:
            self._activity.alive(self._clock(), self._sequence())

    def session_opened(self, session: Session, now_ns: int) -> None:
        """A client has been let in."""
        if self._recorder is not None:
            self._recorder.session_opened(session, now_ns)

    def session_closed(self, session: Session, undelivered: int) -> None:
        """A client is gone; so many messages were not delivered."""
        if self._recorder is not None:
            self._recorder.session_closed(session, undelivered)

    def ring_named(self, ring: tuple[int, int]) -> None:
        """Ids of groups begin with this id, unsigned, from here on."""
        leader, ring_time = ring
        if leader == self._id:
            self.own_time = max(self.own_time, ring_time)

    def ring_installed(self, ring: tuple[int, int], members: Sequence[int]) -> None:
        """A ring is in force: its id as unsigned numbers, and the numbers of its members."""
        leader, ring_time = ring
        if self._follow is not None:
            self._follow(ring, members)
        self._log.event(
            EventType.PRINT | EventType.MEMBERSHIP,
            EventPriority.PRINT,
            "membership",
            leader=as_signed(leader),
            time=as_signed(ring_time),
            daemons=len(members),
            lines=[self._listed(member) for member in members],
        )
        if self._activity is not None:
            present = [number in members for number in range(len(self._daemons))]
            self._activity.membership(self._clock(), ring_time, self._sequence(), present)

    def _listed(self, member: int) -> str:
        daemon = self._daemons[member]
        line = f"  {daemon.name} {daemon.address}"
        several = self._segments[-1] > 0
        return f"{line} in segment {self._segments[member]}" if several else line
