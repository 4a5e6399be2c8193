"""Ordering: one order of ordered messages and views, the same for everybody."""

from collections.abc import Iterator
from itertools import pairwise

from tests.daemon.checkers.checker import Checker, name_of, name_of_view
from tests.daemon.harness.wire import GroupId
from tests.daemon.trace import ClientTrace, Delivered, Event, History, Message, Sent, Span, Viewed

__all__ = ["Causality", "Fifo", "NoGaps", "TotalOrder", "VirtualSynchrony"]

Node = bytes | tuple[bytes, GroupId]


class TotalOrder(Checker):
    """S15: ordered messages and views of all groups have one order that every client sees."""

    number = "S15"

    def check(self, history: History) -> Iterator[str]:
        successors: dict[Node, set[Node]] = {}
        for client in history.clients:
            seen = [node for event in client.events if (node := self._node(event)) is not None]
            for node in seen:
                successors.setdefault(node, set())
            for left, right in pairwise(seen):
                successors[left].add(right)
        without_place = _without_place(successors)
        if without_place:
            yield f"{len(without_place)} events have no common order, so {without_place[:4]}"

    def _node(self, event: Event) -> Node | None:
        if isinstance(event, Delivered) and event.message.is_ordered:
            return event.message.identity
        return event.key if isinstance(event, Viewed) else None


class VirtualSynchrony(Checker):
    """S16: clients that go together from a view to the next delivered the same in it."""

    number = "S16"

    def check(self, history: History) -> Iterator[str]:
        for group in history.groups():
            for (one, span), (other, also) in history.shared_spans(group):
                next_one, next_other = span.successor, also.successor
                if next_one is None or next_other is None or next_one.key != next_other.key:
                    continue
                if set(_common(span, one, other)) != set(_common(also, one, other)):
                    yield (
                        f"{name_of(one)} and {name_of(other)} delivered different messages "
                        f"in {name_of_view(span.view)}"
                    )


class NoGaps(Checker):
    """S17: what two clients delivered in one view is the same up to where one of them ended."""

    number = "S17"

    def check(self, history: History) -> Iterator[str]:
        for group in history.groups():
            for (one, span), (other, also) in history.shared_spans(group):
                left, right = _common(span, one, other), _common(also, one, other)
                size = min(len(left), len(right))
                if left[:size] != right[:size]:
                    yield (
                        f"{name_of(one)} and {name_of(other)} differ before the end "
                        f"of {name_of_view(span.view)}"
                    )


class Fifo(Checker):
    """S18: ordered messages of one sender come in sending order, and to a member without a gap."""

    number = "S18"

    def check(self, history: History) -> Iterator[str]:
        for receiver in history.clients:
            places = {message.identity: place for place, message in enumerate(receiver.delivered())}
            for sender in history.clients:
                order = [
                    places[message.identity]
                    for message in sender.sent()
                    if message.is_ordered and message.identity in places
                ]
                if order != sorted(order):
                    yield f"{name_of(receiver)} got messages of {name_of(sender)} out of order"
            if receiver.membership and history.sole_owner(receiver.private_group) is receiver:
                yield from self._gaps(history, receiver)

    def _gaps(self, history: History, receiver: ClientTrace) -> Iterator[str]:
        for group in history.groups():
            for stay in receiver.stays(group):
                ids = {span.view.group_id for span in stay}
                came = {message.identity for span in stay for message in span.deliveries}
                for sender in history.clients:
                    due = _sent_seeing(sender, receiver, group, ids)
                    last = max((place for place, item in enumerate(due) if item in came), default=0)
                    for identity in due[:last]:
                        if identity not in came:
                            yield f"{name_of(receiver)} misses {identity.hex()} in {group!r}"


class Causality(Checker):
    """S19: nobody delivers an answer before what it answers."""

    number = "S19"

    def check(self, history: History) -> Iterator[str]:
        causes = list(self._causes(history))
        for client in history.clients:
            places = {message.identity: place for place, message in enumerate(client.delivered())}
            for cause, effect in causes:
                if cause in places and effect in places and places[cause] > places[effect]:
                    yield f"{name_of(client)} got {effect.hex()} before its cause {cause.hex()}"

    def _causes(self, history: History) -> Iterator[tuple[bytes, bytes]]:
        """Yield pairs of messages: the last one delivered or sent before another was sent."""
        for client in history.clients:
            last: bytes | None = None
            for event in client.events:
                if isinstance(event, Delivered | Sent) and event.message.is_ordered:
                    if isinstance(event, Sent) and last is not None:
                        yield last, event.message.identity
                    last = event.message.identity


def _common(span: Span, one: ClientTrace, other: ClientTrace) -> list[bytes]:
    """Return the ordered messages of a span without those that self-discard keeps from one."""
    pair = (one.private_group, other.private_group)
    return [
        message.identity
        for message in span.deliveries
        if message.is_ordered and not (message.discards_self and message.sender in pair)
    ]


def _sent_seeing(
    sender: ClientTrace, receiver: ClientTrace, group: bytes, ids: set[GroupId]
) -> list[bytes]:
    """Return what `sender` sent to the group in order while it saw `receiver` in one of `ids`."""
    sent = []
    view: Viewed | None = None
    for event in sender.events:
        if isinstance(event, Viewed) and event.group == group:
            view = event
        elif isinstance(event, Sent) and view is not None and view.group_id in ids:
            sees = receiver.private_group in view.members
            if sees and _is_due(event.message, group, receiver):
                sent.append(event.message.identity)
    return sent


def _is_due(message: Message, group: bytes, receiver: ClientTrace) -> bool:
    own = message.discards_self and message.sender == receiver.private_group
    return message.is_ordered and group in message.groups and not own


def _without_place(successors: dict[Node, set[Node]]) -> list[Node]:
    """Return the nodes that are on a cycle or behind one: what a topological sort leaves over."""
    incoming = dict.fromkeys(successors, 0)
    for targets in successors.values():
        for target in targets:
            incoming[target] += 1
    ready = [node for node, number in incoming.items() if number == 0]
    while ready:
        node = ready.pop()
        del incoming[node]
        for target in successors[node]:
            incoming[target] -= 1
            if incoming[target] == 0:
                ready.append(target)
    return list(incoming)
