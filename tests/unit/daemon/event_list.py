"""A log that is a list of events."""

from collections.abc import Sequence
from dataclasses import dataclass

from spread.config.model import EventPriority, EventType

__all__ = ["EventList", "ToldEvent"]


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """All that was told of an event."""

    types: EventType
    priority: EventPriority
    wording: str
    lines: tuple[str, ...]
    fields: dict[str, object]


class EventList:
    """Keeps all events."""

    def __init__(self) -> None:
        self.told: list[ToldEvent] = []

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
        self.told.append(ToldEvent(types, priority, wording, tuple(lines), fields))

    @property
    def events(self) -> list[tuple[str, dict[str, object]]]:
        """Wording and fields of each."""
        return [(each.wording, each.fields) for each in self.told]

    @property
    def wordings(self) -> list[str]:
        return [each.wording for each in self.told]
