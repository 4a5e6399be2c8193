"""Network changes: signals before losses, who came together, and nothing for those unaffected."""

from collections.abc import Iterator

from spread.sim.checkers.checker import Checker, got, name_of, name_of_id, name_of_view
from spread.sim.checkers.evidence import Evidence, Holding, ViewKey
from spread.sim.trace import Cause, GroupId, Transitional, Viewed

__all__ = ["TransitionalSets", "TransitionalSignals", "UndisturbedGroups"]


class TransitionalSignals(Checker):
    """S11: one signal at most in a view, with its id, before a NETWORK view that lost a member.

    A member in another vs-set was lost, too, and has come back. Behind a signal come a NETWORK
    view, the self-leave or the end, and a view that lost nobody comes without one.
    """

    number = "S11"
    name = "transitional signal"

    def check(self, evidence: Evidence) -> Iterator[str]:
        yield from self._signals(evidence)
        for stay in evidence.stays:
            for holding in stay:
                if holding.next is not None:
                    yield from self._step(holding, holding.next)

    def _signals(self, evidence: Evidence) -> Iterator[str]:
        """Compare each signal with the view that is current when it comes."""
        for client in evidence.clients:
            current: dict[bytes, GroupId] = {}
            signalled: dict[bytes, GroupId] = {}
            for event in client.events:
                if isinstance(event, Transitional):
                    group_id = current.get(event.group)
                    where = f"{name_of(client)} got the signal of {event.group!r} at event"
                    if group_id is not None and event.group_id != group_id:
                        yield (
                            f"{where} {event.at} with the id {name_of_id(event.group_id)} "
                            f"in the view {name_of_id(group_id)}"
                        )
                    if group_id is not None and signalled.get(event.group) == group_id:
                        yield f"{where} {event.at} twice in the view {name_of_id(group_id)}"
                    signalled[event.group] = event.group_id
                elif isinstance(event, Viewed):
                    current[event.group] = event.group_id
                    signalled.pop(event.group, None)

    def _step(self, holding: Holding, after: Holding) -> Iterator[str]:
        view = after.view
        signal = holding.span.signal
        if view.cause != Cause.NETWORK:
            if signal is not None:
                yield f"{got(holding.client, view)} behind the signal at event {signal.at}"
            return
        lost = set(holding.view.members) - set(view.members)
        if lost and signal is None:
            yield f"{got(holding.client, view)} without {sorted(lost)} and without a signal"
        elif signal is None and (apart := set(holding.view.members) - set(after.own_set)):
            yield f"{got(holding.client, view)} apart from {sorted(apart)} and without a signal"
        # What a join or leave behind a signal made is always signalled anew.
        is_whole = set(holding.view.members) <= set(after.own_set)
        if signal is not None and is_whole and not holding.is_of_transition:
            yield (
                f"{got(holding.client, view)} with all members together, but the signal "
                f"at event {signal.at}"
            )


class TransitionalSets(Checker):
    """S12: vs-sets split the members of a NETWORK view by where they came from.

    Members of one set come from one view; a member without a view before is alone; clients of one
    daemon are never apart.
    """

    number = "S12"
    name = "vs-sets"

    def check(self, evidence: Evidence) -> Iterator[str]:
        before = {
            id(holding.next): holding
            for stay in evidence.stays
            for holding in stay
            if holding.next is not None
        }
        for holdings in evidence.holders.values():
            if holdings[0].view.cause == Cause.NETWORK:
                for holding in holdings:
                    yield from self._partition(holding)
                yield from self._origins(holdings, before)

    def _partition(self, holding: Holding) -> Iterator[str]:
        view = holding.view
        if sorted(name for names in view.sets for name in names) != sorted(view.members):
            yield f"{got(holding.client, view)} whose vs-sets {view.sets} are no partition"
        if holding.client.private_group not in holding.own_set:
            yield f"{got(holding.client, view)} with {holding.own_set} as its own vs-set"

    def _origins(self, holdings: list[Holding], before: dict[int, Holding]) -> Iterator[str]:
        first: dict[tuple[bytes, ...], Holding] = {}
        places: dict[tuple[int, int, ViewKey | None], Holding] = {}
        for holding in holdings:
            own_set = holding.own_set
            known = first.setdefault(own_set, holding)
            origin, other = before.get(id(holding)), before.get(id(known))
            if origin is None and len(own_set) > 1:
                yield f"{got(holding.client, holding.view)} without a view before, in {own_set}"
            elif origin is not None and other is not None and origin.key != other.key:
                yield (
                    f"{name_of(holding.client)} and {name_of(known.client)} are in one vs-set of "
                    f"{name_of_view(holding.view)}, but came from {name_of_view(origin.view)} "
                    f"and {name_of_view(other.view)}"
                )
            client = holding.client
            if origin is None:
                continue
            place = client.daemon, client.incarnation, origin.key
            neighbour = places.setdefault(place, holding)
            if neighbour.own_set != own_set:
                yield (
                    f"{name_of(client)} and {name_of(neighbour.client)} of one daemon came from "
                    f"{name_of_view(origin.view)} and are apart in "
                    f"{name_of_view(holding.view)}"
                )


class UndisturbedGroups(Checker):
    """S13: a network change that takes no member of a group and brings none does not show in it."""

    number = "S13"
    name = "unaffected groups are undisturbed"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for stay in evidence.stays:
            for holding in stay:
                after = holding.next
                if after is None or after.view.cause != Cause.NETWORK or holding.is_of_transition:
                    continue
                if set(after.view.members) == set(holding.view.members) == set(after.own_set):
                    yield (
                        f"{got(holding.client, after.view)}, the same members all together as in "
                        f"{name_of_view(holding.view)}"
                    )
