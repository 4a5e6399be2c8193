"""Causes of a ring's end: who knows what happened, and who only followed another daemon.

A daemon that sees another one look for a ring ends its own; what happened, the other one knows.
Of several accounts of a ring the one that tells most is quoted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from spread.monitor.report import Report, View

__all__ = [
    "ENDED",
    "FOUND",
    "PARTITION",
    "account",
    "knowledge",
    "known_best",
    "of_partition",
    "quoted",
]

ENDED: Final = "why the ones before ended: "
"""Stands before causes in the sentence of a finding; `; ` stands between them."""

_SECOND_HAND: Final = ("a member has another ring", "a member looks for a ring")
"""Causes of who only followed another daemon, which knows why."""

FOUND: Final = "daemons found each other"
"""The cause of a merge, which is no reason for daemons to part."""

PARTITION: Final = "a monitor asked for a partition"
"""What a daemon notes as a lost token, or as a merge if the partition is changed."""


def knowledge(text: str) -> int:
    """Return how much the cause of a ring's end tells: 0 for nothing, 3 for who wanted it."""
    if not text:
        return 0
    if text == PARTITION:
        return 3
    return 1 if text.startswith(_SECOND_HAND) else 2


def known_best(causes: Iterable[str]) -> list[str]:
    """Return the causes that tell most, each once and in order."""
    told = {each for each in causes if each}
    most = max(map(knowledge, told), default=0)
    return sorted(each for each in told if knowledge(each) == most)


def account(view: View, reports: Iterable[Report]) -> str:
    """Return the cause that tells most of those that any daemon has for a view."""
    causes = [view.cause]
    causes += [
        each.cause
        for report in reports
        for each in report.views
        if each.ring == view.ring and set(each.members) == set(view.members)
    ]
    return max(causes, key=knowledge)


def of_partition(view: View, report: Report, daemons: Sequence[str]) -> View:
    """Return a view with the partition as its cause, if it is the one that a partition made.

    That is the present ring of a daemon of which a monitor has asked for a partition, if all
    daemons of its part are in it and nobody else. `daemons` are those of the configuration, in
    their order.
    """
    if view.ring != report.ring or len(set(report.partition)) < 2:
        return view
    part_of = dict(zip(daemons, report.partition, strict=False))
    own = part_of.get(report.daemon)
    part = {name for name, each in part_of.items() if each == own}
    return replace(view, cause=PARTITION) if part == set(view.members) else view


def quoted(sentence: str, report: Report, reports: Iterable[Report]) -> str:
    """Return a daemon's sentence with causes from who knows them, where it was told of them."""
    start, mark, rest = sentence.partition(ENDED)
    if not mark:
        return sentence
    others = list(reports)
    told: set[str] = set()
    for cause in rest.split("; "):
        accounts = {account(each, others) for each in report.views if each.cause == cause}
        told |= accounts if knowledge(cause) == 1 and accounts else {cause}
    return f"{start}{mark}{'; '.join(known_best(told))}"
