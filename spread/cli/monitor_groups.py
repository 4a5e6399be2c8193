"""`spmonitor groups [PREFIX]`: the groups of the ring and their members."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict

from spread.cli.command_line import Exit
from spread.cli.monitoring import count_of, open_client, roster_of, say, targets_of
from spread.monitor.client import NoAnswerError, RingClient
from spread.monitor.overview import table
from spread.monitor.queries import Kind
from spread.monitor.report import GroupLine, GroupPage, from_json

__all__ = ["add_arguments", "run"]

PAGE = 100
"""Groups in one reply, at most."""

MEMBERS_SHOWN = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("prefix", nargs="?", default="", help="groups whose names begin so")
    parser.add_argument("--at", metavar="NAME", help="ask this daemon (default: one that answers)")
    parser.add_argument("--limit", type=count_of, default=1000, metavar="N", help="at most so many")
    parser.add_argument("--json", action="store_true", help="print all that is known as JSON")


def run(given: argparse.Namespace) -> int:
    """Show the groups that one daemon knows; returns the exit status."""
    roster = roster_of(given)
    asked = targets_of([given.at], roster) if given.at else list(roster.targets)
    with open_client(given, roster) as client:
        for target in asked:
            try:
                total, groups = _groups(client, target.name, given.prefix, given.limit)
            except NoAnswerError as error:
                say(str(error))
                continue
            _show(groups, total, as_json=given.json)
            return Exit.OK
    if given.at:
        say("ask another daemon, and see spmonitor status")
    else:
        say("no daemon answers; see spmonitor status")
    return Exit.UNAVAILABLE


def _groups(
    client: RingClient, daemon: str, prefix: str, limit: int
) -> tuple[int, list[GroupLine]]:
    groups: list[GroupLine] = []
    total = 0
    for offset in range(0, limit, PAGE):
        count = min(PAGE, limit - offset)
        arguments = {"offset": offset, "count": count, "prefix": prefix}
        page = from_json(GroupPage, client.query(daemon, Kind.GROUPS, arguments))
        total = page.total
        groups += page.groups
        if not page.groups or offset + count >= total:
            break
    return total, groups


def _show(groups: list[GroupLine], total: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"total": total, "groups": [asdict(each) for each in groups]}, indent=2))
        return
    if not groups:
        print("no groups")
        return
    print("\n".join(table([("GROUP", "SIZE", "MEMBERS"), *_rows(groups)], left=1)))
    if len(groups) < total:
        print(f"{len(groups)} of {total}; more with --limit, fewer with a prefix")


def _rows(groups: list[GroupLine]) -> Iterator[tuple[str, str, str]]:
    width = max(len(_members(each)) for each in groups)
    for each in groups:
        yield each.name, str(each.size), _members(each).ljust(width)


def _members(group: GroupLine) -> str:
    more = group.size - MEMBERS_SHOWN
    shown = " ".join(group.members[:MEMBERS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
