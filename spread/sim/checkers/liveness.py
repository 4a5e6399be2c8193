"""Liveness: a network that heals ends in one ring, with one view of each group, owing nothing."""

from collections.abc import Iterator

from spread.sim.checkers.checker import Checker, name_of, name_of_message, name_of_view
from spread.sim.checkers.evidence import Evidence, Holding
from spread.sim.trace import (
    ClientTrace,
    DaemonStarted,
    DaemonStopped,
    DisconnectRequested,
    JoinRequested,
    LeaveRequested,
    LeftGroup,
    RingInstalled,
    Sent,
    Viewed,
)

__all__ = ["Liveness"]


class Liveness(Checker):
    """S26: some time after all faults every request has had its effect and all components are one.

    Judged only where the run promises that time.
    """

    number = "S26"
    name = "liveness"

    def check(self, evidence: Evidence) -> Iterator[str]:
        if not evidence.is_settled:
            return
        yield from self._rings(evidence)
        wanted = _wanted(evidence)
        for group in sorted(wanted):
            yield from self._views(group, wanted[group])
        yield from self._left(evidence, wanted)
        for client in evidence.clients:
            if client.is_open and any(isinstance(e, DisconnectRequested) for e in client.events):
                yield f"{name_of(client)} asked for the end of its connection and never got it"
        yield from self._messages(evidence)

    def _rings(self, evidence: Evidence) -> Iterator[str]:
        """Compare the rings that the running daemons installed last."""
        last: dict[int, RingInstalled | None] = {}
        for event in evidence.history.daemons:
            if isinstance(event, DaemonStarted):
                last[event.daemon] = None
            elif isinstance(event, DaemonStopped):
                last.pop(event.daemon, None)
            else:
                last[event.daemon] = event
        running = tuple(sorted(last))
        for daemon, installed in sorted(last.items()):
            if installed is None:
                yield f"daemon {daemon} runs and never installed a ring"
            elif installed.members != running:
                yield (
                    f"daemon {daemon} installed ring {installed.ring} of {installed.members} last, "
                    f"at event {installed.at}, but {running} run"
                )
        rings = {installed.ring for installed in last.values() if installed is not None}
        if len(rings) > 1:
            yield f"the running daemons end in the rings {sorted(rings)}"

    def _views(self, group: bytes, wanted: list[ClientTrace]) -> Iterator[str]:
        names = sorted(client.private_group for client in wanted)
        first: tuple[ClientTrace, Viewed] | None = None
        for client in wanted:
            if not client.membership:
                continue
            view = _last_view(client, group)
            if view is None:
                yield f"{name_of(client)} joined {group!r} and has no view of it"
                continue
            first = first or (client, view)
            where = f"{name_of(client)} ends with {name_of_view(view)}"
            if view.key != first[1].key:
                yield f"{where}, {name_of(first[0])} with {name_of_view(first[1])}"
            if sorted(view.members) != names:
                yield f"{where}, but those who asked to be members are {names}"

    def _left(self, evidence: Evidence, wanted: dict[bytes, list[ClientTrace]]) -> Iterator[str]:
        """Look for clients that have views of groups that they asked to leave."""
        for stay in evidence.stays:
            view, client = stay[-1].view, stay[-1].client
            is_current = stay[-1].span.ended_by is None
            if is_current and client not in wanted.get(view.group, []):
                yield f"{name_of(client)} asked to leave {name_of_view(view)} and never did"

    def _messages(self, evidence: Evidence) -> Iterator[str]:
        """Look for what was sent in a last view and did not reach everybody in it."""
        ends: dict[int, dict[bytes, Holding]] = {}
        lasting: dict[object, list[Holding]] = {}
        for stay in evidence.stays:
            holding = stay[-1]
            if holding.span.ended_by is None:
                ends.setdefault(holding.client.number, {})[holding.view.group] = holding
                lasting.setdefault(holding.key, []).append(holding)
        for client in evidence.clients:
            if not client.is_open:
                continue
            current = ends.get(client.number, {})
            for event in client.events:
                if not isinstance(event, Sent) or not event.message.is_ordered:
                    continue
                for group in dict.fromkeys(event.message.groups):
                    view = current.get(group)
                    if view is not None and view.view.at < event.at:
                        yield from self._reached(evidence, event, lasting[view.key])

    def _reached(self, evidence: Evidence, event: Sent, holdings: list[Holding]) -> Iterator[str]:
        identity = event.message.identity
        for holding in holdings:
            client = holding.client
            if identity in evidence.delivered(client) or evidence.is_kept_from(identity, client):
                continue
            yield (
                f"{name_of(client)} never delivered {name_of_message(evidence, identity)}, sent "
                f"at event {event.at} in {name_of_view(holding.view)}, the last"
            )


def _wanted(evidence: Evidence) -> dict[bytes, list[ClientTrace]]:
    """Return the open clients whose last request about a group was to join it."""
    wanted: dict[bytes, list[ClientTrace]] = {}
    for client in evidence.clients:
        if not client.is_open:
            continue
        joined: dict[bytes, None] = {}
        for event in client.events:
            if isinstance(event, JoinRequested):
                joined[event.group] = None
            elif isinstance(event, LeaveRequested):
                joined.pop(event.group, None)
        for group in joined:
            wanted.setdefault(group, []).append(client)
    return wanted


def _last_view(client: ClientTrace, group: bytes) -> Viewed | None:
    view: Viewed | None = None
    for event in client.events:
        if isinstance(event, Viewed) and event.group == group:
            view = event
        elif isinstance(event, LeftGroup) and event.group == group:
            view = None
    return view
