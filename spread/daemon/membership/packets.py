"""The bodies of control packets, in Python's form.

Every packet comes with its sender, the sender's incarnation and counter and the id of the sender's
installed ring: those stand in the header that the compiled ring writes and checks.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

__all__ = [
    "DAEMONS_MAX",
    "HAVE_BITS_MAX",
    "OLD_RINGS_MAX",
    "Alive",
    "Form",
    "FormAck",
    "FormId",
    "FormMember",
    "Heard",
    "Join",
    "Kind",
    "Leave",
    "OldRing",
    "Packet",
    "Refer",
    "Ring",
    "Role",
]

DAEMONS_MAX: Final = 128
"""Daemons in one configuration, as in Spread: the bound of every list of daemons."""

OLD_RINGS_MAX: Final = DAEMONS_MAX
"""Old rings that one attempt joins: all daemons may start at once, each with a ring of its own."""

HAVE_BITS_MAX: Final = 2048
"""Packets between stable and high of one ring: MaxSeqGap, 1,600 by default, and some room."""

Ring = tuple[int, int]
"""Id of a ring: daemon id of its leader and time, both unsigned 32-bit numbers."""


class Kind(IntEnum):
    """Kinds of control packets, as numbered on the wire."""

    ALIVE = 16
    JOIN = 17
    REFER = 18
    FORM1 = 19
    FORM2 = 20
    FORM_ACK = 21
    LEAVE = 22


class Role(IntEnum):
    """What a daemon in GATHER speaks for; larger beats smaller for one segment."""

    POTENTIAL = 0
    SEG_REP = 1
    RING_REP = 2


@dataclass(frozen=True, slots=True)
class Heard:
    """A daemon that the sender has heard of late, and the incarnation it heard."""

    daemon: int
    incarnation: int


@dataclass(frozen=True, slots=True)
class Alive:
    """I am here and have no ring."""

    heard: tuple[Heard, ...]
    failed: tuple[int, ...]  # Daemons known dead by explicit evidence.


@dataclass(frozen=True, slots=True)
class Join:
    """Form a ring with me and those I speak for."""

    role: Role
    members: tuple[int, ...]
    reps: tuple[tuple[int, Role], ...]
    heard: tuple[Heard, ...]
    failed: tuple[int, ...]
    is_probe: bool  # Sent by a ring that works and looks for others.


@dataclass(frozen=True, slots=True)
class Refer:
    """Talk to this representative instead of me."""

    daemon: int
    role: Role


@dataclass(frozen=True, slots=True, order=True)
class FormId:
    """One attempt to form a ring."""

    creator: int  # Daemon number.
    time: int
    incarnation: int


@dataclass(slots=True)
class OldRing:
    """What the members that come from one old ring know of it."""

    ring: Ring
    stable: int
    high: int
    have: bytes  # Bit i (least first) is seq stable + 1 + i.
    transitional: list[int]  # Those of the members, in their order.
    obligations: list[int]
    transitional_time: int = 0  # Set in FORM2 by the first member of this old ring.


@dataclass(slots=True)
class FormMember:
    """A member on the forming path, as it added itself."""

    daemon: int
    incarnation: int
    counter: int  # Of its control packets, when it added itself.
    old_ring: Ring


@dataclass(slots=True)
class Form:
    """FORM1 gathers members and what they hold; FORM2 tells all of them what was gathered."""

    id: FormId
    hop: int  # Grows by one with each hop of a pass; with pass and id it names one datagram.
    is_second_pass: bool = False  # FORM2. Then `hop` is the place of the receiver in `members`.
    members: list[FormMember] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    reps: list[tuple[int, Role]] = field(default_factory=list)  # Without the creator.
    next_rep: int = 0
    withdrawn: list[int] = field(default_factory=list)  # Were there and left: nobody brings them.
    old_rings: list[OldRing] = field(default_factory=list)
    ring: Ring | None = None  # Of the new ring; set by its first member in FORM2.


@dataclass(frozen=True, slots=True)
class FormAck:
    """This hop has arrived."""

    id: FormId
    is_second_pass: bool
    hop: int


@dataclass(frozen=True, slots=True)
class Leave:
    """The sender stops."""


Packet = Alive | Join | Refer | Form | FormAck | Leave
