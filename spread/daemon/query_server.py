"""Answers queries, the extension of the monitor protocol: a question in, JSON in datagrams out.

Answers are made of what was published; nothing here asks the ring's thread. A question that is
not understood, or has no answer, is answered with a sentence. What depends on nothing but the
last snapshot is made once for all who ask before the next one.
"""

import json
from collections.abc import Callable
from typing import Final

from spread.daemon.event_ring import EventRing
from spread.daemon.group_pages import COUNT_MAX, GroupPages
from spread.daemon.observer import State
from spread.daemon.reporting import Reports
from spread.errors import ArgumentError, SpreadError
from spread.monitor.queries import Kind, Query, cut, encode_error, fold
from spread.monitor.report import to_json, to_json_list

__all__ = ["Answer", "QueryServer"]

OFFSET_MAX: Final = 1 << 31
NUMBER_MAX: Final = 1 << 62

MADE_MAX: Final = 16
"""Answers that are kept until the next snapshot, which comes in a second."""

_KEPT: Final = frozenset({Kind.REPORT, Kind.GROUPS, Kind.SESSIONS})

Answer = Callable[[Query, State], bytes]
"""Returns the JSON of an answer; SpreadError says why there is none."""


class QueryServer:
    """Answers by kind; used by the watching thread only."""

    def __init__(
        self, address: str, reports: Reports, groups: GroupPages, events: EventRing
    ) -> None:
        """`address` is the daemon's main address, by which askers know who answers."""
        self._address = address
        self._groups = groups
        self._events = events
        self._made: dict[tuple[int, str], bytes] = {}
        self._made_of: State | None = None
        self._kinds: dict[int, Answer] = {
            Kind.REPORT: lambda _, state: to_json(state.report),
            Kind.GROUPS: self._page,
            Kind.SESSIONS: lambda _, state: to_json_list(reports.slowest(state.snapshot)),
            Kind.EVENTS: self._page_of_events,
        }

    def add(self, kind: Kind, answer: Answer) -> None:
        """Know how to answer one more kind of query."""
        self._kinds[kind] = answer

    def answer(self, query: Query, state: State) -> tuple[bytes, ...]:
        """Return the datagrams of the reply."""
        answer = self._kinds.get(query.kind)
        if answer is None:
            sentence = f"this daemon does not know queries of kind {query.kind}"
            return encode_error(query, sentence, self._address)
        try:
            return cut(query, self._folded(answer, query, state), self._address)
        except SpreadError as error:
            return self.refuse(query, error)

    def reply(self, query: Query, json_text: bytes) -> tuple[bytes, ...]:
        """Return the datagrams of an answer that was made elsewhere."""
        return cut(query, fold(json_text), self._address)

    def refuse(self, query: Query, error: SpreadError) -> tuple[bytes, ...]:
        """Return the datagrams that say why there is no answer."""
        return encode_error(query, str(error), self._address)

    def _folded(self, answer: Answer, query: Query, state: State) -> bytes:
        if query.kind not in _KEPT:
            return fold(answer(query, state))
        if state is not self._made_of:
            self._made.clear()
            self._made_of = state
        key = (query.kind, json.dumps(query.arguments, sort_keys=True))
        folded = self._made.get(key)
        if folded is None:
            folded = fold(answer(query, state))
            if len(self._made) < MADE_MAX:
                self._made[key] = folded
        return folded

    def _page(self, query: Query, _: State) -> bytes:
        prefix = query.arguments.get("prefix", "")
        if not isinstance(prefix, str):
            raise ArgumentError("prefix must be text")
        offset = number_of(query, "offset", default=0, most=OFFSET_MAX)
        count = number_of(query, "count", default=COUNT_MAX, most=COUNT_MAX)
        return to_json(self._groups.page(offset, count, prefix))

    def _page_of_events(self, query: Query, _: State) -> bytes:
        return to_json(self._events.page(number_of(query, "after", default=0, most=NUMBER_MAX)))


def number_of(query: Query, name: str, *, default: int, most: int) -> int:
    """Return an argument that is a number from 0 to `most`; ArgumentError if it is none."""
    value = query.arguments.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ArgumentError(f"{name} must be a number from 0 to {most}, not {value!r:.40}")
    return value
