"""What clients did and saw in a run, as values that checkers can judge.

A `ClientTrace` is one connection: its events in program order, what it asked for at the moment it
wrote the request, what it received at the moment it read it. `at` numbers all events of a
`History`, in the order in which the run produced them, and `now_ns` is the run's clock; neither is
known to any client. The same values describe runs of real daemons.

A delivered message that equals what its sender sent *is* the sender's `Message` object; any other
object is a message that nobody sent so.
"""

from dataclasses import dataclass, field
from enum import IntEnum

__all__ = [
    "Cause",
    "ClientTrace",
    "Closed",
    "Closure",
    "DaemonEvent",
    "DaemonStarted",
    "DaemonStopped",
    "Delivered",
    "DisconnectRequested",
    "Event",
    "FaultNote",
    "GroupId",
    "History",
    "JoinRequested",
    "LeaveRequested",
    "LeftGroup",
    "Message",
    "RingInstalled",
    "Sent",
    "Span",
    "Transitional",
    "Viewed",
]

ORDERED = 0x04 | 0x08 | 0x10 | 0x20
SAFE = 0x20


class Cause(IntEnum):
    """Why a view came, as the bits of the membership message."""

    JOIN = 0x100
    LEAVE = 0x200
    DISCONNECT = 0x400
    NETWORK = 0x800


class Closure(IntEnum):
    """Why a connection is over."""

    CLIENT = 0  # It said KILL or closed its socket.
    DAEMON = 1  # The daemon ended it: too slow, or a fault of its input.
    CRASH = 2  # Its daemon stopped.


@dataclass(frozen=True, slots=True, order=True)
class GroupId:
    """The id of a view of one group: ring leader's daemon id and time, unsigned, and the index."""

    leader: int
    time: int
    index: int

    @property
    def ring(self) -> tuple[int, int]:
        return self.leader, self.time


@dataclass(slots=True, eq=False)
class Message:
    """A multicast. `identity` is unique in a history; `service` is the bit of the service alone."""

    identity: int
    sender: bytes
    service: int
    groups: tuple[bytes, ...]  # Groups and private names, as written: also twice the same.
    mess_type: int
    payload: bytes
    discards_self: bool = False

    @property
    def is_ordered(self) -> bool:
        return bool(self.service & ORDERED)

    @property
    def is_safe(self) -> bool:
        return self.service == SAFE


@dataclass(slots=True, eq=False)
class Sent:
    at: int
    now_ns: int
    message: Message


@dataclass(slots=True, eq=False)
class JoinRequested:
    at: int
    now_ns: int
    group: bytes


@dataclass(slots=True, eq=False)
class LeaveRequested:
    at: int
    now_ns: int
    group: bytes


@dataclass(slots=True, eq=False)
class DisconnectRequested:
    """KILL was written; nothing is asked for behind it."""

    at: int
    now_ns: int


@dataclass(slots=True, eq=False)
class Delivered:
    at: int
    now_ns: int
    message: Message


@dataclass(slots=True, eq=False)
class Viewed:
    """A regular membership message: `sets` are the vs-sets, `own` the index of the receiver's.

    `changed` is the member that a JOIN, LEAVE or DISCONNECT names, None with NETWORK.
    """

    at: int
    now_ns: int
    group: bytes
    group_id: GroupId
    members: tuple[bytes, ...]
    cause: Cause
    sets: tuple[tuple[bytes, ...], ...]
    own: int
    changed: bytes | None

    @property
    def key(self) -> tuple[bytes, GroupId]:
        return self.group, self.group_id


@dataclass(slots=True, eq=False)
class Transitional:
    at: int
    now_ns: int
    group: bytes
    group_id: GroupId


@dataclass(slots=True, eq=False)
class LeftGroup:
    """The self-leave notice."""

    at: int
    now_ns: int
    group: bytes


@dataclass(slots=True, eq=False)
class Closed:
    """The connection is over; with `drained` the daemon certainly took all that was written."""

    at: int
    now_ns: int
    closure: Closure
    drained: bool


Event = (
    Sent
    | JoinRequested
    | LeaveRequested
    | DisconnectRequested
    | Delivered
    | Viewed
    | Transitional
    | LeftGroup
    | Closed
)


