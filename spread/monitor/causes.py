"""Causes of a ring's end: who knows what happened, and who only followed another daemon.

A daemon that sees another one look for a ring ends its own; what happened, the other one knows.
Of several accounts of a ring the one that tells most is quoted.
"""

from collections.abc import Iterable
from typing import Final

from spread.monitor.report import Report, View

__all__ = ["ENDED", "account", "knowledge", "known_best", "quoted"]

ENDED: Final = "why the ones before ended: "
"""Stands before causes in the sentence of a finding; `; ` stands between them."""

_SECOND_HAND: Final = ("a member has another ring", "a member looks for a ring")
"""Causes of who only followed another daemon, which knows why."""


def knowledge(text: str) -> int:
    """Return how much the cause of a ring's end tells: 0 for nothing, 2 for what happened."""
    if not text:
        return 0
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
