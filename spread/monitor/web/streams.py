"""Server-sent events to many pages: one text for all, a bounded queue for each.

    publish(text) --> queue of each page --> the page's connection, as fast as it reads

A page that does not read lets its queue fill. Then it is dropped: its connection is closed, and it
may open a new one, which begins with the present. What it missed is of no use to it any more.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["QUEUE_MAX", "STREAMS_MAX", "Counts", "Stream", "Streams", "event_text"]

QUEUE_MAX: Final = 8
"""Texts that may wait for one page; one is made a second."""

STREAMS_MAX: Final = 64
"""Pages that may be open at a time."""


@dataclass(slots=True)
class Counts:
    """What became of pages and connections so far: the `web_...` of `spread.counters`."""

    opened: int = 0
    refused: int = 0
    dropped: int = 0
    silent: int = 0
    unread: int = 0
    displaced: int = 0
    turned_away: int = 0


@dataclass(eq=False, slots=True)
class Stream:
    """One open page."""

    drop: Callable[[], None]
    """Closes the connection at once, whatever is still to be written."""
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(QUEUE_MAX))

    async def texts(self) -> AsyncIterator[str]:
        """Yield texts as they are published."""
        while True:
            yield await self.queue.get()


class Streams:
    """All open pages; used in the thread of the event loop only."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._open: set[Stream] = set()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, drop: Callable[[], None]) -> Stream | None:
        """Open a page's stream; None if there are too many."""
        if len(self._open) >= STREAMS_MAX:
            self.counts.refused += 1
            return None
        self.counts.opened += 1
        stream = Stream(drop)
        self._open.add(stream)
        return stream

    def remove(self, stream: Stream) -> None:
        """Forget a page that has gone."""
        self._open.discard(stream)

    def publish(self, text: str) -> None:
        """Queue a text for every page; those whose queue is full are dropped."""
        for stream in list(self._open):
            try:
                stream.queue.put_nowait(text)
            except asyncio.QueueFull:
                self.counts.dropped += 1
                self._open.discard(stream)
                stream.drop()

    def close(self) -> None:
        """Close the connections of all pages."""
        for stream in list(self._open):
            stream.drop()


def event_text(name: str, data: str) -> str:
    """Return an event as it goes over the wire; `data` has no line ends, as JSON text has none."""
    return f"event: {name}\ndata: {data}\n\n"