@dataclass(slots=True, eq=False)
class Span:
    """A view as its client had it: what was delivered to the group while it was current.

    `deliveries[:regular]` came before the transitional signal. `ended_by` is what ended the view:
    the next view, a self-leave, the closure; None while it lasts.
    """

    view: Viewed
    deliveries: list[Message] = field(default_factory=list)
    signal: Transitional | None = None
    regular: int = 0
    ended_by: Viewed | LeftGroup | Closed | None = None

    @property
    def successor(self) -> Viewed | None:
        return self.ended_by if isinstance(self.ended_by, Viewed) else None

    def close(self, event: Viewed | LeftGroup | Closed | None) -> None:
        self.ended_by = event
        if self.signal is None:
            self.regular = len(self.deliveries)


@dataclass(slots=True, eq=False)
class ClientTrace:
    """One connection, from its accepted handshake on."""

    number: int  # The connection epoch: unique in a history, in order of acceptance.
    private_group: bytes
    daemon: int  # Number in configuration order.
    incarnation: int  # Which life of the daemon.
    membership: bool
    opened_at: int
    events: list[Event] = field(default_factory=list)

    @property
    def closed(self) -> Closed | None:
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Closed) else None

    @property
    def is_open(self) -> bool:
        return self.closed is None

    def delivered(self) -> list[Message]:
        return [event.message for event in self.events if isinstance(event, Delivered)]

    def sent(self) -> list[Message]:
        return [event.message for event in self.events if isinstance(event, Sent)]

    def spans(self) -> dict[bytes, list[Span]]:
        """Return the views of every group in order, with what was delivered to it in each.

        A view and the next belong to one stay in the group if `successor` links them. Nothing is
        known of sessions without membership messages.
        """
        spans: dict[bytes, list[Span]] = {}
        current: dict[bytes, Span] = {}
        for event in self.events:
            kind = type(event)
            if kind is Delivered:
                _delivered(current, event.message)  # type: ignore[union-attr]
            elif kind is Viewed or kind is LeftGroup:
                group: bytes = event.group  # type: ignore[union-attr]
                if (ended := current.pop(group, None)) is not None:
                    ended.close(event)  # type: ignore[arg-type]
                if isinstance(event, Viewed):
                    current[group] = span = Span(event)
                    spans.setdefault(group, []).append(span)
            elif isinstance(event, Transitional) and event.group in current:
                _signalled(current[event.group], event)
        for span in current.values():
            span.close(self.closed)
        return spans


def _delivered(current: dict[bytes, Span], message: Message) -> None:
    groups = message.groups
    for group in groups if len(groups) == 1 else set(groups):
        if (span := current.get(group)) is not None:
            span.deliveries.append(message)


def _signalled(span: Span, signal: Transitional) -> None:
    if span.signal is None:
        span.signal = signal
        span.regular = len(span.deliveries)


@dataclass(slots=True, eq=False)
class FaultNote:
    """What the run did to hosts and network."""

    at: int
    now_ns: int
    text: str


@dataclass(slots=True, eq=False)
class DaemonStarted:
    at: int
    now_ns: int
    daemon: int
    incarnation: int


@dataclass(slots=True, eq=False)
class DaemonStopped:
    at: int
    now_ns: int
    daemon: int
    incarnation: int


@dataclass(slots=True, eq=False)
class RingInstalled:
    """The daemon installed a ring; `members` are daemon numbers in configuration order."""

    at: int
    now_ns: int
    daemon: int
    incarnation: int
    ring: tuple[int, int]
    members: tuple[int, ...]


DaemonEvent = DaemonStarted | DaemonStopped | RingInstalled


@dataclass(slots=True, eq=False)
class History:
    """All connections of a run, what happened to daemons and network, and how it ended.

    From `healed_at` (an event's number) on there were no faults, and the run ended at least the
    bound on liveness later; None if the run does not promise that.
    """

    daemon_names: tuple[bytes, ...] = ()
    clients: list[ClientTrace] = field(default_factory=list)
    faults: list[FaultNote] = field(default_factory=list)
    daemons: list[DaemonEvent] = field(default_factory=list)
    healed_at: int | None = None
    ticks: int = 0  # Events so far.

    def tick(self) -> int:
        """Return the number of the next event."""
        number = self.ticks
        self.ticks = number + 1
        return number

    def open(
        self, private_group: bytes, *, daemon: int, incarnation: int, membership: bool = True
    ) -> ClientTrace:
        """Begin the trace of a connection whose handshake was accepted."""
        trace = ClientTrace(
            len(self.clients), private_group, daemon, incarnation, membership, self.tick()
        )
        self.clients.append(trace)
        return trace

    def sent(self) -> dict[int, Message]:
        """Return every message that was sent, by its identity."""
        return {message.identity: message for client in self.clients for message in client.sent()}
