"""Where the control plane logs its decisions: what it needs of an event log."""

from collections.abc import Sequence
from typing import Protocol

from spread.config.model import EventPriority, EventType

__all__ = ["EventSink"]


class EventSink(Protocol):
    """Where control decisions are logged; an `EventLog` is one."""

    def event(
        self,
        types: EventType,
        priority: EventPriority,
        wording: str,
        /,
        *,
        lines: Sequence[str] = (),
        **fields: object,
    ) -> None:
        """Write one event: fixed wording, then fields, then further lines."""
