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

from spread.daemon.membership.packets import (
    HAVE_BITS_MAX,
    Form,
    FormId,
    FormMember,
    OldRing,
    Ring,
    Role,
)

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


def create(attempt: FormId, members: Iterable[int], reps: Iterable[tuple[int, Role]]) -> Form:
    """Return the FORM1 of a creator who speaks for `members` and found `reps`.

    Both may contain the creator, who is then left out; so are members that are reps. The creator
    still has to add itself.
    """
    found = sorted(dict(reps).items(), key=rep_order)
    form = Form(id=attempt, hop=0)
    form.reps = [(daemon, role) for daemon, role in found if daemon != attempt.creator]
    taken = {attempt.creator, *(daemon for daemon, _ in form.reps)}
    form.pending = sorted(set(members) - taken)
    return form


def awaited(form: Form) -> tuple[int, Role | None] | None:
    """Return whom FORM1 waits for: a daemon, and its role if it comes as a representative.

    None when everybody has been there.
    """
    if form.pending:
        return form.pending[0], None
    if form.next_rep < len(form.reps):
        return form.reps[form.next_rep]
    return None


def add_member(form: Form, report: Report, brings: Iterable[int] = ()) -> bool:
    """Add this daemon, which is awaited or the creator, and what it reports, to FORM1.

    A representative `brings` those it speaks for; daemons that the form already names are left
    out. False, and nothing has changed, when the form has no room for the old ring or when what
    it says of that ring cannot be true of a ring of ours; then `withdraw`.
    """
    entry = _merged(form, report)
    if entry is None:
        return False
    _leave_place(form, report.member.daemon, brings)
    form.members.append(report.member)
    _enter(form, entry)
    return True


def withdraw(form: Form, me: int) -> None:
    """Take this daemon, which is awaited, off FORM1: the others go on without it."""
    _leave_place(form, me, ())
    form.withdrawn.append(me)


def route(form: Form) -> int | None:
    """Step the form to its next hop and return the daemon that it goes to.

    When the first pass has everybody, the members are sorted in configuration order, the form
    becomes FORM2, and the target is the first member. None behind the last member of FORM2: it
    makes the first token.
    """
    if form.is_second_pass:
        form.hop += 1
        return form.members[form.hop].daemon if form.hop < len(form.members) else None
    coming = awaited(form)
    if coming is not None:
        form.hop += 1
        return coming[0]
    form.members.sort(key=lambda each: each.daemon)
    for entry in form.old_rings:
        entry.transitional.sort()
    form.reps.clear()
    form.withdrawn.clear()
    form.next_rep = form.hop = 0
    form.is_second_pass = True
    return form.members[0].daemon


def accept_second(form: Form, me: FormMember, ids: Sequence[int], times: Times) -> OldRing | None:
    """Take this daemon's step of FORM2 and return what the form says of its old ring.

    `me` is what this daemon put on FORM1, `ids` are the daemon ids by number. The first member
    names the new ring, the first of each old ring the transitional configuration. None, and
    nothing has changed, when the form is not for this daemon, not the one it put itself on, or
    wrong about the hops before.
    """
    if not form.is_second_pass or form.members[form.hop] != me:
        return None
    ring, is_first = form.ring, form.hop == 0
    if ring is not None and ring[0] != ids[form.members[0].daemon]:
        return None
    entry = next(each for each in form.old_rings if each.ring == me.old_ring)
    if is_first:
        entry.transitional_time = times.next(count=2)
        form.ring = ids[me.daemon], entry.transitional_time + 1
    elif entry.transitional_time == 0:
        entry.transitional_time = times.next()
    return entry


def impostors(form: Form, ring: Ring, incarnations: Mapping[int, int]) -> list[int]:
    """Return the members who claim to come from `ring` but were not installed in it.

    `incarnations` has the members of that ring as they were when it was formed.
    """
    return [
        each.daemon
        for each in form.members
        if each.old_ring == ring and incarnations.get(each.daemon) != each.incarnation
    ]


class Attempts:
    """Which attempts were taken part in: each FORM1 and each hop counts once."""

    def __init__(self) -> None:
        self._last: dict[int, FormId] = {}  # By creator.
        self._hops: dict[int, dict[bool, int]] = {}  # By creator: its last attempt's, by pass.

    def is_new(self, attempt: FormId, ring_time: int) -> bool:
        """Whether a FORM1 is above the last from its creator and above the installed ring."""
        last = self._last.get(attempt.creator)
        return attempt.time > ring_time and (last is None or _age(attempt) > _age(last))

    def repeats(self, form: Form) -> bool:
        """Whether this hop was handled already: acknowledge it again and do nothing else."""
        if self._last.get(form.id.creator) != form.id:
            return False
        return self._hops[form.id.creator].get(form.is_second_pass) == form.hop

    def note(self, form: Form) -> None:
        """Remember a form as it came in, before this daemon changes it."""
        creator = form.id.creator
        if self._last.get(creator) != form.id:
            self._last[creator] = form.id
            self._hops[creator] = {}
        self._hops[creator][form.is_second_pass] = form.hop


def _age(attempt: FormId) -> tuple[int, int]:
    return attempt.incarnation, attempt.time


def _merged(form: Form, report: Report) -> OldRing | None:
    """Return the entry of the reporter's old ring with its report, None if it cannot be.

    What one member knows to be stable, all of them hold: the entry covers (stable, high] of
    whoever knows most, and the packets that anyone holds there.
    """
    me = report.member
    entry = next((each for each in form.old_rings if each.ring == me.old_ring), None)
    if entry is None:
        entry = OldRing(me.old_ring, report.stable, report.stable, b"", [], [])
    stable = max(entry.stable, report.stable)
    high = max(entry.high, report.high, stable)
    count = high - stable
    if count > HAVE_BITS_MAX:
        return None
    held = int.from_bytes(entry.have, "little") >> (stable - entry.stable)
    held |= int.from_bytes(report.held(stable, high), "little")
    # A core that reports more than it was asked for must not make the form one that nobody takes.
    held &= (1 << count) - 1
    return OldRing(
        ring=entry.ring,
        stable=stable,
        high=high,
        have=held.to_bytes((count + 7) // 8, "little"),
        transitional=[*entry.transitional, me.daemon],
        obligations=sorted({*entry.obligations, *report.obligations, me.daemon}),
    )


def _enter(form: Form, entry: OldRing) -> None:
    """Put an entry in the place of the one of the same ring, or behind all others."""
    for place, each in enumerate(form.old_rings):
        if each.ring == entry.ring:
            form.old_rings[place] = entry
            return
    form.old_rings.append(entry)


def _leave_place(form: Form, me: int, brings: Iterable[int]) -> None:
    """Step over this daemon, if it is awaited; a representative's own daemons are next then."""
    coming = awaited(form)
    if coming is None or coming[0] != me:
        return
    if form.pending:
        del form.pending[0]
        return
    form.next_rep += 1
    named = {*form.withdrawn, *(each.daemon for each in form.members)}
    named.update(daemon for daemon, _ in form.reps)
    form.pending.extend(sorted(set(brings) - named))
