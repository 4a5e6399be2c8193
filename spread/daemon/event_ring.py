"""The last events of the log, kept for those who watch, whatever the log's filters let pass.

Sessions come and go in numbers that clients choose, so their events have a ring of their own and
do not push out what happened to the daemon. Nor do monitors by asking: that they were answered is
not kept. Events are noted by any thread, in the order of their numbers; they are made into text
only when somebody asks.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import count
from operator import attrgetter
from threading import Lock
from typing import Final

from spread.config.model import EventPriority, EventType
from spread.daemon.event_sink import EventSink
from spread.eventlog_format import field_text
from spread.monitor.report import EventLine, EventPage, to_json

__all__ = ["EVENTS_MAX", "EventRing", "Follow"]

Follow = Callable[[EventType, EventPriority, str], None]
"""Is told of each event that is kept, as one line."""

EVENTS_MAX: Final = 1000
"""Events that are kept of each of the two kinds."""

PAGE_MAX: Final = 200
"""Events of one answer."""

PAGE_SIZE: Final = 64 * 1024
"""Bytes of JSON of one answer, whatever the events tell; one event is always told."""

LINES_MAX: Final = 20

TEXT_MAX: Final = 500
"""Characters of a field's value, and of a line: some of them come from clients."""


@dataclass(frozen=True, slots=True)
class _Event:
    number: int
    time_s: float
    types: EventType
    priority: EventPriority
    wording: str
    lines: tuple[str, ...]
    fields: dict[str, object]


class EventRing:
    """Keeps events and hands them on to the log."""

    def __init__(self, log: EventSink, clock: Callable[[], float] = time.time) -> None:
        """`clock` tells seconds since 1970."""
        self._log = log
        self._clock = clock
        self._lock = Lock()
        self._numbers = count(1)
        self._events: deque[_Event] = deque(maxlen=EVENTS_MAX)
        self._sessions: deque[_Event] = deque(maxlen=EVENTS_MAX)
        self._follow: Follow | None = None

    def follow(self, follow: Follow | None) -> None:
        """Have each event told as it happens, by the thread that it happens in; None for nobody."""
        self._follow = follow

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
        """Tell the log of an event, and note it if it tells something of the daemon.

        What is for finding defects does not, nor what was told to monitors.
        """
        self._log.event(types, priority, wording, lines=lines, **fields)
        is_answer = types is EventType.STATUS and priority is EventPriority.INFO
        if is_answer or priority is EventPriority.DEBUG:
            return
        if self._follow is not None:
            self._follow(types, priority, _text(wording, fields, lines))
        kept = self._sessions if types is EventType.SESSION else self._events
        with self._lock:
            kept.append(
                _Event(
                    next(self._numbers),
                    self._clock(),
                    types,
                    priority,
                    wording,
                    tuple(lines[:LINES_MAX]),
                    fields,
                )
            )

    def page(self, after: int) -> EventPage:
        """Return events whose numbers are larger than `after`, oldest first, a page of them."""
        with self._lock:
            events, sessions = list(self._events), list(self._sessions)
        kept = list(merge(events, sessions, key=attrgetter("number")))
        later = [each for each in kept if each.number > after]
        lines: list[EventLine] = []
        room = PAGE_SIZE
        for line in map(_line, later[:PAGE_MAX]):
            room -= len(to_json(line)) + 1
            if lines and room < 0:
                break
            lines.append(line)
        return EventPage(last=kept[-1].number if kept else 0, events=tuple(lines))


def _text(wording: str, fields: dict[str, object], lines: Sequence[str]) -> str:
    named = (f"{name}={field_text(value)}" for name, value in fields.items())
    listed = "; ".join(each.strip() for each in lines[:LINES_MAX])
    return " ".join([wording, *named]) + (f": {listed}" if listed else "")


def _line(event: _Event) -> EventLine:
    return EventLine(
        number=event.number,
        time_s=event.time_s,
        types=tuple(each.name for each in EventType if each in event.types and each.name),
        priority=event.priority.name,
        wording=event.wording,
        fields={name: str(value)[:TEXT_MAX] for name, value in event.fields.items()},
        lines=tuple(each[:TEXT_MAX] for each in event.lines),
    )
