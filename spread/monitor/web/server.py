"""The web server: uvicorn around the site, what it says to the operator, and its orderly end.

Nothing of a request is logged, since its address may hold the token.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import Final

import uvicorn

from spread.monitor.web.access import Access, is_local, new_token
from spread.monitor.web.app import site
from spread.monitor.web.board import Board
from spread.monitor.web.connections import CONNECTIONS_MAX, Connections, Patience
from spread.monitor.web.place import Place
from spread.monitor.web.sight import Watch
from spread.monitor.web.streams import Streams

__all__ = ["Server"]

UNENCRYPTED: Final = (
    "the page is sent unencrypted: where others can listen, bind it to 127.0.0.1 and forward the "
    "port with ssh, or put a TLS proxy before it"
)


class Server:
    """The page of one ring at one place."""

    def __init__(
        self,
        watching: AbstractAsyncContextManager[Watch],
        place: Place,
        *,
        token: str | None = None,
        hosts: frozenset[str] = frozenset(),
        patience: Patience | None = None,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        """Listen at `place`; raises ConfigurationError if it is not to be had.

        Without a `token` one is made if other hosts can reach the page. `hosts` are further names
        for a page that only this host can reach.
        """
        self._place = place
        self._is_open = not is_local(place.address)
        self.token = token or (new_token() if self._is_open else None)
        self._access = Access(self.token, None if self._is_open else hosts)
        self._watching = watching
        self._listener = place.open()
        self._serving: _Uvicorn | None = None
        self._is_stopping = False
        self.streams = Streams()
        self.connections = Connections(self.streams.counts, patience, most=connections_max)

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self._listener.getsockname()[1])

    def introduction(self) -> list[str]:
        """Return what the operator has to know, in lines."""
        lines = []
        if self._place.port not in (0, self.port):
            lines.append(f"port {self._place.port} is taken; using {self.port}")
        query = f"?token={self.token}" if self.token else ""
        lines.append(f"open {self._place.shown(self.port)}{query}")
        return [*lines, UNENCRYPTED] if self._is_open else lines

    def run(self) -> None:
        """Serve until `stop`, or until a signal says so."""
        try:
            asyncio.run(self._run())
        finally:
            self._listener.close()

    def stop(self) -> None:
        """End in order; may be called from any thread."""
        self._is_stopping = True
        if self._serving is not None:
            self._serving.should_exit = True

    async def _run(self) -> None:
        async with self._watching as watch:
            board = Board(watch, self.streams)
            self._serving = _Uvicorn(self._settings(board), self.streams)
            self._serving.should_exit = self._is_stopping
            looking = asyncio.create_task(board.run())
            looking.add_done_callback(lambda _: self.stop())
            try:
                with _stopped_by_signals(self.stop):
                    await self._serving.serve(sockets=[self._listener])
            finally:
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking

    def _settings(self, board: Board) -> uvicorn.Config:
        return uvicorn.Config(
            site(board, self._access, self.connections),
            http=self.connections.protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )


class _Uvicorn(uvicorn.Server):
    """Uvicorn that ends its endless answers before it waits for answers to end."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: `_stopped_by_signals` has them."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all pages' streams, then the rest in order."""
        self._streams.close()
        await super().shutdown(sockets)


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the server in order, where signals can be had."""
    try:
        before = {
            number: signal.signal(number, lambda *_: stop())
            for number in (signal.SIGINT, signal.SIGTERM)
        }
    except ValueError:  # Not the main thread: whoever runs this has other ways.
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
