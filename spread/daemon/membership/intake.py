"""What a control packet means in the state of the daemon: an event of the table, or nothing.

Order of judgement: does it hold together and name a plausible time; whose is it, and of which
incarnation; does it show that its sender has left the ring; then what its kind asks for. Whatever
is ignored is counted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from spread.daemon.membership.context import Context
from spread.daemon.membership.forming import Attempts, awaited, impostors
from spread.daemon.membership.log import Trouble
from spread.daemon.membership.packets import (
    Alive,
    Form,
    FormAck,
    Join,
    Packet,
    Refer,
    Ring,
    Role,
)
from spread.daemon.membership.peers import Verdict
from spread.daemon.membership.table import TABLE, Event, Occasion, State
from spread.daemon.ring_time import RingTimes

__all__ = ["LEFT", "Header", "Intake"]

LEFT: Final = "a member left"
"""Why a ring ends whose member has said that it goes."""

WITHOUT_RING: Final = frozenset({State.SEG, State.REPRESENTED, State.GATHER})
LISTENING: Final = frozenset({State.SEG, State.REPRESENTED})
WITH_RING: Final = frozenset({State.OP, State.GATHER_ALIVE})

OUTDATED_NS: Final = 1_000_000_000
"""A late packet of an earlier incarnation is no trouble; those that come for longer are."""

HOME_NS: Final = 5_000_000_000
"""A daemon that was heard from its own address so lately is there."""

UNICASTS_MAX: Final = 2
"""Tests of multicast in a row, none of which came: the first may have overtaken it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands in front of a packet's body."""

    sender: int
    source: int  # IPv4 address.
    incarnation: int
    counter: int
    ring: Ring  # The sender's installed one.


