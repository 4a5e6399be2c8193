"""`spmonitor top`: the ring on the whole terminal."""

import argparse
import sys

from spread.cli.command_line import Exit
from spread.cli.monitoring import open_socket_for, roster_of
from spread.errors import MisuseError
from spread.monitor.watch import INTERVAL_S

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: what is shown is chosen with keys."""


def run(given: argparse.Namespace) -> int:
    """Show the ring until the user leaves; returns the exit status.

    Raises `MisuseError` where textual is not installed, and without a terminal.
    """
    try:
        from spread.monitor.top import TopApp
    except ModuleNotFoundError as error:
        raise MisuseError(
            f'spmonitor top needs {error.name}: pip install "spreadring[top]"; '
            f"spmonitor watch works without"
        ) from error
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise MisuseError(
            "top needs a terminal for input, output and errors; spmonitor watch is for "
            "pipes and files"
        )
    roster = roster_of(given)
    app = TopApp(roster, sock=open_socket_for(given), interval_s=given.interval or INTERVAL_S)
    app.run()
    return Exit.OK if app.return_code in (0, None) else Exit.DEFECT
