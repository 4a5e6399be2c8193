"""What the daemons of a ring must agree on, and whether they do."""

from collections.abc import Iterable, Iterator, Sequence

from spread.monitor.report import Report

__all__ = ["disagreements", "rings_of"]

RING_WIDTH_MAX = 8
"""Names of a ring that a sentence lists."""


def rings_of(reports: Iterable[Report]) -> list[tuple[str, ...]]:
    """Return the rings that the daemons are in, as the names of those that report them."""
    rings: dict[tuple[str, int], list[str]] = {}
    for report in reports:
        rings.setdefault((report.ring.leader, report.ring.time), []).append(report.daemon)
    return [tuple(names) for names in rings.values()]


def disagreements(reports: Sequence[Report]) -> list[str]:
    """Return a sentence for each thing that is not one ring in operation; none if all is well."""
    return [*_states(reports), *_rings(reports), *_configurations(reports)]


def _states(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        if report.state != "OP":
            yield f"{report.daemon} is forming a ring, state {report.state}"
        elif report.group_state != "GOP":
            yield f"{report.daemon} is settling its groups, state {report.group_state}"


def _rings(reports: Sequence[Report]) -> Iterator[str]:
    rings = rings_of(report for report in reports if report.state == "OP")
    if len(rings) > 1:
        yield f"{len(rings)} rings instead of one: " + " | ".join(map(_named, rings))
    parted = [report.daemon for report in reports if any(report.partition)]
    if parted:
        yield f"a partition command is in force at {_named(parted)}"


def _configurations(reports: Sequence[Report]) -> Iterator[str]:
    kinds: dict[tuple[int, int], list[str]] = {}
    for report in reports:
        if report.configuration_hash:  # A classic daemon does not say.
            key = (report.configuration_hash, report.ring_hash)
            kinds.setdefault(key, []).append(report.daemon)
    if len(kinds) > 1:
        listed = " | ".join(
            f"{_named(names)} (hash {key[0]}, {key[1]:x})" for key, names in kinds.items()
        )
        yield f"{len(kinds)} configurations in force: {listed}"


def _named(names: Sequence[str]) -> str:
    more = len(names) - RING_WIDTH_MAX
    return ", ".join(names[:RING_WIDTH_MAX]) + (f" and {more} more" if more > 0 else "")
