"""Simulated clients: they speak the client protocol's bytes and record what they did and saw.

connect -> handshake -> open -> KILL, broken connection, or the daemon's end -> closed
"""

import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from spread._frames import encode
from spread.client.handshake import ConnectRequest, Session, handshake
from spread.errors import SpreadError
from spread.service import (
    JOIN_MESS,
    KILL_MESS,
    LEAVE_MESS,
    MAX_GROUP_NAME,
    REG_MEMB_MESS,
    SELF_DISCARD,
    TRANSITION_MESS,
)
from spread.sim.connection import Connection
from spread.sim.trace import (
    Cause,
    ClientTrace,
    Closed,
    Closure,
    Delivered,
    DisconnectRequested,
    GroupId,
    JoinRequested,
    LeaveRequested,
    LeftGroup,
    Message,
    Sent,
    Transitional,
    Viewed,
)

if TYPE_CHECKING:
    from spread.client.auth import Dialogue
    from spread.sim.host import Host
    from spread.sim.world import World

__all__ = ["IDENTITY_SIZE", "Messages", "TraceClient"]

HEADER: Final = struct.Struct("<I32siIi")
HEADER_SIZE: Final = 48
MARKER: Final = 0x80000080
REGULAR: Final = 0x3F
MEMBERSHIP: Final = 0x3F00
CAUSES: Final = 0xF00
REJECT: Final = 0x400000
GROUP_ID: Final = struct.Struct("<III")
WORD: Final = struct.Struct("<I")
IDENTITY: Final = struct.Struct("<Q")
IDENTITY_SIZE: Final = 8


class Messages:
    """All messages of a run, by identity, so that a delivery can be compared with what was sent."""

    def __init__(self) -> None:
        self.sent: dict[int, Message] = {}
        self._frames: dict[int, bytes] = {}

    def next_identity(self) -> int:
        """Return the identity of the next message."""
        return len(self.sent) + 1

    def add(self, message: Message, frame: bytes) -> None:
        """A client sends a message as this frame."""
        self.sent[message.identity] = message
        self._frames[message.identity] = frame

    def delivered(self, frame: bytes, names: int) -> Message:
        """Return the sender's message if the frame is exactly its, another one if not."""
        body_at = HEADER_SIZE + names * MAX_GROUP_NAME
        if len(frame) >= body_at + IDENTITY_SIZE:
            (identity,) = IDENTITY.unpack_from(frame, body_at)
            if self._frames.get(identity) == frame:
                return self.sent[identity]
        else:
            identity = 0
        return self._other(frame, names, identity)

    def _other(self, frame: bytes, names: int, identity: int) -> Message:
        type_bits, sender, _, hint, _ = HEADER.unpack_from(frame)
        mess_type = (hint & ~MARKER) >> 8 & 0xFFFF
        found = Message(
            identity,
            sender.rstrip(b"\0"),
            type_bits & REGULAR,
            tuple(_names(frame, HEADER_SIZE, names)),
            mess_type - 0x10000 if mess_type >= 0x8000 else mess_type,
            frame[HEADER_SIZE + names * MAX_GROUP_NAME :],
            bool(type_bits & SELF_DISCARD),
        )
        sent = self.sent.get(identity)
        return sent if sent is not None and _is_same(sent, found) else found


def _is_same(one: Message, other: Message) -> bool:
    return (one.sender, one.service, one.groups, one.mess_type, one.discards_self) == (
        other.sender,
        other.service,
        other.groups,
        other.mess_type,
        other.discards_self,
    ) and one.payload == other.payload


