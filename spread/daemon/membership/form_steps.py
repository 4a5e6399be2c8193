"""The steps of forming a ring: FORM1, FORM2 and the installation."""

from collections.abc import Iterable, Mapping

from spread.config.model import EventPriority
from spread.daemon.membership.context import Context
from spread.daemon.membership.table import Action, Occasion, Step

__all__ = ["FormSteps"]


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
        return context.formation.create(context.search.members, context.search.reps)

    def _fill_alone(self, occasion: Occasion) -> Occasion | None:
        return self._fill(occasion, ())

    def _fill_for_found(self, occasion: Occasion) -> Occasion | None:
        return self._fill(occasion, self._context.search.members)

    def _fill_for_ring(self, occasion: Occasion) -> Occasion | None:
        return self._fill(occasion, self._context.formation.ring.numbers)

    def _fill(self, occasion: Occasion, brings: Iterable[int]) -> Occasion | None:
        assert occasion.form is not None
        self._context.timers.cancel_all()
        return self._context.formation.fill(occasion.form, brings)

    def _commit(self, occasion: Occasion) -> Occasion | None:
        assert occasion.form is not None
        return self._context.formation.commit(occasion.form)

    def _install(self, _: Occasion) -> Occasion | None:
        context, formation = self._context, self._context.formation
        before = set(formation.ring.numbers)
        formation.install()
        context.timers.cancel_all()
        context.search.seek()
        members = formation.ring.numbers
        for each in members:
            context.bars.clear(each)
        context.failed_attempts = 0
        context.gathered_ns = None
        context.installed_ns = context.clock_ns()
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
