"""Snapshots made into reports, in the watching thread."""

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Final

from spread.counters import counters_in, gauges_in
from spread.daemon.groups import Stage
from spread.daemon.snapshot import Identity, SlowSession, Snapshot
from spread.monitor.report import Latency, Peer, Report, RingName, SessionLine, Windows

__all__ = ["report_of", "session_line"]

SLOWEST_MAX: Final = 8
"""Sessions that a report names."""

TROUBLE_NS: Final = 120_000_000_000
"""A trouble that did not come again for so long is over."""

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
NS_PER_US: Final = 1_000

STATES: Final = {"GATHER_ALIVE": "GATHER"}
"""States of membership whose classic name is another; the others have their own."""

GROUP_STATES: Final = {
    Stage.OPERATIONAL: "GOP",
    Stage.TRANSITIONAL: "GTRANS",
    Stage.GATHERING: "GGATHER",
    Stage.INTERRUPTED: "GGT",
}

NOTHING: Final[Mapping[str, int]] = {}


def report_of(snapshot: Snapshot, counters: Mapping[str, int] = NOTHING) -> Report:
    """Return the report of a snapshot with further counters, without the judgements of health."""
    identity = snapshot.identity
    figures = snapshot.counters | snapshot.ring_gauges | dict(counters)
    figures["rotation_us"] = snapshot.ring_gauges["rotation_ns"] // NS_PER_US
    return Report(
        daemon=identity.daemon,
        address=identity.address,
        port=identity.port,
        segment=identity.segments[identity.me],
        release=identity.release,
        process=identity.process,
        time_s=snapshot.time_s,
        uptime_s=(snapshot.now_ns - identity.started_ns) / NS_PER_S,
        state=STATES.get(snapshot.state, snapshot.state),
        group_state=GROUP_STATES[snapshot.stage],
        ring=_ring_name(snapshot.ring, identity),
        members=tuple(identity.names[each] for each in snapshot.members),
        views=snapshot.views,
        peers=_peers(snapshot, identity),
        sessions=snapshot.counters["sessions"],
        slowest=tuple(
            session_line(each, snapshot.now_ns) for each in snapshot.slowest[:SLOWEST_MAX]
        ),
        groups=snapshot.groups,
        windows=_windows(snapshot),
        latency=Latency(*snapshot.histograms[:2]),
        rotation=snapshot.histograms[2],
        lateness=snapshot.histograms[3],
        counters=counters_in(figures),
        gauges=gauges_in(figures),
        configuration_file=identity.configuration_file,
        configuration_hash=identity.configuration_hash,
        ring_hash=identity.ring_hash,
        loaded_s=identity.loaded_s,
        dangerous_monitor=identity.dangerous_monitor,
        partition=snapshot.partition,
    )


def session_line(slow: SlowSession, now_ns: int) -> SessionLine:
    """Return a session for which something waits as reports show it."""
    session = slow.session
    return SessionLine(
        name=session.private_group.decode("utf-8", "replace"),
        host=session.address,
        queued_messages=slow.messages,
        queued_bytes=slow.bytes,
        age_s=(now_ns - session.opened_ns) / NS_PER_S,
    )


def _ring_name(ring: tuple[int, int], identity: Identity) -> RingName:
    leader, time = ring
    address = str(IPv4Address(leader))
    for name, each in zip(identity.names, identity.addresses, strict=True):
        if each == address:
            return RingName(name, time)
    return RingName(address, time)


def _peers(snapshot: Snapshot, identity: Identity) -> tuple[Peer, ...]:
    result = []
    for number, (received, missed, heard_ns) in enumerate(snapshot.peers):
        if number == identity.me:
            continue
        trouble, told_ns = snapshot.troubles.get(number, ("", 0))
        result.append(
            Peer(
                name=identity.names[number],
                address=identity.addresses[number],
                segment=identity.segments[number],
                is_member=number in snapshot.members,
                heard_ms=(snapshot.now_ns - heard_ns) // NS_PER_MS if heard_ns else None,
                missed=missed,
                received=received,
                trouble=trouble if snapshot.now_ns - told_ns < TROUBLE_NS else "",
            )
        )
    return tuple(result)


def _windows(snapshot: Snapshot) -> Windows:
    base, _, is_accelerated, scale_percent = snapshot.windows
    return Windows(*base, is_accelerated=is_accelerated, scale_percent=scale_percent)
