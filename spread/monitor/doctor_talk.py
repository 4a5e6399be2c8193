"""What `spread doctor` and daemons say to each other: arguments and answers of `Kind.PROBE`.

    {"do": "facts"}                                  -> Facts
    {"do": "send", "run": R, "order": K, "probes": [[to, way, size, whole], ...]}   -> Sending
    {"do": "heard", "run": R}                        -> Hearing
    {"do": "pass", "to": [N, ...], "nonce": K, "order": {...}}   -> {}   others are asked the order
    {"do": "passed", "nonce": K, "known": [N, ...]}  -> {"answers": {N: answer}, "left": [N, ...]}
                                   those that came, but for known ones; for `left` there was no room
    {"do": "permit", "bytes": B}                     -> Permit      asked by who is to send probes

A daemon is told by its number in the configuration. Probes go to configured daemons only.
"""

from dataclasses import dataclass
from typing import Final

__all__ = [
    "PROBES_MAX",
    "Facts",
    "Heard",
    "Hearing",
    "Outcome",
    "Permit",
    "Sending",
    "Stray",
]

PROBES_MAX: Final = 32
"""Probes of one order."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a daemon, or a doctor that listens in its place, knows of itself and of its host."""

    name: str
    number: int
    is_daemon: bool = True
    """False for a doctor that listens in its place."""
    release: str = ""
    ring_hash: int = 0
    """The hash that daemons must share to form a ring."""
    time_ns: int = 0
    """Wall clock."""
    steady_ns: int = 0
    """Clock that nobody sets."""
    receive_bytes: int = 0
    """Buffer of the smallest UDP socket, as the system granted it."""
    send_bytes: int = 0
    wanted_receive_bytes: int = 0
    wanted_send_bytes: int = 0
    size: int = 1472
    """Bytes of UDP payload that its datagrams are wanted to have."""
    is_size_configured: bool = False
    """Whether the file says so."""
    mtu: int = 0
    """Of the narrowest way, as its system knows it; 0 if that does not tell."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A probe that did not leave, and why."""

    index: int
    """Its place in the order."""
    reason: str
    is_too_large: bool = False
    """The own interface takes no datagram of this size uncut; nothing was lost."""
    is_withheld: bool = False
    """The receiver has not agreed to it; nothing was lost."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What came of an order to send."""

    left: tuple[int, ...] = ()
    """Places of those that were too much at present: to be ordered again."""
    failed: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Permit:
    """So much a daemon is willing to take at present."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Heard:
    """Probes of one kind that arrived."""

    sender: int
    way: int
    size: int
    is_whole: bool
    count: int
    delay_ns: int
    """The least time from the sender's clock to the own one; both are wall clocks."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Probes that came from an address that is not one of their sender."""

    sender: int
    source: str


@dataclass(frozen=True, slots=True)
class Hearing:
    """All that arrived in one run."""

    heard: tuple[Heard, ...] = ()
    strays: tuple[Stray, ...] = ()
