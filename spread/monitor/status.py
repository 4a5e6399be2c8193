"""A report as the classic status record, and the other way round for classic daemons.

The record has numbers where the report has names and lists; what the record has no field for stays
at its default in the report that is made of it.
"""

from collections.abc import Mapping
from typing import Final

from spread.monitor.protocol import StatusRecord, StatusReply
from spread.monitor.report import Report, RingName, Windows

__all__ = ["GROUP_STATES", "STATES", "report_of", "status_record"]

STATES: Final[Mapping[str, int]] = {
    "OP": 1,
    "SEG": 2,
    "REPRESENTED": 3,
    "GATHER": 4,
    "FORM": 5,
    "EVS": 6,
}
"""Number of each state of the daemon membership, as classic monitors show it."""

GROUP_STATES: Final[Mapping[str, int]] = {"GOP": 1, "GTRANS": 2, "GGATHER": 3, "GGT": 4}
"""Number of each state of the groups."""

_COUNTERS: Final = {
    "packet_sent": "packets_made",
    "packet_recv": "packets_received",
    "packet_delivered": "packets_delivered",
    "retrans": "retransmitted",
    "b_retrans": "retransmitted",  # To all of the ring; no other kind exists here.
    "token_hurry": "token_resends",
    "message_delivered": "messages_delivered",
    "membership_changes": "installs",
}
"""Fields of the record and the counters that fill them."""

_GAUGES: Final = {"aru": "stable", "my_aru": "aru", "highest_seq": "seq", "token_rounds": "round"}

_NOT_NEW: Final = ("duplicates", "out_of_range")
"""Of the packets received, those that the classic daemon does not count."""

_VERSION: Final = (4, 4, 0)
"""The release whose record this is; monitors refuse, or misread, that of another."""


def status_record(
    report: Report, *, addresses: Mapping[str, str], segments: Mapping[str, int]
) -> StatusRecord:
    """Return the record of a report; both maps are by the names of configured daemons."""
    numbers = {field: report.counters.get(name, 0) for field, name in _COUNTERS.items()}
    numbers["packet_recv"] -= sum(report.counters.get(name, 0) for name in _NOT_NEW)
    numbers |= {field: int(report.gauges.get(name, 0)) for field, name in _GAUGES.items()}
    members, leader = report.members, report.ring.leader
    if len(addresses) == 1:
        # Alone in its configuration it has the ring that it was made with.
        numbers["membership_changes"] = 1
    elif numbers["membership_changes"] == 0:
        members, leader = (), ""
    major, minor, patch = _VERSION
    return StatusRecord(
        sec=int(report.uptime_s),
        state=STATES.get(report.state, 0),
        gstate=GROUP_STATES.get(report.group_state, 0),
        my_id=report.address,
        leader_id=addresses.get(leader, leader) or "0.0.0.0",
        num_procs=len(members),
        num_segments=len({segments.get(each, -1) for each in members}),
        window=report.windows.window,
        personal_window=report.windows.personal,
        accelerated_ring=int(report.windows.is_accelerated),
        accelerated_window=report.windows.accelerated,
        num_sessions=report.sessions,
        num_groups=report.groups,
        major_version=major,
        minor_version=minor,
        patch_version=patch,
        **numbers,
    )


def report_of(reply: StatusReply, *, names: Mapping[str, str], now_s: float) -> Report:
    """Return what a classic daemon's status reply tells; `names` are by main address."""
    record = reply.record
    counters = {name: getattr(record, field) & 0xFFFFFFFF for field, name in _COUNTERS.items()}
    counters["packets_sent"] = counters["packets_made"] + counters["retransmitted"]
    return Report(
        daemon=names.get(record.my_id, record.my_id),
        address=record.my_id,
        release=f"{record.major_version}.{record.minor_version}.{record.patch_version}",
        time_s=now_s,
        uptime_s=float(record.sec),
        state=_name_of(STATES, record.state),
        group_state=_name_of(GROUP_STATES, record.gstate),
        ring=RingName(names.get(record.leader_id, record.leader_id)),
        sessions=record.num_sessions,
        groups=record.num_groups,
        windows=Windows(
            window=record.window,
            personal=record.personal_window,
            accelerated=record.accelerated_window,
            is_accelerated=bool(record.accelerated_ring),
        ),
        counters=counters,
        gauges={name: float(getattr(record, field)) for field, name in _GAUGES.items()}
        | {"ring_daemons": float(record.num_procs), "ring_segments": float(record.num_segments)},
    )


def _name_of(numbers: Mapping[str, int], number: int) -> str:
    return next((name for name, each in numbers.items() if each == number), str(number))
