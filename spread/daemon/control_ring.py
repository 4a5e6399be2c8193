"""What control passes on to membership, and what membership tells groups."""

from collections.abc import Iterable
from typing import Protocol

__all__ = ["Membership", "RingConfiguration"]


class RingConfiguration(Protocol):
    """A configuration as membership tells it: id of the ring, unsigned; daemons by number."""

    @property
    def ring(self) -> tuple[int, int]:
        """Address of the leader and time."""

    @property
    def members(self) -> Iterable[int]:
        """The daemons."""


class Membership(Protocol):
    """What forms rings with other daemons, as far as control passes something on to it."""

    @property
    def next_deadline_ns(self) -> int:
        """When `deadline` is to be called, 0 for never."""

    def deadline(self, now_ns: int) -> None:
        """The time that was asked for may have come."""

    def transitional(self) -> RingConfiguration:
        """The transitional configuration stands here in the order."""

    def regular(self) -> RingConfiguration:
        """The regular configuration of the new ring stands here in the order."""

    def token_lost(self, reason: int) -> None:
        """The ring is broken."""

    def control_packet(  # noqa: PLR0913, PLR0917 - the fields of the packet's header.
        self,
        kind: int,
        sender: int,
        source: int,
        incarnation: int,
        counter: int,
        ring: tuple[int, int],
        body: bytes,
    ) -> None:
        """A control packet has come."""

    def foreign_ring(self, sender: int, ring: tuple[int, int]) -> None:
        """A daemon sends to a ring that is not ours."""

    def unreachable(self, daemon: int) -> None:
        """Nobody listens at a daemon's address."""

    def multicast_missed(self, daemon: int) -> None:
        """What a daemon of the own segment sends comes only when it is sent again."""

    def path_limited(self, daemon: int, size: int, passing: int) -> None:
        """Datagrams of this size do not reach a member of the ring; those of `passing` bytes do."""

    def path_unanswered(self, daemon: int) -> None:
        """A member of the ring says of no size that it arrives."""

    def path_found(self, size: int) -> None:
        """Datagrams of this size were found to reach all members of the ring."""
