"""One session of the client protocol without I/O, the same under both drivers.

    driver                                   protocol
    ------                                   --------
    send everything            <-            data_to_send()
    recv_into(decoder.writable()), decoder.received(n)
                               ->            negotiate()       until it returns a session
                               ->            next_message()    as often as the application asks
    send the returned frame    <-            join(), leave(), multicast(), goodbye()
    end of stream, errors      ->            ended(): the exception to raise

States, as a table in `_NEXT`:

    CONNECTING --accepted--> OPEN --goodbye--> LEAVING
        any state --ended--> CLOSED

"More bytes are needed" is an ordinary result: None from `negotiate` and `next_message`. Inbound and
outbound sides share nothing that changes, so that one thread may send while another receives.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from spread._decoder import Decoder
from spread.client import requests
from spread.client.closure import Closure
from spread.client.handshake import ConnectRequest, Session, handshake
from spread.errors import (
    MailboxClosedError,
    MisuseError,
    ProtocolError,
    SessionClosedError,
    SpreadError,
)
from spread.service import JOIN_MESS, LEAVE_MESS, MAX_GROUP_NAME

__all__ = ["ClientProtocol", "State"]


class State(Enum):
    """Where a session stands."""

    CONNECTING = "connecting"
    OPEN = "open"
    LEAVING = "leaving"
    CLOSED = "closed"


class _Event(Enum):
    ACCEPTED = "accepted"
    GOODBYE = "goodbye"
    ENDED = "ended"


_NEXT: Final = {
    (State.CONNECTING, _Event.ACCEPTED): State.OPEN,
    (State.CONNECTING, _Event.ENDED): State.CLOSED,
    (State.OPEN, _Event.GOODBYE): State.LEAVING,
    (State.OPEN, _Event.ENDED): State.CLOSED,
    (State.LEAVING, _Event.ENDED): State.CLOSED,
    (State.CLOSED, _Event.ENDED): State.CLOSED,
}


class ClientProtocol:
    """One session, from the connect request to its end."""

    def __init__(self, request: ConnectRequest) -> None:
        self.state = State.CONNECTING
        self.decoder = Decoder()
        self.next_message = self.decoder.next_message
        """Return the next whole message or None; see `Decoder.next_message` for its errors."""
        self.limits = requests.Limits.of_daemon(None)
        """What the daemon takes in one message; the classic limits until it has accepted."""
        self._session: Session | None = None
        self._dialogue = handshake(request)
        self._outgoing = b""
        self._wanted = 0
        self._sent_size_max = 0
        self._advance_dialogue(None)

    # ---- Opening ----

    @property
    def session(self) -> Session:
        """What the daemon granted; raise MisuseError before it has."""
        if self._session is None:
            raise MisuseError("the handshake is not complete; call negotiate() with more bytes")
        return self._session

    @property
    def private_group(self) -> str:
        """Name of this session in the whole system, such as "#alice#d1"."""
        return self.session.private_group.decode("utf-8", "surrogateescape")

    def data_to_send(self) -> bytes:
        """Return and forget the handshake bytes that are due; empty on the daemon's turn."""
        data, self._outgoing = self._outgoing, b""
        return data

    def negotiate(self) -> Session | None:
        """Go on with what has arrived; None as long as the handshake needs more bytes.

        Raises what `handshake` raises; the connection is then of no further use.
        """
        while self._session is None:
            if self.state is not State.CONNECTING:
                raise MailboxClosedError("the handshake has failed; open a new connection")
            field = self.decoder.take(self._wanted)
            if field is None:
                return None
            self._advance_dialogue(field)
        return self._session

    def missing(self) -> int:
        """Bytes to wait for before the next step, never beyond the unit that is due."""
        if self._session is None:
            return max(0, self._wanted - self.decoder.buffered)
        return self.decoder.missing()

    def _advance_dialogue(self, field: bytes | None) -> None:
        """Run the handshake up to its next wish for bytes."""
        try:
            step = next(self._dialogue) if field is None else self._dialogue.send(field)
            while isinstance(step, bytes):
                self._outgoing += step
                step = next(self._dialogue)
            self._wanted = step
        except StopIteration as accepted:
            self._accepted(accepted.value)
        except SpreadError:
            self._move(_Event.ENDED)
            raise

    def _accepted(self, session: Session) -> None:
        self._move(_Event.ACCEPTED)
        self._session = session
        self.limits = requests.Limits.of_daemon(session.message_size_max)
        self.decoder.set_private_group(session.private_group)

    # ---- Requests ----

    def join(self, group: str) -> bytes:
        """Return the frame that asks to join `group`."""
        return requests.group_request(JOIN_MESS, self.session.private_group, group)

    def leave(self, group: str) -> bytes:
        """Return the frame that asks to leave `group`."""
        return requests.group_request(LEAVE_MESS, self.session.private_group, group)

    def multicast(
        self, service: int, groups: Sequence[str], payload: bytes, mess_type: int
    ) -> bytes:
        """Return the frame of a message; raise MisuseError subclasses for what cannot be sent."""
        frame = requests.multicast(
            self.session.private_group,
            service,
            groups,
            payload,
            mess_type=mess_type,
            limits=self.limits,
        )
        self._sent_size_max = max(self._sent_size_max, len(payload) + MAX_GROUP_NAME * len(groups))
        return frame

    def goodbye(self) -> bytes:
        """Return the frame that ends the session; nothing may be sent after it."""
        self._move(_Event.GOODBYE)
        return requests.kill_request(self.session.private_group)

    # ---- The end ----

    def ended(self, error: OSError | None = None, pause_s_max: float = 0.0) -> SessionClosedError:
        """Take note that the connection is gone and return the exception that says so.

        `error` is what the system said, None for an end of stream; `pause_s_max` the longest time
        that the driver left the connection unread, in seconds.
        """
        fault = "" if error is None else error.strerror or str(error)
        was = self.state
        self._move(_Event.ENDED)
        if was is State.CONNECTING:
            return SessionClosedError(
                f"the daemon closed the connection during the handshake ({fault or 'end of stream'}"
                f", {self._wanted} bytes awaited); its log has the reason"
            )
        buffered, is_torn = self.decoder.buffered, self._is_torn()
        closure = Closure(
            private_group=self.private_group,
            fault=fault,
            bytes_of_message=buffered if is_torn else 0,
            bytes_unread=0 if is_torn else buffered,
            pause_s_max=pause_s_max,
            sent_size_max=self._sent_size_max,
        )
        closed = SessionClosedError(str(closure))
        closed.closure = closure
        return closed

    def _is_torn(self) -> bool:
        """Tell whether what waits is the beginning of a message rather than messages."""
        try:
            return self.decoder.missing() > 0
        except ProtocolError:
            return True

    def _move(self, event: _Event) -> None:
        following = _NEXT.get((self.state, event))
        if following is None:
            raise MailboxClosedError(f"{event.value} is impossible in state {self.state.value}")
        self.state = following
