"""What each session must receive, byte for byte: the daemon as a few plain Python functions.

Frames are taken one by one as they become whole, and put into one list: the order. `deliver` goes
through the list. Nothing here is fast, bounded or shared, and nothing knows of the package.

Decided on submission: malformed headers, the bound of memberships, the policy. Decided in the
order: groups, views, receivers, and the bound of a receiver's queue.
"""

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.daemon.harness import wire
from tests.memory.header_model import broken_rules

__all__ = ["Model", "ModelSession"]

CLASSIC_SIZE_MAX = 143_952

Refuses = Callable[[wire.Frame], bool]


@dataclass(eq=False)
class ModelSession:
    """One session. Its connection takes `room` bytes, None for any number, then it is full."""

    private_group: bytes
    wants_membership: bool
    size_max: int = CLASSIC_SIZE_MAX
    room: int | None = None
    is_open: bool = True
    is_full: bool = False  # The last write left something.
    joins: int = 0
    received: bytearray = field(default_factory=bytearray, repr=False)
    waiting: deque[bytes] = field(default_factory=deque, repr=False)
    input: bytes = field(default=b"", repr=False)

    def write(self) -> None:
        """Take what there is room for; a message that is taken in part waits as a whole one."""
        while self.waiting:
            message = self.waiting[0]
            size = len(message) if self.room is None else min(self.room, len(message))
            self.received += message[:size]
            if self.room is not None:
                self.room -= size
            if size < len(message):
                self.waiting[0] = message[size:]
                break
            self.waiting.popleft()
        self.is_full = bool(self.waiting)


@dataclass(frozen=True)
class _Departure:
    private_group: bytes


@dataclass(frozen=True)
class _Submitted:
    sender: ModelSession
    frame: wire.Frame


@dataclass
class _Group:
    index: int = 0
    members: list[bytes] = field(default_factory=list)


