"""What clients did and saw, as values that checkers can judge.

A trace is the sequence of events at one connection in program order: what the client asked for, at
the moment before it was sent, and what it received, at the moment it was read. `at` numbers the
events of all clients of a history; it is the order in which the one thread of the test saw them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, count
from typing import TypeVar

from tests.daemon.harness.wire import GroupId

__all__ = [
    "ClientTrace",
    "Delivered",
    "Ended",
    "Event",
    "History",
    "JoinRequested",
    "LeaveRequested",
    "LeftGroup",
    "Message",
    "Sent",
    "Span",
    "Transitional",
    "Viewed",
]

T = TypeVar("T")

ORDERED = 0x04 | 0x08 | 0x10 | 0x20
SELF_DISCARD = 0x40


@dataclass(frozen=True, slots=True)
class Message:
    """A multicast as its sender meant it; `identity` is unique in a history."""

    identity: bytes
    sender: bytes
    service: int
    groups: tuple[bytes, ...]
    mess_type: int
    payload: bytes

    @property
    def is_ordered(self) -> bool:
        return bool(self.service & ORDERED)

    @property
    def discards_self(self) -> bool:
        return bool(self.service & SELF_DISCARD)


@dataclass(frozen=True, slots=True)
class Sent:
    at: int
    message: Message


@dataclass(frozen=True, slots=True)
class JoinRequested:
    at: int
    group: bytes


@dataclass(frozen=True, slots=True)
class LeaveRequested:
    at: int
    group: bytes


@dataclass(frozen=True, slots=True)
class Delivered:
    at: int
    message: Message


@dataclass(frozen=True, slots=True)
class Viewed:
    """A regular membership message. `cause` is its bit, `sets` the vs-sets, `own` the index."""

    at: int
    group: bytes
    group_id: GroupId
    members: tuple[bytes, ...]
    cause: int
    sets: tuple[tuple[bytes, ...], ...]
    own: int = 0

    @property
    def key(self) -> tuple[bytes, GroupId]:
        return self.group, self.group_id


@dataclass(frozen=True, slots=True)
class Transitional:
    at: int
    group: bytes


@dataclass(frozen=True, slots=True)
class LeftGroup:
    """The self-leave notice."""

    at: int
    group: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over. `by_client`: it asked for that, with KILL or a close.

    `drained`: it said KILL and read up to the end of stream, so that all it sent was taken.
    """

    at: int
    by_client: bool
    drained: bool


Event = (
    Sent | JoinRequested | LeaveRequested | Delivered | Viewed | Transitional | LeftGroup | Ended
)


@dataclass(slots=True)
class Span:
    """A view as its client had it: what was delivered to the group while it was current.

    `successor` is the next view, None at a self-leave, an end, or the end of the run; `ended_by`
    is what ended it, None while it lasts.
    """

    view: Viewed
    deliveries: list[Message] = field(default_factory=list)
    ended_by: Event | None = None

    @property
    def successor(self) -> Viewed | None:
        return self.ended_by if isinstance(self.ended_by, Viewed) else None

    @property
    def ordered(self) -> list[Message]:
        return [message for message in self.deliveries if message.is_ordered]


@dataclass(slots=True)
class ClientTrace:
    """One connection: a private group and what happened there."""

    private_group: bytes
    accepted_at: int
    membership: bool = True
    events: list[Event] = field(default_factory=list)

    @property
    def end(self) -> Ended | None:
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Ended) else None

    @property
    def is_open(self) -> bool:
        return self.end is None

    @property
    def keeps_requests(self) -> bool:
        """Whether everything that it sent was certainly taken by the daemon."""
        return self.end is None or self.end.drained

    def of(self, kind: type[T]) -> Iterator[T]:
        return (event for event in self.events if isinstance(event, kind))

    def delivered(self) -> list[Message]:
        return [event.message for event in self.of(Delivered)]

    def sent(self) -> list[Message]:
        return [event.message for event in self.of(Sent)]

    def spans(self, group: bytes) -> list[Span]:
        """Return the views of a group in order, with what was delivered to the group in each."""
        spans: list[Span] = []
        current: Span | None = None
        for event in self.events:
            match event:
                case Viewed() | LeftGroup() if event.group == group:
                    _end(current, event)
                    current = Span(event) if isinstance(event, Viewed) else None
                    spans.extend([current] if current else [])
                case Ended():
                    _end(current, event)
                case Delivered() if current is not None and group in event.message.groups:
                    current.deliveries.append(event.message)
                case _:
                    pass
        return spans

    def stays(self, group: bytes) -> list[list[Span]]:
        """Return the views of a group in runs without a self-leave in between."""
        stays: list[list[Span]] = []
        goes_on = False
        for span in self.spans(group):
            if goes_on:
                stays[-1].append(span)
            else:
                stays.append([span])
            goes_on = span.successor is not None
        return stays


def _end(span: Span | None, event: Event) -> None:
    if span is not None:
        span.ended_by = event


@dataclass(slots=True)
class History:
    """All connections of a run."""

    clients: list[ClientTrace] = field(default_factory=list)
    _clock: Iterator[int] = field(default_factory=count)

    def tick(self) -> int:
        """Return the number of the next event."""
        return next(self._clock)

    def open(self, private_group: bytes, *, membership: bool = True) -> ClientTrace:
        trace = ClientTrace(private_group, self.tick(), membership)
        self.clients.append(trace)
        return trace

    def groups(self) -> list[bytes]:
        """Return the groups that any client asked to join or saw a view of."""
        return sorted(
            {
                event.group
                for client in self.clients
                for event in client.events
                if isinstance(event, JoinRequested | Viewed)
            }
        )

    def sent(self) -> dict[bytes, Message]:
        return {message.identity: message for client in self.clients for message in client.sent()}

    def sole_owner(self, private_group: bytes) -> ClientTrace | None:
        """Return the client of that name; None when no or several connections had it."""
        owners = [client for client in self.clients if client.private_group == private_group]
        return owners[0] if len(owners) == 1 else None

    def shared_spans(
        self, group: bytes
    ) -> Iterator[tuple[tuple[ClientTrace, Span], tuple[ClientTrace, Span]]]:
        """Yield every two clients that had the same view of a group, each with its span."""
        holders: dict[GroupId, list[tuple[ClientTrace, Span]]] = {}
        for client in self.clients:
            for span in client.spans(group):
                holders.setdefault(span.view.group_id, []).append((client, span))
        for held in holders.values():
            yield from combinations(held, 2)
