"""Snapshots made into reports, in the watching thread."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import Final

from spread.counters import counters_in, gauges_in
from spread.daemon.groups import Stage
from spread.daemon.membership.table import State
from spread.daemon.sessions import Session
from spread.daemon.snapshot import Snapshot
from spread.daemon.strangers import CAUSES
from spread.monitor.report import (
    Latency,
    Peer,
    Report,
    RingName,
    SessionLine,
    Stranger,
    Windows,
)

__all__ = ["Named", "Reports"]

SLOWEST_MAX: Final = 8
"""Sessions that a report names."""

TROUBLE_NS: Final = 120_000_000_000
"""A trouble that did not come again for so long is over."""

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
NS_PER_US: Final = 1_000

ALONE: Final[tuple[int, ...]] = (0,)

STATES: Final = {State.GATHER_ALIVE: "GATHER"}
"""States of membership whose classic name is another; the others have their own."""

GROUP_STATES: Final = {
    Stage.OPERATIONAL: "GOP",
    Stage.TRANSITIONAL: "GTRANS",
    Stage.GATHERING: "GGATHER",
    Stage.INTERRUPTED: "GGT",
}

Named = Callable[[bytes], Session | None]
"""Returns the session with this private group; any thread may ask."""


class Reports:
    """Makes reports; used by the watching thread only."""

    def __init__(self, named: Named) -> None:
        self._named = named

    def report(self, snapshot: Snapshot, counters: Mapping[str, int]) -> Report:
        """Return the report of a snapshot with further counters, without judgements of health."""
        identity, figures = snapshot.identity, snapshot.figures
        numbers = figures.counters() | figures.gauges() | dict(counters)
        numbers["snapshots"] = snapshot.published
        numbers["snapshot_us"] = snapshot.spent_ns // NS_PER_US
        if snapshot.membership is not None:
            numbers |= snapshot.membership.counters
        agreed, safe, rotation, lateness = figures.histograms()
        base, most, is_accelerated, scale_percent = figures.windows()
        return Report(
            daemon=identity.daemon,
            address=identity.address,
            port=identity.port,
            segment=identity.segments[identity.me],
            release=identity.release,
            process=identity.process,
            time_s=snapshot.time_s,
            # The first report is made before the loop has looked at its clock.
            uptime_s=max(0, figures.now_ns - identity.started_ns) / NS_PER_S,
            state=_state(snapshot),
            is_looking=snapshot.state is State.GATHER_ALIVE,
            group_state=GROUP_STATES[snapshot.groups.stage],
            ring=_ring_name(snapshot),
            members=tuple(identity.names[each] for each in _members(snapshot)),
            views=snapshot.views,
            peers=_peers(snapshot),
            strangers=_strangers(snapshot),
            sessions=numbers["sessions"],
            slowest=self.slowest(snapshot)[:SLOWEST_MAX],
            groups=len(snapshot.groups),
            windows=Windows(*base, is_accelerated, scale_percent, *most),
            latency=Latency(agreed, safe),
            rotation=rotation,
            lateness=lateness,
            counters=counters_in(numbers),
            gauges=gauges_in(numbers),
            configuration_file=identity.configuration_file,
            configuration_hash=identity.configuration_hash,
            ring_hash=identity.ring_hash,
            network_changed_s=identity.network_changed_s,
            dangerous_monitor=identity.dangerous_monitor,
            partition=figures.partition(),
        )

    def slowest(self, snapshot: Snapshot) -> tuple[SessionLine, ...]:
        """Return the sessions for which most bytes wait, at most a hundred."""
        return tuple(
            self._line(name, messages, size, snapshot.figures.now_ns)
            for name, messages, size in snapshot.figures.slowest()
        )

    def _line(self, private_group: bytes, messages: int, size: int, now_ns: int) -> SessionLine:
        session = self._named(private_group)
        return SessionLine(
            name=private_group.decode("utf-8", "replace"),
            host="" if session is None else session.address,
            queued_messages=messages,
            queued_bytes=size,
            age_s=0.0 if session is None else (now_ns - session.opened_ns) / NS_PER_S,
        )


def _state(snapshot: Snapshot) -> str:
    if snapshot.state is None:
        return "OP"
    return STATES.get(snapshot.state, snapshot.state.name)


def _members(snapshot: Snapshot) -> tuple[int, ...]:
    """Return the numbers of the daemons in the installed ring; a daemon without peers is one."""
    return ALONE if snapshot.installed is None else snapshot.installed.numbers


def _ring_name(snapshot: Snapshot) -> RingName:
    identity = snapshot.identity
    if snapshot.installed is None:
        return snapshot.views[-1].ring if snapshot.views else RingName()
    leader, time = snapshot.installed.ring
    address = str(IPv4Address(leader))
    for name, each in zip(identity.names, identity.addresses, strict=True):
        if each == address:
            return RingName(name, time)
    return RingName(address, time)


def _peers(snapshot: Snapshot) -> tuple[Peer, ...]:
    identity, now_ns = snapshot.identity, snapshot.figures.now_ns
    members = _members(snapshot)
    troubles = {} if snapshot.membership is None else dict(snapshot.membership.troubles)
    result = []
    for number, (received, missed, heard_ns) in enumerate(snapshot.figures.peers()):
        if number == identity.me or number >= len(identity.names):
            continue
        name, trouble, told_ns = troubles.get(number, ("", "", 0))
        is_over = now_ns - told_ns >= TROUBLE_NS
        result.append(
            Peer(
                name=identity.names[number],
                address=identity.addresses[number],
                segment=identity.segments[number],
                is_member=number in members,
                heard_ms=max(now_ns - heard_ns, 0) // NS_PER_MS if heard_ns else None,
                missed=missed,
                received=received,
                trouble="" if is_over else trouble,
                trouble_name="" if is_over else name,
            )
        )
    return tuple(result)


def _strangers(snapshot: Snapshot) -> tuple[Stranger, ...]:
    if snapshot.strangers is None:
        return ()
    now_ns = snapshot.figures.now_ns
    return tuple(
        Stranger(
            address=str(IPv4Address(source)),
            counter=CAUSES[cause].counter,
            told_s=max(0, now_ns - told_ns) / NS_PER_S,
        )
        for cause, source, told_ns in snapshot.strangers.latest
    )
