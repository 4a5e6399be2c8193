"""`spmonitor heal`: undo a partition."""

import argparse

from spread.cli.monitor_orders import are_willing
from spread.cli.monitor_partition import heal
from spread.cli.monitoring import DISAGREE, open_client, roster_of

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: all daemons are told."""


def run(given: argparse.Namespace) -> int:
    """Undo the partition; returns the exit status."""
    roster = roster_of(given)
    with open_client(given, roster) as client:
        if not are_willing(client, roster.targets, "the end of a partition"):
            return DISAGREE
        return heal(client, roster)
