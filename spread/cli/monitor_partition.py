"""`spmonitor partition A,B C`: cut the ring into parts, for tests.

A daemon forgets a partition after a minute. With `--hold` it is sent again until Ctrl-C, and then
undone.
"""

import argparse
import re
from collections.abc import Sequence

from spread.cli.command_line import Exit
from spread.cli.monitor_orders import are_willing, carry_out
from spread.cli.monitoring import DISAGREE, open_client, roster_of
from spread.errors import ArgumentError
from spread.monitor import commands
from spread.monitor.client import RingClient
from spread.monitor.report import Report
from spread.monitor.roster import Roster

__all__ = ["add_arguments", "heal", "parts_of", "run"]

AGAIN_S = 25.0
"""Half of the time after which a daemon forgets, and some for losses."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "parts",
        nargs="+",
        metavar="PART",
        help="names with commas between them, one part an argument, or all in one with | between "
        "parts; daemons that are not named make one more part",
    )
    parser.add_argument("--hold", action="store_true", help="keep it up until Ctrl-C, then undo it")


def run(given: argparse.Namespace) -> int:
    """Send the partition and look whether it is in force; returns the exit status."""
    roster = roster_of(given)
    components = commands.components_of(parts_of(given.parts), roster)
    with open_client(given, roster) as client:
        if not are_willing(client, roster.targets, "a partition"):
            return DISAGREE
        status = order(client, roster, components, done="part of the partition")
        if not given.hold:
            print("they forget it after a minute; undo it before with: spmonitor heal")
            return status
        print("held until Ctrl-C", flush=True)
        try:
            while True:
                client.run(AGAIN_S)
                for each in commands.partition(components, roster, client.reply_port):
                    client.send(each.data, each.target)
        except KeyboardInterrupt:
            return heal(client, roster)


def heal(client: RingClient, roster: Roster) -> int:
    """Undo a partition; returns the exit status."""
    zeros = (0,) * len(roster.targets)
    status = order(client, roster, zeros, done="in no partition")
    if status == Exit.OK:
        print("the parts find each other within half a minute")
    return status


def order(client: RingClient, roster: Roster, components: tuple[int, ...], *, done: str) -> int:
    """Send a partition map and look whether it is in force; returns the exit status."""

    def is_wrong(report: Report) -> str:
        found = report.partition or (0,) * len(components)
        return "" if found == components else "its partition is another one"

    outgoing = commands.partition(components, roster, client.reply_port)
    return carry_out(client, outgoing, is_wrong, targets=roster.targets, done=done)


def parts_of(arguments: Sequence[str]) -> list[list[str]]:
    """Return the names of each part; ArgumentError for an empty one."""
    whole = " ".join(arguments)
    texts = whole.split("|") if "|" in whole else arguments
    parts = [[name for name in re.split(r"[,\s]+", text) if name] for text in texts]
    if not all(parts):
        raise ArgumentError(f"{whole!r} has an empty part; write names, such as A,B | C")
    return parts
