"""The blocking mailbox: a session for ordinary programs and for old ones.

The names of the historical Python module and today's API are methods of the same object. One
thread may send while another receives: each direction has its own lock, and they share no state
that changes. A frame whose sending a signal handler cut short is completed before the next one.

The mailbox reads ahead: one system call brings as many messages as have arrived. See `readiness`
for what that means to a program that waits in `select`.
"""

import os
import time
from collections.abc import Iterator, Sequence
from threading import Lock
from types import TracebackType
from typing import NoReturn, Self

from spread._message_types import Membership, Message
from spread.client.address import DaemonAddress, parse_address
from spread.client.auth import AuthMethod
from spread.client.handshake import ConnectRequest
from spread.client.protocol import ClientProtocol
from spread.client.readiness import CAN_READ_AHEAD, Readiness
from spread.client.requests import Limits, Payload, encode_payload
from spread.client.stream import Deadline, Stream, open_stream
from spread.errors import (
    ArgumentError,
    ConnectTimeoutError,
    MailboxClosedError,
    ProtocolError,
    ReceiveTimeoutError,
    SpreadError,
)
from spread.service import Code

__all__ = ["Mailbox", "connect"]

# How long `disconnect` waits for the daemon to take what was sent and to close, in seconds. A
# daemon needs milliseconds; this bounds one that hangs.
_LINGER_S = 2.0
# The same for a mailbox that is dropped without `disconnect`: nobody expects that to take time.
_LINGER_DROPPED_S = 0.5
# How long a thread that was woken may take to let go of its lock, in seconds.
_WAKE_S = 0.5

_LEFT = "disconnected by this side"


def connect(
    daemon: str = "4803@localhost",
    name: str = "",
    priority: int = 0,
    membership: bool | int = 1,
    *,
    timeout: float | None = None,
    auth: Sequence[AuthMethod] = (),
) -> "Mailbox":
    """Open a session with a daemon.

    `daemon` is `port@host`, `spread://host:port/`, or a port alone for the Unix socket of this
    machine. `name` is the private name, unique at the daemon and cut to 10 bytes; without one the
    daemon makes one up. With `membership` false no membership messages arrive. `timeout` bounds
    the whole call, in seconds. `auth` lists authentication methods; none means NULL. `priority`
    travels, without effect.

    Raises AddressError, ConnectError or its ConnectTimeoutError, SessionRejectedError or one of
    its subclasses, SessionClosedError, ProtocolError.

    >>> import spread
    >>> with spread.connect("4803@localhost", "alice", timeout=5) as mailbox:
    ...     mailbox.join("chat")
    ...     print(mailbox.receive(timeout=5))
    <Membership VIEW of 'chat', JOIN of '#alice#localhost': 1 members>
    """
    deadline = Deadline(timeout)
    address = parse_address(daemon or "")
    protocol = ClientProtocol(ConnectRequest.of(name or "", priority, bool(membership), auth))
    stream = open_stream(address, deadline)
    try:
        _negotiate(protocol, stream, deadline)
    except TimeoutError as error:
        stream.close()
        raise ConnectTimeoutError(
            f"the daemon at {address} did not complete the handshake within {timeout} s",
            Code.CONNECTION_CLOSED,
        ) from error
    except BaseException:
        stream.close()
        raise
    return Mailbox(address, stream, protocol)


def _negotiate(protocol: ClientProtocol, stream: Stream, deadline: Deadline) -> None:
    """Carry the handshake's bytes both ways until the daemon has accepted."""
    while protocol.negotiate() is None:
        try:
            data = memoryview(protocol.data_to_send())
            if not data:
                _read(protocol, stream, deadline)
            while data:
                data = data[stream.write(data, deadline) :]
        except TimeoutError:
            raise
        except (OSError, EOFError) as error:
            raise protocol.ended(error if isinstance(error, OSError) else None) from error


def _read(protocol: ClientProtocol, stream: Stream, deadline: Deadline) -> None:
    """Read once into the decoder; raise EOFError at the end of the stream."""
    room = protocol.decoder.writable()
    if not CAN_READ_AHEAD:
        room = room[: protocol.missing()]
    count = stream.read_into(room, deadline)
    if count == 0:
        raise EOFError
    protocol.decoder.received(count)


