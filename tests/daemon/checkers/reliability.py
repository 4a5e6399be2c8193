"""Reliability: what a client is owed by its membership and its requests arrives."""

from collections.abc import Callable, Iterator

from tests.daemon.checkers.checker import Checker, name_of, name_of_message, name_of_view
from tests.daemon.harness.wire import SAFE
from tests.daemon.trace import (
    ClientTrace,
    History,
    JoinRequested,
    LeaveRequested,
    Message,
    Sent,
    Viewed,
)

__all__ = ["NoSilentLoss", "PrivateMessages", "RequestOrder", "SafeDelivery", "SelfDelivery"]


class SelfDelivery(Checker):
    """S21: a member that stays gets its own message back."""

    number = "S21"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            if not client.is_open:
                continue
            came = {message.identity for message in client.delivered()}
            left = {event.group for event in client.of(LeaveRequested)}
            joined: set[bytes] = set()
            for event in client.events:
                if isinstance(event, JoinRequested):
                    joined.add(event.group)
                elif isinstance(event, Sent) and not event.message.discards_self:
                    stays = joined & set(event.message.groups) - left
                    if stays and event.message.identity not in came:
                        yield f"{name_of(client)} never got {name_of_message(event.message)} back"


class SafeDelivery(Checker):
    """S23: a SAFE message delivered in a view is delivered by every member that stays."""

    number = "S23"

    def check(self, history: History) -> Iterator[str]:
        yield from _missing_at_members(history, lambda message: bool(message.service & SAFE))


class RequestOrder(Checker):
    """S27: requests of a client take effect in the order in which it makes them."""

    number = "S27"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            if client.is_open:
                yield from self._check_client(client)

    def _check_client(self, client: ClientTrace) -> Iterator[str]:
        came = {message.identity for message in client.delivered()}
        addresses = {client.private_group}
        for event in client.events:
            match event:
                case JoinRequested():
                    addresses.add(event.group)
                case LeaveRequested():
                    addresses.discard(event.group)
                case Sent():
                    due = bool(addresses & set(event.message.groups))
                    due = due and not event.message.discards_self
                    if due != (event.message.identity in came):
                        verb = "missed" if due else "got"
                        yield f"{name_of(client)} {verb} its own {name_of_message(event.message)}"
                case _:
                    pass


class NoSilentLoss(Checker):
    """S28: a member gets everything sent to its groups or is closed, and here nobody is."""

    number = "S28"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            if client.end is not None and not client.end.by_client:
                yield f"{name_of(client)} was closed by the daemon"
        yield from _missing_at_members(history, lambda _: True)


class PrivateMessages(Checker):
    """S31: a private message reaches the connection that it names."""

    number = "S31"

    def check(self, history: History) -> Iterator[str]:
        for sender in history.clients:
            if sender.keeps_requests:
                for event in sender.of(Sent):
                    for name in event.message.groups:
                        yield from self._check_target(history, event, name)

    def _check_target(self, history: History, event: Sent, name: bytes) -> Iterator[str]:
        target = history.sole_owner(name)
        if target is None or not target.is_open or target.accepted_at > event.at:
            return
        if event.message.discards_self and event.message.sender == name:
            return
        if event.message.identity not in {message.identity for message in target.delivered()}:
            yield f"{name_of(target)} never got the private {name_of_message(event.message)}"


def _missing_at_members(history: History, concerns: Callable[[Message], bool]) -> Iterator[str]:
    """Yield messages that one member delivered in a view and another open one never did."""
    delivered = {
        client.private_group: {message.identity for message in client.delivered()}
        for client in history.clients
        if client.is_open and history.sole_owner(client.private_group) is client
    }
    for client in history.clients:
        for group in history.groups():
            for span in client.spans(group):
                for message in filter(concerns, span.deliveries):
                    for member in _owed(span.view, message):
                        if message.identity not in delivered.get(member, {message.identity}):
                            yield (
                                f"{member.decode()} never got {name_of_message(message)}, "
                                f"delivered in {name_of_view(span.view)}"
                            )


def _owed(view: Viewed, message: Message) -> list[bytes]:
    return [
        member
        for member in view.members
        if not (message.discards_self and message.sender == member)
    ]
