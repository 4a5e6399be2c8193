"""Reliability: one's own messages come back, and safe messages are everybody's or nobody's."""

from collections.abc import Iterator

from spread.sim.checkers.checker import Checker, name_of, name_of_message, name_of_view, place_of
from spread.sim.checkers.evidence import Evidence, Holding
from spread.sim.trace import (
    ClientTrace,
    JoinRequested,
    LeaveRequested,
    Message,
    Sent,
    Span,
)

__all__ = ["SafeDelivery", "SafeDeliveryInTransition", "SelfDelivery"]


class SelfDelivery(Checker):
    """S21: a member that stays gets its own message back, also when it ends up alone."""

    number = "S21"
    name = "self-delivery"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for client in evidence.clients:
            if client.is_open and evidence.is_settled:
                yield from self._check_client(evidence, client)

    def _check_client(self, evidence: Evidence, client: ClientTrace) -> Iterator[str]:
        delivered = evidence.delivered(client)
        left = {event.group for event in client.events if isinstance(event, LeaveRequested)}
        joined: set[bytes] = set()
        for event in client.events:
            if isinstance(event, JoinRequested):
                joined.add(event.group)
            elif isinstance(event, Sent):
                message = event.message
                if message.identity in delivered or message.discards_self:
                    continue
                if message.is_ordered and not (joined - left).isdisjoint(message.groups):
                    yield (
                        f"{name_of(client)} never got back "
                        f"{name_of_message(evidence, message.identity)}, sent at event {event.at}"
                    )


class SafeDelivery(Checker):
    """S23: what one member delivers SAFE before the signal, every member of the view delivers in it
    unless it left or its connection ended.
    """

    number = "S23"
    name = "safe delivery"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for holdings in evidence.holders.values():
            safe: dict[int, Holding] = {}
            for holding in holdings:
                for identity in _safe(holding.span, 0, holding.span.regular):
                    safe.setdefault(identity, holding)
            if not safe:
                continue
            for holding in holdings:
                if evidence.survives(holding):
                    lacking = safe.keys() - set(holding.ordered)
                    for identity in sorted(lacking):
                        if not evidence.is_kept_from(identity, holding.client):
                            yield _unsafe(evidence, safe[identity], identity, holding.client)
            yield from self._without_view(evidence, holdings, safe)

    def _without_view(
        self, evidence: Evidence, holdings: list[Holding], safe: dict[int, Holding]
    ) -> Iterator[str]:
        """Look at members that never had the view, or do not ask for views."""
        view = holdings[0].view
        holders = {holding.client.private_group for holding in holdings}
        for member in view.members:
            client = evidence.sole_owner(member)
            if member in holders or client is None or not client.is_open:
                continue
            if evidence.is_settled and not _gives_up(client, view.group):
                for identity in sorted(safe.keys() - evidence.delivered(client)):
                    if not evidence.is_kept_from(identity, client):
                        yield _unsafe(evidence, safe[identity], identity, client)


class SafeDeliveryInTransition(Checker):
    """S24: what one member delivers SAFE behind the signal, those of its own next vs-set deliver
    in that view too, also those that never get that next view.
    """

    number = "S24"
    name = "safe delivery in transition"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for (group, group_id, _, own_set), holdings in evidence.transitions.items():
            safe: dict[int, Holding] = {}
            for holding in holdings:
                span = holding.span
                if span.regular < len(span.deliveries):
                    for identity in _safe(span, span.regular, len(span.deliveries)):
                        safe.setdefault(identity, holding)
            if not safe:
                continue
            for holding in evidence.holders[group, group_id]:
                client = holding.client
                if client.private_group not in own_set or not evidence.survives(holding):
                    continue
                for identity in sorted(safe.keys() - set(holding.ordered)):
                    if not evidence.is_kept_from(identity, client):
                        yield _unsafe(evidence, safe[identity], identity, client)


def _safe(span: Span, start: int, end: int) -> Iterator[int]:
    messages: list[Message] = span.deliveries[start:end]
    return (message.identity for message in messages if message.is_safe)


def _gives_up(client: ClientTrace, group: bytes) -> bool:
    """Whether a client ever asked to leave the group."""
    return any(
        isinstance(event, LeaveRequested) and event.group == group for event in client.events
    )


def _unsafe(evidence: Evidence, deliverer: Holding, identity: int, client: ClientTrace) -> str:
    return (
        f"{name_of(deliverer.client)} delivered {name_of_message(evidence, identity)} "
        f"{place_of(deliverer.client, identity)} in {name_of_view(deliverer.view)}; "
        f"{name_of(client)} delivered it {place_of(client, identity)}, not in that view"
    )
