"""What a checker is, and how its sentences name clients, messages and views."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from tests.daemon.trace import ClientTrace, History, Message, Viewed

__all__ = ["Checker", "name_of", "name_of_message", "name_of_view"]


class Checker(ABC):
    """Finds what contradicts one guarantee; `number` is its mark on the page of guarantees."""

    number: str

    @abstractmethod
    def check(self, history: History) -> Iterator[str]:
        """Yield a sentence for each violation."""


def name_of(client: ClientTrace) -> str:
    return f"{client.private_group.decode()} (accepted at {client.accepted_at})"


def name_of_message(message: Message) -> str:
    return f"message {message.identity.hex()} of {message.sender.decode()}"


def name_of_view(view: Viewed) -> str:
    members = " ".join(member.decode() for member in view.members)
    return f"view {view.group!r} {view.group_id.index} cause {view.cause:#x} [{members}]"
