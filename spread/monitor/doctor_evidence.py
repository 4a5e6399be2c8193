"""What `spread doctor` has seen, and what it says about it: records without judgement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from spread.monitor.doctor_talk import Facts, Heard
from spread.monitor.probes import Way

__all__ = ["Check", "Entry", "Evidence", "Key", "Problem", "Severity"]


class Severity(StrEnum):
    """How bad something is."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Check:
    """One look at the own host."""

    subject: str
    severity: Severity
    sentence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to mend."""

    rule: str
    severity: Severity
    subject: str
    """A daemon, a pair "a -> b", a segment."""
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A daemon of the configuration."""

    name: str
    address: str
    port: int
    segment: int = 0
    uses_segment: bool = False
    """Whether its segment's address is to reach the others of the segment."""


class Key(NamedTuple):
    """A kind of probe: from whom, to whom, how. For `Way.SEGMENT` `target` is who hears."""

    sender: int
    target: int
    way: Way
    size: int
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was seen; daemons by their number."""

    entries: tuple[Entry, ...]
    own: int | None = None
    ring_hash: int = 0
    """Of the file that the doctor has read."""
    facts: Mapping[int, Facts] = field(default_factory=dict)
    later: Mapping[int, Facts] = field(default_factory=dict)
    """The same some time later."""
    silence: Mapping[int, str] = field(default_factory=dict)
    """Who did not answer, and what the system said of it: "refused", or nothing."""
    relayed: frozenset[int] = frozenset()
    """Who answers others, but not here."""
    tried: Mapping[Key, int] = field(default_factory=dict)
    """How often a probe left."""
    unsent: Mapping[Key, str] = field(default_factory=dict)
    """What did not leave, and why."""
    withheld: frozenset[Key] = frozenset()
    """What did not leave because the receiver was asked and did not agree."""
    heard: Mapping[Key, Heard] = field(default_factory=dict)
    unheard: frozenset[int] = frozenset()
    """Who has not told at the end what arrived, though it answered before."""
    strays: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """Sender and hearer, and the address that is none of the sender's."""
    checks: tuple[Check, ...] = ()
    """Of the own host."""
    seconds: float = 0.0

    def answers(self, number: int) -> bool:
        """Whether a daemon, or a doctor in its place, could be asked."""
        return number in self.facts

    def is_alike(self, number: int) -> bool:
        """Whether a daemon that answers has the network of the file.

        With another one it knows others by other numbers and addresses, or not at all, so what it
        sends and drops says nothing of the ways between hosts.
        """
        return self.facts[number].ring_hash == self.ring_hash

    def can_judge(self, sender: int, target: int) -> bool:
        """Whether what arrived, or did not, says something of the way between two that answer."""
        return self.is_alike(sender) and self.is_alike(target) and target not in self.unheard

    def pairs(self) -> list[tuple[int, int]]:
        """Return who could be tried with whom, so that something can be told of the way."""
        return [(a, b) for a in self.facts for b in self.facts if a != b and self.can_judge(a, b)]

    def name(self, number: int) -> str:
        """Return a daemon's name."""
        return self.entries[number].name

    def arrived(self, key: Key) -> int:
        """Return how many of a kind were heard."""
        found = self.heard.get(key)
        return 0 if found is None else found.count

    def lost(self, key: Key) -> bool:
        """Whether a kind of probe left and none of it arrived, or could not leave at all."""
        if key in self.unsent:
            return True
        return self.tried.get(key, 0) > 0 and not self.arrived(key)

    def sizes(self, sender: int, target: int, *, is_whole: bool) -> list[int]:
        """Return the sizes that were tried between two data ports, smallest first."""
        return sorted(
            key.size
            for key in (*self.tried, *self.unsent)
            if key[:3] == (sender, target, Way.DATA) and key.is_whole == is_whole
        )
