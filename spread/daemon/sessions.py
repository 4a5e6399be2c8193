"""Connections and sessions as the control plane knows them: who has which slot and which name.

    open -> Opening (handshake, deadline) -> accepted -> Session -> ordered end -> gone
                       \\-> refused or lost -> gone

A private name is taken from the moment the handshake knows it until the departure of its session
has been ordered, or the connection is given up in its handshake (client protocol, section 2.3).

Invariants
    a slot is in `opening` or in `by_slot`, never in both
    `by_name` and `by_slot` hold the same sessions
    deadlines are in the order in which they fall due, because all handshakes get the same time
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spread.daemon.access import Policy
from spread.daemon.handshake import Accepted, Handshake

__all__ = ["Opening", "Session", "SessionTable"]


@dataclass(slots=True, eq=False)
class Opening:
    """A connection in its handshake."""

    slot: int
    address: str
    deadline_ns: int
    handshake: Handshake
    reserved: bytes | None = None  # The private name it holds.
    is_answered: bool = False  # Refused; the data plane closes it.


@dataclass(slots=True, eq=False)
class Session:
    """A session that may send and receive messages, or whose departure is not ordered yet."""

    slot: int
    private_name: bytes
    private_group: bytes
    address: str
    wants_membership: bool
    policy: Policy
    opened_ns: int
    joins: int = 0  # Joins submitted less leaves ordered; bounds what a client can make us keep.


class SessionTable:
    """All connections of one daemon."""

    def __init__(self) -> None:
        self._opening: dict[int, Opening] = {}
        self._by_slot: dict[int, Session] = {}
        self._by_name: dict[bytes, Session] = {}
        self._names: set[bytes] = set()
        self._deadlines: deque[Opening] = deque()

    def __len__(self) -> int:
        return len(self._by_slot)

    def __iter__(self) -> Iterator[Session]:
        return iter(self._by_slot.values())

    def is_taken(self, private_name: bytes) -> bool:
        """Whether a session, or a connection in its handshake, has this private name."""
        return private_name in self._names

    def open(
        self, slot: int, address: str, deadline_ns: int, make: Callable[[], Handshake]
    ) -> Opening:
        """Take in a connection."""
        opening = Opening(slot, address, deadline_ns, make())
        self._opening[slot] = opening
        self._deadlines.append(opening)
        return opening

    def opening(self, slot: int) -> Opening | None:
        """The connection in its handshake at this slot."""
        return self._opening.get(slot)

    def reserve(self, opening: Opening) -> None:
        """Take the private name as soon as the handshake knows it."""
        name = opening.handshake.private_name
        if opening.reserved is None and name is not None:
            self._names.add(name)
            opening.reserved = name

    def accept(self, opening: Opening, accepted: Accepted, now_ns: int) -> Session:
        """Turn a connection into a session."""
        del self._opening[opening.slot]
        self._names.add(accepted.private_name)
        session = Session(
            slot=opening.slot,
            private_name=accepted.private_name,
            private_group=accepted.private_group,
            address=opening.address,
            wants_membership=accepted.membership,
            policy=accepted.policy,
            opened_ns=now_ns,
        )
        self._by_slot[opening.slot] = session
        self._by_name[accepted.private_group] = session
        opening.is_answered = True
        return session

    def give_up(self, slot: int) -> Opening | None:
        """Forget a connection that ends in its handshake."""
        opening = self._opening.pop(slot, None)
        if opening is not None:
            opening.is_answered = True
            if opening.reserved is not None:
                self._names.discard(opening.reserved)
        return opening

    def at(self, slot: int) -> Session | None:
        """The session of a slot."""
        return self._by_slot.get(slot)

    def named(self, private_group: bytes) -> Session | None:
        """The session with this private group, if it is one of this daemon."""
        return self._by_name.get(private_group)

    def depart(self, private_group: bytes) -> Session | None:
        """Forget a session whose departure has been ordered; its name is free again."""
        session = self._by_name.pop(private_group, None)
        if session is not None:
            del self._by_slot[session.slot]
            self._names.discard(session.private_name)
        return session

    def next_deadline_ns(self) -> int:
        """When the oldest unfinished handshake must be over, 0 if there is none."""
        while self._deadlines and self._deadlines[0].is_answered:
            self._deadlines.popleft()
        return self._deadlines[0].deadline_ns if self._deadlines else 0

    def overdue(self, now_ns: int) -> list[Opening]:
        """Take out the handshakes whose time is over."""
        late = []
        while (due := self.next_deadline_ns()) and due <= now_ns:
            late.append(self._deadlines.popleft())
        return late