class Model:
    """One daemon alone in its ring."""

    def __init__(
        self,
        ring: tuple[int, int],
        *,
        messages_max: int | None = None,
        memberships_max: int = 1 << 30,
        refuses: Refuses = lambda _: False,
    ) -> None:
        """`messages_max` may wait for a session; `refuses` is the policy, asked with the frame."""
        self.sessions: dict[bytes, ModelSession] = {}  # Until their departure has been ordered.
        self._ring = ring
        self._messages_max = messages_max
        self._memberships_max = memberships_max
        self._refuses = refuses
        self._groups: dict[bytes, _Group] = {}
        self._order: deque[_Departure | _Submitted] = deque()

    # -- What clients do --------------------------------------------------------------------------

    def open(
        self, private_group: bytes, *, membership: bool, size_max: int = CLASSIC_SIZE_MAX
    ) -> ModelSession:
        session = ModelSession(private_group, membership, size_max)
        self.sessions[private_group] = session
        return session

    def receive(self, session: ModelSession, data: bytes) -> None:
        """Take bytes of a session and submit the frames that are whole now."""
        session.input += data
        while session.is_open and len(session.input) >= wire.HEADER_SIZE:
            if broken_rules(session.input[:48], session.private_group, session.size_max):
                self.end(session)
                return
            size = wire.frame_size(session.input)
            assert size is not None
            if len(session.input) < size:
                return
            frame = wire.decode_frame(session.input[:size])
            session.input = session.input[size:]
            self._submit(session, frame)

    def end(self, session: ModelSession) -> None:
        """The session is over: what waits for it is lost, its departure is put into the order."""
        if session.is_open:
            session.is_open = False
            session.waiting.clear()
            self._order.append(_Departure(session.private_group))

    def _submit(self, session: ModelSession, frame: wire.Frame) -> None:
        if frame.type & wire.KILL:
            self.end(session)
        elif self._refuses(frame) or (frame.type & wire.JOIN and not self._may_join(frame)):
            self._reject(session, frame)
        elif frame.type & (wire.JOIN | wire.LEAVE):
            session.joins += bool(frame.type & wire.JOIN)
            if frame.groups:
                self._order.append(_Submitted(session, frame))
        else:
            self._order.append(_Submitted(session, frame))

    def _may_join(self, frame: wire.Frame) -> bool:
        """Names that fill their field are none; joins count from here to their leave."""
        joins = sum(other.joins for other in self.sessions.values())
        return bool(frame.groups) and b"\0" in frame.groups[0] and joins < self._memberships_max

    def _reject(self, session: ModelSession, frame: wire.Frame) -> None:
        if frame.type & wire.SELF_DISCARD:
            return
        old_type = frame.type
        for request, cause in ((wire.JOIN, 0x100), (wire.LEAVE, 0x200)):
            if old_type & request:
                old_type = old_type & ~request | cause
        answer = replace(
            frame,
            type=wire.REJECT,
            groups=(*frame.groups[:99], wire.padded(session.private_group)),
            order="little",
            old_type=old_type | wire.MARKER,
        )
        # It is queued when the request is read, where nothing can be written.
        if self._is_over(session) and (session.is_full or not session.waiting):
            self.end(session)
        else:
            session.waiting.append(wire.encode_frame(answer))

    # -- The order --------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Go through the order, and write what there is room for."""
        while self._order:
            item = self._order.popleft()
            if isinstance(item, _Departure):
                self._depart(item.private_group)
            elif item.frame.type & wire.JOIN:
                self._join(item.sender, item.frame.group_names[0])
            elif item.frame.type & wire.LEAVE:
                self._leave(item.sender, item.frame.group_names[0])
            else:
                self._multicast(item.sender, item.frame)
        for session in self.sessions.values():
            session.write()

    def _multicast(self, sender: ModelSession, frame: wire.Frame) -> None:
        names = {
            member
            for name in frame.group_names
            for member in ([name] if name.startswith(b"#") else self._members(name))
        }
        if frame.type & wire.SELF_DISCARD:
            names.discard(sender.private_group)
        message = wire.encode_frame(replace(frame, order="little"))
        for name in sorted(names & self.sessions.keys()):
            self._queue(self.sessions[name], message)

    def _members(self, group: bytes) -> list[bytes]:
        return self._groups[group].members if group in self._groups else []

    def _join(self, session: ModelSession, name: bytes) -> None:
        if session.private_group in self._members(name):
            session.joins -= 1
            return
        group = self._groups.setdefault(name, _Group())
        group.members = sorted([*group.members, session.private_group])
        self._announce(name, wire.CAUSED_BY_JOIN, session.private_group)

    def _leave(self, session: ModelSession, name: bytes) -> None:
        if session.private_group not in self._members(name):
            return
        session.joins -= 1
        self._groups[name].members.remove(session.private_group)
        if session.wants_membership:
            self._queue(session, wire.header(0x200, name, 0, wire.hint_bytes(0), 0, "little"))
        self._announce(name, wire.CAUSED_BY_LEAVE, session.private_group)

    def _depart(self, private_group: bytes) -> None:
        del self.sessions[private_group]
        for name in sorted(self._groups):
            if private_group in self._groups[name].members:
                self._groups[name].members.remove(private_group)
                self._announce(name, wire.CAUSED_BY_DISCONNECT, private_group)

    def _announce(self, name: bytes, cause: int, changed: bytes) -> None:
        """Send the new view to the members that want one; a view nobody sees has no number."""
        group = self._groups[name]
        if not group.members:
            return
        group.index += 1
        body = struct.pack("<iiiIII", *self._ring, group.index, 1, 0, 1) + wire.padded(changed)
        view = wire.Frame(
            type=wire.REGULAR_MEMBERSHIP | cause,
            name=wire.padded(name),
            groups=tuple(map(wire.padded, group.members)),
            hint=wire.hint_bytes(0),
            data=body,
        )
        for member in group.members:
            session = self.sessions.get(member)
            if session is not None and session.wants_membership:
                self._queue(session, wire.encode_frame(view))

    def _queue(self, session: ModelSession, message: bytes) -> None:
        """Queue a message, unless as many as may wait do: that ends the session."""
        if not session.is_open:
            return
        session.write()
        if self._is_over(session):
            self.end(session)
        else:
            session.waiting.append(message)

    def _is_over(self, session: ModelSession) -> bool:
        return self._messages_max is not None and len(session.waiting) >= self._messages_max
