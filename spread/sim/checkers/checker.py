"""What a checker is, what it reports, and how its sentences name clients, messages and views."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from spread.sim.checkers.evidence import Evidence
from spread.sim.trace import ClientTrace, Delivered, GroupId, Viewed

__all__ = [
    "Checker",
    "Violation",
    "got",
    "name_of",
    "name_of_id",
    "name_of_message",
    "name_of_view",
    "place_of",
]

SERVICE_NAMES = {1: "UNRELIABLE", 2: "RELIABLE", 4: "FIFO", 8: "CAUSAL", 16: "AGREED", 32: "SAFE"}


@dataclass(frozen=True, slots=True)
class Violation:
    """One contradiction of one guarantee; `number` is its mark on the page of guarantees."""

    number: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.number} {self.name}: {self.text}"


class Checker(ABC):
    """Finds what contradicts one guarantee."""

    number: ClassVar[str]
    name: ClassVar[str]

    @abstractmethod
    def check(self, evidence: Evidence) -> Iterator[str]:
        """Yield a sentence for each violation: who, in which view, which message, where."""


def name_of(client: ClientTrace) -> str:
    return f"{client.private_group.decode(errors='replace')} (connection {client.number})"


def name_of_message(evidence: Evidence, identity: int) -> str:
    message = evidence.sent.get(identity)
    if message is None:
        return f"message {identity}"
    service = SERVICE_NAMES.get(message.service, hex(message.service))
    return f"message {identity} ({service} of {message.sender.decode(errors='replace')})"


def name_of_id(group_id: GroupId) -> str:
    return f"{group_id.leader:#010x}@{group_id.time}:{group_id.index}"


def name_of_view(view: Viewed) -> str:
    members = " ".join(member.decode(errors="replace") for member in view.members)
    group = view.group.decode(errors="replace")
    return f"view {name_of_id(view.group_id)} of {group} ({view.cause.name}: {members})"


def got(client: ClientTrace, view: Viewed) -> str:
    return f"{name_of(client)} got {name_of_view(view)} at event {view.at}"


def place_of(client: ClientTrace, identity: int) -> str:
    """Say at which event a client delivered a message."""
    for event in client.events:
        if isinstance(event, Delivered) and event.message.identity == identity:
            return f"at event {event.at}"
    return "never"
