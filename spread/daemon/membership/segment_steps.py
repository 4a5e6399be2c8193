"""The steps around the own segment: the ring is lost, who is alive here, who acts for whom."""

from collections.abc import Mapping

from spread.config.model import EventPriority
from spread.daemon.membership.context import NOBODY, Context
from spread.daemon.membership.core import SEGMENT
from spread.daemon.membership.packets import Refer, Role
from spread.daemon.membership.table import Action, Event, Occasion, Step
from spread.daemon.membership.timers import Timer

__all__ = ["SegmentSteps"]


class SegmentSteps:
    """SEG and REPRESENTED."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.by_action: Mapping[Action, Step] = {
            Action.LOSE: self._lose,
            Action.SEEK: self._seek,
            Action.COLLECT_ALIVE: self._collect_alive,
            Action.KEEP_JOIN: self._keep_join,
            Action.CHECK_SEGMENT: lambda _: self.early_exit(),
            Action.FOLLOW: self._follow,
            Action.STAY_REPRESENTED: self._stay_represented,
            Action.AWAIT_REP: self._await_rep,
            Action.NAME_REP: self._name_rep,
        }

    def early_exit(self) -> Occasion | None:
        """Return the end of SEG if nobody else is to be expected."""
        context = self._context
        if context.peers.is_duplicated or context.search.is_segment_searched(context.clock_ns()):
            return self.end()
        return None

    def end(self) -> Occasion:
        """Return how SEG ends."""
        is_first = self._context.search.leads_segment()
        return Occasion(Event.SEG_FIRST if is_first else Event.SEG_BEHIND)

    # -- Alone ------------------------------------------------------------------------------------

    def _lose(self, occasion: Occasion) -> Occasion | None:
        context, formation = self._context, self._context.formation
        context.core.ring_lost()
        context.timers.cancel_all()
        ring = formation.ring.numbers
        expected, suggestions = {*ring}, [daemon for daemon, _ in context.search.reps]
        if formation.attempt is not None:
            context.failed_attempts += 1
            expected |= formation.attempt.named
            suggestions += formation.attempt.reps
            formation.abandon()
        context.log.state("ring lost", EventPriority.INFO, cause=occasion.cause)
        context.end_ring(occasion.cause)
        context.search.lose_ring(expected, [*suggestions, *ring])
        context.deaf.clear()
        return self._begin()

    def _seek(self, _: Occasion) -> Occasion | None:
        context = self._context
        rep = context.representative
        if rep != NOBODY and not context.peers.hears_me(rep):
            context.deaf.add(rep)
        context.search.seek()
        return self._begin()

    def _begin(self) -> Occasion | None:
        context, before_ns = self._context, self._context.attempt_ns
        context.attempt_ns = context.clock_ns()
        context.peers.start_attempt(context.attempt_ns)
        context.representative = NOBODY
        context.timers.set(Timer.SEG, context.attempt_ns + context.timeouts.seg)
        context.say_alive()
        # Evidence that ends the search at once has ended it before. If that attempt failed at once,
        # too, the next one waits for what comes: nothing else would end this.
        if context.failed_attempts and context.attempt_ns - before_ns < context.timeouts.form_retry:
            return None
        return self.early_exit()

    def _collect_alive(self, occasion: Occasion) -> Occasion | None:
        context = self._context
        if context.search.take_alive(occasion.daemon, context.clock_ns()):
            context.prompt()
        return self.early_exit()

    def _keep_join(self, occasion: Occasion) -> Occasion | None:
        self._context.search.add_candidate(occasion.daemon)
        return None

    # -- Represented ------------------------------------------------------------------------------

    def _follow(self, occasion: Occasion) -> Occasion | None:
        context, rep = self._context, occasion.daemon
        context.timers.cancel(Timer.ALIVE, Timer.SEG)
        # One that does not hear this daemon must not keep it waiting: it never sends it FORM1.
        if rep != context.representative or context.peers.hears_me(rep):
            self._wait()
        context.representative = rep
        context.send_alive(rep)
        return None

    def _stay_represented(self, _: Occasion) -> Occasion | None:
        self._wait()
        return None

    def _await_rep(self, _: Occasion) -> Occasion | None:
        context = self._context
        context.timers.cancel(Timer.ALIVE, Timer.SEG)
        if context.timers.is_set(Timer.PROMPT):
            # Whoever comes first may not know yet that it is heard.
            context.send_alive(SEGMENT)
        self._wait()
        return None

    def _name_rep(self, occasion: Occasion) -> Occasion | None:
        context = self._context
        if context.representative != NOBODY:
            answer = Refer(context.representative, Role.SEG_REP)
            context.outgoing.send(occasion.daemon, answer)
        return None

    def _wait(self) -> None:
        context = self._context
        context.timers.set(Timer.REP, context.clock_ns() + context.timeouts.rep)
