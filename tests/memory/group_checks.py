"""What clients of any rings may rely on, checked over the traces of a `World`.

The numbers are those of the guarantees in the documentation.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from spread.daemon.views import GroupId, View
from spread.service import Cause
from tests.memory.group_world import Client, Got

__all__ = ["check_traces"]


@dataclass(eq=False)
class Stay:
    """One view of a client, what it got in it, and how it ended."""

    client: Client
    view: View
    own: int
    regular: list[int] = field(default_factory=list)
    signal: GroupId | None = None
    transitional: list[int] = field(default_factory=list)
    after: "Stay | None" = None

    @property
    def own_set(self) -> tuple[bytes, ...]:
        return self.view.together[self.own]

    @property
    def was_made_in_transition(self) -> bool:
        return self.view.cause is Cause.NETWORK and self.view.id.index > 1


def check_traces(clients: list[Client]) -> None:
    """Raise AssertionError for the first guarantee that is broken."""
    stays = [stay for client in clients for stay in _stays(client)]
    _check_ids(stays)
    for stay in stays:
        _check_view(stay)
        if stay.after is not None:
            _check_step(stay, stay.after)
    _check_company(stays)


def _stays(client: Client) -> Iterator[Stay]:
    current: dict[bytes, Stay] = {}
    for got in client.trace:
        stay = current.get(got.group)
        if got.view is not None:
            new = Stay(client, got.view, got.own)
            if stay is None:
                _check_first(new)
            else:
                stay.after = new
            current[got.group] = new
            yield new
            continue
        assert stay is not None, f"S6: {client.name!r} got {got} without a view"
        _take(stay, got)
        if got.left:
            del current[got.group]


def _take(stay: Stay, got: Got) -> None:
    if got.signal is not None:
        assert stay.signal is None, f"S11: two signals in {stay.view}"
        assert got.signal == stay.view.id, f"S11: {got.signal} in {stay.view}"
        stay.signal = got.signal
    elif got.message is not None:
        (stay.regular if stay.signal is None else stay.transitional).append(got.message)


def _check_first(stay: Stay) -> None:
    assert stay.view.cause in (Cause.JOIN, Cause.NETWORK), f"S6: {stay.view} comes first"
    if stay.view.cause is Cause.JOIN:
        assert stay.view.together == ((stay.client.name,),), f"S6: {stay.view} comes first"


def _check_ids(stays: list[Stay]) -> None:
    known: dict[tuple[bytes, GroupId], View] = {}
    holders: dict[tuple[bytes, GroupId], set[Client]] = {}
    for stay in stays:
        key = stay.view.group, stay.view.id
        assert known.setdefault(key, stay.view) == stay.view, f"S7: {known[key]} and {stay.view}"
        assert stay.client not in holders.setdefault(key, set()), f"S8: {stay.view} again"
        holders[key].add(stay.client)


def _check_view(stay: Stay) -> None:
    view = stay.view
    assert stay.client.name in view.members, f"S6: {view} at {stay.client.name!r}"
    assert len(set(view.members)) == len(view.members)
    if view.cause is Cause.NETWORK:
        names = [name for names in view.together for name in names]
        assert sorted(names) == sorted(view.members), f"S12: {view}"
        assert stay.client.name in stay.own_set, f"S12: {view} at {stay.client.name!r}"


def _check_step(before: Stay, after: Stay) -> None:
    old, new = before.view, after.view
    step = f"{old} -> {new} at {before.client.name!r}"
    is_network = new.cause is Cause.NETWORK
    if old.id.ring == new.id.ring:
        # A change by request; in a group that the change of the ring touches, it is a NETWORK view.
        assert new.id.index == old.id.index + 1, f"S9: {step}"
    else:
        assert is_network, f"S9: {step}"
    if not is_network:
        _check_cause(old, new)
        assert before.signal is None, f"S11: {step}"
        return
    if set(old.members) - set(new.members):
        assert before.signal is not None, f"S11: {step}"
    if not before.was_made_in_transition and set(old.members) <= set(after.own_set):
        assert before.signal is None, f"S11: {step}"
        assert set(old.members) != set(new.members), f"S13: {step}"


def _check_cause(old: View, new: View) -> None:
    ((changed,),) = new.together
    other = {changed}
    expected = set(old.members) | other if new.cause is Cause.JOIN else set(old.members) - other
    assert set(new.members) == expected != set(old.members), f"S10: {old} -> {new}"


def _check_company(stays: list[Stay]) -> None:
    """S12 and S16: those who move together come from one view and got the same in it."""
    before = {id(stay.after): stay for stay in stays if stay.after is not None}
    company: dict[object, Stay | None] = {}
    for stay in stays:
        view, origin = stay.view, before.get(id(stay))
        if view.cause is Cause.NETWORK:
            if origin is None:
                assert len(stay.own_set) == 1, f"S12: {stay.client.name!r} came new into {view}"
            place = (view.group, view.id, stay.own)
        elif origin is not None:
            place = (view.group, view.id, origin.view.id)
        else:
            continue
        first = company.setdefault(place, origin)
        if first is None or origin is None:
            continue
        where = f"{first.client.name!r} and {origin.client.name!r} came into {view}"
        assert first.view.id == origin.view.id, f"S12: {where}"
        assert first.regular == origin.regular, f"S16: {where}"
        assert first.transitional == origin.transitional, f"S16: {where}"
