"""The asyncio mailbox: the twin of `spread.Mailbox` for programs with an event loop.

A mailbox reads from one link after the other. Without reconnection there is one link, and its end
is the end. With it, a lost link is replaced in the background: sending goes to the new one as soon
as it is open, receiving first finishes what is left of the old one, then says `Reconnected`.

    application <- link (being read) ... successor (open, its turn comes) <- daemon
    application -> newest open link                                       -> daemon

At most one successor waits; a successor that is lost in turn is replaced only when it is empty or
its turn has come. Between taking a message out of a link's buffer and returning it there is no
`await`: a cancelled `receive` loses nothing.
"""

import asyncio
import random
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import NamedTuple, NoReturn, Self, TypeAlias

from spread._message_types import Membership, Message
from spread.client.address import DaemonAddress, parse_address
from spread.client.auth import AuthMethod
from spread.client.handshake import ConnectRequest
from spread.client.link import Link, open_link
from spread.client.reconnection import Reconnected, Reconnection, is_worth_retrying
from spread.client.requests import Limits, Payload, encode_payload
from spread.errors import (
    ArgumentError,
    ConnectTimeoutError,
    MailboxClosedError,
    ProtocolError,
    ReceiveTimeoutError,
    SessionClosedError,
    SessionInterruptedError,
    SpreadError,
)

__all__ = ["AsyncMailbox", "Connecting", "Event", "Statistics", "connect"]

Event: TypeAlias = Message | Membership | Reconnected
"""What comes out of a mailbox; `Reconnected` only where reconnection is on."""

# How long `disconnect` waits for the daemon to take what was sent and to close, in seconds.
_LINGER_S = 2.0
# Bytes that may wait for the application before reading pauses: some milliseconds at full speed.
_INBOX_SIZE = 1024 * 1024


class Statistics(NamedTuple):
    """How a mailbox stands at a moment."""

    inbox_bytes: int
    """Bytes that have arrived and that the application has not received."""

    is_paused: bool
    """Whether reading waits for the application, because the inbox is full."""

    is_congested: bool
    """Whether sending waits for the daemon."""

    sessions: int
    """Sessions opened so far."""


class _Plan(NamedTuple):
    """What it takes to open a session, and to open it again."""

    address: DaemonAddress
    request: ConnectRequest
    inbox_size: int
    timeout_s: float | None
    reconnection: Reconnection | None


def connect(  # noqa: PLR0913 - four historical arguments, the rest by keyword.
    daemon: str = "4803@localhost",
    name: str = "",
    priority: int = 0,
    membership: bool | int = 1,
    *,
    timeout: float | None = None,
    auth: Sequence[AuthMethod] = (),
    reconnect: Reconnection | bool = False,
    inbox_size: int = _INBOX_SIZE,
) -> "Connecting":
    """Open a session with a daemon: `await connect(...)` or `async with connect(...)`.

    Arguments and exceptions are those of `spread.connect`. `reconnect` is true, or says when to
    try again after the session was lost; groups are then joined again and a `Reconnected` stands
    in the stream. `inbox_size` bounds the bytes that wait for the application.

    >>> import asyncio, spread
    >>> async def main():
    ...     async with spread.aio.connect("4803@localhost", "alice", timeout=5) as mailbox:
    ...         await mailbox.join("chat")
    ...         async for message in mailbox:
    ...             return message
    >>> asyncio.run(main())
    <Membership VIEW of 'chat', JOIN of '#alice#localhost': 1 members>
    """
    if isinstance(reconnect, bool):
        reconnection = Reconnection() if reconnect else None
    else:
        reconnection = reconnect
    request = ConnectRequest.of(name or "", priority, bool(membership), auth)
    return Connecting(
        _Plan(parse_address(daemon or ""), request, inbox_size, timeout, reconnection)
    )


class Connecting:
    """A session to be opened, by `await` or by `async with`."""

    def __init__(self, plan: _Plan) -> None:
        self._plan = plan
        self._mailbox: AsyncMailbox | None = None

    def __await__(self) -> Generator[object, None, "AsyncMailbox"]:
        return self._open().__await__()

    async def _open(self) -> "AsyncMailbox":
        return AsyncMailbox(self._plan, await _open(self._plan, self._plan.timeout_s))

    async def __aenter__(self) -> "AsyncMailbox":
        self._mailbox = await self._open()
        return self._mailbox

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._mailbox is not None:
            await self._mailbox.disconnect()


