"""`spmonitor status`: all daemons once, as a table or as JSON.

Exit status: 0 if every daemon answered and all agree, 1 if they do not agree, 69 if one does not
answer.
"""

import argparse
import json
import time

from spread.cli.command_line import Exit
from spread.cli.monitoring import DISAGREE, open_client, roster_of
from spread.monitor.overview import as_record, is_well, text_lines
from spread.monitor.watch import RingWatch

__all__ = ["add_arguments", "run", "status_of"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--json", action="store_true", help="print all that is known as JSON")
    parser.add_argument(
        "--rates",
        action="store_true",
        help="ask for some seconds longer, and show rates, and which host holds up the token",
    )


RATES_S = 3.2
"""Long enough for two reports of every daemon, whenever they publish."""


def run(given: argparse.Namespace) -> int:
    """Ask once, show, and return the exit status."""
    with open_client(given, roster_of(given)) as client:
        client.update()
        if given.rates:
            client.run(RATES_S)
        client.watch.judge(time.monotonic(), is_only_look=True)
        if given.json:
            print(json.dumps(as_record(client.watch, time.monotonic()), indent=2, default=str))
        else:
            print("\n".join(text_lines(client.watch, time.monotonic())))
        return status_of(client.watch)


def status_of(watch: RingWatch) -> int:
    """Return the exit status that tells how the ring is."""
    if len(watch.reports) < len(watch.daemons):
        return Exit.UNAVAILABLE
    return Exit.OK if is_well(watch) else DISAGREE
