"""The steps of forming a ring: FORM1, FORM2 and the installation."""

from collections.abc import Iterable, Mapping
from typing import Final

from spread.config.model import EventPriority
from spread.daemon.membership.context import Context
from spread.daemon.membership.packets import Form
from spread.daemon.membership.table import Action, Occasion, Step

__all__ = ["FormSteps"]

MERGE: Final = "daemons found each other"
"""Why a ring ends that works."""


class FormSteps:
    """FORM, EVS and the way into OP."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.by_action: Mapping[Action, Step] = {
            Action.CREATE: self._create,
            Action.FILL_ALONE: self._fill_alone,
            Action.FILL_FOR_FOUND: self._fill_for_found,
            Action.FILL_FOR_RING: self._fill_for_ring,
            Action.COMMIT: self._commit,
            Action.INSTALL: self._install,
        }

    def _create(self, _: Occasion) -> Occasion | None:
        context = self._context
        context.timers.cancel_all()
        context.end_ring(MERGE)
        return context.formation.create(context.search.members, context.search.reps)

    def _fill_alone(self, occasion: Occasion) -> Occasion | None:
        return self._fill(occasion, ())

    def _fill_for_found(self, occasion: Occasion) -> Occasion | None:
        return self._fill(occasion, self._context.search.members)

    def _fill_for_ring(self, occasion: Occasion) -> Occasion | None:
        return self._fill(occasion, self._context.formation.ring.numbers)

    def _fill(self, occasion: Occasion, brings: Iterable[int]) -> Occasion | None:
        context, form = self._context, occasion.form
        assert form is not None
        context.timers.cancel_all()
        context.end_ring(MERGE)
        # Whom this daemon cannot reach would end the attempt here; so far it has not been there.
        unreached = context.bars.unreached(context.clock_ns())
        _leave_out(form, unreached)
        return context.formation.fill(form, set(brings) - unreached)

    def _commit(self, occasion: Occasion) -> Occasion | None:
        assert occasion.form is not None
        return self._context.formation.commit(occasion.form)

    def _install(self, _: Occasion) -> Occasion | None:
        context, formation = self._context, self._context.formation
        before, named = set(formation.ring.numbers), formation.named
        formation.install()
        context.installed_ns = context.clock_ns()
        context.last_ending = (context.ended_cause, context.installed_ns - context.ended_ns)
        context.ended_ns = 0
        context.timers.cancel_all()
        context.search.seek()
        members = formation.ring.numbers
        for each in members:
            context.bars.clear(each)
        for each in named - set(members):
            context.bars.believe(each, context.installed_ns)
        context.failed_attempts = 0
        context.gathered_ns = None
        context.lookups.release()
        if not before <= set(members) or not context.has_installed:
            context.lookups.start_series()
        context.has_installed = True
        self._plan_lookup()
        context.log.state(
            "ring installed",
            EventPriority.INFO,
            leader=context.log.name(members[0]),
            time=formation.ring.ring[1],
            members=context.log.names(members),
        )
        return None

    def _plan_lookup(self) -> None:
        context = self._context
        ring = context.formation.ring
        looks = len(ring.numbers) < len(context.network.ids) and not context.peers.is_duplicated
        if looks and ring.leader == context.network.me:
            context.plan_lookup()


def _leave_out(form: Form, daemons: frozenset[int]) -> None:
    """Take daemons off the way that FORM1 still has to go."""
    # It waits for the first pending member, or else for a representative: then that is this one.
    start = form.next_rep if form.pending else form.next_rep + 1
    ahead = {*form.pending, *(daemon for daemon, _ in form.reps[start:])}
    form.pending = [each for each in form.pending if each not in daemons]
    form.reps[start:] = [rep for rep in form.reps[start:] if rep[0] not in daemons]
    form.withdrawn.extend(sorted(ahead & daemons))
