"""Connections of the page's server: each must come to the point, and none keeps others out.

    asking      until a request is there with its body: `Patience.request_s`, for each anew
    answering   until its answer has been made and read: `Patience.answer_s`
    lasting     a page's stream has no end; its queue says when it does not read

A connection whose time is over is closed at once, whatever is still to be written to it. If as many
are open as may be, the one that has been asking longest makes room. All of them are counted.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final

import h11
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from spread.monitor.web.streams import Counts

__all__ = ["CONNECTIONS_MAX", "Connections", "Patience"]

CONNECTIONS_MAX: Final = 256
"""More than pages may be open: a browser has some for each."""


STREAM_BUFFER: Final = 32 * 1024
"""Bytes that wait for a page in this process, and about twice in the system: some pictures."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a connection may take."""

    request_s: float = 10.0
    """From the end of the answer before it, or from the beginning, to the end of a request."""
    answer_s: float = 30.0
    """From there to the end of its answer; to ask a daemon takes seconds at most."""


class _Phase(Enum):
    ASKING = "asking"
    ANSWERING = "answering"
    LASTING = "lasting"


class Connections:
    """All connections of a server, in the order in which they were opened."""

    def __init__(
        self, counts: Counts, patience: Patience | None = None, *, most: int = CONNECTIONS_MAX
    ) -> None:
        self.counts = counts
        self.patience = patience or Patience()
        self._most = most
        self._open: dict[object, _Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def protocol(self) -> type[H11Protocol]:
        """Return the protocol that each connection is to speak."""
        connections = self

        class Protocol(_Connection):
            """HTTP on one connection of these."""

            _connections = connections

        return Protocol

    def last(self, scope: Scope) -> None:
        """Let the answer to a request go on without an end."""
        self._with(scope, lambda connection: connection.last())

    def drop(self, scope: Scope) -> None:
        """Close the connection of a request, whatever is still to be written to it."""
        self._with(scope, lambda connection: connection.transport.abort())

    def opened(self, connection: "_Connection") -> None:
        """Take a connection in; another one makes room for it, or there is none."""
        self._open[connection.client] = connection
        if len(self._open) > self._most:
            self.counts.displaced += 1
            asking = (each for each in self._open.values() if each.is_asking)
            self._close(min(asking, key=lambda each: each.since_s, default=connection))

    def closed(self, connection: "_Connection") -> None:
        """Forget a connection that has gone."""
        if self._open.get(connection.client) is connection:
            del self._open[connection.client]

    def _close(self, connection: "_Connection") -> None:
        self.closed(connection)
        connection.transport.abort()

    def _with(self, scope: Scope, do: "Callable[[_Connection], None]") -> None:
        connection = self._open.get(tuple(scope["client"] or ()))
        if connection is not None:
            do(connection)


class _Connection(H11Protocol):
    """HTTP on one connection, which has its time for each part."""

    _connections: Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.access_log = False  # Whatever handlers there are: addresses may hold the token.
        self._phase: _Phase | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self.since_s = 0.0
        self._look()
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._begin(None, 0.0)
        self._connections.closed(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        self._look()

    def on_response_complete(self) -> None:
        self._phase = None  # What follows has its own time, also if it has been sent already.
        super().on_response_complete()
        self._look()

    @property
    def is_asking(self) -> bool:
        """Whether a request is awaited, or its end."""
        return self._phase is _Phase.ASKING

    def last(self) -> None:
        """The answer that is being made has no end."""
        self._begin(_Phase.LASTING, 0.0)
        # Else the system would keep megabytes, many minutes of a stream, for who does not read.
        self.transport.set_write_buffer_limits(STREAM_BUFFER)
        with suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, STREAM_BUFFER
            )

    def _look(self) -> None:
        """Give the connection its time if it is at something else than before."""
        patience = self._connections.patience
        # A single byte must not give more time, or a trickle holds the connection for ever.
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            if self._phase is not _Phase.ASKING:
                self._begin(_Phase.ASKING, patience.request_s)
        elif self._phase in (None, _Phase.ASKING):
            self._begin(_Phase.ANSWERING, patience.answer_s)

    def _begin(self, phase: _Phase | None, seconds: float) -> None:
        self._phase = phase
        self.since_s = self.loop.time()
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self.loop.call_later(seconds, self._give_up) if seconds else None

    def _give_up(self) -> None:
        if self.is_asking:
            self._connections.counts.silent += 1
        else:
            self._connections.counts.unread += 1
        self.transport.abort()
