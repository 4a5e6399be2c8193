"""Configurations: the rings that are or shall be installed, and what the groups layer is told."""

from collections.abc import Iterable
from dataclasses import dataclass

from spread.daemon.membership.packets import FormMember, Ring

__all__ = ["RingConfiguration", "RingMembers"]


@dataclass(frozen=True, slots=True)
class RingConfiguration:
    """A transitional or regular configuration, as it stands in the order of messages."""

    ring: Ring
    members: tuple[int, ...]  # Daemon numbers, in configuration order.


@dataclass(frozen=True, slots=True)
class RingMembers:
    """A ring and its members as they were when it was formed."""

    ring: Ring
    incarnations: dict[int, int]  # By daemon number, in configuration order.

    @classmethod
    def of(cls, ring: Ring, members: Iterable[FormMember]) -> "RingMembers":
        """Return the ring that a FORM2 makes of `members`."""
        by_number = sorted(members, key=lambda each: each.daemon)
        return cls(ring, {each.daemon: each.incarnation for each in by_number})

    @property
    def numbers(self) -> tuple[int, ...]:
        """Daemon numbers in configuration order."""
        return tuple(self.incarnations)

    @property
    def leader(self) -> int:
        """The first member in configuration order."""
        return next(iter(self.incarnations))
