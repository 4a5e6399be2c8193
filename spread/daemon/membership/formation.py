"""From the installed ring to the next: this daemon's part in FORM1, FORM2 and installation.

    create or fill    report what is held, freeze, pass FORM1 on
    accept, commit    take the step of FORM2, let the core recover, pass FORM2 on
    install           the forming ring is the installed one

The installed ring and the packets held of it stay until the next is installed, however many
attempts fail on the way.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from spread.daemon.membership.configuration import RingConfiguration, RingMembers
from spread.daemon.membership.core import RingCore
from spread.daemon.membership.forming import (
    Report,
    Times,
    accept_second,
    add_member,
    create,
    route,
    withdraw,
)
from spread.daemon.membership.hops import Hops
from spread.daemon.membership.outgoing import Outgoing
from spread.daemon.membership.packets import Form, FormId, FormMember, OldRing, Role
from spread.daemon.membership.peers import Peers
from spread.daemon.membership.settings import NetworkSettings, RingTimeouts
from spread.daemon.membership.table import Event, Occasion
from spread.daemon.membership.timers import Timer, Timers

__all__ = ["Attempt", "Formation"]


@dataclass(slots=True)
class Attempt:
    """What is known of the attempt that this daemon takes part in."""

    id: FormId
    mine: FormMember
    incarnations: dict[int, int] = field(default_factory=dict)  # Of those on the form so far.
    named: frozenset[int] = frozenset()  # Those on the form and those it still goes to.
    reps: tuple[int, ...] = ()
    entry: OldRing | None = None  # From FORM2 on: of the own old ring.
    ring: RingMembers | None = None  # From FORM2 on.


class Formation:
    """The installed ring, and the attempt at the next if there is one."""

    def __init__(  # noqa: PLR0913 - the parts of one machine, each named.
        self,
        network: NetworkSettings,
        timeouts: RingTimeouts,
        *,
        core: RingCore,
        outgoing: Outgoing,
        peers: Peers,
        timers: Timers,
        times: Times,
        first_time: int,
        clock_ns: Callable[[], int],
    ) -> None:
        """`first_time` is in the id of the ring of one that the daemon starts with."""
        me = network.me
        self.ring = RingMembers((network.ids[me], first_time), {me: network.incarnation})
        self.attempt: Attempt | None = None
        self.hops = Hops(outgoing, timers, timeouts)
        self._outgoing = outgoing
        self._network = network
        self._form_ns = timeouts.form
        self._core = core
        self._peers = peers
        self._timers = timers
        self._times = times
        self._clock_ns = clock_ns

    # -- FORM1 ------------------------------------------------------------------------------------

    def create(self, members: Iterable[int], reps: Iterable[tuple[int, Role]]) -> Occasion | None:
        """Make FORM1 for those that were found; return what follows at once, if anything."""
        time = self._times.next(self.ring.ring[1] + 1)
        attempt = FormId(self._network.me, time, self._peers.incarnation)
        return self.fill(create(attempt, members, reps), ())

    def fill(self, form: Form, brings: Iterable[int]) -> Occasion | None:
        """Report in FORM1 and pass it on; return what follows at once, if anything."""
        stable, high = self._core.ring_freeze()
        mine = FormMember(
            daemon=self._network.me,
            incarnation=self._peers.incarnation,
            counter=self._outgoing.count,
            old_ring=self.ring.ring,
        )
        obligations = self._core.ring_obligations()
        report = Report(mine, stable, high, self._core.ring_held, obligations)
        self.attempt = Attempt(form.id, mine)
        self._timers.set(Timer.FORM, self._clock_ns() + self._form_ns)
        has_room = add_member(form, report, brings)
        if not has_room:
            withdraw(form, self._network.me)
        follows = self._pass_on(form) if form.members else None
        return follows if has_room else Occasion(Event.RING_BROKEN, cause="no room in FORM1")

    # -- FORM2 ------------------------------------------------------------------------------------

    def accept(self, form: Form) -> bool:
        """Take this daemon's step of FORM2; False when it is not of the attempt or is wrong."""
        attempt = self.attempt
        assert attempt is not None
        if form.id != attempt.id:
            return False
        attempt.entry = accept_second(form, attempt.mine, self._network.ids, self._times)
        return attempt.entry is not None

    def commit(self, form: Form) -> Occasion | None:
        """Let the core take the new ring and pass FORM2 on; return what follows at once."""
        attempt = self.attempt
        assert attempt is not None
        assert attempt.entry is not None
        assert form.ring is not None
        entry = attempt.entry
        ring = attempt.ring = RingMembers.of(form.ring, form.members)
        self._peers.raise_floors(form.members)
        self._timers.cancel(Timer.FORM)
        # A ring of one needs no token: its walk begins with the node's next turn.
        is_true = self._core.ring_commit(
            ring.ring,
            list(ring.numbers),
            stable=entry.stable,
            high=entry.high,
            have=entry.have,
            transitional=sorted(entry.transitional),
            obligations=sorted(entry.obligations),
        )
        if not is_true:
            return Occasion(Event.RING_BROKEN, cause="FORM2 contradicts the installed ring")
        return None if len(ring.numbers) == 1 else self._pass_on(form)

    def transitional(self) -> RingConfiguration:
        """Return the members of the old ring that come along, under an id of their own."""
        assert self.attempt is not None
        assert self.attempt.entry is not None
        entry = self.attempt.entry
        members = tuple(sorted(entry.transitional))
        return RingConfiguration((self._network.ids[members[0]], entry.transitional_time), members)

    # -- Ends -------------------------------------------------------------------------------------

    def install(self) -> None:
        """The forming ring is the installed one."""
        assert self.attempt is not None
        assert self.attempt.ring is not None
        self.ring = self.attempt.ring
        self.abandon()

    def abandon(self) -> None:
        """The attempt is over."""
        self.attempt = None
        self.hops.stop()

    # -- Members ----------------------------------------------------------------------------------

    @property
    def current(self) -> dict[int, int]:
        """Incarnations of the daemons whose loss breaks the ring or the attempt."""
        return self.ring.incarnations if self.attempt is None else self.attempt.incarnations

    @property
    def named(self) -> frozenset[int]:
        """The daemons whose death ends the ring or the attempt."""
        return frozenset(self.current) if self.attempt is None else self.attempt.named

    @property
    def rings(self) -> tuple[tuple[int, int], ...]:
        """Ids of the installed ring and of the forming one."""
        attempt = self.attempt
        if attempt is None or attempt.ring is None:
            return (self.ring.ring,)
        return self.ring.ring, attempt.ring.ring

    def _pass_on(self, form: Form) -> Occasion | None:
        attempt = self.attempt
        assert attempt is not None
        attempt.incarnations = {each.daemon: each.incarnation for each in form.members}
        reps = tuple(daemon for daemon, _ in form.reps)
        attempt.named |= {*attempt.incarnations, *form.pending, *reps}
        attempt.reps = attempt.reps or reps
        self._peers.raise_floors(form.members)
        target = route(form)
        if target is None:
            self._core.ring_start()
        elif target != self._network.me:
            self.hops.send(target, form, self._clock_ns())
        else:
            # What this daemon has just sorted itself into is right.
            accepted = self.accept(form)
            return Occasion(Event.FORM2, form=form) if accepted else None
        return None
