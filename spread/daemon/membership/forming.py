"""What a daemon does to a FORM packet that passes it; pure functions.

    creator  form = create(...); add_member(form, report); target = route(form)
    FORM1    awaited(form) names me: add_member or else withdraw; target = route(form)
    FORM2    entry = accept_second(form, ...); core.ring_commit(...); target = route(form)

`route` ends the first pass by itself; its target may then be this daemon, which handles the FORM2
at once. All change the Form in place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from spread.daemon.membership.packets import Form, FormId, FormMember, OldRing, Ring, Role

__all__ = [
    "Attempts",
    "Report",
    "Times",
    "accept_second",
    "add_member",
    "awaited",
    "create",
    "impostors",
    "rep_order",
    "route",
    "withdraw",
]


class Times(Protocol):
    """Where the times of ring ids come from; `RingTimes` is one."""

    def next(self, minimum: int = 0, count: int = 1) -> int:
        """Return the first of `count` successive times never used before."""


@dataclass(frozen=True, slots=True)
class Report:
    """What this daemon says of itself and its installed ring; see `RingCore.ring_freeze`."""

    member: FormMember
    stable: int
    high: int
    held: Callable[[int, int], bytes]  # `RingCore.ring_held`.
    obligations: Sequence[int]


def rep_order(rep: tuple[int, Role]) -> tuple[Role, int]:
    """Sort key of representatives, smallest first: segments without a ring, then rings."""
    daemon, role = rep
    return role, daemon


def create(
    attempt: FormId, members: Iterable[int], reps: Iterable[tuple[int, Role]]
) -> Form:
    """Return the FORM1 of a creator who speaks for `members` and found `reps`.

    Both may contain the creator, who is then left out; so are members that are reps. The creator
    still has to add itself.
    """
    raise NotImplementedError


def awaited(form: Form) -> tuple[int, Role | None] | None:
    """Return whom FORM1 waits for: a daemon, and its role if it comes as a representative.

    None when everybody has been there.
    """
    raise NotImplementedError


def add_member(form: Form, report: Report, brings: Iterable[int] = ()) -> bool:
    """Add this daemon, which is awaited or the creator, and what it reports, to FORM1.

    A representative `brings` those it speaks for; daemons that the form already names are left
    out. False, and nothing has changed, when the form has no room for the old ring or when what
    it says of that ring cannot be true of a ring of ours; then `withdraw`.
    """
    raise NotImplementedError


def withdraw(form: Form, me: int) -> None:
    """Take this daemon, which is awaited, off FORM1: the others go on without it."""
    raise NotImplementedError


def route(form: Form) -> int | None:
    """Step the form to its next hop and return the daemon that it goes to.

    When the first pass has everybody, the members are sorted in configuration order, the form
    becomes FORM2, and the target is the first member. None behind the last member of FORM2: it
    makes the first token.
    """
    raise NotImplementedError


def accept_second(
    form: Form, me: FormMember, ids: Sequence[int], times: Times
) -> OldRing | None:
    """Take this daemon's step of FORM2 and return what the form says of its old ring.

    `me` is what this daemon put on FORM1, `ids` are the daemon ids by number. The first member
    names the new ring, the first of each old ring the transitional configuration. None, and
    nothing has changed, when the form is not for this daemon, not the one it put itself on, or
    wrong about the hops before.
    """
    raise NotImplementedError


def impostors(form: Form, ring: Ring, incarnations: Mapping[int, int]) -> list[int]:
    """Return the members who claim to come from `ring` but were not installed in it.

    `incarnations` has the members of that ring as they were when it was formed.
    """
    raise NotImplementedError


class Attempts:
    """Which attempts were taken part in: each FORM1 and each hop counts once."""

    def is_new(self, attempt: FormId, ring_time: int) -> bool:
        """Whether a FORM1 is above the last from its creator and above the installed ring."""
        raise NotImplementedError

    def repeats(self, form: Form) -> bool:
        """Whether this hop was handled already: acknowledge it again and do nothing else."""
        raise NotImplementedError

    def note(self, form: Form) -> None:
        """Remember a form as it came in, before this daemon changes it."""
        raise NotImplementedError
