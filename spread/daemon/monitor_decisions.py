"""What a daemon does about a datagram of a monitor, as `MonitorServer` has decided.

Everything that the caller needs to carry a decision out stands in it, with the line of the log for
when that is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from spread.config.model import EventType
from spread.monitor.queries import Query

__all__ = [
    "PARTITION_S",
    "WINDOW_MAX",
    "Answer",
    "Ask",
    "Decision",
    "Partition",
    "Reload",
    "SetWindows",
    "Stop",
    "Told",
]

PARTITION_S: Final = 60
"""How long a partition lasts unless it is asked for again; monitors do so every 25 s."""

WINDOW_MAX: Final = 768
"""Packets in one rotation for which a daemon has room."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Send these datagrams to this address and port."""

    address: str
    port: int
    datagrams: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """A query, with the cookie for the next one; its reply goes to this address and port."""

    query: Query
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Told:
    """The line of the log about a command, for when it has been carried out."""

    kinds: EventType
    wording: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Partition:
    """Hear only daemons of the own component for `PARTITION_S`; without components, all again."""

    components: Mapping[str, int]
    """By the names of daemons, whose numbers a reload may change before this is done."""
    told: Told


@dataclass(frozen=True, slots=True)
class SetWindows:
    """Change the windows, in packets; None keeps one."""

    window: int | None
    personal: int | None
    accelerated: int | None
    told: Told


@dataclass(frozen=True, slots=True)
class Reload:
    """Read the configuration file again."""

    asked_by: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the daemon in order."""

    told: Told


Decision = Answer | Ask | Partition | SetWindows | Reload | Stop
