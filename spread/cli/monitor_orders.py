"""Telling daemons to do something, and looking whether they did.

    ask all daemons for their reports  -> who would refuse, who does not answer
    send
    ask again until the reports say that it is in force, or the time is over

A classic daemon says nothing about what it was told; the user is told that.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from spread.cli.command_line import Exit
from spread.cli.monitoring import DISAGREE, say
from spread.monitor.client import NoAnswerError, RingClient
from spread.monitor.report import Report
from spread.monitor.roster import Target
from spread.monitor.silence import explain
from spread.monitor.watch import Outgoing

__all__ = ["Order", "are_willing", "carry_out"]

VERIFY_S: Final = 6.0
"""A command is taken at once and reported within a second; a reload may take some."""

PAUSE_S: Final = 0.5

Order = Callable[[Report], str]
"""Returns what is not yet as it was ordered, empty if all is."""


def are_willing(client: RingClient, targets: Sequence[Target], what: str) -> bool:
    """Ask the daemons for their reports; tell whether none of them would refuse, and say which do.

    One that does not answer may still do what it is told: that is said, and is no refusal. Raises
    `NoAnswerError` if none answers.
    """
    client.update()
    if not any(client.watch.daemons[each.name].is_answering for each in targets):
        raise NoAnswerError("no daemon answers, so nothing was sent; see spmonitor status")
    unwilling = []
    for target in targets:
        watched = client.watch.daemons[target.name]
        if not watched.is_answering:
            silence = explain(watched, client.watch, time.monotonic())
            say(f"{target.name} does not answer: {silence.sentence}")
        elif watched.is_classic:
            say(f"{target.name} is a classic daemon: it does not say whether it obeys")
        elif watched.report is not None and not watched.report.dangerous_monitor:
            unwilling.append(target.name)
    if unwilling:
        say(
            f"{', '.join(unwilling)} would refuse, so nothing was sent: {what} needs "
            f"DangerousMonitor = true in the configuration"
        )
    return not unwilling


def carry_out(
    client: RingClient,
    outgoing: Sequence[Outgoing],
    is_wrong: Order,
    *,
    targets: Sequence[Target],
    done: str,
) -> int:
    """Send the datagrams, wait until the order is in force, and return the exit status.

    `done` is what to print for each daemon that obeyed.
    """
    for each in outgoing:
        client.send(each.data, each.target)
    end_s = time.monotonic() + VERIFY_S
    faults = {target.name: "it does not answer" for target in targets}
    while True:
        client.run(PAUSE_S)
        client.update()
        faults = {target.name: _fault(client, target, is_wrong) for target in targets}
        if not any(faults.values()) or time.monotonic() > end_s:
            break
    for name, fault in faults.items():
        print(f"{name}: {fault or done}")
    if not any(faults.values()):
        return Exit.OK
    is_silent = any(not client.watch.daemons[each.name].is_answering for each in targets)
    return Exit.UNAVAILABLE if is_silent else DISAGREE


def _fault(client: RingClient, target: Target, is_wrong: Order) -> str:
    watched = client.watch.daemons[target.name]
    if not watched.is_answering or watched.report is None:
        return "it does not answer"
    return "" if watched.is_classic else is_wrong(watched.report)
