"""Membership: views begin, agree, are identified and follow one another as they must."""

from collections import Counter
from collections.abc import Iterator

from spread.sim.checkers.checker import Checker, got, name_of, name_of_view
from spread.sim.checkers.evidence import Evidence, Holding, ViewKey
from spread.sim.trace import (
    Cause,
    ClientTrace,
    DisconnectRequested,
    JoinRequested,
    LeaveRequested,
    LeftGroup,
    Transitional,
    Viewed,
)

__all__ = ["Causes", "IdProgress", "IdUniqueness", "SelfInclusion", "ViewAgreement"]


class SelfInclusion(Checker):
    """S6: views hold their receiver; a stay begins with a join and ends at most once, by a leave.

    No signal and no self-leave comes without a view; deliveries without one concern S3.
    """

    number = "S6"
    name = "self-inclusion and lifetime"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for client in evidence.clients:
            joins: Counter[bytes] = Counter()
            leaves: Counter[bytes] = Counter()
            current: set[bytes] = set()
            for event in client.events:
                match event:
                    case JoinRequested():
                        joins[event.group] += 1
                    case LeaveRequested():
                        leaves[event.group] += 1
                    case Viewed():
                        yield from self._view(client, event, joins, is_first=_adds(current, event))
                    case Transitional() if event.group not in current:
                        yield f"{name_of(client)} got a signal of {event.group!r} without a view"
                    case LeftGroup():
                        yield from self._left(client, event, leaves, current)
                    case _:
                        pass

    def _view(
        self, client: ClientTrace, view: Viewed, joins: Counter[bytes], *, is_first: bool
    ) -> Iterator[str]:
        if not client.membership:
            yield f"{got(client, view)}, but asked for no membership messages"
        if client.private_group not in view.members:
            yield f"{got(client, view)} without itself"
        if not is_first:
            return
        joins[view.group] -= 1
        if joins[view.group] < 0:
            yield f"{got(client, view)} without a join"
        if view.cause == Cause.JOIN and view.sets != ((client.private_group,),):
            yield f"{got(client, view)} as its first, caused by the join of {view.sets}"
        if view.cause in (Cause.LEAVE, Cause.DISCONNECT):
            yield f"{got(client, view)} as its first"

    def _left(
        self, client: ClientTrace, event: LeftGroup, leaves: Counter[bytes], current: set[bytes]
    ) -> Iterator[str]:
        leaves[event.group] -= 1
        if event.group not in current:
            yield f"{name_of(client)} left {event.group!r} at event {event.at} without a view"
        if leaves[event.group] < 0:
            yield f"{name_of(client)} left {event.group!r} at event {event.at} without asking"
        current.discard(event.group)


class ViewAgreement(Checker):
    """S7: equal ids mean equal members in equal order, cause and vs-sets; members are sorted."""

    number = "S7"
    name = "view agreement"

    def check(self, evidence: Evidence) -> Iterator[str]:
        order = {name: number for number, name in enumerate(evidence.history.daemon_names)}
        for holdings in evidence.holders.values():
            first = holdings[0]
            known = first.view
            for holding in holdings[1:]:
                view = holding.view
                same = (known.members, known.cause, known.sets, known.changed)
                if same != (view.members, view.cause, view.sets, view.changed):
                    yield (
                        f"{name_of(holding.client)} holds {name_of_view(view)} with {view.sets} "
                        f"at event {view.at}, {name_of(first.client)} {name_of_view(known)} "
                        f"with {known.sets} at event {known.at}"
                    )
            places = [(order.get(_daemon_of(name), -1), name) for name in known.members]
            if places != sorted(set(places)):
                yield f"{name_of(first.client)} got {name_of_view(known)} unsorted"


class IdUniqueness(Checker):
    """S8: an id names one view of its group for ever."""

    number = "S8"
    name = "id uniqueness"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for holdings in evidence.holders.values():
            first: dict[bytes, Holding] = {}
            for holding in holdings:
                known = first.setdefault(holding.client.private_group, holding)
                if known is not holding:
                    yield (
                        f"{name_of(holding.client)} got {name_of_view(holding.view)} at event "
                        f"{holding.view.at}; {name_of(known.client)} had that id at event "
                        f"{known.view.at}"
                    )


class IdProgress(Checker):
    """S9: the index grows by one while the ring stays; another ring needs a NETWORK view."""

    number = "S9"
    name = "id progress"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for stay in evidence.stays:
            for holding in stay:
                after = holding.next
                if after is not None and not self._follows(holding, after):
                    yield (
                        f"{got(holding.client, after.view)} right after "
                        f"{name_of_view(holding.view)}"
                    )

    def _follows(self, holding: Holding, after: Holding) -> bool:
        before, later = holding.view.group_id, after.view.group_id
        is_network = after.view.cause == Cause.NETWORK
        if before.ring == later.ring:
            # Only joins and leaves behind a signal have NETWORK views of the ring that they are in.
            is_repeated = after.span.regular == 0
            return later.index == before.index + 1 and (is_repeated or not is_network)
        return is_network and later.index >= 1


class Causes(Checker):
    """S10: a view differs from the one before by the one member that it says, for the reason given.

    A member that left had asked for it, one that was disconnected is gone, a joiner had asked.
    """

    number = "S10"
    name = "causes"

    def check(self, evidence: Evidence) -> Iterator[str]:
        told: set[ViewKey] = set()
        for stay in evidence.stays:
            for holding in stay:
                after = holding.next
                if after is None or after.view.cause == Cause.NETWORK:
                    continue
                if not self._explains(after.view, holding.view):
                    yield (
                        f"{got(holding.client, after.view)}; that cause does not explain the step "
                        f"from {name_of_view(holding.view)}"
                    )
                elif after.key not in told and not self._has_reason(evidence, after.view):
                    yield (
                        f"{got(holding.client, after.view)} after {name_of_view(holding.view)}; "
                        f"nothing that {after.view.sets[0]} did explains it"
                    )
                told.add(after.key)

    def _explains(self, view: Viewed, before: Viewed) -> bool:
        if len(view.sets) != 1 or len(view.sets[0]) != 1 or view.own != 0:
            return False
        (changed,) = view.sets[0]
        old, new = set(before.members), set(view.members)
        if view.changed != changed:
            return False
        if view.cause == Cause.JOIN:
            return changed not in old and new == old | {changed}
        return changed in old and new == old - {changed}

    def _has_reason(self, evidence: Evidence, view: Viewed) -> bool:
        (changed,) = view.sets[0]
        owners = evidence.names.get(changed, [])
        return not owners or any(_asked_for(evidence, owner, view) for owner in owners)


def _asked_for(evidence: Evidence, owner: ClientTrace, view: Viewed) -> bool:
    if view.cause == Cause.DISCONNECT:
        # The end of a connection may come to light after the run.
        return (
            not owner.is_open
            or not evidence.is_settled
            or any(isinstance(event, DisconnectRequested) for event in owner.events)
        )
    kind = JoinRequested if view.cause == Cause.JOIN else LeaveRequested
    return any(isinstance(event, kind) and event.group == view.group for event in owner.events)


def _adds(current: set[bytes], view: Viewed) -> bool:
    """Add the group; returns whether it was new."""
    is_new = view.group not in current
    current.add(view.group)
    return is_new


def _daemon_of(private_group: bytes) -> bytes:
    return private_group.rpartition(b"#")[2]
