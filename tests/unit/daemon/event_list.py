"""A log that is a list of events."""

from collections.abc import Sequence

from spread.config.model import EventPriority, EventType

__all__ = ["EventList"]


class EventList:
    """Keeps wording and fields of each event."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

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
        del types, priority, lines
        self.events.append((wording, fields))
