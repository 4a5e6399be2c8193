"""The asyncio driver of one session: bytes between a transport and the client protocol.

Inbound, the event loop reads straight into the decoder's buffer, and messages stay there as bytes
until the application asks. When whole messages of more than `inbox_size` bytes wait, reading pauses
until half of that is left; the daemon then notices, as with any client that lags behind.

Outbound, the first frame of a turn of the event loop is written at once. Those that follow in the
same turn are collected and written together at its end: one system call for a burst.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from spread.client.address import DaemonAddress
from spread.client.handshake import ConnectRequest
from spread.client.protocol import ClientProtocol
from spread.client.sockets import HAS_UNIX_SOCKETS
from spread.client.stream import connect_failure_text
from spread.errors import AddressError, ConnectError, ProtocolError, SpreadError

__all__ = ["Link", "open_link"]

# Frames collected in one turn are written when they are this many bytes: enough for a system call
# to be cheap, little enough to be no burden.
_BATCH_SIZE = 64 * 1024


class Link(asyncio.BufferedProtocol):
    """One session on one connection."""

    def __init__(self, request: ConnectRequest, inbox_size: int) -> None:
        self.protocol = ClientProtocol(request)
        self.next_message = self.protocol.next_message
        self.is_paused = False
        """Whether reading waits for the application; see `resume_if_room`."""
        self.is_congested = False
        """Whether the application should wait for `drained` before it sends more."""
        self.end: SpreadError | None = None
        """Why there will be no more bytes; None as long as there may be."""
        self.on_lost: Callable[[Link], None] | None = None
        """Called when an open session ends without `leave`."""
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._inbox_size = inbox_size
        self._transport: asyncio.Transport | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._batch: list[bytes] | None = None
        self._batch_size = 0
        self._is_leaving = False
        self._is_broken = False
        self._paused_at: float | None = None
        self._pause_s_max = 0.0

    # ---- Opening ----

    async def opened(self) -> None:
        """Wait for the end of the handshake; raise what it ended with."""
        await self._opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._transport.write(self.protocol.data_to_send())

    def _negotiate(self) -> None:
        assert self._transport is not None
        try:
            session = self.protocol.negotiate()
        except SpreadError as error:
            self._lose(error)
            return
        data = self.protocol.data_to_send()
        if data:
            self._transport.write(data)
        if session is not None and not self._opened.done():
            self._opened.set_result(None)

    # ---- Receiving ----

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the decoder knows better.
        """Give the event loop room to read into."""
        return self.protocol.decoder.writable()

    def buffer_updated(self, nbytes: int) -> None:
        """Take note of received bytes."""
        if self._is_leaving:
            return  # Read only to see the end of the stream; the bytes are overwritten.
        self.protocol.decoder.received(nbytes)
        if not self._opened.done():
            self._negotiate()
            return
        if self.protocol.decoder.buffered >= self._inbox_size:
            self._pause_if_full()
        self._wake()

    async def readable(self) -> None:
        """Wait until something may have arrived; at once when the session has ended."""
        if self.end is None:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def has_message(self) -> bool:
        """Tell whether `next_message` has something to return or to raise."""
        try:
            return not self._is_broken and self.protocol.decoder.missing() == 0
        except ProtocolError:
            return True

    def resume_if_room(self) -> None:
        """Go on reading if the application has caught up; to be called while `is_paused`."""
        assert self._transport is not None
        # What is left may be the beginning of a message larger than the inbox.
        has_room = 2 * self.protocol.decoder.buffered <= self._inbox_size or not self.has_message()
        if has_room and self.end is None:
            self.is_paused = False
            self._note_pause()
            self._transport.resume_reading()

    def _pause_if_full(self) -> None:
        # A single message larger than the inbox must be read to its end.
        assert self._transport is not None
        if not self.is_paused and self.has_message():
            self.is_paused = True
            self._paused_at = self._loop.time()
            self._transport.pause_reading()

    def _note_pause(self) -> None:
        if self._paused_at is not None:
            self._pause_s_max = max(self._pause_s_max, self._loop.time() - self._paused_at)
            self._paused_at = None

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # ---- Sending ----

    def send(self, frame: bytes) -> None:
        """Write a frame, now or at the end of this turn of the event loop."""
        assert self._transport is not None
        if self._batch is None:
            self._transport.write(frame)
            self._batch = []
            self._loop.call_soon(self._end_turn)
            return
        self._batch.append(frame)
        self._batch_size += len(frame)
        if self._batch_size >= _BATCH_SIZE:
            self._write_batch()

    async def drained(self) -> None:
        """Wait until the system has taken enough of what was sent."""
        while self.is_congested and self.end is None:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def pause_writing(self) -> None:
        """Take note that the system takes no more for the moment."""
        self.is_congested = True

    def resume_writing(self) -> None:
        """Take note that the system takes more."""
        self.is_congested = False
        self._wake()

    def _end_turn(self) -> None:
        self._write_batch()
        self._batch = None

    def _write_batch(self) -> None:
        assert self._transport is not None
        if self._batch:
            self._transport.write(b"".join(self._batch))
            self._batch = []
            self._batch_size = 0

    # ---- The end ----

    async def leave(self, linger_s: float) -> None:
        """Say goodbye and wait for the daemon to close, at most `linger_s` seconds.

        Everything sent before is with the daemon then; see the client protocol, "Last messages".
        """
        if self._transport is None or self.end is not None:
            return
        self._is_leaving = True
        self.send(self.protocol.goodbye())
        self._write_batch()
        with suppress(OSError):  # The daemon has gone already; `connection_lost` follows.
            self._transport.write_eof()
        if self.is_paused:
            self.is_paused = False
            self._transport.resume_reading()
        try:
            await asyncio.wait([self._closed], timeout=linger_s)
        finally:
            self._transport.abort()

    def abort(self) -> None:
        """Close the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end, whoever made it."""
        self._note_pause()
        if not self._closed.done():
            self._closed.set_result(None)
        if self.end is None:
            error = exc if isinstance(exc, OSError) else None
            self._lose(self.protocol.ended(error, self._pause_s_max))

    def fail(self, error: ProtocolError) -> None:
        """Give up a session whose bytes make no sense."""
        self._is_broken = True
        self.next_message = _nothing
        self._lose(error)

    def _lose(self, reason: SpreadError) -> None:
        self.end = reason
        self.abort()
        self._wake()
        if not self._opened.done():
            self._opened.set_exception(reason)
        elif self.on_lost is not None and not self._is_leaving:
            self.on_lost(self)


def _nothing() -> None:
    """Stand in for the decoder of a link whose bytes make no sense."""


async def open_link(
    address: DaemonAddress,
    request: ConnectRequest,
    inbox_size: int,
) -> Link:
    """Connect and complete the handshake.

    Raises AddressError, ConnectError, SessionRejectedError and its subclasses, SessionClosedError,
    ProtocolError. The caller bounds the time.
    """
    loop = asyncio.get_running_loop()
    link = Link(request, inbox_size)
    try:
        if address.host is None and HAS_UNIX_SOCKETS:
            await loop.create_unix_connection(lambda: link, address.socket_path)
        else:
            host = address.host or "localhost"
            await loop.create_connection(lambda: link, host, address.port, family=socket.AF_INET)
    except (socket.gaierror, UnicodeError) as error:
        raise AddressError(
            f"daemon address {str(address)!r}: the host has no IPv4 address ({error})"
        ) from error
    except OSError as error:
        raise ConnectError(connect_failure_text(address, error)) from error
    try:
        await link.opened()
    except BaseException:
        link.abort()
        raise
    return link