class TraceClient:
    """One connection of a client, from its first byte to its end."""

    def __init__(
        self,
        world: "World",
        messages: Messages,
        name: bytes,
        *,
        membership: bool = True,
        opened: Callable[["TraceClient"], None] | None = None,
        over: Callable[["TraceClient"], None] | None = None,
    ) -> None:
        """`opened` is called when the daemon has accepted, `over` when it has closed or refused."""
        self.world = world
        self.name = name
        self.membership = membership
        self.trace: ClientTrace | None = None
        self.private_group = b""
        self.groups: set[bytes] = set()  # Asked to be in.
        self._messages = messages
        self._opened = opened
        self._over = over
        self._inbox = b""
        self._connection: Connection | None = None
        self._host: Host | None = None
        self._dialogue: Dialogue[Session] | None = None
        self._wanted = 0
        self._said_kill = False

    # -- Life -------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether requests can be made."""
        return self.trace is not None and self.trace.is_open and not self._said_kill

    @property
    def connection(self) -> Connection:
        """The connection, once there is one."""
        if self._connection is None:
            raise ConnectionError(f"{self.name!r} has not connected")
        return self._connection

    def connect(self, host: "Host") -> None:
        """Connect to the daemon of a host, which must serve, and begin the handshake."""
        self._host = host
        self._connection = host.connect(self)
        request = ConnectRequest(self.name, membership=self.membership, takes_large_messages=False)
        self._dialogue = handshake(request)
        self._advance(None)

    def _advance(self, field: bytes | None) -> None:
        """Run the handshake up to its next wish for bytes."""
        dialogue = self._dialogue
        if dialogue is None:
            return
        answer = b""
        try:
            step = next(dialogue) if field is None else dialogue.send(field)
            while isinstance(step, bytes):
                answer += step
                step = next(dialogue)
            self._wanted = step
        except StopIteration as accepted:
            self._dialogue = None
            self._accepted(accepted.value)
        except SpreadError:
            self._dialogue = None  # Refused: the daemon closes.
        if answer:
            self.connection.write(answer)  # Last: the daemon may answer while this goes on.

    def _accepted(self, session: Session) -> None:
        host = self.connection.host
        self.private_group = session.private_group
        self.trace = self.world.history.open(
            session.private_group,
            daemon=host.number,
            incarnation=host.life,
            membership=self.membership,
        )
        if self._opened is not None:
            self._opened(self)

    def ended(self, closure: Closure) -> None:
        """The connection is over."""
        if self.trace is not None and self.trace.is_open:
            drained = self._said_kill and closure is Closure.DAEMON and not self.connection.pending
            self._record(Closed, Closure.CLIENT if drained else closure, drained)
        if self._over is not None:
            self._over(self)

    # -- Requests ---------------------------------------------------------------------------------

    def join(self, group: bytes) -> None:
        """Ask to join a group."""
        self._record(JoinRequested, group)
        self.groups.add(group)
        self.connection.write(encode(JOIN_MESS, self.private_group, [group], 0, b""))

    def leave(self, group: bytes) -> None:
        """Ask to leave a group."""
        self._record(LeaveRequested, group)
        self.groups.discard(group)
        self.connection.write(encode(LEAVE_MESS, self.private_group, [group], 0, b""))

    def multicast(
        self,
        service: int,
        groups: Sequence[bytes],
        size: int = 32,
        *,
        mess_type: int = 0,
        discards_self: bool = False,
    ) -> Message:
        """Send a message of `size` bytes, 8 at least: they hold its identity."""
        identity = self._messages.next_identity()
        payload = IDENTITY.pack(identity) * (max(size, IDENTITY_SIZE) // IDENTITY_SIZE)
        message = Message(
            identity,
            self.private_group,
            service,
            tuple(groups),
            mess_type,
            payload,
            discards_self,
        )
        bits = service | (SELF_DISCARD if discards_self else 0)
        frame = encode(bits, self.private_group, list(groups), mess_type, payload)
        self._messages.add(message, frame)
        self._record(Sent, message)
        self.connection.write(frame)
        return message

    def disconnect(self) -> None:
        """Say KILL; the daemon closes when all that was asked for before is taken."""
        self._record(DisconnectRequested)
        self._said_kill = True
        self.connection.write(encode(KILL_MESS, self.private_group, [self.private_group], 0, b""))

    def break_connection(self) -> None:
        """Die: the connection breaks without a word."""
        if self.trace is not None and self.trace.is_open:
            self._record(Closed, Closure.CLIENT, False)
        self.connection.close()

    def _record(self, kind: Callable[..., object], *fields: object) -> None:
        trace = self.trace
        if trace is None:
            raise ConnectionError(f"{self.name!r} has no session")
        world = self.world
        trace.events.append(kind(world.history.tick(), world.agenda.now_ns, *fields))  # type: ignore[arg-type]

    # -- What comes -------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Take bytes of the daemon: of the handshake, then whole frames of the session."""
        data = self._inbox + data if self._inbox else data
        while self._dialogue is not None and len(data) >= self._wanted:
            field, data = data[: self._wanted], data[self._wanted :]
            self._advance(field)
        at = 0
        if self._dialogue is None and self.trace is not None:
            at = self._frames(data)
        self._inbox = data[at:]

    def _frames(self, data: bytes) -> int:
        """Record the whole frames of `data`; returns how many bytes they have."""
        at, end = 0, len(data)
        trace, history, agenda = self.trace, self.world.history, self.world.agenda
        if trace is None or not trace.is_open:
            return end
        events, delivered = trace.events, self._messages.delivered
        while end - at >= HEADER_SIZE:
            type_bits, name, names, _, size = HEADER.unpack_from(data, at)
            following = at + HEADER_SIZE + names * MAX_GROUP_NAME + size
            if type_bits & REJECT:
                following += 4
            if following > end:
                break
            if type_bits & REGULAR and not type_bits & REJECT:
                message = delivered(data[at:following], names)
                events.append(Delivered(history.tick(), agenda.now_ns, message))
            elif type_bits & MEMBERSHIP:
                self._membership(type_bits, name.rstrip(b"\0"), data[at:following], names)
            at = following
        return at

    def _membership(self, type_bits: int, group: bytes, frame: bytes, names: int) -> None:
        body_at = HEADER_SIZE + names * MAX_GROUP_NAME
        if type_bits & TRANSITION_MESS:
            group_id = GroupId(*GROUP_ID.unpack_from(frame, body_at))
            self._record(Transitional, group, group_id)
        elif type_bits & REG_MEMB_MESS:
            self._view(type_bits, group, frame, names)
        else:
            self._record(LeftGroup, group)

    def _view(self, type_bits: int, group: bytes, frame: bytes, names: int) -> None:
        body_at = HEADER_SIZE + names * MAX_GROUP_NAME
        group_id = GroupId(*GROUP_ID.unpack_from(frame, body_at))
        set_count, own_offset = struct.unpack_from("<II", frame, body_at + 12)
        at = first = body_at + 20
        own = -1
        sets = []
        for index in range(set_count):
            if at - first == own_offset:
                own = index
            (count,) = WORD.unpack_from(frame, at)
            sets.append(tuple(_names(frame, at + 4, count)))
            at += 4 + count * MAX_GROUP_NAME
        cause = Cause(type_bits & CAUSES)
        changed = None if cause is Cause.NETWORK else sets[0][0]
        members = tuple(_names(frame, HEADER_SIZE, names))
        self._record(Viewed, group, group_id, members, cause, tuple(sets), own, changed)


def _names(frame: bytes, at: int, count: int) -> list[bytes]:
    end = at + count * MAX_GROUP_NAME
    return [frame[i : i + MAX_GROUP_NAME].rstrip(b"\0") for i in range(at, end, MAX_GROUP_NAME)]
