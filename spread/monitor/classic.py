"""The status record of a classic daemon as a report.

A record has numbers where a report has names: members are not in it, only how many there are. Its
figures take the names that they have in reports, see `spread.counters`.
"""

from typing import Final

from spread.monitor.protocol import StatusRecord
from spread.monitor.report import Report, RingName, Windows
from spread.monitor.roster import Roster, Target

__all__ = ["GROUP_STATES", "STATES", "name_of", "report_of_status"]

STATES: Final = {1: "OP", 2: "SEG", 3: "REPRESENTED", 4: "GATHER", 5: "FORM", 6: "EVS"}
GROUP_STATES: Final = {1: "GOP", 2: "GTRANS", 3: "GGATHER", 4: "GGT"}

_NOBODY: Final = "0.0.0.0"


def name_of(address: str, roster: Roster) -> str:
    """Return the name of the daemon with this address; the address if nobody has it."""
    target = roster.at(address)
    return target.name if target is not None else address


def report_of_status(record: StatusRecord, target: Target, roster: Roster) -> Report:
    """Return what a status record says, as a report with the counters that it has."""
    return Report(
        daemon=target.name,
        address=target.identity,
        port=target.port,
        segment=target.segment,
        release=f"Spread {record.major_version}.{record.minor_version}.{record.patch_version}",
        uptime_s=float(record.sec),
        state=STATES.get(record.state, str(record.state)),
        group_state=GROUP_STATES.get(record.gstate, str(record.gstate)),
        ring=RingName("" if record.leader_id == _NOBODY else name_of(record.leader_id, roster)),
        sessions=record.num_sessions,
        groups=record.num_groups,
        windows=Windows(
            record.window,
            record.personal_window,
            record.accelerated_window,
            record.accelerated_ring == 1,
        ),
        counters={
            "tokens": record.token_rounds,
            "token_resends": record.token_hurry,
            "packets_sent": record.packet_sent,
            "packets_received": record.packet_recv,
            "messages_delivered": record.message_delivered,
            "retransmitted": record.retrans,
            "installs": record.membership_changes,
        },
        gauges={
            "members": float(record.num_procs),
            "segments": float(record.num_segments),
            "round": float(record.token_rounds),
            "aru": float(record.my_aru),
            "stable": float(record.aru),
            "seq": float(record.highest_seq),
        },
    )
