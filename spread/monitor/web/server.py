"""The web server: where it listens, uvicorn around the site, and its orderly end.

A connection that sends no request for a while is closed, and so is one whose page does not read;
both are counted. Nothing of a request is logged, since its address may hold the token.
"""

import asyncio
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Self

import h11
import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from spread.errors import ArgumentError, ConfigurationError
from spread.monitor.web.access import Access, is_local, new_token
from spread.monitor.web.app import site
from spread.monitor.web.board import Board
from spread.monitor.web.sight import Watch
from spread.monitor.web.streams import Counts, Streams

__all__ = ["PORT", "Place", "serve"]

PORT: Final = 8803

_PLACE: Final = re.compile(
    r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<four>[^:\[\]]*))(?::(?P<port>\d{1,5}))?"
)

CONNECTIONS_MAX: Final = 256

SILENT_MAX_S: Final = 10.0
"""A connection must send its first request within this time."""

SEND_BUFFER: Final = 256 * 1024
"""Bytes that the system may keep for a page that does not read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen."""

    address: str = "127.0.0.1"
    port: int = PORT
    is_exact: bool = False
    """Whether no other port will do."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that `ADDRESS:PORT`, `ADDRESS` or `:PORT` names.

        An IPv6 address stands in brackets. Raises ArgumentError for anything else.
        """
        found = _PLACE.fullmatch(text)
        port = int(found["port"] or PORT) if found else -1
        if found is None or not 0 <= port <= 65535:
            raise ArgumentError(
                f"--bind {text}: give ADDRESS:PORT, such as 0.0.0.0:{PORT} or [::1]:{PORT}"
            )
        address = found["six"] or found["four"] or "127.0.0.1"
        return cls(address, port, is_exact=found["port"] is not None)

    def open(self) -> socket.socket:
        """Return a listening socket; ConfigurationError if the place is not to be had."""
        try:
            return _listen(self.address, self.port)
        except OSError as error:
            if self.is_exact or self.port == 0:
                raise ConfigurationError(
                    f"cannot listen on {self.address}:{self.port}: {error.strerror or error}; "
                    "choose another place with --bind ADDRESS:PORT"
                ) from error
        return Place(self.address, 0).open()


def serve(
    watching: AbstractAsyncContextManager[Watch],
    place: Place,
    *,
    token: str | None = None,
    hosts: frozenset[str] = frozenset(),
    say: Callable[[str], None] = print,
) -> None:
    """Serve the page until a signal says stop.

    Without a `token` one is made if other hosts can reach the page. `say` gets the lines for the
    operator.
    """
    listener = place.open()
    try:
        is_open = not is_local(place.address)
        made = token or (new_token() if is_open else None)
        access = Access(made, None if is_open else hosts)
        _introduce(listener, place, made, say, is_open=is_open)
        asyncio.run(_serve(watching, listener, access))
    finally:
        listener.close()


def _introduce(
    listener: socket.socket,
    place: Place,
    token: str | None,
    say: Callable[[str], None],
    *,
    is_open: bool,
) -> None:
    port = listener.getsockname()[1]
    if place.port not in (0, port):
        say(f"port {place.port} is taken; using {port}")
    shown = f"[{place.address}]" if ":" in place.address else place.address
    if place.address in ("0.0.0.0", "::"):
        shown = socket.gethostname()
    query = f"?token={token}" if token else ""
    say(f"open http://{shown}:{port}/{query}")
    if is_open:
        say(
            "the page is sent unencrypted: where others can listen, bind it to 127.0.0.1 and "
            "forward the port with ssh, or put a TLS proxy before it"
        )


async def _serve(
    watching: AbstractAsyncContextManager[Watch], listener: socket.socket, access: Access
) -> None:
    async with watching as watch:
        await _serve_watch(watch, listener, access)


async def _serve_watch(watch: Watch, listener: socket.socket, access: Access) -> None:
    streams = Streams()
    connections: dict[object, asyncio.Transport] = {}

    def drop(scope: Scope) -> None:
        transport = connections.get(tuple(scope["client"] or ()))
        if transport is not None:
            transport.abort()

    board = Board(watch, streams)
    config = uvicorn.Config(
        site(board, access, drop),
        http=_protocol(connections, streams.counts),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, streams)
    watching = asyncio.create_task(board.run())
    watching.add_done_callback(lambda _: server.stop())
    try:
        with server.stopped_by_signals():
            await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


class _Server(uvicorn.Server):
    """Uvicorn that ends its endless answers before it waits for answers to end."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

    def stop(self) -> None:
        """End in order."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: `stopped_by_signals` has them."""
        yield

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM end the server in order, where signals can be had."""

        def stop(*_: object) -> None:
            self.stop()

        try:
            before = {
                number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)
            }
        except ValueError:  # Not the main thread: whoever runs this has other ways.
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all pages' streams, then the rest in order."""
        self._streams.close()
        await super().shutdown(sockets)


def _protocol(connections: dict[object, asyncio.Transport], counts: Counts) -> type[H11Protocol]:
    """Return a protocol whose connections can be found by the address of their client."""

    class Protocol(H11Protocol):
        """HTTP on one connection, which must come to the point."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            connections[self.client] = transport
            self._impatience = self.loop.call_later(SILENT_MAX_S, self._close_if_silent)

        def connection_lost(self, exc: Exception | None) -> None:
            self._impatience.cancel()
            connections.pop(self.client, None)
            super().connection_lost(exc)

        def _close_if_silent(self) -> None:
            if self.conn.their_state is h11.IDLE:
                counts.silent += 1
                self.transport.abort()

    return Protocol


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        listener.bind((address, port))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener
