"""Integrity: what is delivered was sent, once, unaltered, whole, to those whom it names."""

from collections.abc import Iterator

from spread.sim.checkers.checker import Checker, name_of, name_of_message
from spread.sim.checkers.evidence import Evidence
from spread.sim.trace import (
    ClientTrace,
    Delivered,
    Event,
    JoinRequested,
    LeftGroup,
    Message,
    Viewed,
)

__all__ = ["NoCreation", "NoDuplication", "RightRecipients", "SenderFidelity", "Wholeness"]


class NoCreation(Checker):
    """S1: what is delivered was sent, with the same service, destinations, type and payload."""

    number = "S1"
    name = "no creation"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for client, event, original in _altered(evidence):
            what = name_of_message(evidence, event.message.identity)
            if original is None:
                yield f"{name_of(client)} delivered {what} at event {event.at}; nobody sent it"
                continue
            fields = ", ".join(_differing(event.message, original))
            if fields:
                yield f"{name_of(client)} delivered {what} at event {event.at}; {fields} altered"


class NoDuplication(Checker):
    """S2: no client delivers a message twice."""

    number = "S2"
    name = "no duplication"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for client in evidence.clients:
            messages = client.delivered()
            if len(messages) != len(evidence.delivered(client)):
                yield from self._twice(evidence, client)

    def _twice(self, evidence: Evidence, client: ClientTrace) -> Iterator[str]:
        first: dict[int, int] = {}
        for event in client.events:
            if isinstance(event, Delivered):
                identity = event.message.identity
                if identity in first:
                    yield (
                        f"{name_of(client)} delivered {name_of_message(evidence, identity)} "
                        f"at event {first[identity]} and again at event {event.at}"
                    )
                first.setdefault(identity, event.at)


class RightRecipients(Checker):
    """S3: a receiver has a view of a destination group or is named; self-discard is obeyed.

    Of a session without membership messages only its joins are known.
    """

    number = "S3"
    name = "right recipients"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for client in evidence.clients:
            addresses = {client.private_group}
            for event in client.events:
                if not isinstance(event, Delivered):
                    _follow(addresses, event, membership=client.membership)
                    continue
                message = event.message
                if message.discards_self and message.sender == client.private_group:
                    yield (
                        f"{name_of(client)} got its own "
                        f"{name_of_message(evidence, message.identity)} at event {event.at} "
                        f"in spite of self-discard"
                    )
                elif addresses.isdisjoint(message.groups):
                    groups = b" ".join(message.groups).decode(errors="replace")
                    yield (
                        f"{name_of(client)} delivered {name_of_message(evidence, message.identity)}"
                        f" at event {event.at}, which was for {groups}, of which it has no view"
                    )


class Wholeness(Checker):
    """S4: a message is delivered whole or not at all."""

    number = "S4"
    name = "all-or-nothing content"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for client, event, original in _altered(evidence):
            if original is not None and event.message.payload != original.payload:
                yield (
                    f"{name_of(client)} delivered {len(event.message.payload)} bytes of "
                    f"{name_of_message(evidence, original.identity)} at event {event.at} "
                    f"that are not its {len(original.payload)} bytes"
                )


class SenderFidelity(Checker):
    """S5: the sender that a message names is the connection that sent it."""

    number = "S5"
    name = "sender fidelity"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for client, event, original in _altered(evidence):
            if original is not None and event.message.sender != original.sender:
                yield (
                    f"{name_of(client)} delivered {name_of_message(evidence, original.identity)} "
                    f"at event {event.at} as if {event.message.sender.decode(errors='replace')} "
                    f"had sent it"
                )


def _altered(evidence: Evidence) -> Iterator[tuple[ClientTrace, Delivered, Message | None]]:
    """Yield deliveries of what nobody sent so, each with the message of that identity."""
    sent = evidence.sent
    for client in evidence.clients:
        for event in client.events:
            if type(event) is Delivered:
                original = sent.get(event.message.identity)
                if original is not event.message:
                    yield client, event, original


def _differing(message: Message, original: Message) -> Iterator[str]:
    fields = ("sender", "service", "groups", "mess_type", "payload", "discards_self")
    return (name for name in fields if getattr(message, name) != getattr(original, name))


def _follow(addresses: set[bytes], event: Event, *, membership: bool) -> None:
    """Keep the names, the private one included, under which a client may receive now."""
    match event:
        case Viewed():
            addresses.add(event.group)
        case LeftGroup():
            addresses.discard(event.group)
        case JoinRequested() if not membership:
            addresses.add(event.group)
        case _:
            pass
