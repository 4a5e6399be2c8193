"""The membership machine: packets, upcalls and deadlines in, steps of the table out.

Each thing that happens is judged (`intake`) and becomes an event, or is counted and ignored; the
table says what follows, the modules of steps do it. Nothing reads a clock or draws a number except
through what was handed in, and nothing that a peer sends raises.

Invariants, between two calls
    an attempt exists exactly in FORM and EVS; it has a ring exactly in EVS
    the installed ring is the core's, its id and members change in `regular` only
    no state waits for nothing: each but OP and EVS, where the core watches the token, has the
    timers of `TIMERS` set, and no other state has them
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from spread.config.model import EventPriority
from spread.daemon.membership.bars import Bars
from spread.daemon.membership.codec import MalformedError, decode
from spread.daemon.membership.configuration import RingConfiguration, RingMembers
from spread.daemon.membership.context import Context
from spread.daemon.membership.core import SEGMENT, RingCore
from spread.daemon.membership.form_steps import FormSteps
from spread.daemon.membership.formation import Formation
from spread.daemon.membership.gather_steps import GatherSteps
from spread.daemon.membership.intake import Header, Intake
from spread.daemon.membership.log import LOSS_TEXTS, EventSink, MembershipLog, Trouble
from spread.daemon.membership.outgoing import Outgoing
from spread.daemon.membership.packets import Leave, Ring
from spread.daemon.membership.peers import Peers
from spread.daemon.membership.probing import Lookups
from spread.daemon.membership.search import Search
from spread.daemon.membership.segment_steps import SegmentSteps
from spread.daemon.membership.settings import NetworkSettings, RingTimeouts
from spread.daemon.membership.table import TABLE, Event, Occasion, State
from spread.daemon.membership.timers import Timer, Timers
from spread.daemon.ring_time import RingTimes

__all__ = ["Membership"]

QUICK_LOSSES_MAX: Final = 3
"""Tokens lost in a row right after the installation that are no accident any more."""

SOON_TOKENS: Final = 2
"""TokenTimeouts after the installation in which a loss counts as right after it."""


TIMERS: Final = {
    Timer.ALIVE: {State.SEG},
    Timer.SEG: {State.SEG},
    Timer.REP: {State.REPRESENTED},
    Timer.JOIN: {State.GATHER, State.GATHER_ALIVE},
    Timer.GATHER: {State.GATHER, State.GATHER_ALIVE},
    Timer.FORM: {State.FORM},
}
"""The states in which a timer is always set; all others never have it."""


class Membership:
    """One daemon's part in deciding who forms a ring."""

    def __init__(  # noqa: PLR0913 - the parts it works with, each named.
        self,
        settings: NetworkSettings,
        timeouts: RingTimeouts,
        *,
        core: RingCore,
        log: EventSink,
        clock_ns: Callable[[], int],
        ring_times: RingTimes,
        deadline_changed: Callable[[], None],
    ) -> None:
        """Begin with the ring of one that the core has: its time is the last of `ring_times`.

        `clock_ns` is monotonic; `deadline_changed` is called when `next_deadline_ns` is another.
        """
        self._core = core
        self._clock_ns = clock_ns
        self._deadline_changed = deadline_changed
        self._announced_ns = 0
        self._outside = _Outside(timeouts, core, log, clock_ns, ring_times)
        self._build(settings, ring_times.last)

    def _build(self, settings: NetworkSettings, ring_time: int) -> None:
        """Make the parts for a network, in an installed ring of one with this time in its id."""
        # First what can fail: whoever fails here goes by the network before.
        self._context = context = _make_context(settings, self._outside, ring_time)
        self.state = State.OP
        self._me = settings.me
        self._quick_losses = 0
        self._has_left = False
        self._segment_steps = SegmentSteps(context)
        self._gather_steps = GatherSteps(context)
        self._steps = {
            **self._segment_steps.by_action,
            **self._gather_steps.by_action,
            **FormSteps(context).by_action,
        }
        times = self._outside.ring_times
        self._intake = Intake(context, times=times, state=lambda: self.state, fire=self._fire)
        self._due: dict[Timer, Callable[[], None]] = {
            Timer.ALIVE: context.say_alive,
            Timer.SEG: lambda: self._fire(self._segment_steps.end()),
            Timer.REP: lambda: self._fire(Occasion(Event.REP_SILENT)),
            Timer.JOIN: self._join_again,
            Timer.PROMPT: self._answer,
            Timer.GATHER: lambda: self._fire(self._gather_steps.end()),
            Timer.FORM: lambda: self._fire(Occasion(Event.FORM_SILENT, cause="no FORM2 came")),
            Timer.HOP: self._form_again,
            Timer.LOOKUP: lambda: self._fire(Occasion(Event.LOOKUP)),
        }

    # -- What is ----------------------------------------------------------------------------------

    @property
    def ring(self) -> Ring:
        """Id of the installed ring."""
        return self._context.formation.ring.ring

    @property
    def members(self) -> tuple[int, ...]:
        """Members of the installed ring, in configuration order."""
        return self._context.formation.ring.numbers

    @property
    def counters(self) -> dict[str, int]:
        """How often each trouble, and each thing that was ignored, occurred."""
        return self._context.log.counters

    @property
    def installed(self) -> RingMembers:
        """The installed ring."""
        return self._context.formation.ring

    @property
    def last_ending(self) -> tuple[str, int]:
        """Why the ring before the installed one ended, and how long the new one took, in ns."""
        return self._context.last_ending

    @property
    def troubles(self) -> Mapping[int, tuple[str, str, int]]:
        """By daemon number what was wrong last, by name and in words, and when, in nanoseconds."""
        return self._context.log.last

    @property
    def next_deadline_ns(self) -> int:
        """When `deadline` wants to be called; 0 for not at all."""
        return self._context.timers.next_ns

    # -- Beginning and end ------------------------------------------------------------------------

    def start(self, cause: str = "start") -> None:
        """Look for others; clients are served when the first ring is installed."""
        self._fire(Occasion(Event.RING_BROKEN, cause=cause))
        self._announce()

    def leave(self) -> None:
        """Tell the others that this daemon stops, and take part in nothing any more."""
        context = self._context
        self._say_leave()
        self._has_left = True
        context.timers.cancel_all()
        self._core.ring_lost()
        self._announce()

    def withdraw(self, cause: str) -> None:
        """Tell the others that this daemon goes, hear them no more, and form a ring of one.

        Not while the core walks from one ring to the next. `is_withdrawn` when that is done.
        """
        self._say_leave()
        self._context.outgoing.is_muted = True
        self._fire(Occasion(Event.RING_BROKEN, cause=cause))
        self._context.search.seek()
        self._fire(Occasion(Event.WITHDRAWN))
        self._announce()

    @property
    def is_withdrawn(self) -> bool:
        """Whether this daemon is alone in its ring because it was told to be."""
        return self._is_deaf and self.state is State.OP and self.members == (self._me,)

    def renumber(self, settings: NetworkSettings) -> None:
        """Go by another network from here on; `start` it then.

        Only when withdrawn, and right after the core has taken the numbers of this network.
        """
        counters = self.counters
        self._build(settings, self.ring[1])
        self.counters.update(counters)
        self._announce()

    # -- What happens -----------------------------------------------------------------------------

    def deadline(self, now_ns: int) -> None:
        """Do what is due."""
        timers = self._context.timers
        while (timer := timers.take_due(now_ns)) is not None:
            self._due[timer]()
        self._announce()

    def control_packet(  # noqa: PLR0913, PLR0917 - the header's fields, as the core hands them up.
        self,
        kind: int,
        sender: int,
        source: int,
        incarnation: int,
        counter: int,
        ring: Ring,
        body: bytes,
    ) -> None:
        """Take a control packet; see `spread.daemon.upcalls`."""
        context = self._context
        if self._has_left or self._is_deaf or context.peers.is_duplicated:
            return
        try:
            packet = decode(kind, body, len(context.network.ids))
        except MalformedError:
            context.log.trouble(Trouble.CONTROL_MALFORMED, sender, self._clock_ns())
            return
        self._intake.take(Header(sender, source, incarnation, counter, ring), packet)
        self._announce()

    def token_lost(self, reason: int) -> None:
        """The core has declared the ring broken."""
        self._judge_firewall(reason)
        self._fire(Occasion(Event.RING_BROKEN, cause=LOSS_TEXTS[reason]))
        self._announce()

    def foreign_ring(self, sender: int, ring: Ring) -> None:
        """A daemon sends to a ring that is not ours."""
        if self._is_deaf:
            return
        self._intake.foreign_ring(sender, ring)
        self._announce()

    def unreachable(self, daemon: int) -> None:
        """Nobody listens at this daemon's address."""
        if self._is_deaf:
            return
        self._context.peers.fail(daemon)
        self._intake.lost(daemon, "a member cannot be reached")
        self._announce()

    def multicast_missed(self, daemon: int) -> None:
        """What this daemon sends to the segment comes only when it is sent again, one by one."""
        self._context.log.trouble(Trouble.MULTICAST_LOST, daemon, self._context.clock_ns())

    def path_limited(self, daemon: int, size: int, passing: int) -> None:
        """Datagrams of this size do not reach a member of the ring; those of `passing` bytes do."""
        self._context.log.trouble(
            Trouble.DATAGRAMS_LOST,
            daemon,
            self._context.clock_ns(),
            datagram_bytes=size,
            passing_bytes=passing,
        )

    def path_unanswered(self, daemon: int) -> None:
        """A member of the ring says of no size that it arrives, not even of the smallest."""
        self._context.log.trouble(Trouble.MEASURES_UNANSWERED, daemon, self._context.clock_ns())

    def path_found(self, size: int) -> None:
        """Datagrams of this size were found to reach all members of the ring."""
        self._context.log.state(
            "size of datagrams measured", EventPriority.INFO, datagram_bytes=size
        )

    def transitional(self) -> RingConfiguration:
        """Return the transitional configuration that stands here in the order."""
        return self._context.formation.transitional()

    def regular(self) -> RingConfiguration:
        """Install the forming ring; return it."""
        self._fire(Occasion(Event.INSTALLED))
        self._announce()
        return RingConfiguration(self.ring, self.members)

    def invariants(self) -> None:
        """Check what holds between two calls; raises AssertionError."""
        attempt, timers = self._context.formation.attempt, self._context.timers
        if self._has_left:
            assert timers.next_ns == 0, "who has left waits for nothing"
            return
        assert (attempt is not None) == (self.state in (State.FORM, State.EVS)), "attempt"
        is_committed = attempt is not None and attempt.ring is not None
        assert is_committed == (self.state is State.EVS), "ring of the attempt"
        for timer, states in TIMERS.items():
            assert timers.is_set(timer) == (self.state in states), f"{timer.name} in {self.state}"
        assert self._me in self.members, "a daemon is a member of its ring"

    @property
    def _is_deaf(self) -> bool:
        """Whether others must not change anything: they have been told that this daemon goes."""
        return self._context.outgoing.is_muted

    def _say_leave(self) -> None:
        context = self._context
        context.outgoing.send(SEGMENT, Leave())
        for each in context.formation.ring.numbers:
            if context.network.segments[each] != context.network.segments[self._me]:
                context.outgoing.send(each, Leave())

    # -- Inside -----------------------------------------------------------------------------------

    def _fire(self, occasion: Occasion | None) -> None:
        """Look up what follows from an event and do it, and what follows from that."""
        if self._has_left:
            return
        while occasion is not None:
            transition = TABLE[self.state].get(occasion.event)
            if transition is None:
                return
            self.state = transition.target
            occasion = self._steps[transition.action](occasion)

    def _announce(self) -> None:
        if self.next_deadline_ns != self._announced_ns:
            self._announced_ns = self.next_deadline_ns
            self._deadline_changed()

    def _join_again(self) -> None:
        self._context.say_join()
        # The second round without a word from a member tells that it is dead.
        self._fire(Occasion(Event.FEWER_EXPECTED))

    def _answer(self) -> None:
        if self.state is State.SEG:
            self._context.send_alive(SEGMENT)
        else:
            self._context.send_join(self._context.search.targets())

    def _form_again(self) -> None:
        context, now_ns = self._context, self._clock_ns()
        silent = context.formation.hops.due(now_ns)
        if silent is None:
            return
        if context.bars.fail(silent, now_ns) > 1:
            # Once is what a crash looks like.
            context.log.trouble(Trouble.FORM_UNANSWERED, silent, now_ns)
        cause = f"no answer to FORM: {context.log.name(silent)}"
        self._fire(Occasion(Event.FORM_SILENT, cause=cause))

    def _judge_firewall(self, reason: int) -> None:
        """Tell the log when the token never gets through although FORM does."""
        context, formation = self._context, self._context.formation
        is_token = LOSS_TEXTS[reason] in LOSS_TEXTS[1:3]
        soon_ns = context.installed_ns + SOON_TOKENS * context.timeouts.token
        is_quick = self.state is State.EVS or self._clock_ns() < soon_ns
        if not (is_token and is_quick):
            self._quick_losses = 0
            return
        self._quick_losses += 1
        if self._quick_losses >= QUICK_LOSSES_MAX:
            numbers = formation.ring.numbers
            if formation.attempt is not None:
                numbers = tuple(formation.attempt.incarnations)
            successor = numbers[(numbers.index(self._me) + 1) % len(numbers)]
            context.log.trouble(Trouble.TOKEN_PORT, successor, self._clock_ns())


@dataclass(frozen=True, slots=True)
class _Outside:
    """What a machine works with, whatever its network."""

    timeouts: RingTimeouts
    core: RingCore
    log: EventSink
    clock_ns: Callable[[], int]
    ring_times: RingTimes


def _make_context(settings: NetworkSettings, outside: _Outside, ring_time: int) -> Context:
    timeouts, core, clock_ns = outside.timeouts, outside.core, outside.clock_ns
    peers, timers, outgoing = Peers(settings), Timers(), Outgoing(core)
    bars = Bars(2 * timeouts.gather)
    formation = Formation(
        settings,
        timeouts,
        core=core,
        outgoing=outgoing,
        peers=peers,
        timers=timers,
        times=outside.ring_times,
        first_time=ring_time,
        clock_ns=clock_ns,
    )
    return Context(
        network=settings,
        timeouts=timeouts,
        core=core,
        outgoing=outgoing,
        peers=peers,
        timers=timers,
        formation=formation,
        bars=bars,
        search=Search(settings, peers, bars),
        lookups=Lookups(timeouts.lookup, settings.me),
        log=MembershipLog(outside.log, settings),
        clock_ns=clock_ns,
    )
