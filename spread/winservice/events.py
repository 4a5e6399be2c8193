"""Which events of the daemon go to the Windows event log, and as what.

With a log file of its own the daemon tells there what goes wrong, and that it begins and ends; the
file has the rest. Without one it tells everything there that the options let pass.
"""

import logging
from typing import Final

from spread.config.model import EventPriority
from spread.eventlog_format import priority_of

__all__ = ["ERROR", "INFORMATION", "WARNING", "is_worth_telling", "kind_of"]

ERROR, WARNING, INFORMATION = 1, 2, 4
"""Kinds of events, as ReportEvent counts them."""

MARKS: Final = frozenset({"daemon starts", "daemon ready", "daemon stopped"})


def kind_of(record: logging.LogRecord) -> int:
    """Return what an event is shown as."""
    priority = priority_of(record)
    if priority in (EventPriority.PRINT, EventPriority.INFO, EventPriority.DEBUG):
        return INFORMATION
    return WARNING if priority is EventPriority.WARNING else ERROR


def is_worth_telling(record: logging.LogRecord, *, has_file: bool) -> bool:
    """Tell whether an event belongs in the Windows event log."""
    return not has_file or kind_of(record) != INFORMATION or record.msg in MARKS
