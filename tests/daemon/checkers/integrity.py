"""Integrity: what is delivered was sent, once, unaltered, to the right clients."""

from collections.abc import Iterator

from tests.daemon.checkers.checker import Checker, name_of, name_of_message
from tests.daemon.trace import Delivered, Event, History, JoinRequested, LeftGroup, Viewed

__all__ = ["Fidelity", "NoDuplicates", "RightRecipients", "SenderFidelity"]


class Fidelity(Checker):
    """S1, S4: what is delivered was sent, with the same fields, and whole."""

    number = "S1"

    def check(self, history: History) -> Iterator[str]:
        sent = history.sent()
        for client in history.clients:
            for message in client.delivered():
                original = sent.get(message.identity)
                if original is None:
                    yield f"{name_of(client)} delivered {name_of_message(message)}, never sent"
                elif message != original:
                    yield f"{name_of(client)} delivered {name_of_message(message)} altered"


class NoDuplicates(Checker):
    """S2: no client delivers a message twice."""

    number = "S2"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            seen = set()
            for message in client.delivered():
                if message.identity in seen:
                    yield f"{name_of(client)} delivered {name_of_message(message)} twice"
                seen.add(message.identity)


class RightRecipients(Checker):
    """S3: a receiver has a view of a destination group or is named; self-discard is obeyed.

    A session without membership messages is only known to need a join before.
    """

    number = "S3"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            addresses = {client.private_group}
            for event in client.events:
                _follow(addresses, event, membership=client.membership)
                if isinstance(event, Delivered):
                    message = event.message
                    if message.discards_self and message.sender == client.private_group:
                        yield f"{name_of(client)} got {name_of_message(message)} back"
                    elif not addresses & set(message.groups):
                        yield f"{name_of(client)} delivered {name_of_message(message)} of others"


class SenderFidelity(Checker):
    """S5: the sender that a message names is the connection that sent it."""

    number = "S5"

    def check(self, history: History) -> Iterator[str]:
        senders = {
            message.identity: client.private_group
            for client in history.clients
            for message in client.sent()
        }
        for client in history.clients:
            for message in client.delivered():
                if senders.get(message.identity, message.sender) != message.sender:
                    yield f"{name_of(client)} delivered {name_of_message(message)}, a false name"


def _follow(addresses: set[bytes], event: Event, *, membership: bool) -> None:
    """Keep the groups, private one included, under which a client may receive now."""
    match event:
        case Viewed():
            addresses.add(event.group)
        case LeftGroup():
            addresses.discard(event.group)
        case JoinRequested() if not membership:
            addresses.add(event.group)
        case _:
            pass
