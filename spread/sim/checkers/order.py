"""The relation "directly before" over all clients, and the circles in it.

Nodes are ordered messages (by identity), views, and the places where a network change stands at one
daemon. What one client saw in a row gives edges; what it knew when it sent gives more. If the union
of all edges has no circle, one order exists that everybody saw: then every part of it has none
either, and the checkers that judge parts need not look.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from typing import Final

from spread.sim.checkers.checker import name_of, name_of_id, name_of_message
from spread.sim.checkers.evidence import Evidence
from spread.sim.trace import (
    ORDERED,
    Cause,
    ClientTrace,
    Closed,
    Delivered,
    GroupId,
    LeftGroup,
    Sent,
    Transitional,
    Viewed,
)

__all__ = ["Node", "Precedence", "causes_of", "changes_of", "has_one_order", "order_of"]

Node = int | tuple[object, ...]

STARTS_MAX: Final = 200
"""Nodes through which the shortest circle is looked for, before any circle is good enough."""


@dataclass(slots=True, eq=False)
class Precedence:
    """Who comes directly before whom, and which client says so."""

    successors: dict[Node, dict[Node, ClientTrace]] = field(default_factory=dict)

    def add(self, nodes: Sequence[Node], client: ClientTrace) -> None:
        """Add what one client saw, in its order."""
        successors = self.successors
        for node in nodes:
            if node not in successors:
                successors[node] = {}
        for left, right in pairwise(nodes):
            successors[left].setdefault(right, client)

    def has_circle(self) -> bool:
        return bool(self._without_place())

    def circle(self) -> list[Node]:
        """Return the nodes of a short circle; none if there is no circle."""
        without_place = self._without_place()
        starts = islice(without_place, STARTS_MAX)
        paths = [path for start in starts if (path := self._path_back(start, without_place))]
        if not paths:
            every = (self._path_back(start, without_place) for start in without_place)
            return next(filter(None, every), [])
        return min(paths, key=len)

    def describe(self, circle: Sequence[Node], evidence: Evidence) -> str:
        """Say for each step of a circle who saw it."""
        steps = []
        for left, right in zip(circle, [*circle[1:], circle[0]], strict=True):
            client = self.successors[left][right]
            steps.append(
                f"{name_of(client)} has {_name_of_node(evidence, left)} "
                f"before {_name_of_node(evidence, right)}"
            )
        return "; ".join(steps)

    def _without_place(self) -> dict[Node, None]:
        """Return what a topological sort leaves over: nodes on a circle or behind one."""
        incoming = dict.fromkeys(self.successors, 0)
        for targets in self.successors.values():
            for target in targets:
                incoming[target] += 1
        ready = [node for node, number in incoming.items() if number == 0]
        while ready:
            node = ready.pop()
            del incoming[node]
            for target in self.successors[node]:
                incoming[target] -= 1
                if incoming[target] == 0:
                    ready.append(target)
        return dict.fromkeys(incoming)

    def _path_back(self, start: Node, within: Iterable[Node]) -> list[Node]:
        """Return the shortest way from a node to itself, without the return; or nothing."""
        allowed = set(within)
        came_from: dict[Node, Node] = {}
        frontier: list[Node] = [start]
        while frontier:
            following: list[Node] = []
            for node in frontier:
                for target in self.successors[node]:
                    if target == start:
                        return _walked(came_from, start, node)
                    if target in allowed and target not in came_from:
                        came_from[target] = node
                        following.append(target)
            frontier = following
        return []


def has_one_order(evidence: Evidence) -> bool:
    """Whether all that clients saw and caused fits one order; worked out once per history."""
    if evidence.is_one_order is None:
        precedence = Precedence()
        for client in evidence.clients:
            precedence.add(order_of(client), client)
            precedence.add(changes_of(client), client)
            for pair in causes_of(client):
                precedence.add(pair, client)
        evidence.is_one_order = not precedence.has_circle()
    return evidence.is_one_order


def order_of(client: ClientTrace) -> list[Node]:
    """Return the ordered messages and views that a client saw.

    A NETWORK view is one event only for those of one vs-set. A self-leave stands where the others
    get the view without its receiver, unless there are none or a network change is under way.
    """
    nodes: list[Node] = []
    current: dict[bytes, GroupId] = {}  # Of groups with others in them.
    for event in client.events:
        kind = type(event)
        if kind is Delivered:
            message = event.message  # type: ignore[union-attr]
            if message.service & ORDERED:
                nodes.append(message.identity)
        elif isinstance(event, Viewed):
            own: tuple[bytes, ...] = ()
            if event.cause == Cause.NETWORK:
                own = event.sets[event.own] if 0 <= event.own < len(event.sets) else ()
            nodes.append(("view", event.group, event.group_id, own))
            current.pop(event.group, None)
            if len(event.members) > 1:
                current[event.group] = event.group_id
        elif isinstance(event, Transitional):
            current.pop(event.group, None)
        elif isinstance(event, LeftGroup) and event.group in current:
            left = current.pop(event.group)
            nodes.append(("view", event.group, replace(left, index=left.index + 1), ()))
    return nodes


def causes_of(client: ClientTrace) -> Iterator[tuple[int, int]]:
    """Yield an ordered message that a client sent behind the last that it delivered or sent."""
    last: int | None = None
    for event in client.events:
        kind = type(event)
        if kind is Delivered or kind is Sent:
            message = event.message  # type: ignore[union-attr]
            if message.service & ORDERED:
                if kind is Sent and last is not None:
                    yield last, message.identity
                last = message.identity


def changes_of(client: ClientTrace) -> list[Node]:
    """Return ordered messages and the places of network changes, of which a daemon has one each.

    A change is known by the ring of the regular views that it ends in. Its signals count where
    ordered messages stand between them and those views: a second change that strikes while the
    first is being settled signals late. Signals that repeat one do not count, behind views that
    joins and leaves made in between.
    """
    nodes: list[Node | None] = []
    pending: dict[bytes, tuple[int, int]] = {}  # Place of the signal and messages before it.
    repeating: set[bytes] = set()
    messages = 0
    life = client.daemon, client.incarnation
    for event in client.events:
        if isinstance(event, Delivered):
            if event.message.service & ORDERED:
                messages += 1
                nodes.append(event.message.identity)
        elif isinstance(event, Transitional):
            if event.group not in pending and event.group not in repeating:
                pending[event.group] = len(nodes), messages
                nodes.append(None)
        elif isinstance(event, Viewed):
            repeating.discard(event.group)
            if event.cause != Cause.NETWORK:
                continue
            if event.group_id.index != 1:
                repeating.add(event.group)
                continue
            ring = event.group_id.ring
            place, before = pending.pop(event.group, (0, messages))
            if before < messages:
                nodes[place] = ("signal", *life, ring)
            nodes.append(("change", *life, ring))
        elif isinstance(event, LeftGroup):
            pending.pop(event.group, None)
        elif isinstance(event, Closed):
            break
    return _collapsed(node for node in nodes if node is not None)


def _collapsed(nodes: Iterable[Node]) -> list[Node]:
    """Join equal neighbours: the views of all groups that one change made."""
    collapsed: list[Node] = []
    for node in nodes:
        if not collapsed or collapsed[-1] != node:
            collapsed.append(node)
    return collapsed


def _walked(came_from: dict[Node, Node], start: Node, last: Node) -> list[Node]:
    path = [last]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]


def _name_of_node(evidence: Evidence, node: Node) -> str:
    match node:
        case int():
            return name_of_message(evidence, node)
        case ("view", bytes(group), GroupId() as group_id, _):
            return f"view {name_of_id(group_id)} of {group.decode(errors='replace')}"
        case (str(kind), daemon, _, ring):
            return f"the {kind} at daemon {daemon} that led to ring {ring}"
        case _:
            return repr(node)
