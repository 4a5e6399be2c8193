"""The daemon at one moment, taken once a second by the ring's thread for those who watch it.

    ring's thread: Publisher.publish -> Snapshot -> observer's queue
    watching thread: `reporting` makes a Report of it

The ring's thread copies numbers and references, nothing else: what a Snapshot refers to is never
changed afterwards, and everything that takes time (names, JSON) is left to the other thread.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from spread.daemon.groups import Groups, Stage
from spread.daemon.sessions import Session, SessionTable
from spread.daemon.view_history import ViewHistory
from spread.monitor.report import View

if TYPE_CHECKING:
    from spread._datagrams import Datagrams
    from spread._node import Node
    from spread._snapshot import Snapshots
    from spread.daemon.membership.machine import Membership

__all__ = ["PUBLISH_NS", "Identity", "Publisher", "SlowSession", "Snapshot", "Sources"]

PUBLISH_NS: Final = 1_000_000_000
"""Between two snapshots."""

COUNTED_NS: Final = 1_000
"""One microsecond: the unit in which the publisher's own time is told."""


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
    loaded_s: float
    dangerous_monitor: bool


@dataclass(frozen=True, slots=True)
class SlowSession:
    """A session for which something waits."""

    session: Session
    messages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the ring's thread hands over; times on the monotonic clock unless they end in `_s`."""

    identity: Identity
    now_ns: int
    time_s: float
    state: str
    stage: Stage
    ring: tuple[int, int]
    members: tuple[int, ...]
    views: tuple[View, ...]
    counters: dict[str, int]
    ring_gauges: dict[str, int]
    peers: tuple[tuple[int, int, int], ...]
    troubles: Mapping[int, tuple[str, int]]
    histograms: tuple[tuple[int, ...], ...]
    windows: tuple[tuple[int, int, int], tuple[int, int, int], bool, int]
    partition: tuple[int, ...]
    slowest: tuple[SlowSession, ...]
    groups: int


class Sink(Protocol):
    """Takes a snapshot and returns at once."""

    def __call__(self, snapshot: Snapshot, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the numbers are; used by the ring's thread only."""

    node: "Node"
    snapshots: "Snapshots"
    groups: Groups
    sessions: SessionTable
    views: ViewHistory
    ring: tuple[int, int]
    """Id of the ring of a daemon without peers, as unsigned numbers."""
    membership: "Membership | None" = None
    datagrams: "Datagrams | None" = None


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
        self._sink(self._take(start_ns))
        self._published += 1
        self._spent_ns += self._clock_ns() - start_ns

    def _take(self, now_ns: int) -> Snapshot:
        sources = self._sources
        counters = sources.node.statistics()
        if sources.datagrams is not None:
            counters |= sources.datagrams.statistics()
        counters["snapshots"] = self._published
        counters["snapshot_us"] = self._spent_ns // COUNTED_NS
        membership = sources.membership
        troubles: Mapping[int, tuple[str, int]] = {}
        members: tuple[int, ...] = (0,)
        state, ring = "OP", sources.ring
        if membership is not None:
            counters |= membership.counters
            state, ring, members = membership.state.name, membership.ring, membership.members
            troubles = dict(membership.troubles)
        return Snapshot(
            identity=self.identity,
            now_ns=now_ns,
            time_s=self._wall_clock(),
            state=state,
            stage=sources.groups.stage,
            ring=ring,
            members=members,
            views=sources.views.views,
            counters=counters,
            ring_gauges=sources.node.ring_statistics(),
            peers=tuple(sources.snapshots.peers()),
            troubles=troubles,
            histograms=sources.snapshots.histograms(),
            windows=sources.snapshots.windows(),
            partition=sources.snapshots.partition(),
            slowest=self._slowest(),
            groups=len(sources.groups),
        )

    def _slowest(self) -> tuple[SlowSession, ...]:
        sessions = self._sources.sessions
        found = []
        for slot, messages, size in self._sources.snapshots.slowest_sessions():
            session = sessions.at(slot)
            if session is not None:
                found.append(SlowSession(session, messages, size))
        return tuple(found)
