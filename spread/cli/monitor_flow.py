"""`spmonitor flow`: set the windows of flow control, or show those in force."""

import argparse
from collections.abc import Sequence

from spread.cli.command_line import Exit
from spread.cli.monitor_orders import are_willing, carry_out
from spread.cli.monitoring import DISAGREE, open_client, roster_of
from spread.errors import ArgumentError
from spread.monitor import commands
from spread.monitor.client import RingClient
from spread.monitor.commands import HELD_MAX, Flow
from spread.monitor.overview import table
from spread.monitor.protocol import KEEP
from spread.monitor.report import Report
from spread.monitor.roster import Roster, Target

__all__ = ["add_arguments", "run", "windows_of"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    each = "for all daemons, or NAME=N for one; may be repeated"
    parser.add_argument(
        "--window", type=int, metavar="N", help="packets that all daemons may send in one round"
    )
    parser.add_argument(
        "--personal",
        action="append",
        metavar="[NAME=]N",
        help=f"packets that one may send: {each}",
    )
    parser.add_argument(
        "--accelerated",
        action="append",
        metavar="[NAME=]N",
        help=f"of these, packets that it may send after the token: {each}",
    )


def run(given: argparse.Namespace) -> int:
    """Set what is given, or show what is in force; returns the exit status."""
    roster = roster_of(given)
    with open_client(given, roster) as client:
        if given.window is None and not given.personal and not given.accelerated:
            return _show(client)
        personal = windows_of(given.personal or (), roster, "--personal")
        accelerated = windows_of(given.accelerated or (), roster, "--accelerated")
        window = KEEP if given.window is None else given.window
        values = Flow(window, tuple(zip(personal, accelerated, strict=True)))
        if not are_willing(client, roster.targets, "flow control"):
            return DISAGREE
        for watched in client.watch.daemons.values():
            if not watched.is_classic:
                _check_sizes(watched.target, values)
        outgoing = commands.flow(values, roster, client.reply_port)
        for report in client.watch.reports:
            _check(report, values, roster)
        return carry_out(
            client,
            outgoing,
            lambda report: _fault(report, values, roster),
            targets=roster.targets,
            done="these windows are in force",
        )


def windows_of(texts: Sequence[str], roster: Roster, flag: str) -> list[int]:
    """Return the window of each daemon, -1 to keep it, from `N` and `NAME=N`.

    Raises `ArgumentError` for an unknown name or what is no number.
    """
    found = [KEEP] * len(roster.targets)
    for text in texts:
        name, separator, value = text.rpartition("=")
        target = roster.named(name)
        if separator and target is None:
            raise ArgumentError(f"{flag} {text}: there is no daemon {name}")
        try:
            number = int(value)
        except ValueError:
            raise ArgumentError(f"{flag} {text}: {value!r} is no number of packets") from None
        for index in range(len(found)) if target is None else (target.number,):
            found[index] = number
    return found


def _check_sizes(target: Target, values: Flow) -> None:
    """Raise `ArgumentError` for a window that the daemon would refuse."""
    for number in (values.window, *values.pairs[target.number]):
        if number > HELD_MAX:
            raise ArgumentError(
                f"a window of {number} is more than {target.name} can hold; it is 1 to {HELD_MAX}"
            )


def _check(report: Report, values: Flow, roster: Roster) -> None:
    """Raise `ArgumentError` if windows that are kept do not go with those that are set."""
    target = roster.named(report.daemon)
    if target is None:
        return
    kept = report.windows
    wanted = (values.window, *values.pairs[target.number])
    found = (kept.window, kept.personal, kept.accelerated)
    window, personal, accelerated = (
        has if want == KEEP else want for want, has in zip(wanted, found, strict=True)
    )
    if personal > window:
        raise ArgumentError(
            f"{report.daemon}: a personal window of {personal} would be above a window of "
            f"{window}; set both"
        )
    if accelerated > personal:
        raise ArgumentError(
            f"{report.daemon}: an accelerated window of {accelerated} would be above a personal "
            f"window of {personal}; set both"
        )


def _fault(report: Report, values: Flow, roster: Roster) -> str:
    target = roster.named(report.daemon)
    if target is None:
        return "it has a name that is not in the file"
    personal, accelerated = values.pairs[target.number]
    wanted = (values.window, personal, accelerated)
    windows = report.windows
    found = (windows.window, windows.personal, windows.accelerated)
    if all(want in (KEEP, has) for want, has in zip(wanted, found, strict=True)):
        return ""
    return f"it has window {found[0]}, personal {found[1]}, accelerated {found[2]}; see its log"


def _show(client: RingClient) -> int:
    client.update()
    rows: list[tuple[str, ...]] = [("DAEMON", "WINDOW", "PERSONAL", "ACCELERATED", "OPEN")]
    for name, watched in client.watch.daemons.items():
        if watched.report is None:
            rows.append((name, "silent", "-", "-", "-"))
            continue
        windows = watched.report.windows
        numbers = (
            _bounded(windows.window, windows.window_max),
            _bounded(windows.personal, windows.personal_max),
            _bounded(windows.accelerated, windows.accelerated_max),
        )
        rows.append((name, *numbers, f"{windows.scale_percent}%"))
    print("\n".join(table(rows, left=1)))
    return Exit.UNAVAILABLE if client.watch.silent else Exit.OK


def _bounded(packets: int, most: int) -> str:
    """Return a window, with the most to which it may grow if it may."""
    return f"{packets} of at most {most}" if most > packets else str(packets)
