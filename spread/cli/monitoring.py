"""What the subcommands of `spmonitor` have in common: which ring, which port, which names.

A subcommand is a module with two functions, named in the table of `spread.cli.spmonitor`:

    add_arguments(parser)   adds its arguments, beside those of `add_ring_arguments`
    run(given) -> int       does its work and returns the exit status
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from spread.config import ConfigurationMissing, search
from spread.errors import ArgumentError, ConfigurationError, MisuseError
from spread.monitor.client import RingClient
from spread.monitor.protocol import MONITOR_PORT
from spread.monitor.roster import Roster, Target, local_roster, read_roster
from spread.monitor.udp import MonitorSocket, open_socket

__all__ = [
    "DISAGREE",
    "add_ring_arguments",
    "confirm",
    "count_of",
    "open_client",
    "open_socket_for",
    "poses_as",
    "roster_of",
    "say",
    "targets_of",
]

DISAGREE: Final = 1
"""Exit status: every daemon answered, and not all is well."""

NOBODY: Final = "Monitor"
"""The name that Spread's monitor takes where it has no entry, and that no daemon may have."""

LOCAL_PORT: Final = 4803
DAEMONS_MAX: Final = 128


def add_ring_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which ring is meant."""
    add = parser.add_argument
    add(
        "-p",
        dest="reply_port",
        metavar="PORT",
        type=_port,
        help=f"UDP port on which replies come in (menu: {MONITOR_PORT}, else any)",
    )
    add(
        "-n",
        dest="name",
        metavar="NAME",
        help="entry of the file that this host poses as, if not its own",
    )
    add(
        "-t",
        dest="interval",
        metavar="SECONDS",
        type=_interval,
        help="time between two questions",
    )
    add("-c", dest="file", metavar="FILE", help="configuration file (default spread.conf)")
    add(
        "--local",
        nargs="?",
        const=1,
        type=count_of,
        metavar="N",
        help="the daemons of spread --local N on this host, instead of a file",
    )
    add("--port", type=int, metavar="PORT", help=f"their port (default {LOCAL_PORT})")


def roster_of(given: argparse.Namespace) -> Roster:
    """Return the daemons that the command line means.

    Raises `ConfigurationError` for a file that is missing or wrong, `ArgumentError` for flags
    that exclude each other.
    """
    if given.local is None:
        if given.port is not None:
            raise ArgumentError(
                "--port belongs to --local; the file names the ports of its daemons"
            )
        try:
            return _read(search(given.file, "."), given.name)
        except ConfigurationMissing as error:
            advice = "name the file with -c FILE; for daemons of spread --local N say --local N"
            raise ConfigurationMissing(error.path, error.reason, advice) from error
    if given.file is not None:
        raise ArgumentError("--local reads no file; leave out -c")
    if not 1 <= given.local <= DAEMONS_MAX:
        raise ArgumentError(f"--local {given.local}: a ring has 1 to {DAEMONS_MAX} daemons")
    roster = local_roster(given.local, given.port or LOCAL_PORT)
    return roster if given.name is None else poses_as(roster, given.name)


def _read(path: str, name: str | None) -> Roster:
    if name != NOBODY:
        return read_roster(path, name)
    return replace(read_roster(path), own=None, own_problem=f"-n {NOBODY} poses as nobody")


def poses_as(roster: Roster, name: str) -> Roster:
    """Return the roster seen from the entry `name`; ArgumentError if there is none."""
    own = roster.named(name)
    if own is None:
        raise ArgumentError(f"-n {name}: there is no such daemon; there are {_names(roster)}")
    return replace(roster, own=own, own_problem="")


def open_client(given: argparse.Namespace, roster: Roster) -> RingClient:
    """Return a client whose socket is that of `open_socket_for`."""
    return RingClient(roster, sock=open_socket_for(given))


def open_socket_for(given: argparse.Namespace, *, port: int = 0) -> MonitorSocket:
    """Return a socket at the port of `-p`, else at `port`; if it is taken, at another.

    Raises `ConfigurationError` if there is none at all.
    """
    wanted = port if given.reply_port is None else given.reply_port
    try:
        return open_socket(wanted)
    except ConfigurationError:
        if wanted == 0:
            raise
    sock = open_socket()
    say(f"UDP port {wanted} is taken; replies come in at {sock.port} instead")
    return sock


def targets_of(names: Sequence[str], roster: Roster) -> list[Target]:
    """Return the daemons named, in the order of the file, `all` for all of them.

    Raises `ArgumentError` for a name that there is not.
    """
    wanted = {name for text in names for name in text.split(",") if name}
    if "all" in wanted:
        return list(roster.targets)
    unknown = sorted(wanted - {each.name for each in roster.targets})
    if unknown:
        raise ArgumentError(f"there is no daemon {unknown[0]}; there are {_names(roster)}")
    return [each for each in roster.targets if each.name in wanted]


def confirm(question: str, *, is_given: bool, ask: Callable[[str], str] = input) -> bool:
    """Tell whether to go on: `--yes` was given, or somebody at the terminal says so.

    Raises `MisuseError` if there is nobody to ask.
    """
    if is_given:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise MisuseError(f"{question} Say so with --yes")
    try:
        return ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def say(text: str) -> None:
    """Tell the user something that is not the output."""
    print(f"spmonitor: {text}", file=sys.stderr, flush=True)


def _names(roster: Roster) -> str:
    names = [each.name for each in roster.targets]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def count_of(text: str) -> int:
    """Return a number of things, at least 1; for arguments."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number, at least 1")
    return int(text)


def _port(text: str) -> int:
    """Return a port as the classic monitor reads it: decimal, 0x..., or octal with a zero."""
    try:
        is_octal = text.startswith("0") and text.isdigit()
        number = int(text, 8) if is_octal else int(text, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports are 0 to 65535")
    return number


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, at least 1")
    return seconds
