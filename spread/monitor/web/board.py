"""The present picture of the ring, and its pieces for every open page.

Watch -> look, once a second or when somebody's state changes -> Feed -> Streams
a page that opens   -> opening: everything so far
a page that asks    -> groups, sessions: questions to one daemon
"""

import asyncio
from contextlib import suppress
from typing import Any, Final

from spread.errors import PeerError
from spread.monitor.flight_file import FlightFile, Kind
from spread.monitor.report import GroupPage, SessionLine
from spread.monitor.trace import Filter, timeline
from spread.monitor.web.feed import Feed, Page, to_text
from spread.monitor.web.sight import Sight, Watch
from spread.monitor.web.streams import Streams, event_text

__all__ = ["TICK_S", "Board"]

TICK_S: Final = 1.0
"""Between two pictures, unless something happens."""

LOOK_S: Final = 0.2
"""Between two looks at whether something has happened; silence is no event that comes in."""

TRACE_PACKETS: Final = 600
TRACE_PACKETS_ALL: Final = 20_000
"""Packets of one daemon and of all daemons in a trace: it is made while everybody waits."""

TRACE_ENTRIES: Final = 500
"""Entries of a trace; a page with more of them is nothing to read."""

HIDDEN: Final = frozenset({Kind.PING.name})
"""Kinds that are left out: an idle ring has hardly anything else."""

QUESTIONS_MAX: Final = 8
"""Questions of pages that may be open at a time; more wait for their turn."""


class Board:
    """What is known, and whom to ask for more; lives in one event loop."""

    def __init__(self, watch: Watch, streams: Streams) -> None:
        self.streams = streams
        self.sight: Sight | None = None
        """The last look."""
        self._watch = watch
        self._feed = Feed()
        self.page: Page | None = None
        """What was made of it."""
        self._told_s = float("-inf")
        self._questions = asyncio.Semaphore(QUESTIONS_MAX)
        self._tracing = asyncio.Lock()

    async def run(self) -> None:
        """Look at the ring until cancelled."""
        while True:
            self.take(self._watch.look())
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._watch.changed()

    def take(self, sight: Sight) -> None:
        """Publish a picture if it is time to, or if somebody's state is another one."""
        before, self.sight = self.sight, sight
        if sight.now_s - self._told_s < TICK_S and _likeness(before) == _likeness(sight):
            return
        self._told_s = sight.now_s
        page = self._feed.take(sight)
        self.page = page
        if not self.streams:
            return
        if page.story is not None:
            self.streams.publish(event_text("story", to_text(page.story)))
        self.streams.publish(event_text("tick", to_text(page.picture.tick())))

    def opening(self) -> str:
        """Return the events that a page which opens needs first."""
        parts = [("past", self._feed.past()), ("story", self._feed.story())]
        if self.page is not None:
            parts.append(("tick", self.page.picture.tick()))
        return "".join(event_text(name, to_text(data)) for name, data in parts)

    async def groups(self, daemon: str, offset: int, count: int, prefix: str) -> GroupPage:
        """Return groups as a daemon knows them; by default one that answers."""
        chosen = self._chosen(daemon)
        async with self._questions:
            return await self._watch.groups(chosen, offset, count, prefix)

    async def sessions(self, daemon: str) -> tuple[SessionLine, ...]:
        """Return the slowest sessions of a daemon."""
        chosen = self._chosen(daemon)
        async with self._questions:
            return await self._watch.sessions(chosen)

    async def trace(self, kinds: frozenset[str]) -> dict[str, Any]:
        """Return what the daemons recorded last as one timeline, and who could not tell."""
        seen = self.sight.seen if self.sight is not None else ()
        names = [each.name for each in seen if each.is_answering and not each.is_classic]
        if not names:
            raise PeerError("no daemon answers that could tell")
        packets = min(TRACE_PACKETS, TRACE_PACKETS_ALL // len(names))
        # One at a time: several of them would hold up the pages.
        async with self._tracing:
            told = await asyncio.gather(*(self._record_of(each, packets) for each in names))
            files = [each for each in told if isinstance(each, FlightFile)]
            entries = await asyncio.to_thread(
                timeline, files, Filter(kinds=kinds, hidden=HIDDEN), most=TRACE_ENTRIES
            )
        return {"entries": entries, "silent": [each for each in told if isinstance(each, str)]}

    async def _record_of(self, daemon: str, packets: int) -> FlightFile | str:
        """Return what a daemon recorded, or why there is nothing of it."""
        async with self._questions:
            try:
                return await self._watch.trace(daemon, packets)
            except PeerError as error:
                return f"{daemon}: {error}"

    def _chosen(self, daemon: str) -> str:
        seen = self.sight.seen if self.sight is not None else ()
        if daemon:
            if all(each.name != daemon for each in seen):
                raise PeerError(f"the configuration has no daemon {daemon!r:.40}")
            return daemon
        able = (each.name for each in seen if each.is_answering and not each.is_classic)
        chosen = next(able, None)
        if chosen is None:
            raise PeerError("no daemon answers that could tell")
        return chosen


def _likeness(sight: Sight | None) -> object:
    """Return what must be shown at once when it changes."""
    if sight is None:
        return None
    return [
        (seen.is_answering, report.state, report.ring) if report is not None else None
        for seen in sight.seen
        for report in (seen.report,)
    ]
