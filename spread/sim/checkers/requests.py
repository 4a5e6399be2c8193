"""Requests: a client's wishes take effect in order, and what a daemon took it does not lose."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from spread.sim.checkers.checker import Checker, name_of, name_of_message, name_of_view, place_of
from spread.sim.checkers.evidence import Evidence, Holding, first_difference, references
from spread.sim.trace import (
    Cause,
    ClientTrace,
    Delivered,
    JoinRequested,
    LeaveRequested,
    LeftGroup,
    Message,
    Sent,
    Viewed,
)

__all__ = ["NoSilentLoss", "PrivateMessages", "RequestOrder"]


class RequestOrder(Checker):
    """S27: what a client sends behind a join is ordered behind it, what before a leave before it.

    So a client gets its own messages back exactly if it was a member by its own requests when it
    sent them, and inside of the views of the groups that it had joined.
    """

    number = "S27"
    name = "request order"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for client in evidence.clients:
            yield from _Requests(evidence, client).judge()
        for stay in evidence.stays:
            yield from self._untold(evidence, stay[-1])

    def _untold(self, evidence: Evidence, last: Holding) -> Iterator[str]:
        """Look for a client that left, as others saw, and went on without the notice of it."""
        if isinstance(last.span.ended_by, LeftGroup):
            return
        group_id = last.view.group_id
        key = last.view.group, replace(group_id, index=group_id.index + 1)
        for witness in evidence.holders.get(key, ()):
            view = witness.view
            if view.cause != Cause.LEAVE or view.changed != last.client.private_group:
                return
            behind = _ordered_behind(witness.client, view) & evidence.delivered(last.client)
            if behind:
                yield (
                    f"{name_of(last.client)} got no notice that it left {view.group!r}, but "
                    f"{name_of_message(evidence, min(behind))}, which {name_of(witness.client)} "
                    f"got behind {name_of_view(view)}"
                )
                return


@dataclass(slots=True, eq=False)
class _Requests:
    """One client's requests, followed in program order."""

    evidence: Evidence
    client: ClientTrace
    joined: dict[bytes, list[Message]] = field(default_factory=dict)  # Sent since the join.
    leaving: dict[bytes, deque[list[Message]]] = field(default_factory=dict)
    due: dict[int, set[bytes]] = field(default_factory=dict)  # Own messages: the groups joined.
    current: set[bytes] = field(default_factory=set)
    delivered: set[int] = field(default_factory=set)

    def judge(self) -> Iterator[str]:
        for event in self.client.events:
            match event:
                case JoinRequested():
                    self.joined.setdefault(event.group, [])
                case LeaveRequested():
                    if event.group in self.joined:
                        sent = self.joined.pop(event.group)
                        self.leaving.setdefault(event.group, deque()).append(sent)
                case Sent():
                    self._send(event.message)
                case Delivered():
                    self.delivered.add(event.message.identity)
                    yield from self._own(event)
                case Viewed():
                    self.current.add(event.group)
                case LeftGroup():
                    self.current.discard(event.group)
                    yield from self._left(event)
                case _:
                    pass
        if self.client.is_open and self.evidence.is_settled:
            for identity, groups in self.due.items():
                if groups and identity not in self.delivered:
                    yield self._missed(identity, "although it stayed open")

    def _send(self, message: Message) -> None:
        if message.discards_self:
            return
        groups = self.joined.keys() & set(message.groups)
        if self.client.private_group in message.groups:
            groups.add(self.client.private_group)
        self.due[message.identity] = groups
        for group in groups & self.joined.keys():
            self.joined[group].append(message)

    def _own(self, event: Delivered) -> Iterator[str]:
        identity = event.message.identity
        groups = self.due.get(identity)
        if groups is None:
            return
        what = f"{name_of(self.client)} got its own {name_of_message(self.evidence, identity)}"
        if not groups:
            yield f"{what} at event {event.at}, sent while it had joined none of the destinations"
        elif self.client.membership:
            outside = groups - self.current - {self.client.private_group}
            if outside:
                yield (
                    f"{what} at event {event.at} outside of its views of {sorted(outside)}, which "
                    f"it had joined when it sent it"
                )

    def _left(self, event: LeftGroup) -> Iterator[str]:
        sent = self.leaving.get(event.group)
        for message in sent.popleft() if sent else []:
            if message.identity not in self.delivered:
                yield self._missed(
                    message.identity, f"sent before it left {event.group!r} at event {event.at}"
                )
                self.due.pop(message.identity, None)

    def _missed(self, identity: int, why: str) -> str:
        return f"{name_of(self.client)} missed its {name_of_message(self.evidence, identity)} {why}"