class Intake:
    """Judges packets for one machine."""

    def __init__(
        self,
        context: Context,
        *,
        times: RingTimes,
        state: Callable[[], State],
        fire: Callable[[Occasion], None],
    ) -> None:
        self._context = context
        self._me = context.network.me
        self._segments = context.network.segments
        self._times = times
        self._state = state
        self._fire = fire
        self._attempts = Attempts()
        self._probe_ns: dict[int, int] = {}  # Before then no further probe, by daemon.
        self._unicasts: dict[int, int] = {}  # Tests of multicast since it last came, by daemon.

    def take(self, header: Header, packet: Packet) -> None:
        """Judge a packet and do what it asks for."""
        context = self._context
        is_elsewhere = not context.network.may_send_from(header.sender, header.source)
        if is_elsewhere and self._is_known_to_be_home(header.sender):
            # It must not push out the daemon that is where the configuration says.
            self._trouble(Trouble.DUPLICATE_DAEMON, header.sender, header.source)
            return
        if not self._is_current(header):
            return
        # Late packets of an earlier incarnation must not move the time that the next ring gets.
        if not self._times.note(header.ring[1]):
            self._trouble(Trouble.CLOCK_AHEAD, header.sender)
            return
        if is_elsewhere:
            self._trouble(Trouble.WRONG_ADDRESS, header.sender, header.source)
        if isinstance(packet, Alive | Join):
            self._take_search(header, packet)
        elif isinstance(packet, Form):
            self._take_form(header, packet)
        elif isinstance(packet, FormAck):
            context.formation.hops.acknowledged(header.sender, packet)
        elif isinstance(packet, Refer):
            self._take_refer(packet)
        else:
            context.peers.leave(header.sender)
            context.explain_end(header.sender, f"{LEFT}: {self._name(header.sender)}")
            self.lost(header.sender, LEFT)

    def lost(self, daemon: int, cause: str) -> None:
        """Act on explicit evidence that a daemon is dead; `Peers` knows it already."""
        self._context.search.drop(daemon)
        if daemon in self._context.formation.named:
            self._break(daemon, cause)
        self._fire(Occasion(Event.FEWER_EXPECTED))

    # -- Whose ------------------------------------------------------------------------------------

    def _is_known_to_be_home(self, daemon: int) -> bool:
        """Whether the daemon runs where it belongs, so that another one bears its name elsewhere.

        A member of the ring has no reason to say anything; one that is not says so all the time.
        """
        context = self._context
        if daemon == self._me:
            return True
        source, heard_ns = context.peers.last_heard(daemon)
        if not context.network.may_send_from(daemon, source):
            return False
        is_fresh = heard_ns is not None and context.clock_ns() - heard_ns < HOME_NS
        return is_fresh or daemon in context.formation.current

    def _is_current(self, header: Header) -> bool:
        """Whether the packet is of the daemon that runs now; acts if that has restarted."""
        context, sender = self._context, header.sender
        now_ns = context.clock_ns()
        verdict = context.peers.hear(
            sender, header.source, header.incarnation, header.counter, now_ns
        )
        known = context.formation.current.get(sender, header.incarnation)
        if verdict is Verdict.DUPLICATE:
            self._trouble(Trouble.DUPLICATE_DAEMON, sender)
            self._stay_alone()
            return False
        if verdict is Verdict.STALE or sender == self._me:
            context.log.count("control_stale")
            return False
        if verdict is Verdict.OLD or header.incarnation < known:
            self._tell_outdated(sender, now_ns)
            return False
        context.outdated.pop(sender, None)
        if verdict is Verdict.RESTARTED:
            context.bars.clear(sender)
            context.search.drop(sender)
        if header.incarnation > known:
            self._break(sender, "a member has restarted")
        return True

    def _stay_alone(self) -> None:
        if self._context.peers.is_duplicated:
            self._context.search.seek()
            self._fire(Occasion(Event.RING_BROKEN, cause="another daemon has this name"))

    def _tell_outdated(self, sender: int, now_ns: int) -> None:
        """Let a daemon whose clock went back read that it was here before."""
        context = self._context
        context.log.count("control_old")
        since_ns = context.outdated.setdefault(sender, now_ns)
        if now_ns - since_ns >= OUTDATED_NS:
            self._trouble(Trouble.CLOCK_BEHIND, sender)
        # Two that take each other for outdated must not answer each other for ever.
        if self._state() in WITH_RING and now_ns >= self._probe_ns.get(sender, 0):
            self._probe_ns[sender] = now_ns + context.timeouts.join
            context.send_probe(sender)

    # -- ALIVE and JOIN ---------------------------------------------------------------------------

    def _take_search(self, header: Header, packet: Alive | Join) -> None:
        context, sender = self._context, header.sender
        if context.peers.is_stale(sender, header.counter):
            context.log.count("control_stale")
            return
        if sender in context.formation.current:
            is_probe = isinstance(packet, Join) and packet.is_probe
            if is_probe and header.ring in context.formation.rings:
                return
            # It says more than its part in the ring, or in the attempt, lets it say.
            self._break(sender, "a member looks for a ring")
        self._take_lists(sender, packet)
        if isinstance(packet, Alive):
            self._fire(Occasion(Event.ALIVE, daemon=sender))
        elif self._is_multicast_test(sender, packet):
            self._test_multicast(sender)
        else:
            self._take_join(sender, packet)

    def _take_lists(self, sender: int, packet: Alive | Join) -> None:
        context, peers = self._context, self._context.peers
        peers.hear_list(sender, packet.heard)
        if self._state() in WITHOUT_RING:
            peers.told_failed(packet.failed)
            self._believe_unreached(packet.failed)
        incarnation = peers.larger_incarnation(packet.heard)
        if incarnation is not None:
            context.log.count("own_clock_behind")
            context.formation.ring.incarnations[self._me] = incarnation
            context.core.set_incarnation(incarnation)
            self._fire(Occasion(Event.RING_BROKEN, cause="this daemon was here before"))
        self._stay_alone()

    def _believe_unreached(self, daemons: tuple[int, ...]) -> None:
        """After a failed attempt, do without those that others hear of but do not reach."""
        context = self._context
        if context.failed_attempts:
            for each in daemons:
                if each != self._me:
                    context.bars.believe(each, context.clock_ns())
                    context.search.drop(each)

    def _is_multicast_test(self, sender: int, join: Join) -> bool:
        is_neighbour = self._segments[sender] == self._segments[self._me]
        is_test = is_neighbour and (self._me, Role.POTENTIAL) in join.reps
        if is_neighbour and not is_test:
            self._unicasts.pop(sender, None)
        return is_test

    def _test_multicast(self, sender: int) -> None:
        self._unicasts[sender] = self._unicasts.get(sender, 0) + 1
        if self._unicasts[sender] >= UNICASTS_MAX:
            self._trouble(Trouble.MULTICAST_LOST, sender)

    def _take_join(self, sender: int, join: Join) -> None:
        context, state = self._context, self._state()
        is_neighbour = self._segments[sender] == self._segments[self._me]
        event = Event.JOIN
        if context.search.is_kept_out(sender, context.clock_ns()):
            context.log.count("kept_out")
            return
        if state is State.OP and context.formation.ring.leader != self._me:
            if is_neighbour and not self._leads_segment():
                return  # Whoever leads has heard it too.
            event = Event.MEMBER_JOIN
        elif state is State.OP and self._is_tiresome(sender):
            context.log.count("control_throttled")
            return
        elif is_neighbour and join.role is Role.SEG_REP:
            event = Event.SEGMENT_JOIN
            if state in LISTENING and not context.follows(sender):
                # It has to hear this daemon before it can act for it.
                context.send_alive(sender)
                return
        self._fire(Occasion(event, daemon=sender, join=join))

    def _is_tiresome(self, sender: int) -> bool:
        """Whether the last search has shown that the sender does not hear this daemon."""
        context = self._context
        is_quiet = not context.lookups.takes_hint(context.clock_ns())
        return is_quiet and context.search.has_missed(sender)

    def _leads_segment(self) -> bool:
        members = self._context.formation.ring.numbers
        segment = self._segments[self._me]
        return next(each for each in members if self._segments[each] == segment) == self._me

    # -- Hints ------------------------------------------------------------------------------------

    def _take_refer(self, refer: Refer) -> None:
        if self._state() is State.OP:
            self.hint(refer.daemon)
        elif refer.daemon != self._me:
            self._fire(Occasion(Event.REFER, daemon=refer.daemon))

    def foreign_ring(self, sender: int, ring: Ring) -> None:
        """A daemon sends to a ring that is neither installed nor forming here."""
        context = self._context
        if sender not in context.formation.current:
            self.hint(sender)
        elif self._times.note(ring[1]) and ring[1] > max(
            each[1] for each in context.formation.rings
        ):
            self._break(sender, "a member has another ring")

    def hint(self, daemon: int) -> None:
        """Somebody outside the ring is there: look for it, or let the leader do that."""
        context, state = self._context, self._state()
        now_ns = context.clock_ns()
        ring = context.formation.ring
        if state not in WITH_RING or daemon in ring.incarnations or context.peers.is_duplicated:
            return
        if not context.lookups.takes_hint(now_ns) or context.search.is_kept_out(daemon, now_ns):
            context.log.count("control_throttled")
        elif ring.leader == self._me:
            self._fire(Occasion(Event.HINT, daemon=daemon))
        elif self._leads_segment():
            context.lookups.hold(now_ns)
            context.outgoing.send(ring.leader, Refer(daemon, Role.POTENTIAL))

    # -- FORM -------------------------------------------------------------------------------------

    def _take_form(self, header: Header, form: Form) -> None:
        context = self._context
        if self._attempts.repeats(form):
            self._acknowledge(header.sender, form)
            return
        ring_time = 0 if form.ring is None else form.ring[1]
        if not (self._times.note(form.id.time) and self._times.note(ring_time)):
            self._trouble(Trouble.CLOCK_AHEAD, header.sender)
            return
        if form.is_second_pass:
            if not (self._state() is State.FORM and context.formation.accept(form)):
                context.log.count("form_ignored")
                return
        elif not self._may_fill(form):
            context.log.count("form_ignored")
            return
        self._attempts.note(form)
        self._acknowledge(header.sender, form)
        event = Event.FORM2 if form.is_second_pass else Event.FORM1
        self._fire(Occasion(event, daemon=header.sender, form=form))

    def _acknowledge(self, sender: int, form: Form) -> None:
        ack = FormAck(form.id, form.is_second_pass, form.hop)
        self._context.outgoing.send(sender, ack)

    def _may_fill(self, form: Form) -> bool:
        """Whether FORM1 waits for this daemon as it is now."""
        context, state = self._context, self._state()
        coming, ring = awaited(form), context.formation.ring
        if coming is None or coming[0] != self._me or Event.FORM1 not in TABLE[state]:
            return False
        if not self._attempts.is_new(form.id, ring.ring[1]):
            if state in WITHOUT_RING:
                # The creator's next attempt gets a time above ours once it has seen ours.
                context.send_alive(form.id.creator)
            return False
        if impostors(form, ring.ring, ring.incarnations):
            return False
        return state in WITHOUT_RING or self._may_leave_ring(form, coming[1])

    def _may_leave_ring(self, form: Form, role: Role | None) -> bool:
        """Whether FORM1 asks for this daemon's working ring as a whole."""
        context = self._context
        leader = context.formation.ring.leader
        if role is None:
            return leader != self._me and leader in {each.daemon for each in form.members}
        if role is Role.SEG_REP or leader != self._me:
            return False
        if self._state() is State.GATHER_ALIVE:
            return True
        # The creator may wait for its GatherTimeout longer than this daemon did.
        gathered_ns = context.gathered_ns
        return gathered_ns is not None and (
            context.clock_ns() - gathered_ns < context.timeouts.form
        )

    # -- Inside -----------------------------------------------------------------------------------

    def _break(self, daemon: int, cause: str) -> None:
        self._fire(Occasion(Event.RING_BROKEN, cause=f"{cause}: {self._name(daemon)}"))

    def _name(self, daemon: int) -> str:
        return self._context.log.name(daemon)

    def _trouble(self, trouble: Trouble, daemon: int, source: int | None = None) -> None:
        self._context.log.trouble(trouble, daemon, self._context.clock_ns(), source)
