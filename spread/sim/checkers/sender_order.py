"""FIFO: messages of one sender in sending order, and without a gap to those it sees as members."""

from collections.abc import Iterator

from spread.sim.checkers.checker import Checker, name_of, name_of_message, name_of_view, place_of
from spread.sim.checkers.evidence import Evidence, Holding, ViewKey
from spread.sim.trace import (
    ORDERED,
    ClientTrace,
    Delivered,
    LeftGroup,
    Message,
    Sent,
    Viewed,
)

__all__ = ["FifoOrder", "SentInView", "sent_in_views"]

SentInView = dict[ViewKey, dict[int, list[Message]]]
"""Ordered messages to the group of a view by the number of the client that sent them in it."""


class FifoOrder(Checker):
    """S18: ordered messages of one sender come in sending order, across services and groups.

    In a view, what its sender sent in that view comes without a gap; behind the signal only from
    those who go on with the receiver.
    """

    number = "S18"
    name = "FIFO"

    def check(self, evidence: Evidence) -> Iterator[str]:
        numbers = {
            message.identity: number
            for client in evidence.clients
            for number, message in enumerate(client.sent())
        }
        for client in evidence.clients:
            yield from self._sequence(evidence, client, numbers)
        sent = sent_in_views(evidence)
        for key, holdings in evidence.holders.items():
            senders = sent.get(key)
            if senders:
                places = {
                    message.identity: (number, place)
                    for number, messages in senders.items()
                    for place, message in enumerate(messages)
                }
                for holding in holdings:
                    yield from self._gaps(evidence, holding, senders, places)

    def _sequence(
        self, evidence: Evidence, client: ClientTrace, numbers: dict[int, int]
    ) -> Iterator[str]:
        last: dict[int, tuple[int, int]] = {}  # Number and identity by the sender's number.
        for event in client.events:
            if type(event) is not Delivered or not event.message.service & ORDERED:
                continue
            identity = event.message.identity
            number = numbers.get(identity)
            if number is None:
                continue
            sender = evidence.senders[identity].number
            before = last.get(sender)
            if before is not None and before[0] > number:
                yield (
                    f"{name_of(client)} delivered {name_of_message(evidence, identity)} at event "
                    f"{event.at} behind {name_of_message(evidence, before[1])} "
                    f"{place_of(client, before[1])}, which was sent later"
                )
            last[sender] = number, identity

    def _gaps(
        self,
        evidence: Evidence,
        holding: Holding,
        senders: dict[int, list[Message]],
        places: dict[int, tuple[int, int]],
    ) -> Iterator[str]:
        expected = dict.fromkeys(senders, 0)
        regular = len(holding.regular)
        together = set() if holding.next is None else set(holding.next.own_set)
        for index, identity in enumerate(holding.ordered):
            sender, place = places.get(identity, (-1, 0))
            if sender < 0:
                continue
            is_due = index < regular or senders[sender][0].sender in together
            if place > expected[sender] and is_due:
                for missing in senders[sender][expected[sender] : place]:
                    yield from self._missing(evidence, holding, missing, identity)
            expected[sender] = max(expected[sender], place + 1)

    def _missing(
        self, evidence: Evidence, holding: Holding, message: Message, later: int
    ) -> Iterator[str]:
        client = holding.client
        is_kept = evidence.is_kept_from(message.identity, client)
        if not is_kept and message.identity not in evidence.delivered(client):
            yield (
                f"{name_of(client)} never delivered {name_of_message(evidence, message.identity)} "
                f"in {name_of_view(holding.view)}, but the later "
                f"{name_of_message(evidence, later)} {place_of(client, later)}"
            )


def sent_in_views(evidence: Evidence) -> SentInView:
    """Return what was sent in order to a group in each of its views, by sender."""
    sent: SentInView = {}
    for client in evidence.clients:
        current: dict[bytes, ViewKey] = {}
        for event in client.events:
            if isinstance(event, Viewed):
                current[event.group] = event.key
            elif isinstance(event, LeftGroup):
                current.pop(event.group, None)
            elif isinstance(event, Sent) and event.message.service & ORDERED:
                for group in dict.fromkeys(event.message.groups):
                    if group in current:
                        by_sender = sent.setdefault(current[group], {})
                        by_sender.setdefault(client.number, []).append(event.message)
    return sent