class NoSilentLoss(Checker):
    """S28: a client gets its complete sequence up to its end, the same as others of its daemon."""

    number = "S28"
    name = "no silent loss"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for holdings in evidence.local_holders():
            longest = sorted(holdings, key=lambda holding: -len(holding.span.deliveries))
            for one, other in references(longest):
                yield from self._compare(evidence, one, other)
        for holdings in evidence.holders.values():
            yield from self._without_views(evidence, holdings)

    def _compare(self, evidence: Evidence, one: Holding, other: Holding) -> Iterator[str]:
        left = evidence.comparable(one.everything, one, other)
        right = evidence.comparable(other.everything, one, other)
        size = min(len(left), len(right))
        is_cut = (size < len(left) and evidence.survives(other)) or (
            size < len(right) and evidence.survives(one)
        )
        if left[:size] == right[:size] and not is_cut:
            return
        place, here, there = first_difference(left, right)
        lost = name_of_message(evidence, here) if here is not None else "nothing more"
        got = name_of_message(evidence, there) if there is not None else "nothing more"
        yield (
            f"{name_of(one.client)} and {name_of(other.client)} of one daemon got {lost} and {got} "
            f"as number {place} in {name_of_view(one.view)}"
        )

    def _without_views(self, evidence: Evidence, holdings: list[Holding]) -> Iterator[str]:
        """Look at members that ask for no views, at the daemons of those who do."""
        for member in holdings[0].view.members:
            client = evidence.sole_owner(member)
            if client is None or client.membership:
                continue
            delivered = evidence.delivered(client)
            is_whole = client.is_open and evidence.is_settled
            for holding in holdings:
                if _is_neighbour(holding.client, client):
                    for identity in _lacking(holding.everything, delivered, is_whole=is_whole):
                        if not evidence.is_kept_from(identity, client):
                            yield (
                                f"{name_of(client)} never got {name_of_message(evidence, identity)}"
                                f", which {name_of(holding.client)} of its daemon got "
                                f"{place_of(holding.client, identity)} "
                                f"in {name_of_view(holding.view)}"
                            )


class PrivateMessages(Checker):
    """S31: a private message reaches the connection that it names, if that is there, and no other.

    Connections of one daemon are there for each other from the accepted handshake on, those of
    others while their common view lasts.
    """

    number = "S31"
    name = "private messages"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for sender in evidence.clients:
            for event in sender.events:
                if isinstance(event, Sent):
                    for name in dict.fromkeys(event.message.groups):
                        if name in evidence.names:
                            yield from self._target(evidence, sender, event, name)

    def _target(
        self, evidence: Evidence, sender: ClientTrace, event: Sent, name: bytes
    ) -> Iterator[str]:
        identity = event.message.identity
        owners = evidence.names[name]
        receivers = [client for client in owners if identity in evidence.delivered(client)]
        what = f"the private {name_of_message(evidence, identity)}"
        if len(receivers) > 1:
            yield f"{' and '.join(map(name_of, receivers))} got {what}"
        if len(owners) > 1 or receivers or evidence.is_kept_from(identity, owners[0]):
            return
        (target,) = owners
        is_open = target.is_open and evidence.is_settled and evidence.keeps_requests(sender)
        if is_open and _is_neighbour(sender, target) and target.opened_at < event.at:
            yield f"{name_of(target)} never got {what}, sent at event {event.at}"
        elif event.message.is_ordered:
            for view in _views_at(sender, event):
                if _goes_on(evidence, sender, event, target, view):
                    yield (
                        f"{name_of(target)} never got {what}, sent at event {event.at} in "
                        f"{name_of_view(view)}, in which it got later ones"
                    )


def _lacking(identities: list[int], delivered: set[int], *, is_whole: bool) -> list[int]:
    """Return what was not delivered, up to the last that was, or to the end."""
    got = [place for place, identity in enumerate(identities) if identity in delivered]
    end = len(identities) if is_whole else (got[-1] if got else 0)
    return [identity for identity in identities[:end] if identity not in delivered]


def _goes_on(
    evidence: Evidence, sender: ClientTrace, event: Sent, target: ClientTrace, view: Viewed
) -> bool:
    """Whether a target got later messages of the sender before the signal of the sender's view."""
    held = [item for item in evidence.holders[view.key] if item.client is target]
    regular = {identity for holding in held for identity in holding.regular}
    for later in sender.events:
        if later.at > event.at:
            if isinstance(later, Viewed) and later.group == view.group:
                return False
            if isinstance(later, Sent) and later.message.identity in regular:
                return True
    return False


def _views_at(client: ClientTrace, until: Sent) -> list[Viewed]:
    """Return the views that a client has when it sends."""
    current: dict[bytes, Viewed] = {}
    for event in client.events:
        if event is until:
            break
        if isinstance(event, Viewed):
            current[event.group] = event
        elif isinstance(event, LeftGroup):
            current.pop(event.group, None)
    return list(current.values())


def _ordered_behind(client: ClientTrace, view: Viewed) -> set[int]:
    """Return the ordered messages that a client got behind a view."""
    return {
        event.message.identity
        for event in client.events
        if isinstance(event, Delivered) and event.at > view.at and event.message.is_ordered
    }


def _is_neighbour(one: ClientTrace, other: ClientTrace) -> bool:
    """Whether two connections are of the same life of the same daemon."""
    return (one.daemon, one.incarnation) == (other.daemon, other.incarnation)
