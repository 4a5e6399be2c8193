"""Membership: views begin, agree, are identified and follow one another as they must.

With a single daemon every view is caused by a join, a leave or a disconnect.
"""

from collections.abc import Iterator

from tests.daemon.checkers.checker import Checker, name_of, name_of_view
from tests.daemon.harness.wire import (
    CAUSED_BY_DISCONNECT,
    CAUSED_BY_JOIN,
    CAUSED_BY_LEAVE,
    GroupId,
)
from tests.daemon.trace import (
    ClientTrace,
    History,
    JoinRequested,
    LeftGroup,
    Transitional,
    Viewed,
)

__all__ = [
    "Causes",
    "IdProgress",
    "IdUniqueness",
    "NoNetworkEvents",
    "SelfInclusion",
    "ViewAgreement",
]


class SelfInclusion(Checker):
    """S6: views name their receiver, follow its join, and nothing of a group comes without one."""

    number = "S6"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            asked: set[bytes] = set()
            current: set[bytes] = set()
            for event in client.events:
                match event:
                    case JoinRequested():
                        asked.add(event.group)
                    case Viewed():
                        yield from self._check_view(client, event, asked, current)
                        current.add(event.group)
                    case LeftGroup():
                        if event.group not in current:
                            yield f"{name_of(client)} left {event.group!r} without a view"
                        current.discard(event.group)
                    case _:
                        pass

    def _check_view(
        self, client: ClientTrace, view: Viewed, asked: set[bytes], current: set[bytes]
    ) -> Iterator[str]:
        if client.private_group not in view.members:
            yield f"{name_of(client)} got {name_of_view(view)} without itself"
        if view.group not in current:
            if view.group not in asked:
                yield f"{name_of(client)} got {name_of_view(view)} without a join"
            if view.sets != ((client.private_group,),) or view.cause != CAUSED_BY_JOIN:
                yield f"{name_of(client)} began a group with {name_of_view(view)}"


class ViewAgreement(Checker):
    """S7: equal ids mean equal members in equal order, cause and vs-sets; members are sorted."""

    number = "S7"

    def check(self, history: History) -> Iterator[str]:
        first: dict[tuple[bytes, GroupId], Viewed] = {}
        for client in history.clients:
            for view in client.of(Viewed):
                known = first.setdefault(view.key, view)
                same = (known.members, known.cause, known.sets)
                if same != (view.members, view.cause, view.sets):
                    yield (
                        f"{name_of(client)} holds {name_of_view(view)}, "
                        f"another client {name_of_view(known)}"
                    )
                if list(view.members) != sorted(set(view.members)):
                    yield f"{name_of(client)} got {name_of_view(view)} unsorted"


class IdUniqueness(Checker):
    """S8: an id names one view of its group for ever."""

    number = "S8"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            seen = set()
            for view in client.of(Viewed):
                if view.key in seen:
                    yield f"{name_of(client)} got two views with the id of {name_of_view(view)}"
                seen.add(view.key)


class IdProgress(Checker):
    """S9: from one view to the next the index grows by one while the ring stays."""

    number = "S9"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            for group in history.groups():
                for span in client.spans(group):
                    if span.successor is not None and not self._follows(span.view, span.successor):
                        yield (
                            f"{name_of(client)} got {name_of_view(span.successor)} "
                            f"right after {name_of_view(span.view)}"
                        )

    def _follows(self, view: Viewed, after: Viewed) -> bool:
        before, later = view.group_id, after.group_id
        same_ring = (before.address, before.time) == (later.address, later.time)
        return same_ring and later.index == before.index + 1


class Causes(Checker):
    """S10: a view differs from the one before by the one member that it says."""

    number = "S10"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            for group in history.groups():
                for span in client.spans(group):
                    if span.successor is not None and not self._explains(span.successor, span.view):
                        yield (
                            f"{name_of(client)}: {name_of_view(span.successor)} "
                            f"does not explain the step from {name_of_view(span.view)}"
                        )

    def _explains(self, view: Viewed, before: Viewed) -> bool:
        if len(view.sets) != 1 or len(view.sets[0]) != 1 or view.own != 0:
            return False
        (changed,) = view.sets[0]
        old, new = set(before.members), set(view.members)
        if view.cause == CAUSED_BY_JOIN:
            return changed not in old and new == old | {changed}
        if view.cause in (CAUSED_BY_LEAVE, CAUSED_BY_DISCONNECT):
            return changed in old and new == old - {changed}
        return False


class NoNetworkEvents(Checker):
    """S11, S13: a daemon without peers sees no network change, so no transitional signal."""

    number = "S11"

    def check(self, history: History) -> Iterator[str]:
        for client in history.clients:
            for event in client.of(Transitional):
                yield f"{name_of(client)} got a transitional signal for {event.group!r}"
