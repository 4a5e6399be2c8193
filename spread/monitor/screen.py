"""What the interactive monitor shows for a status reply: a block of lines.

The labels and their order are those of Spread's monitor. The last line compares with the reply
before of the *same* daemon. States have their names beside the numbers.
"""

from typing import Final

from spread.monitor.protocol import StatusRecord
from spread.monitor.report import Report
from spread.monitor.roster import Roster
from spread.monitor.status import status_record

__all__ = ["RULE", "block", "record_of"]

_STATES: Final = ("?", "OP", "SEG", "REPRESENTED", "GATHER", "FORM", "EVS")
_GROUP_STATES: Final = ("?", "GOP", "GTRANS", "GGATHER", "GGT")
_WIDTH: Final = 26
RULE: Final = "=" * 28


def block(record: StatusRecord, before: StatusRecord | None, roster: Roster) -> list[str]:
    """Return the lines for one reply; `before` is what that daemon said the last time."""
    before = before or StatusRecord()
    version = f"{record.major_version}.{record.minor_version}.{record.patch_version}"
    seconds = record.sec - before.sec
    windows = f"{record.personal_window}/{record.accelerated_window}"
    return [
        RULE,
        f"Status at {_name(record.my_id, roster)} V {version} "
        f"(state {record.state} {_word(_STATES, record.state)}, "
        f"gstate {record.gstate} {_word(_GROUP_STATES, record.gstate)}) "
        f"after {record.sec} seconds :",
        f"Membership : {record.num_procs} procs in {record.num_segments} segments, "
        f"leader is {_name(record.leader_id, roster)}, "
        f"{'accelerated' if record.accelerated_ring == 1 else 'regular'} protocol",
        _line(
            ("rounds", record.token_rounds),
            ("tok_hurry", record.token_hurry),
            ("memb change", record.membership_changes),
        ),
        _line(
            ("sent pack", record.packet_sent),
            ("recv pack", record.packet_recv),
            ("retrans", record.retrans),
        ),
        _line(
            ("u retrans", record.u_retrans),
            ("s retrans", record.s_retrans),
            ("b retrans", record.b_retrans),
        ),
        _line(("My_aru", record.my_aru), ("Aru", record.aru), ("Highest seq", record.highest_seq)),
        _line(
            ("Sessions", record.num_sessions),
            ("Groups", record.num_groups),
            ("Window", record.window),
        ),
        _line(
            ("Deliver M", record.message_delivered),
            ("Deliver Pk", record.packet_delivered),
            ("P/A Window", windows),
        ),
        _line(
            ("Delta Mes", record.message_delivered - before.message_delivered),
            ("Delta Pk", record.aru - before.aru),
            ("Delta sec", seconds),
        ),
        RULE,
    ]


def record_of(report: Report, roster: Roster) -> StatusRecord:
    """Return what a report says as the record that the screen shows."""
    return status_record(
        report,
        addresses={each.name: each.identity for each in roster.targets},
        segments={each.name: each.segment for each in roster.targets},
    )


def _line(*values: tuple[str, int | str]) -> str:
    return "".join(f"{label:<12}: {value}".ljust(_WIDTH) for label, value in values).rstrip()


def _word(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 < number < len(names) else "?"


def _name(address: str, roster: Roster) -> str:
    target = roster.at(address)
    return target.name if target is not None else address
