"""Virtual synchrony: members that go together from view to view delivered the same in between."""

from collections.abc import Iterator

from spread.sim.checkers.checker import Checker, name_of, name_of_message, name_of_view, place_of
from spread.sim.checkers.evidence import (
    Evidence,
    Holding,
    ViewKey,
    first_difference,
    references,
)
from spread.sim.trace import ORDERED

__all__ = ["AgreedDelivery", "NoGaps", "SameView", "UnorderedServices", "VirtualSynchrony"]


class VirtualSynchrony(Checker):
    """S16: clients that go together to the next view delivered the same before the signal and
    behind it.
    """

    number = "S16"
    name = "virtual synchrony"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for holdings in evidence.transitions.values():
            for one, other in references(holdings):
                if evidence.comparable(one.regular, one, other) != evidence.comparable(
                    other.regular, one, other
                ):
                    yield _difference(evidence, one, other, one.regular, other.regular, "regular")
                if evidence.comparable(one.transitional, one, other) != evidence.comparable(
                    other.transitional, one, other
                ):
                    yield _difference(
                        evidence, one, other, one.transitional, other.transitional, "transitional"
                    )


class NoGaps(Checker):
    """S17: of what two clients delivered in the regular part of a view one is the begin of the
    other.
    """

    number = "S17"
    name = "no gaps in the regular part"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for holdings in evidence.holders.values():
            # Whatever two clients differ in, one of them differs from a longest in it.
            longest = sorted(holdings, key=lambda holding: -len(holding.regular))
            for one, other in references(longest):
                left = evidence.comparable(one.regular, one, other)
                right = evidence.comparable(other.regular, one, other)
                size = min(len(left), len(right))
                if left[:size] != right[:size]:
                    yield _difference(evidence, one, other, one.regular, other.regular, "regular")


class UnorderedServices(Checker):
    """S20: UNRELIABLE is lost no more than RELIABLE: by nobody that goes on to the next view, and
    before the signal without a gap.

    Unordered messages have places in our total order, so that virtual synchrony covers them; S1 to
    S3 judge them with all others.
    """

    number = "S20"
    name = "unordered services"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for holdings in evidence.transitions.values():
            for one, other in references(holdings):
                left, right = set(self._unordered(one)), set(self._unordered(other))
                for identity in sorted(left - right):
                    if not evidence.is_kept_from(identity, other.client):
                        yield _lacks(evidence, other, identity, one)
                for identity in sorted(right - left):
                    if not evidence.is_kept_from(identity, one.client):
                        yield _lacks(evidence, one, identity, other)
        for holdings in evidence.holders.values():
            longest = sorted(holdings, key=lambda holding: -holding.span.regular)
            for one, other in references(longest):
                yield from self._gap(evidence, one, other)

    def _gap(self, evidence: Evidence, one: Holding, other: Holding) -> Iterator[str]:
        """Compare what came before the signals; gaps of ordered messages concern S17."""
        first, second = self._regular(one), self._regular(other)
        left = evidence.comparable(first, one, other)
        right = evidence.comparable(second, one, other)
        size = min(len(left), len(right))
        if left[:size] == right[:size]:
            return
        _, here, there = first_difference(left, right)
        if any(identity in self._unordered(one) for identity in (here, there)) or any(
            identity in self._unordered(other) for identity in (here, there)
        ):
            yield _difference(evidence, one, other, first, second, "regular")

    def _regular(self, holding: Holding) -> list[int]:
        return holding.everything[: holding.span.regular]

    def _unordered(self, holding: Holding) -> list[int]:
        return [
            message.identity for message in holding.span.deliveries if not message.service & ORDERED
        ]


class AgreedDelivery(Checker):
    """S22: what one member delivers in a view, every member that goes on with it delivers in it."""

    number = "S22"
    name = "agreed delivery"

    def check(self, evidence: Evidence) -> Iterator[str]:
        for holdings in evidence.transitions.values():
            deliverers: dict[int, Holding] = {}
            for holding in holdings:
                deliverers |= dict.fromkeys(holding.ordered, holding)
            for holding in holdings:
                if len(holding.regular) + len(holding.transitional) == len(deliverers):
                    continue
                for identity in sorted(deliverers.keys() - set(holding.ordered)):
                    if not evidence.is_kept_from(identity, holding.client):
                        yield _lacks(evidence, holding, identity, deliverers[identity])


class SameView(Checker):
    """S25: who delivers a message to a group does so in the same view of it.

    Views that a join or leave behind the signal made are excepted: components have their own.
    """

    number = "S25"
    name = "same view"

    def check(self, evidence: Evidence) -> Iterator[str]:
        views: dict[bytes, dict[int, Holding]] = {}
        for (group, _), holdings in evidence.holders.items():
            if not holdings[0].is_of_transition:
                seen = views.setdefault(group, {})
                for identity, holding in self._deliverers(holdings).items():
                    known = seen.setdefault(identity, holding)
                    if known is not holding:
                        yield self._two_views(evidence, identity, known, holding)

    def _deliverers(self, holdings: list[Holding]) -> dict[int, Holding]:
        deliverers: dict[int, Holding] = {}
        for holding in holdings:
            deliverers |= dict.fromkeys(holding.ordered, holding)
        return deliverers

    def _two_views(self, evidence: Evidence, identity: int, one: Holding, other: Holding) -> str:
        return (
            f"{name_of(one.client)} delivered {name_of_message(evidence, identity)} "
            f"{place_of(one.client, identity)} in {name_of_view(one.view)}, "
            f"{name_of(other.client)} {place_of(other.client, identity)} "
            f"in {name_of_view(other.view)}"
        )


def _difference(
    evidence: Evidence,
    one: Holding,
    other: Holding,
    left: list[int],
    right: list[int],
    part: str,
) -> str:
    place, here, there = first_difference(
        evidence.comparable(left, one, other), evidence.comparable(right, one, other)
    )
    return (
        f"in the {part} part of {name_of_view(one.view)} {name_of(one.client)} delivered "
        f"{_item(evidence, one, here)} as number {place}, {name_of(other.client)} "
        f"{_item(evidence, other, there)}; the former delivered "
        f"{_item(evidence, one, there)}, the latter {_item(evidence, other, here)}"
    )


def _item(evidence: Evidence, holding: Holding, identity: int | None) -> str:
    if identity is None:
        return "nothing more"
    return f"{name_of_message(evidence, identity)} {place_of(holding.client, identity)}"


def _lacks(evidence: Evidence, holding: Holding, identity: int, deliverer: Holding) -> str:
    key: ViewKey | None = None if holding.next is None else holding.next.key
    return (
        f"{name_of(holding.client)} goes from {name_of_view(holding.view)} to {key} together with "
        f"{name_of(deliverer.client)}, which delivered {name_of_message(evidence, identity)} "
        f"{place_of(deliverer.client, identity)}; the former {place_of(holding.client, identity)}"
    )
