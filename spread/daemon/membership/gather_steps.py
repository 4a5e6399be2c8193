"""The steps of gathering: representatives of other segments and rings, with or without a ring."""

from collections.abc import Mapping

from spread.config.model import EventPriority
from spread.daemon.membership.context import Context
from spread.daemon.membership.log import Trouble
from spread.daemon.membership.packets import Refer, Role
from spread.daemon.membership.table import Action, Event, Occasion, Step
from spread.daemon.membership.timers import Timer

__all__ = ["GatherSteps"]


class GatherSteps:
    """GATHER and GATHER_ALIVE, and the daemon in OP that is asked."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._is_lookup = False
        self.by_action: Mapping[Action, Step] = {
            Action.GATHER: self._gather,
            Action.GATHER_AGAIN: self._gather_again,
            Action.GATHER_WITH: self._gather_with,
            Action.LOOK: self._look,
            Action.COLLECT_JOIN: self._collect_join,
            Action.COLLECT_MEMBER: self._collect_member,
            Action.CHECK_GATHER: lambda _: self.early_exit(),
            Action.ADD_CANDIDATE: self._add_candidate,
            Action.RESUME: self._resume,
            Action.NAME_LEADER: self._name_leader,
        }

    def early_exit(self) -> Occasion | None:
        """Return the end of GATHER if this daemon creates FORM1 and expects nobody else."""
        context, search = self._context, self._context.search
        if context.peers.is_duplicated or (
            search.is_first() and search.is_all_gathered(context.clock_ns())
        ):
            return self.end()
        return None

    def end(self) -> Occasion:
        """Return how GATHER ends."""
        search = self._context.search
        is_alone_with_ring = search.role is Role.RING_REP and not search.reps
        if search.is_first() and not is_alone_with_ring:
            return Occasion(Event.GATHER_FIRST)
        return Occasion(Event.GATHER_BEHIND)

    # -- Without a ring ---------------------------------------------------------------------------

    def _gather(self, _: Occasion) -> Occasion | None:
        self._context.timers.cancel(Timer.ALIVE, Timer.SEG)
        self._wait()
        self._context.say_join()
        return self.early_exit()

    def _gather_again(self, _: Occasion) -> Occasion | None:
        self._tell_deaf()
        self._context.search.gather_again()
        self._wait()
        self._context.say_join()
        return None

    # -- With a ring ------------------------------------------------------------------------------

    def _gather_with(self, occasion: Occasion) -> Occasion | None:
        self._is_lookup = False
        self._begin_with_ring()
        self._context.say_join()
        return self._collect_join(occasion)

    def _look(self, occasion: Occasion) -> Occasion | None:
        context = self._context
        self._is_lookup = True
        context.lookups.hold(context.clock_ns())
        self._begin_with_ring()
        if occasion.event is Event.HINT:
            context.search.add_candidate(occasion.daemon)
        context.say_join()
        context.send_join(context.search.missing_elsewhere())
        return None

    def _resume(self, _: Occasion) -> Occasion | None:
        context = self._context
        now_ns = context.gathered_ns = context.clock_ns()
        context.timers.cancel(Timer.JOIN, Timer.PROMPT, Timer.GATHER)
        context.lookups.hold(now_ns)
        context.plan_lookup()
        self._tell_deaf()
        if self._is_lookup:
            context.test_multicast()
        context.log.state("nobody found to form a ring with", EventPriority.DEBUG)
        return None

    def _name_leader(self, occasion: Occasion) -> Occasion | None:
        context = self._context
        answer = Refer(context.formation.ring.leader, Role.RING_REP)
        context.outgoing.send(occasion.daemon, answer)
        return None

    # -- Answers ----------------------------------------------------------------------------------

    def _collect_join(self, occasion: Occasion) -> Occasion | None:
        context = self._context
        assert occasion.join is not None
        if context.search.take_join(occasion.daemon, occasion.join, context.clock_ns()):
            context.prompt()
        if context.search.comes_first(occasion.daemon):
            # It is at work: do not begin anything before it has had its time.
            self._wait()
        return self.early_exit()

    def _collect_member(self, occasion: Occasion) -> Occasion | None:
        context = self._context
        if context.search.take_alive(occasion.daemon, context.clock_ns()):
            context.prompt()
        return self.early_exit()

    def _add_candidate(self, occasion: Occasion) -> Occasion | None:
        self._context.search.add_candidate(occasion.daemon)
        self._context.prompt()
        return None

    # -- Inside -----------------------------------------------------------------------------------

    def _begin_with_ring(self) -> None:
        context = self._context
        context.timers.cancel(Timer.LOOKUP)
        context.search.look_from(context.formation.ring.numbers)
        self._wait()

    def _wait(self) -> None:
        context = self._context
        context.timers.set(Timer.GATHER, context.clock_ns() + context.timeouts.gather)

    def _tell_deaf(self) -> None:
        context = self._context
        for each in context.search.deaf:
            context.log.trouble(Trouble.DEAF, each, context.clock_ns())
