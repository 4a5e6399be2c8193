"""`spmonitor watch`: the table of `status` again and again, until Ctrl-C.

On a terminal it stays in place. Elsewhere every table follows the one before, with its time.
"""

import argparse
import json
import sys
import time

from spread.cli.monitor_status import status_of
from spread.cli.monitoring import count_of, open_client, roster_of
from spread.cli.terminal import understands_sequences
from spread.monitor.overview import as_record, text_lines

__all__ = ["add_arguments", "run"]

INTERVAL_S = 2.0

_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--json", action="store_true", help="print one line of JSON each time")
    parser.add_argument(
        "--count", type=count_of, metavar="N", help="stop after so many times (default: at Ctrl-C)"
    )


def run(given: argparse.Namespace) -> int:
    """Show until interrupted; returns the exit status of the last time."""
    in_place = sys.stdout.isatty() and understands_sequences() and not given.json
    count = 0
    with open_client(given, roster_of(given)) as client:
        client.update()
        while True:
            count += 1
            if given.json:
                record = {"time_s": time.time(), **as_record(client.watch, time.monotonic())}
                print(json.dumps(record, default=str), flush=True)
            else:
                _show(text_lines(client.watch, time.monotonic()), in_place=in_place)
            if count == given.count:
                return status_of(client.watch)
            client.run(given.interval or INTERVAL_S)


def _show(lines: list[str], *, in_place: bool) -> None:
    stamp = time.strftime("%H:%M:%S")
    if in_place:
        text = "".join(f"{line}{_CLEAR_LINE}\n" for line in [stamp, *lines])
        sys.stdout.write(f"{_HOME}{text}{_CLEAR_BELOW}")
    else:
        sys.stdout.write("\n".join([stamp, *lines, "", ""]))
    sys.stdout.flush()
