"""What the daemons of a ring must agree on, and whether they do: at this moment, without patience.

Health says the same once it lasts, with a remedy; a disagreement bears the name of the rule that
does, so that nothing is said twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from spread.monitor.health_reload import Rollout, rollout
from spread.monitor.report import Report

__all__ = ["RELOAD", "Disagreement", "disagreements", "listed", "reloading", "rings_of"]

RELOAD: Final = "reload"
"""The rule of a disagreement that is ordinary: daemons are being reloaded."""

RING_WIDTH_MAX = 8
"""Names of a ring that a sentence lists."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something that is not as in one ring in operation."""

    rule: str
    """The rule of health that speaks of it, too."""
    sentence: str


def rings_of(reports: Iterable[Report]) -> list[tuple[str, ...]]:
    """Return the rings that the daemons are in, as the names of those that report them."""
    rings: dict[tuple[str, int], list[str]] = {}
    for report in reports:
        rings.setdefault((report.ring.leader, report.ring.time), []).append(report.daemon)
    return [tuple(names) for names in rings.values()]


def disagreements(reports: Sequence[Report]) -> list[Disagreement]:
    """Return each thing that is not one ring in operation; none if all is well."""
    found = rollout(reports)
    if found is not None:
        return [Disagreement(RELOAD, reloading(found)), *_states(reports)]
    return [*_states(reports), *_rings(reports), *_configurations(reports)]


def reloading(found: Rollout) -> str:
    """Say who has the configuration that is being brought in, and who not yet."""
    verb = "has" if len(found.has_it) == 1 else "have"
    has_it, has_not = listed(found.has_it), listed(found.has_not)
    return f"a reload is under way: {has_it} {verb} the new list of daemons, {has_not} not yet"


def _states(reports: Sequence[Report]) -> Iterator[Disagreement]:
    for report in reports:
        if report.is_forming:
            yield Disagreement(
                "forming", f"{report.daemon} is forming a ring, state {report.state}"
            )
        elif report.group_state != "GOP":
            sentence = f"{report.daemon} is settling its groups, state {report.group_state}"
            yield Disagreement("forming", sentence)


def _rings(reports: Sequence[Report]) -> Iterator[Disagreement]:
    rings = rings_of(report for report in reports if not report.is_forming)
    if len(rings) > 1:
        sides = " | ".join(map(listed, rings))
        yield Disagreement("split-ring", f"{len(rings)} rings instead of one: {sides}")
    parted = [report.daemon for report in reports if any(report.partition)]
    if parted:
        sentence = f"a partition command is in force at {listed(parted)}"
        yield Disagreement("partition-command", sentence)


def _configurations(reports: Sequence[Report]) -> Iterator[Disagreement]:
    kinds: dict[tuple[int, int], list[str]] = {}
    for report in reports:
        if report.configuration_hash:  # A classic daemon does not say.
            key = (report.configuration_hash, report.ring_hash)
            kinds.setdefault(key, []).append(report.daemon)
    if len(kinds) > 1:
        sides = " | ".join(
            f"{listed(names)} (hash {key[0]}, {key[1]:x})" for key, names in kinds.items()
        )
        sentence = f"{len(kinds)} configurations in force: {sides}"
        yield Disagreement("two-configurations", sentence)


def listed(names: Sequence[str]) -> str:
    """Return names with commas, the first ones of many."""
    more = len(names) - RING_WIDTH_MAX
    return ", ".join(names[:RING_WIDTH_MAX]) + (f" and {more} more" if more > 0 else "")
