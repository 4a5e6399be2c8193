"""`spmonitor trace [FILE ...]`: what daemons recorded, merged in ring order."""

import argparse
import json
import math
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from spread.cli.command_line import Exit
from spread.cli.monitoring import open_client, roster_of, say
from spread.errors import ArgumentError, PeerError
from spread.monitor.client import NoAnswerError
from spread.monitor.flight_file import EVENT, FlightFile, read
from spread.monitor.flight_file import Kind as PacketKind
from spread.monitor.flight_merge import clocks_of, joined
from spread.monitor.queries import Kind
from spread.monitor.trace import (
    Filter,
    entries_of,
    file_of_answer,
    head_lines,
    lines_of,
    timeline,
)

__all__ = ["add_arguments", "run"]

NS_PER_S: Final = 1_000_000_000

KINDS: Final = {
    **{each.name: frozenset({each.name}) for each in PacketKind},
    EVENT: frozenset({EVENT}),
    "OTHER": frozenset({"OTHER"}),
    "MEMBERSHIP": frozenset(each.name for each in PacketKind if each >= PacketKind.ALIVE),
}

_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = parser.add_argument
    add(
        "files",
        nargs="*",
        metavar="FILE",
        help="files of flight recorders; without any, the daemons are asked for their last records",
    )
    add("--from", dest="begin", metavar="TIME", help="show nothing before, such as 14:02:11.5")
    add("--to", dest="end", metavar="TIME", help="show nothing after")
    add("--last", type=_seconds, metavar="SECONDS", help="show so many seconds before the end")
    add(
        "--kind",
        action="append",
        default=[],
        metavar="KIND",
        help=f"show these only, with commas between (default all but ping): "
        f"{', '.join(KINDS).lower()}",
    )
    add(
        "--daemon",
        action="append",
        default=[],
        metavar="NAME",
        help="show what these daemons recorded, with commas between",
    )
    add("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Show the timeline; returns the exit status."""
    kinds = frozenset(kind for word in _words(given.kind) for kind in _kinds(word))
    files, status = _live(given) if not given.files else (_read(given.files), Exit.OK)
    daemons = frozenset(_words(given.daemon))
    known = {each.daemon for each in files}
    if files and daemons - known:
        raise ArgumentError(
            f"--daemon: nothing of {sorted(daemons - known)[0]}; "
            f"there is something of {', '.join(sorted(known))}"
        )
    wanted = Filter(
        from_ns=_moment(given.begin, files),
        to_ns=_moment(given.end, files),
        last_s=given.last,
        kinds=kinds,
        daemons=daemons,
    )
    if given.json:
        print(json.dumps(timeline(files, wanted), indent=2))
        return status
    files = joined(files)
    clocks = clocks_of(files)
    for line in head_lines(files, clocks):
        print(f"# {line}")
    if not kinds:
        wanted = replace(wanted, hidden=KINDS["PING"])
        print("# without PING, by which daemons see that others live; --kind ping shows them")
    is_kept = bool(given.files)
    for line in lines_of(entries_of(files, clocks, wanted, marks_ends=is_kept)):
        print(line)
    return status


def _read(names: list[str]) -> list[FlightFile]:
    try:
        return [read(Path(each)) for each in names]
    except OSError as error:
        raise ArgumentError(f"cannot read {error.filename}: {error.strerror}") from error
    except PeerError as error:
        raise ArgumentError(str(error)) from error


def _live(given: argparse.Namespace) -> tuple[list[FlightFile], int]:
    roster = roster_of(given)
    files = []
    status = Exit.OK
    with open_client(given, roster) as client:
        for target in roster.targets:
            try:
                files.append(file_of_answer(client.query(target.name, Kind.TRACE)))
            except (NoAnswerError, PeerError) as error:
                say(str(error))
                status = Exit.UNAVAILABLE
    return files, status


def _words(given: list[str]) -> list[str]:
    return [word for text in given for word in text.split(",") if word]


def _kinds(word: str) -> frozenset[str]:
    found = KINDS.get(word.upper())
    if found is None:
        raise ArgumentError(f"--kind {word}: kinds are {', '.join(KINDS).lower()}")
    return found


def _moment(text: str | None, files: list[FlightFile]) -> int | None:
    """Return ns since 1970; a time without a date is of the day on which the first file ends."""
    if text is None:
        return None
    found = _TIME_OF_DAY.fullmatch(text)
    try:
        if found is None:
            return int(datetime.fromisoformat(text).timestamp() * NS_PER_S)
        day = datetime.fromtimestamp(files[0].wall_ns // NS_PER_S if files else 0)
        second = float(found[3] or 0)
        start = day.replace(
            hour=int(found[1]), minute=int(found[2]), second=int(second), microsecond=0
        )
    except ValueError as error:
        raise ArgumentError(
            f"{text!r} is no time; say 14:02:11.5 or 2026-03-01T14:02:11.5"
        ) from error
    return int(start.timestamp()) * NS_PER_S + round((second % 1) * NS_PER_S)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds
