"""One order: of messages and views for everybody, of network changes at each daemon, of causes."""

from collections.abc import Iterator

from spread.sim.checkers.checker import (
    Checker,
    got,
    name_of,
    name_of_message,
    name_of_view,
    place_of,
)
from spread.sim.checkers.evidence import Evidence, ViewKey
from spread.sim.checkers.order import Precedence, causes_of, changes_of, has_one_order, order_of
from spread.sim.trace import (
    ORDERED,
    Cause,
    ClientTrace,
    Delivered,
    LeftGroup,
    Sent,
    Transitional,
    Viewed,
)

__all__ = ["CausalOrder", "SamePoint", "TotalOrder"]

Known = tuple[ViewKey, int]


class TotalOrder(Checker):
    """S15: ordered messages and views of all groups have one order that every client sees."""

    number = "S15"
    name = "total order"

    def check(self, evidence: Evidence) -> Iterator[str]:
        if has_one_order(evidence):
            return
        precedence = Precedence()
        for client in evidence.clients:
            precedence.add(order_of(client), client)
        if circle := precedence.circle():
            yield precedence.describe(circle, evidence)


class SamePoint(Checker):
    """S14: all clients of a daemon see a network change at one point, in all groups.

    A client in several groups gets first the signals, then messages, then the views without a
    message between them, in byte order of the groups' names.
    """

    number = "S14"
    name = "same change, same point"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for client in evidence.clients:
            yield from self._sequence(client)
        if has_one_order(evidence):
            return
        precedence = Precedence()
        for client in evidence.clients:
            precedence.add(changes_of(client), client)
        if circle := precedence.circle():
            yield precedence.describe(circle, evidence)

    def _sequence(self, client: ClientTrace) -> Iterator[str]:
        """Compare the views that one change gave to a client in a row."""
        last: Viewed | None = None
        is_interrupted = False
        signals: dict[bytes, Viewed | None] = {}  # What the last change was at each signal.
        for event in client.events:
            if isinstance(event, Delivered):
                is_interrupted |= event.message.is_ordered
            elif isinstance(event, Transitional):
                signals.setdefault(event.group, last)
            elif isinstance(event, LeftGroup):
                signals.pop(event.group, None)
            elif isinstance(event, Viewed) and _ends_change(event):
                ring = event.group_id.ring
                if last is not None and last.group_id.ring == ring:
                    if is_interrupted:
                        yield f"{got(client, event)}, with messages behind {_same_change(last)}"
                    if event.group <= last.group:
                        yield f"{got(client, event)} behind {_same_change(last)}"
                signalled = signals.pop(event.group, None)
                if signalled is not None and signalled.group_id.ring == ring:
                    yield f"{got(client, event)}, signalled behind {_same_change(signalled)}"
                last, is_interrupted = event, False


class CausalOrder(Checker):
    """S19: nobody delivers an answer before what it answers, or without it as a recipient of both.

    What a client had delivered last, in each of its views and in all, is what its message depends
    on; the rest follows by total order and virtual synchrony.
    """

    number = "S19"
    name = "causality"

    def check(self, evidence: Evidence) -> Iterator[str]:
        causes: dict[int, int] = {}
        known: dict[int, tuple[Known, ...]] = {}
        for client in evidence.clients:
            causes.update((effect, cause) for cause, effect in causes_of(client))
            known.update(_known_when_sending(client))
        is_told = False
        for client in evidence.clients:
            for sentence in self._client(evidence, client, causes, known):
                is_told = True
                yield sentence
        if not is_told and not has_one_order(evidence):
            yield from self._circle(evidence)

    def _client(
        self,
        evidence: Evidence,
        client: ClientTrace,
        causes: dict[int, int],
        known: dict[int, tuple[Known, ...]],
    ) -> Iterator[str]:
        all_delivered = evidence.delivered(client)
        delivered: set[int] = set()
        current: dict[bytes, ViewKey] = {}
        for event in client.events:
            if isinstance(event, Delivered):
                effect = event.message.identity
                cause = causes.get(effect)
                if cause is not None and cause not in delivered and cause in all_delivered:
                    yield (
                        f"{name_of(client)} delivered {name_of_message(evidence, effect)} "
                        f"at event {event.at} before its cause {name_of_message(evidence, cause)} "
                        f"{place_of(client, cause)}"
                    )
                for key, before in known.get(effect, ()):
                    is_due = current.get(key[0]) == key and before not in all_delivered
                    if is_due and not evidence.is_kept_from(before, client):
                        yield (
                            f"{name_of(client)} delivered {name_of_message(evidence, effect)} "
                            f"at event {event.at}, but never {name_of_message(evidence, before)}, "
                            f"which its sender had delivered in the same view of {key[0]!r}"
                        )
                delivered.add(effect)
            elif isinstance(event, Viewed):
                current[event.group] = event.key
            elif isinstance(event, LeftGroup):
                current.pop(event.group, None)

    def _circle(self, evidence: Evidence) -> Iterator[str]:
        """Report a circle of deliveries and causes, unless deliveries alone are one (S15)."""
        precedence = Precedence()
        for client in evidence.clients:
            precedence.add([node for node in order_of(client) if isinstance(node, int)], client)
        if precedence.circle():
            return
        for client in evidence.clients:
            for pair in causes_of(client):
                precedence.add(pair, client)
        if circle := precedence.circle():
            yield precedence.describe(circle, evidence)


def _known_when_sending(client: ClientTrace) -> Iterator[tuple[int, tuple[Known, ...]]]:
    """Yield each ordered message with what its sender had delivered last in each of its views."""
    current: dict[bytes, ViewKey] = {}
    last: dict[bytes, Known] = {}
    for event in client.events:
        if isinstance(event, Delivered) and event.message.service & ORDERED:
            for group in event.message.groups:
                if group in current:
                    last[group] = current[group], event.message.identity
        elif isinstance(event, Viewed):
            current[event.group] = event.key
            last.pop(event.group, None)
        elif isinstance(event, LeftGroup):
            current.pop(event.group, None)
            last.pop(event.group, None)
        elif isinstance(event, Sent) and event.message.service & ORDERED:
            yield event.message.identity, tuple(last.values())


def _ends_change(view: Viewed) -> bool:
    """Whether a regular configuration gave this view."""
    return view.cause == Cause.NETWORK and view.group_id.index == 1


def _same_change(view: Viewed) -> str:
    return f"{name_of_view(view)} of the same change"
