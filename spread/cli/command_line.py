"""The command line that the client programs have in common: parser, exit statuses, ways to end.

A program's body is run by `run`, which turns every way to end into a sentence and an exit status:

    what happened                                     exit status
    --------------------------------------------------------------
    the body returned                                 what it returned
    the reader of standard output has gone            0
    what was asked for cannot be done                 64 (USAGE)
    a daemon was not reached, refused, or closed      69 (UNAVAILABLE)
    the output cannot be written                      74 (OUTPUT)
    Ctrl-C                                            130 (INTERRUPTED)
    anything else                                     70 (DEFECT), with a traceback to report
"""

import argparse
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

from spread.client.address import parse_address
from spread.errors import AddressError, MisuseError, NameNotUniqueError, SpreadError
from spread.release import release
from spread.service import Service

__all__ = ["SERVICES", "Exit", "Parser", "run"]

SERVICES = tuple(each.name.lower() for each in Service if each.name and each.value < 0x40)
"""Names of the six services, from the weakest to the strongest."""

_DAEMON_DEFAULT = "4803"
_TIMEOUT_DEFAULT_S = 10.0


class Exit(IntEnum):
    """Exit statuses, those of sysexits.h where it has one."""

    OK = 0
    USAGE = 64
    """The command line makes no sense."""

    DATA = 65
    """A command in the input could not be carried out; the others were."""

    UNAVAILABLE = 69
    """No daemon, a daemon that refuses, or a session that has been lost."""

    DEFECT = 70
    """An error in the program itself."""

    OUTPUT = 74
    """The output cannot be written."""

    INTERRUPTED = 130
    """Ctrl-C; 128 plus the number of the signal, as a shell reports it."""

    TERMINATED = 143
    """SIGTERM or a terminal that went away, after an orderly disconnect."""


class Parser(argparse.ArgumentParser):
    """Parser with `--version`, without abbreviations, whose usage errors exit with 64."""

    def __init__(self, prog: str, description: str, statuses: str) -> None:
        """`statuses` says in one line which exit statuses the program has."""
        super().__init__(
            prog=prog,
            description=description,
            epilog=f"exit status: {statuses}",
            allow_abbrev=False,
        )
        self.add_argument("--version", action="version", version=f"{prog} {release()}")

    def add_session(self) -> None:
        """Add `-s`, the daemon's address, and `--timeout`, for the session with it."""
        self.add_argument(
            "-s",
            dest="daemon",
            metavar="DAEMON",
            type=_daemon_address,
            default=_DAEMON_DEFAULT,
            help="daemon as PORT (on this host), PORT@HOST or spread://HOST:PORT/ (default 4803)",
        )
        self.add_argument(
            "--timeout",
            type=_positive_seconds,
            default=_TIMEOUT_DEFAULT_S,
            metavar="SECONDS",
            help="longest time to wait for a session (default 10)",
        )

    def add_service(self, default: Service) -> None:
        """Add `--service`, that of messages to be sent."""
        names = ", ".join(SERVICES)
        self.add_argument(
            "--service",
            type=_service,
            default=default,
            metavar="SERVICE",
            help=f"service of what is sent: {names} (default {(default.name or '').lower()})",
        )

    def error(self, message: str) -> NoReturn:
        """Print the usage and `message`, and exit."""
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n")


def _daemon_address(text: str) -> str:
    """Check the form of a daemon address; for the `type` of an argument."""
    try:
        parse_address(text)
    except AddressError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _service(text: str) -> Service:
    """Return the service of that name; for the `type` of an argument."""
    try:
        found = Service[text.upper()]
    except KeyError:
        found = Service.SELF_DISCARD
    if found is Service.SELF_DISCARD:
        names = ", ".join(SERVICES)
        raise argparse.ArgumentTypeError(f"no service {text!r}; choose from {names}")
    return found


def _positive_seconds(text: str) -> float:
    """Return a number of seconds above zero; for the `type` of an argument."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    # The first comparison is false for what is not a number, too.
    if not 0 < seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def run(prog: str, body: Callable[[], int]) -> int:
    """Run the program's body and return the exit status; see the table above."""
    _open_missing_streams()
    try:
        status = body()
        sys.stdout.flush()
    except SpreadError as error:
        print(f"{prog}: {_explain(error)}", file=sys.stderr)
        return _status_of(error)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return Exit.OK
    except OSError as error:
        _discard_output()
        print(f"{prog}: {error}", file=sys.stderr)
        return Exit.OUTPUT
    except Exception:
        import traceback

        traceback.print_exc()
        print(f"{prog}: this is a defect of the program; please report it", file=sys.stderr)
        return Exit.DEFECT
    return status


def _open_missing_streams() -> None:
    """Open what the parent process has closed; Python has no stream for it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - until the exit.
            setattr(sys, name, stream)


def _discard_output() -> None:
    """Let what is still buffered go nowhere, rather than fail once more at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: SpreadError) -> str:
    """Return the text of `error`, with what to do about it at this command line."""
    if isinstance(error, NameNotUniqueError):
        return f"{error}; choose another name with -u"
    return str(error)


def _status_of(error: SpreadError) -> Exit:
    """Return the exit status for `error`."""
    # The form of an address was checked before: what is left is a host that is not known.
    if isinstance(error, MisuseError) and not isinstance(error, AddressError):
        return Exit.USAGE
    return Exit.UNAVAILABLE
