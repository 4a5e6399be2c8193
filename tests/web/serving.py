"""The page's server as it runs for an operator, in a thread, over a made-up ring."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx

from spread.monitor.web.place import Place
from spread.monitor.web.server import Server
from spread.monitor.web.sight import Watch
from tests.daemon.harness.waiting import DEADLINE

__all__ = ["Site", "served"]


@dataclass
class Site:
    """A running server."""

    server: Server

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str = "/", **arguments: object) -> httpx.Response:
        return httpx.get(f"{self.address}{path}", timeout=DEADLINE, **arguments)  # type: ignore[arg-type]

    def connect(self, *, buffer: int | None = None) -> socket.socket:
        """Return a connection; `buffer` is the size of its receive buffer."""
        sock = socket.socket()
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.settimeout(DEADLINE)
        sock.connect(("127.0.0.1", self.port))
        return sock


@contextmanager
def served(
    watch: Watch, *, address: str = "127.0.0.1", port: int = 0, **arguments: object
) -> Iterator[Site]:
    """Serve the page of a ring, at any free port by default."""

    @asynccontextmanager
    async def watching() -> AsyncIterator[Watch]:
        yield watch

    server = Server(watching(), Place(address, port, is_exact=True), **arguments)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield Site(server)
    finally:
        server.stop()
        thread.join(DEADLINE)
        assert not thread.is_alive()