class Mailbox:
    """A session with a daemon; `connect` makes one.

    A mailbox is a context manager, which disconnects at the end, and an iterator over messages,
    which ends when this side disconnects. One that is garbage collected disconnects, too.

    >>> import spread
    >>> with spread.connect("4803@localhost") as mailbox:
    ...     mailbox.multicast(spread.SAFE_MESS, mailbox.private_group, "to myself")
    ...     print(mailbox.receive().payload)
    9
    b'to myself'
    """

    def __init__(self, address: DaemonAddress, stream: Stream, protocol: ClientProtocol) -> None:
        self.private_group = protocol.private_group
        """Name of this session in the whole system: "#" private name "#" daemon name."""
        self._address = address
        self._stream = stream
        self._protocol = protocol
        self._next_message = protocol.next_message
        self._receiving = Lock()
        self._sending = Lock()
        self._leaving = Lock()
        self._left = False
        self._unreadable = ""
        self._unsendable = ""
        self._unsent = b""
        self._readiness: Readiness | None = None
        self._read_at = time.monotonic()
        self._pause_s_max = 0.0
        self._process = os.getpid()

    # ---- Sending ----

    def join(self, group: str, /) -> None:
        """Ask to become a member of `group`; its membership message says when that is so.

        Raises GroupNameError, MailboxClosedError, SessionClosedError.
        """
        self._send("join", self._protocol.join(group))

    def leave(self, group: str, /) -> None:
        """Ask to be no member of `group` any more; the self-leave message says when that is so.

        Raises GroupNameError, MailboxClosedError, SessionClosedError.
        """
        self._send("leave", self._protocol.leave(group))

    def multicast(self, service_type: int, group: str, message: Payload, mess_type: int = 0) -> int:
        """Send `message` to the members of `group`, or to one session by its private group.

        `service_type` is one service, with or without SELF_DISCARD; `mess_type` is a number for
        the application, cut to 16 bits. Returns the number of bytes. Waits as long as the daemon
        takes no more. Raises ServiceError, GroupNameError, MessageTooLongError, ArgumentError,
        MailboxClosedError, SessionClosedError.
        """
        payload = encode_payload(message)
        frame = self._protocol.multicast(service_type, (group,), payload, mess_type)
        self._send("multicast", frame)
        return len(payload)

    def multigroup_multicast(
        self, service_type: int, groups: Sequence[str], message: Payload, mess_type: int = 0
    ) -> int:
        """Send `message` once to everyone who is in any of `groups`; else as `multicast`."""
        if isinstance(groups, str) or not isinstance(groups, Sequence):
            raise ArgumentError(f"groups is a tuple of str, not {type(groups).__name__}")
        payload = encode_payload(message)
        frame = self._protocol.multicast(service_type, groups, payload, mess_type)
        self._send("multigroup_multicast", frame)
        return len(payload)

    def _send(self, call: str, frame: bytes) -> None:
        with self._sending:
            if self._unsendable:
                _refuse(call, self._unsendable)
            try:
                self._write(self._unsent + frame, Deadline(None))
            except OSError as error:
                if self._left:
                    _refuse(call, _LEFT)
                closed = self._protocol.ended(error, self._pause_s())
                self._unsendable = closed.text
                raise closed from error

    def _write(self, data: bytes, deadline: Deadline) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._stream.write(rest, deadline) :]
        finally:
            # Not empty only when a signal handler or a deadline came between.
            self._unsent = bytes(rest)

    # ---- Receiving ----

    def receive(self, timeout: float | None = None) -> Message | Membership:
        """Return the next message, waiting up to `timeout` seconds; None waits without limit.

        Raises ReceiveTimeoutError when nothing came, MessageRejectedError for a message of this
        session that the daemon refused (receiving goes on), SessionClosedError when the daemon
        closed the session, ProtocolError, MailboxClosedError.
        """
        with self._receiving:
            try:
                message = self._next_message()
                if message is None:
                    message = self._await_message(timeout)
            except ProtocolError as error:
                self._give_up(error)
                raise
            finally:
                if self._readiness is not None:
                    self._readiness.show(self._has_message())
            return message

    def __iter__(self) -> Iterator[Message | Membership]:
        return self

    def __next__(self) -> Message | Membership:
        try:
            return self.receive()
        except MailboxClosedError:
            if self._left:
                raise StopIteration from None
            raise

    def poll(self) -> int:
        """Return the number of bytes that can be received without waiting; 0 if none.

        Of what the system holds, the first 64 KiB are counted.
        """
        if self._unreadable:
            _refuse("poll", self._unreadable)
        return self._protocol.decoder.buffered + self._stream.bytes_waiting()

    def fileno(self) -> int:
        """Return a descriptor that is readable when `receive` has something to do.

        For `select`, `poll` and event loops; it may be another one than the connection's.
        """
        with self._receiving:
            if self._unreadable:
                _refuse("fileno", self._unreadable)
            if not CAN_READ_AHEAD:
                return self._stream.fileno()
            if self._readiness is None:
                self._readiness = Readiness(self._stream.fileno())
            self._readiness.show(self._has_message())
            return self._readiness.fileno()

    def _await_message(self, timeout: float | None) -> Message | Membership:
        deadline = Deadline(timeout)
        while True:
            if self._unreadable:
                _refuse("receive", self._unreadable)
            self._read_some(deadline)
            message = self._next_message()
            if message is not None:
                return message

    def _read_some(self, deadline: Deadline) -> None:
        """Read once; raise ReceiveTimeoutError at the deadline, SessionClosedError at the end."""
        self._pause_s_max = self._pause_s()
        try:
            _read(self._protocol, self._stream, deadline)
        except TimeoutError:
            raise ReceiveTimeoutError("no message arrived within the time given") from None
        except (OSError, EOFError) as error:
            if self._left:
                _refuse("receive", _LEFT)
            closed = self._protocol.ended(
                error if isinstance(error, OSError) else None, self._pause_s_max
            )
            self._give_up(closed)
            raise closed from error
        finally:
            self._read_at = time.monotonic()

    def _pause_s(self) -> float:
        """Longest time up to this moment that the connection was left unread, in seconds."""
        return max(self._pause_s_max, time.monotonic() - self._read_at)

    def _has_message(self) -> bool:
        # A broken stream counts: `receive` has an exception to raise.
        try:
            return self._protocol.decoder.missing() == 0
        except ProtocolError:
            return True

    def _give_up(self, reason: SpreadError) -> None:
        """Mark both directions as closed. The descriptor stays until nobody can be using it."""
        self._unreadable = self._unsendable = reason.text
        self._stream.abort()

    # ---- Leaving ----

    def disconnect(self) -> None:
        """End the session so that everything sent before is delivered; a second call is nothing.

        Waits for the daemon to take what was sent and to close, at most two seconds. Messages
        that have not been received are thrown away.
        """
        self._leave(_LINGER_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.disconnect()

    def __del__(self) -> None:
        if self._process == os.getpid():
            self._leave(_LINGER_DROPPED_S)
        else:
            # After a fork the session belongs to the parent.
            self._close()

    def _leave(self, linger_s: float) -> None:
        with self._leaving:
            if self._left:
                return
            self._left = True
            deadline = Deadline(linger_s)
            self._say_goodbye(deadline)
            self._drain(deadline)
            self._stream.abort()
            # Threads that are still inside notice at once. Not so this very thread, when a signal
            # handler has come between it and its own `receive`: that goes on after we return.
            both = (self._receiving, self._sending)
            held = [lock for lock in both if lock.acquire(timeout=_WAKE_S)]
            self._next_message = _nothing
            self._unreadable = self._unsendable = _LEFT
            self._close()
            for lock in held:
                lock.release()

    def _say_goodbye(self, deadline: Deadline) -> None:
        if not self._sending.acquire(timeout=deadline.remaining_s() or 0.0):
            return  # A thread is stuck in sending; closing the connection wakes it.
        try:
            if not self._unsendable:
                self._unsendable = _LEFT
                self._write(self._unsent + self._protocol.goodbye(), deadline)
                self._stream.finish_sending()
        except (OSError, MailboxClosedError):
            pass  # The connection is gone or stuck: there is nobody to say goodbye to.
        finally:
            self._sending.release()

    def _drain(self, deadline: Deadline) -> None:
        """Read to the end of the stream; a reset by unread input would take sent messages along."""
        if not self._receiving.acquire(timeout=deadline.remaining_s() or 0.0):
            return  # A thread is receiving all the time, which drains as well.
        waste = memoryview(bytearray(65536))
        try:
            while not self._unreadable and self._stream.read_into(waste, deadline):
                pass
        except OSError:
            pass  # A reset or a daemon that hangs: the end either way.
        finally:
            self._receiving.release()

    def _close(self) -> None:
        if self._readiness is not None:
            self._readiness.close()
            self._readiness = None
        self._stream.close()

    # ---- About the session ----

    @property
    def daemon_version(self) -> tuple[int, int, int]:
        """Protocol version that the daemon gave; 5.0.0 is a daemon of this package."""
        return self._protocol.session.daemon_version

    @property
    def limits(self) -> Limits:
        """What the daemon takes in one message."""
        return self._protocol.limits

    def __repr__(self) -> str:
        state = ", closed" if self._unsendable else ""
        return f"<Mailbox {self.private_group} at {self._address}{state}>"


def _nothing() -> None:
    """Stand in for the decoder of a mailbox that has left."""


def _refuse(call: str, reason: str) -> NoReturn:
    raise MailboxClosedError(f"{call}() called on closed mbox: {reason}")
