"""Acceptance: what a daemon has taken from a client is ordered, whatever comes in between."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from spread.sim.checkers.checker import Checker, name_of, name_of_message, name_of_view
from spread.sim.checkers.evidence import Evidence, Holding, ViewKey
from spread.sim.checkers.sender_order import SentInView, sent_in_views
from spread.sim.trace import Cause, ClientTrace, LeftGroup, Message, Sent, Viewed

__all__ = ["AcceptedMessages", "BackPressure"]


@dataclass(slots=True)
class _Outgoing:
    """What one client sent to one group, in order, and the first of it in each of its views."""

    identities: list[int] = field(default_factory=list)
    first_in_view: dict[ViewKey, int] = field(default_factory=dict)


class BackPressure(Checker):
    """S29: a daemon holds clients back instead of dropping what it took from them.

    While a client is a member, it gets all messages of the clients of its own daemon: from the
    first that it got, or that was sent in one of its views, up to the last, or to the end of the
    run if it stays.
    """

    number = "S29"
    name = "back-pressure"

    def check(self, evidence: Evidence) -> Iterator[str]:
        outgoing = _outgoing(evidence)
        residents: dict[tuple[int, int], list[ClientTrace]] = {}
        for client in evidence.clients:
            residents.setdefault((client.daemon, client.incarnation), []).append(client)
        for stay in evidence.stays:
            receiver = stay[0].client
            sent = outgoing.get(stay[0].view.group, {})
            delivered = {identity for holding in stay for identity in holding.everything}
            got = Counter(
                evidence.senders[identity].number
                for identity in delivered
                if identity in evidence.senders
            )
            for sender in residents[receiver.daemon, receiver.incarnation]:
                if sender.number not in sent:
                    continue
                messages = sent[sender.number]
                is_lasting = evidence.survives(stay[-1]) and evidence.keeps_requests(sender)
                due = _due(messages, stay, delivered, is_lasting=is_lasting)
                if len(due) > got[sender.number]:
                    yield from self._missing(evidence, stay, due, delivered)

    def _missing(
        self, evidence: Evidence, stay: list[Holding], due: list[int], delivered: set[int]
    ) -> Iterator[str]:
        first = stay[0]
        for identity in due:
            if identity not in delivered and not evidence.is_kept_from(identity, first.client):
                yield (
                    f"{name_of(first.client)} got none of {name_of_message(evidence, identity)} "
                    f"to {first.view.group!r}, sent at its own daemon while it was a member, from "
                    f"{name_of_view(first.view)} on"
                )


class AcceptedMessages(Checker):
    """S30: what was sent in a view and is not in the order when the ring breaks comes in the next.

    Those who go on with its sender have it before anything that the sender sends in the next view,
    and at the end of the run in any case.
    """

    number = "S30"
    name = "accepted messages and ring changes"

    def check(self, evidence: Evidence) -> Iterator[str]:
        sent = sent_in_views(evidence)
        for holdings in evidence.transitions.values():
            successor = holdings[0].span.successor
            if successor is None or successor.cause != Cause.NETWORK:
                continue
            ordered = {identity for holding in holdings for identity in holding.ordered}
            for holding in holdings:
                messages = sent.get(holding.key, {}).get(holding.client.number, [])
                waiting = [message for message in messages if message.identity not in ordered]
                if waiting:
                    yield from self._arrived(evidence, sent, holding, waiting, holdings)

    def _arrived(
        self,
        evidence: Evidence,
        sent: SentInView,
        origin: Holding,
        waiting: list[Message],
        holdings: list[Holding],
    ) -> Iterator[str]:
        after = origin.next
        if after is None:
            return
        later = sent.get(after.key, {}).get(origin.client.number, [])
        identities = {message.identity for message in later}
        for holding in holdings:
            going = holding.next
            if going is None:
                continue
            is_last = _lasts(evidence, going) and _lasts(evidence, after)
            if not is_last and identities.isdisjoint(going.regular):
                continue
            for message in waiting:
                client = holding.client
                is_here = message.identity in evidence.delivered(client)
                if not is_here and not evidence.is_kept_from(message.identity, client):
                    yield (
                        f"{name_of(client)} never got {name_of_message(evidence, message.identity)}"
                        f", sent in {name_of_view(origin.view)}, from which it went with "
                        f"{name_of(origin.client)} to {name_of_view(after.view)}"
                    )


def _lasts(evidence: Evidence, holding: Holding) -> bool:
    return evidence.is_settled and holding.span.ended_by is None


def _outgoing(evidence: Evidence) -> dict[bytes, dict[int, _Outgoing]]:
    """Return what was sent, by the group and the sender's number."""
    outgoing: dict[bytes, dict[int, _Outgoing]] = {}
    for client in evidence.clients:
        current: dict[bytes, ViewKey] = {}
        for event in client.events:
            if isinstance(event, Viewed):
                current[event.group] = event.key
            elif isinstance(event, LeftGroup):
                current.pop(event.group, None)
            elif isinstance(event, Sent):
                for group in dict.fromkeys(event.message.groups):
                    sent = outgoing.setdefault(group, {}).setdefault(client.number, _Outgoing())
                    if group in current:
                        sent.first_in_view.setdefault(current[group], len(sent.identities))
                    sent.identities.append(event.message.identity)
    return outgoing


def _due(
    sent: _Outgoing, stay: list[Holding], delivered: set[int], *, is_lasting: bool
) -> list[int]:
    """Return what a member must have got: from the first that was for it to the last."""
    identities = sent.identities
    count = len(identities)
    first = next((place for place in range(count) if identities[place] in delivered), count)
    for holding in stay:
        first = min(first, sent.first_in_view.get(holding.key, count))
    end = count
    if not is_lasting:
        places = range(count - 1, first - 1, -1)
        end = next((place + 1 for place in places if identities[place] in delivered), first)
    return identities[first:end]
