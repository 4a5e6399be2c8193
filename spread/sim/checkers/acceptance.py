"""Acceptance: what a daemon has taken from a client is ordered, whatever comes in between."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from spread.sim.checkers.checker import Checker, name_of, name_of_message, name_of_view
from spread.sim.checkers.evidence import Evidence, Holding, ViewKey
from spread.sim.checkers.sender_order import SentInView, sent_in_views
from spread.sim.trace import Cause, ClientTrace, LeftGroup, Message, Sent, Viewed

__all__ = ["AcceptedMessages", "BackPressure"]


@dataclass(slots=True)
class _Outgoing:
    """What one client sent to one group, each with the view of the group that it had."""

    items: list[tuple[Message, ViewKey | None]] = field(default_factory=list)
    identities: set[int] = field(default_factory=set)


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
            group = stay[0].view.group
            delivered = {identity for holding in stay for identity in holding.everything}
            keys = {holding.key for holding in stay}
            for sender in residents[receiver.daemon, receiver.incarnation]:
                sent = outgoing.get((sender.number, group))
                if sent is None or sent.identities <= delivered:
                    continue
                is_lasting = evidence.survives(stay[-1]) and evidence.keeps_requests(sender)
                for message in _due(sent, delivered, keys, is_lasting=is_lasting):
                    if not evidence.is_kept_from(message.identity, receiver):
                        yield (
                            f"{name_of(receiver)} got none of "
                            f"{name_of_message(evidence, message.identity)} to {group!r}, sent at "
                            f"its own daemon while it was a member, from "
                            f"{name_of_view(stay[0].view)} on"
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


def _outgoing(evidence: Evidence) -> dict[tuple[int, bytes], _Outgoing]:
    """Return what was sent, by the sender's number and the group."""
    outgoing: dict[tuple[int, bytes], _Outgoing] = {}
    for client in evidence.clients:
        current: dict[bytes, ViewKey] = {}
        for event in client.events:
            if isinstance(event, Viewed):
                current[event.group] = event.key
            elif isinstance(event, LeftGroup):
                current.pop(event.group, None)
            elif isinstance(event, Sent):
                for group in dict.fromkeys(event.message.groups):
                    sent = outgoing.setdefault((client.number, group), _Outgoing())
                    sent.items.append((event.message, current.get(group)))
                    sent.identities.add(event.message.identity)
    return outgoing


def _due(
    sent: _Outgoing, delivered: set[int], keys: set[ViewKey], *, is_lasting: bool
) -> Iterator[Message]:
    """Yield what a member did not get between the first and the last that were for it."""
    items = sent.items
    got: list[int] = []
    if not sent.identities.isdisjoint(delivered):
        got = [place for place, (message, _) in enumerate(items) if message.identity in delivered]
    elif not is_lasting:
        return
    seen = (place for place, (_, key) in enumerate(items) if key in keys)
    first = min(next(seen, len(items)), got[0] if got else len(items))
    end = len(items) if is_lasting else got[-1] + 1
    for message, _ in items[first:end]:
        if message.identity not in delivered:
            yield message
