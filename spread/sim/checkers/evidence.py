"""A history as the checkers look at it: views with their holders, and who moved on together.

Everything here is worked out once per history and shared. Messages are known by their identities;
a delivered message that nobody sent keeps the identity that it shows, and concerns only the
checkers of integrity.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from spread.sim.trace import (
    ORDERED,
    Cause,
    ClientTrace,
    Closed,
    GroupId,
    History,
    LeftGroup,
    Message,
    Span,
    Viewed,
)

__all__ = [
    "Evidence",
    "Holding",
    "TransitionKey",
    "ViewKey",
    "first_difference",
    "references",
]

ViewKey = tuple[bytes, GroupId]
TransitionKey = tuple[bytes, GroupId, GroupId, tuple[bytes, ...]]


@dataclass(slots=True, eq=False)
class Holding:
    """One client's time with one view of a group, and what was delivered to the group in it.

    The lists hold identities of ordered messages: before the transitional signal, and behind it.
    """

    client: ClientTrace
    span: Span
    regular: list[int]
    transitional: list[int]
    next: "Holding | None" = None  # The view behind it, in the same stay.

    @property
    def view(self) -> Viewed:
        return self.span.view

    @property
    def key(self) -> ViewKey:
        return self.span.view.key

    @property
    def ordered(self) -> list[int]:
        return self.regular + self.transitional

    @property
    def everything(self) -> list[int]:
        return [message.identity for message in self.span.deliveries]

    @property
    def own_set(self) -> tuple[bytes, ...]:
        """The receiver's vs-set of a NETWORK view; nothing when the view names none."""
        view = self.span.view
        is_named = view.cause == Cause.NETWORK and 0 <= view.own < len(view.sets)
        return view.sets[view.own] if is_named else ()

    @property
    def is_given_up(self) -> bool:
        """Whether its client left the group in this view, or its connection ended."""
        return isinstance(self.span.ended_by, LeftGroup | Closed)

    @property
    def is_of_transition(self) -> bool:
        """Whether a join or leave behind the transitional signal made this view.

        Regular configurations give NETWORK views the index 1.
        """
        view = self.span.view
        return view.cause == Cause.NETWORK and view.group_id.index > 1


@dataclass(slots=True, eq=False)
class Evidence:
    """What checkers ask of a history."""

    history: History
    sent: dict[int, Message] = field(default_factory=dict)
    senders: dict[int, ClientTrace] = field(default_factory=dict)
    stays: list[list[Holding]] = field(default_factory=list)  # First holdings link to the later.
    holders: dict[ViewKey, list[Holding]] = field(default_factory=dict)
    transitions: dict[TransitionKey, list[Holding]] = field(default_factory=dict)
    names: dict[bytes, list[ClientTrace]] = field(default_factory=dict)
    is_one_order: bool | None = None  # What `has_one_order` found.
    _delivered: dict[int, set[int]] = field(default_factory=dict)
    _discarding: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> "Evidence":
        evidence = cls(history)
        for client in history.clients:
            evidence.names.setdefault(client.private_group, []).append(client)
            for message in client.sent():
                evidence.sent[message.identity] = message
                evidence.senders[message.identity] = client
                if message.discards_self:
                    evidence._discarding[message.identity] = client.private_group
        for client in history.clients:
            evidence._hold(client)
        return evidence

    @property
    def clients(self) -> list[ClientTrace]:
        return self.history.clients

    @property
    def is_settled(self) -> bool:
        """Whether everything that was due has had its time: an open client has all of it."""
        return self.history.healed_at is not None

    def delivered(self, client: ClientTrace) -> set[int]:
        """Return the identities of all that a client delivered."""
        return self._delivered[client.number]

    def survives(self, holding: Holding) -> bool:
        """Whether its client certainly got all of the view that it was to get."""
        return holding.span.successor is not None or (
            self.is_settled and holding.span.ended_by is None
        )

    def keeps_requests(self, client: ClientTrace) -> bool:
        """Whether the daemon certainly took everything that the client wrote."""
        closed = client.closed
        return self.is_settled if closed is None else closed.drained

    def sole_owner(self, private_group: bytes) -> ClientTrace | None:
        """Return the only connection that ever had this name; None if there are several or none."""
        owners = self.names.get(private_group, [])
        return owners[0] if len(owners) == 1 else None

    def comparable(self, identities: list[int], one: Holding, other: Holding) -> list[int]:
        """Leave out what only one of two clients could get: self-discarding messages of the two."""
        discarding = self._discarding
        if not discarding:
            return identities
        pair = (one.client.private_group, other.client.private_group)
        return [identity for identity in identities if discarding.get(identity) not in pair]

    def is_kept_from(self, identity: int, client: ClientTrace) -> bool:
        """Whether self-discard keeps a message from this client."""
        return self._discarding.get(identity) == client.private_group

    def local_holders(self) -> Iterator[list[Holding]]:
        """Yield, for every view and life of a daemon, the holders at that daemon if several."""
        for holdings in self.holders.values():
            at_daemon: dict[tuple[int, int], list[Holding]] = {}
            for holding in holdings:
                place = holding.client.daemon, holding.client.incarnation
                at_daemon.setdefault(place, []).append(holding)
            yield from (local for local in at_daemon.values() if len(local) > 1)

    def _hold(self, client: ClientTrace) -> None:
        self._delivered[client.number] = {message.identity for message in client.delivered()}
        for spans in client.spans().values():
            last: Holding | None = None
            for span in spans:
                holding = _holding(client, span)
                self.holders.setdefault(holding.key, []).append(holding)
                if last is not None and last.span.successor is span.view:
                    last.next = holding
                    self.stays[-1].append(holding)
                    self._note_transition(last, holding)
                else:
                    self.stays.append([holding])
                last = holding

    def _note_transition(self, before: Holding, after: Holding) -> None:
        group, group_id = before.key
        key = group, group_id, after.view.group_id, after.own_set
        if after.view.cause != Cause.NETWORK or after.own_set:
            self.transitions.setdefault(key, []).append(before)


def references(holdings: Sequence[Holding]) -> Iterator[tuple[Holding, Holding]]:
    """Yield pairs that hold every client against the first two.

    Two, because what self-discard keeps from the one cannot be compared with it.
    """
    for place, reference in enumerate(holdings[:2]):
        for holding in holdings[place + 1 :]:
            yield reference, holding


def first_difference(
    one: Iterable[int], other: Iterable[int]
) -> tuple[int, int | None, int | None]:
    """Return the place where two sequences part, and what either has there."""
    left, right = list(one), list(other)
    size = min(len(left), len(right))
    place = next((index for index in range(size) if left[index] != right[index]), size)
    return (
        place,
        left[place] if place < len(left) else None,
        right[place] if place < len(right) else None,
    )


def _holding(client: ClientTrace, span: Span) -> Holding:
    deliveries, regular = span.deliveries, span.regular
    return Holding(
        client,
        span,
        [message.identity for message in deliveries[:regular] if message.service & ORDERED],
        [message.identity for message in deliveries[regular:] if message.service & ORDERED],
    )
