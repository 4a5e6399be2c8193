"""The flooder: `spflooder [-u NAME] [-m MESSAGES] [-n MEMBERS] [-b BYTES] [-s DAEMON] [-ro|-wo]`.

Floods a group with messages and reports how fast they went; nobody is overrun (see `flood`).

Exit status: 0 done; 64 usage, or a message that the daemon does not take; 69 no session with the
daemon, or the session was lost; 70 a defect of this program; 130 Ctrl-C. A run that was cut short
is reported, too.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence

from spread.cli.command_line import Exit, Parser, run
from spread.cli.flood.flooder import Flooder
from spread.cli.flood.measurement import Measurement
from spread.cli.flood.plan import WINDOW_MAX, Plan, default_window
from spread.cli.flood.progress import Progress, is_wanted_on
from spread.cli.flood.report import Outcome, as_json, as_text
from spread.client.aio import connect
from spread.errors import MessageTooLongError, SessionClosedError
from spread.service import Service

__all__ = ["main", "parser"]

DEFAULT_NAME = "flooder"
DEFAULT_GROUP = "flooder"
DEFAULT_COUNT = 10_000
DEFAULT_SIZE = 1000


def parser() -> Parser:
    """Return the parser of the command line."""
    result = Parser(
        "spflooder",
        "Flood a group of a spread daemon with messages, and report how fast they went",
        "0 done, 64 usage, 69 no session or session lost, 130 Ctrl-C",
    )
    add = result.add_argument
    add(
        "-u",
        dest="name",
        metavar="NAME",
        default=DEFAULT_NAME,
        help="private name (default flooder)",
    )
    add(
        "-m",
        dest="count",
        metavar="MESSAGES",
        type=_at_least(1),
        help="how many to send (default 10000)",
    )
    add(
        "-n",
        dest="members",
        metavar="MEMBERS",
        type=_at_least(0),
        help="members to wait for, this one included (default 1); with -wo: readers to wait for "
        "(default 0); with -ro: writers to read from (default 1)",
    )
    add("-b", dest="size", metavar="BYTES", type=_at_least(0), help="bytes of each (default 1000)")
    direction = result.add_mutually_exclusive_group()
    direction.add_argument("-ro", dest="only_reads", action="store_true", help="read only")
    direction.add_argument("-wo", dest="only_writes", action="store_true", help="write only")
    add("--group", metavar="GROUP", default=DEFAULT_GROUP, help="group to flood (default flooder)")
    add(
        "--window",
        metavar="MESSAGES",
        type=_at_least(1, WINDOW_MAX),
        help="how many may be on their way to any reader (default 200, less with many members)",
    )
    add("--rate", metavar="MESSAGES", type=_rate, help="send at most that many a second")
    add("--json", action="store_true", help="report as one line of JSON")
    add("--no-progress", action="store_true", help="no progress bar on the terminal")
    result.add_session()
    result.add_service(Service.AGREED)
    return result


def _at_least(low: int, high: int = 1_000_000_000) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        if text.isascii() and text.isdigit() and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")

    return whole_number


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 < rate <= 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of messages above 0")
    return rate


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    given = _arguments(sys.argv[1:] if argv is None else argv)
    return run("spflooder", lambda: Run(given).run())


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    result = parser()
    given = result.parse_args(argv)
    if given.members == 0 and not given.only_writes:
        result.error("-n 0 is for -wo, which can do without readers")
    return given


def plan_of(given: argparse.Namespace) -> Plan:
    """Return the plan that a command line asks for."""
    reads, writes = not given.only_writes, not given.only_reads
    members = int(reads) if given.members is None else given.members
    return Plan(
        group=given.group,
        service=given.service,
        count=given.count or (DEFAULT_COUNT if writes else 0),
        size=DEFAULT_SIZE if given.size is None else given.size,
        members=members,
        window=given.window or default_window(members if reads and writes else 1),
        rate=given.rate,
        reads=reads,
        writes=writes,
    )


class Run:
    """One run: the session, the flood, the report."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self._plan = plan_of(given)
        self._measurement = Measurement()
        self._private_group = ""
        wants_progress = not given.no_progress and is_wanted_on(sys.stderr)
        self._progress = Progress(sys.stderr if wants_progress else None)

    def run(self) -> int:
        """Flood and report; returns the exit status.

        Raises SpreadError and KeyboardInterrupt when the run was cut short, after the report.
        """
        outcome = Outcome.INTERRUPTED
        try:
            asyncio.run(self._flood())
            outcome = Outcome.COMPLETE
        except SessionClosedError:
            outcome = Outcome.SESSION_LOST
            raise
        finally:
            self._progress.clear()
            if outcome is Outcome.COMPLETE or self._measurement.has_begun:
                report = as_json if self._given.json else as_text
                where = (self._given.daemon, self._private_group)
                print(report(self._plan, *where, self._measurement, outcome), flush=True)
        return Exit.OK

    async def _flood(self) -> None:
        given, plan = self._given, self._plan
        async with connect(given.daemon, given.name, timeout=given.timeout) as mailbox:
            self._private_group = mailbox.private_group
            size_max = mailbox.limits.size_max - 2 * 32
            if plan.size > size_max:
                raise MessageTooLongError(
                    f"-b {plan.size}: this daemon takes messages of at most {size_max} bytes"
                )
            await Flooder(mailbox, plan, self._measurement, self._progress, self._warn).run()

    def _warn(self, text: str) -> None:
        self._progress.clear()
        print(f"spflooder: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