class AsyncMailbox:
    """A session with a daemon for asyncio programs; `connect` makes one.

    `async for` yields messages until this side disconnects. A loop that finds messages waiting
    does not give way to other tasks until it has caught up, at most `inbox_size` bytes later.
    """

    def __init__(self, plan: _Plan, link: Link) -> None:
        self._plan = plan
        self._link = link
        self._next_message = link.next_message
        self._sender: Link | None = link
        self._successor: tuple[Link, Reconnected] | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._failure: SpreadError | None = None
        self._failure_told = False
        self._left = False
        self._session_count = 1
        self._groups: dict[str, None] = {}
        # Its end may have come before there was a mailbox to tell.
        link.on_lost = self._lost
        if link.end is not None:
            self._lost(link)

    # ---- Sending ----

    async def join(self, group: str, /) -> None:
        """Ask to become a member of `group`; see `spread.Mailbox.join`."""
        link = self._open_sender("join")
        frame = link.protocol.join(group)
        # Before anything is awaited: a cancelled join has been sent all the same.
        self._groups[group] = None
        await self._send(link, frame)

    async def leave(self, group: str, /) -> None:
        """Ask to be no member of `group` any more; see `spread.Mailbox.leave`."""
        link = self._open_sender("leave")
        frame = link.protocol.leave(group)
        self._groups.pop(group, None)
        await self._send(link, frame)

    async def multicast(
        self, service_type: int, group: str, message: Payload, mess_type: int = 0
    ) -> int:
        """Send a message; see `spread.Mailbox.multicast`.

        Waits only when the system takes no more. Raises SessionInterruptedError while a lost
        session is being re-established.
        """
        payload = encode_payload(message)
        link = self._open_sender("multicast")
        frame = link.protocol.multicast(service_type, (group,), payload, mess_type)
        await self._send(link, frame)
        return len(payload)

    async def multigroup_multicast(
        self, service_type: int, groups: Sequence[str], message: Payload, mess_type: int = 0
    ) -> int:
        """Send `message` once to everyone who is in any of `groups`; else as `multicast`."""
        if isinstance(groups, str) or not isinstance(groups, Sequence):
            raise ArgumentError(f"groups is a tuple of str, not {type(groups).__name__}")
        payload = encode_payload(message)
        link = self._open_sender("multigroup_multicast")
        frame = link.protocol.multicast(service_type, groups, payload, mess_type)
        await self._send(link, frame)
        return len(payload)

    async def _send(self, link: Link, frame: bytes) -> None:
        link.send(frame)
        if link.is_congested:
            await link.drained()
            if link.end is not None:
                raise self._refusal("send", link.end)

    def _open_sender(self, call: str) -> Link:
        """Return the link to send on; raise when there is none at present or for ever."""
        link = self._sender
        if link is not None and link.end is None and not self._left:
            return link
        raise self._refusal(call, self._failure or (link or self._link).end)

    def _refusal(self, call: str, reason: SpreadError | None) -> SpreadError:
        """Build the exception for a call that has no session to send on."""
        if self._left or reason is None:
            return _closed(call)
        if self._plan.reconnection is not None and self._failure is None:
            interrupted = SessionInterruptedError(
                f"cannot {call} now: the session is being re-established; {reason}"
            )
            interrupted.closure = getattr(reason, "closure", None)
            return interrupted
        closed = SessionClosedError(reason.text)
        closed.closure = getattr(reason, "closure", None)
        return closed

    # ---- Receiving ----

    async def receive(self, timeout: float | None = None) -> Event:
        """Return the next message, waiting up to `timeout` seconds; None waits without limit.

        A cancelled call loses no message. Exceptions are those of `spread.Mailbox.receive`; with
        reconnection, the end of a session is a `Reconnected` in the stream instead.
        """
        try:
            message = self._next_message()
        except ProtocolError as error:
            self._fail(error)
            message = None
        if message is None:
            return await self._await_event(timeout)
        if self._link.is_paused:
            self._link.resume_if_room()
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self.receive()
        except MailboxClosedError:
            if self._left:
                raise StopAsyncIteration from None
            raise

    async def _await_event(self, timeout_s: float | None) -> Event:
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    event = self._next_event()
                    if event is not None:
                        return event
                    if self._link.end is None:
                        await self._link.readable()
                    elif self._renewal is not None:
                        await asyncio.wait({self._renewal})
                    else:
                        self._raise_failure()
        except TimeoutError:
            raise ReceiveTimeoutError("no message arrived within the time given") from None

    def _next_event(self) -> Event | None:
        """Return what comes next in the stream, if it is there already."""
        if self._left:
            raise _closed("receive")
        if self._link.is_paused:
            self._link.resume_if_room()
        try:
            message = self._next_message()
        except ProtocolError as error:
            self._fail(error)
            message = None
        if message is None and self._link.end is not None and self._successor is not None:
            return self._succeed()
        return message

    def _succeed(self) -> Reconnected | None:
        """Go over to the link that took the place of the one that is finished."""
        assert self._successor is not None
        self._link, event = self._successor
        self._next_message = self._link.next_message
        self._successor = None
        self._renew_if_due()
        return event

    def _fail(self, error: ProtocolError) -> None:
        """Give up the link being read, whose bytes make no sense."""
        self._link.fail(error)
        self._next_message = self._link.next_message

    def _raise_failure(self) -> NoReturn:
        reason = self._failure or self._link.end
        assert reason is not None
        if self._failure_told:
            raise MailboxClosedError(f"receive() called on closed mbox: {reason}")
        self._failure_told = True
        raise reason

    # ---- Reconnection ----

    def _lost(self, link: Link) -> None:
        if link is self._sender:
            self._sender = None
        self._renew_if_due()

    def _renew_if_due(self) -> None:
        """Start to look for a new session unless there is one, or one that must be read first."""
        newest = self._link if self._successor is None else self._successor[0]
        if self._plan.reconnection is None or self._left or self._renewal is not None:
            return
        if newest.end is None or (newest is not self._link and newest.has_message()):
            return
        self._renewal = asyncio.get_running_loop().create_task(
            self._renew(newest.end, self._plan.reconnection)
        )

    async def _renew(self, reason: SpreadError, policy: Reconnection) -> None:
        """Try until there is a new session, or until there is no sense in trying."""
        loop = asyncio.get_running_loop()
        lost_at = loop.time()
        try:
            for attempt, delay_s in enumerate(policy.delays_s(random.random), start=1):
                await asyncio.sleep(delay_s)
                try:
                    link = await _open(self._plan, policy.attempt_s_max)
                except SpreadError as error:
                    gave_up = policy.give_up_s is not None and (
                        loop.time() - lost_at >= policy.give_up_s
                    )
                    if gave_up or not is_worth_retrying(error):
                        self._failure = error
                        return
                else:
                    self._adopt(link, reason, attempt, loop.time() - lost_at)
                    return
        finally:
            self._renewal = None

    def _adopt(self, link: Link, reason: SpreadError, attempts: int, gap_s: float) -> None:
        """Make a new link the one to send on, and the next one to read."""
        for group in self._groups:
            link.send(link.protocol.join(group))
        if self._successor is not None:
            # Its session came and went while nobody looked; the application sees one change.
            skipped = self._successor[1]
            reason, attempts, gap_s = (
                skipped.reason,
                skipped.attempts + attempts,
                skipped.gap_s + gap_s,
            )
        event = Reconnected(
            link.protocol.private_group, reason, attempts, gap_s, tuple(self._groups)
        )
        self._successor = (link, event)
        self._sender = link
        self._session_count += 1
        self._renewal = None
        link.on_lost = self._lost
        if link.end is not None:
            self._lost(link)

    # ---- Leaving ----

    async def disconnect(self) -> None:
        """End the session so that everything sent before is delivered; a second call is nothing.

        Waits for the daemon to take what was sent and to close, at most two seconds. Messages
        that have not been received are thrown away.
        """
        if self._left:
            return
        self._left = True
        self._next_message = _nothing
        if self._renewal is not None:
            self._renewal.cancel()
        if self._sender is not None:
            await self._sender.leave(_LINGER_S)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.disconnect()

    # ---- About the session ----

    @property
    def private_group(self) -> str:
        """Name of the session that is being received from."""
        return self._link.protocol.private_group

    @property
    def daemon_version(self) -> tuple[int, int, int]:
        """Protocol version that the daemon gave; 5.0.0 is a daemon of this package."""
        return self._link.protocol.session.daemon_version

    @property
    def limits(self) -> Limits:
        """What the daemon takes in one message."""
        return self._link.protocol.limits

    @property
    def is_connected(self) -> bool:
        """Whether sending is possible at present."""
        return not self._left and self._sender is not None and self._sender.end is None

    def statistics(self) -> Statistics:
        """Return how this mailbox stands."""
        return Statistics(
            inbox_bytes=self._link.protocol.decoder.buffered,
            is_paused=self._link.is_paused,
            is_congested=self._sender is not None and self._sender.is_congested,
            sessions=self._session_count,
        )

    def __repr__(self) -> str:
        state = "" if self.is_connected else ", not connected"
        return f"<AsyncMailbox {self.private_group} at {self._plan.address}{state}>"


async def _open(plan: _Plan, timeout_s: float | None) -> Link:
    try:
        async with asyncio.timeout(timeout_s):
            return await open_link(plan.address, plan.request, plan.inbox_size)
    except TimeoutError as error:
        raise ConnectTimeoutError(
            f"the daemon at {plan.address} gave no session within {timeout_s} s"
        ) from error


def _nothing() -> None:
    """Stand in for the decoder of a mailbox that has left."""


def _closed(call: str) -> MailboxClosedError:
    return MailboxClosedError(f"{call}() called on closed mbox: disconnected by this side")
