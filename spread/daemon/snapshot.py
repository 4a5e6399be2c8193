"""The daemon at one moment, taken once a second by the ring's thread for those who watch it.

    ring's thread: Publisher.publish -> Snapshot -> observer's queue
    watching thread: `reporting` makes a Report of it

The ring's thread copies memory and references, nothing else; everything that takes time (names,
numbers as Python has them, JSON) is left to the other thread. A second is long enough for all of
this to have left the caches, so what is done here in few steps is done in little time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from spread.daemon.groups import Groups
from spread.daemon.strangers import Strangers
from spread.daemon.view_history import ViewHistory
from spread.monitor.report import View

if TYPE_CHECKING:
    from spread._snapshot import Figures, Snapshots
    from spread.daemon.membership.configuration import RingMembers
    from spread.daemon.membership.machine import Membership
    from spread.daemon.membership.table import State

__all__ = ["PUBLISH_NS", "Identity", "Publisher", "Sink", "Snapshot", "Sources"]

PUBLISH_NS: Final = 1_000_000_000
"""Between two snapshots."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What of a report stays the same while a configuration is in force."""

    daemon: str
    address: str
    port: int
    names: tuple[str, ...]
    """Of all daemons by number, like the next two."""
    addresses: tuple[str, ...]
    segments: tuple[int, ...]
    me: int
    release: str
    process: int
    started_ns: int
    configuration_file: str
    configuration_hash: int
    ring_hash: int
    network_changed_s: float
    dangerous_monitor: bool


class Snapshot(NamedTuple):
    """What the ring's thread hands over; nothing in it changes any more, but what says so."""

    identity: Identity
    figures: "Figures"
    time_s: float
    """Seconds since 1970."""
    views: tuple[View, ...]
    published: int
    """Snapshots before this one, and how long they took together."""
    spent_ns: int
    groups: Groups
    """Others read the stage and the number of groups: each is a look at one thing."""
    membership: "Membership | None"
    """Others read counters and troubles: they grow, and each is whole."""
    state: "State | None"
    """Of membership, if there are peers, like the installed ring."""
    installed: "RingMembers | None"
    strangers: Strangers | None
    """Others read the latest ones, which never change."""


Sink = Callable[[Snapshot], None]
"""Takes a snapshot and returns at once."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the numbers are; used by the ring's thread only."""

    snapshots: "Snapshots"
    groups: Groups
    views: ViewHistory
    membership: "Membership | None" = None
    strangers: Strangers | None = None


class Publisher:
    """Takes snapshots; one object for the life of the daemon, used by the ring's thread."""

    def __init__(
        self,
        sources: Sources,
        identity: Identity,
        sink: Sink,
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.identity = identity
        """Whose snapshots these are; set it anew when a configuration comes into force."""
        self._sources = sources
        self._sink = sink
        self._clock_ns = clock_ns
        self._wall_clock = wall_clock
        self._published = 0
        self._spent_ns = 0

    def publish(self) -> None:
        """Take a snapshot and hand it over."""
        start_ns = self._clock_ns()
        sources, membership = self._sources, self._sources.membership
        self._sink(
            Snapshot(
                self.identity,
                sources.snapshots.take(),
                self._wall_clock(),
                sources.views.views,
                self._published,
                self._spent_ns,
                sources.groups,
                membership,
                None if membership is None else membership.state,
                None if membership is None else membership.installed,
                sources.strangers,
            )
        )
        self._published += 1
        self._spent_ns += self._clock_ns() - start_ns
