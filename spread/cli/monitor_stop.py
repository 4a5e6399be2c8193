"""`spmonitor stop NAMES`: stop daemons in order."""

import argparse
import time

from spread.cli.command_line import Exit
from spread.cli.monitor_orders import are_willing
from spread.cli.monitoring import DISAGREE, confirm, open_client, roster_of, targets_of
from spread.errors import ArgumentError
from spread.monitor import commands

__all__ = ["add_arguments", "run"]

STOP_S = 6.0
"""A daemon sends off what it has for up to three seconds before it ends."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="daemons to stop, or all")
    parser.add_argument("--yes", action="store_true", help="do not ask whether that is meant")


def run(given: argparse.Namespace) -> int:
    """Stop the daemons and look whether they have ended; returns the exit status."""
    roster = roster_of(given)
    targets = targets_of(given.names, roster)
    names = ", ".join(each.name for each in targets)
    if not targets:
        raise ArgumentError("name the daemons to stop, or all")
    with open_client(given, roster) as client:
        if not are_willing(client, targets, "stopping a daemon"):
            return DISAGREE
        if not confirm(f"Stop {names}?", is_given=given.yes):
            return DISAGREE
        in_force = next((each.partition for each in client.watch.reports if each.partition), ())
        for outgoing in commands.stop(targets, in_force, roster, client.reply_port):
            client.send(outgoing.data, outgoing.target)
        sent_s = time.monotonic()
        left = list(targets)
        while left and time.monotonic() < sent_s + STOP_S:
            client.update()
            left = [each for each in left if client.watch.daemons[each.name].is_answering]
    for each in targets:
        print(f"{each.name}: {'it still answers; see its log' if each in left else 'stopped'}")
    return DISAGREE if left else Exit.OK
