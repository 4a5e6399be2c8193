"""The command line of the Windows service: which command it is, and what it was given.

    spread service install [--name NAME] [--start WHEN] [--account ACCOUNT] [daemon's options]
    spread service start | stop | status | remove [--name NAME]

and as the wrapper of Spread 4.4 has it, the first argument in any letter case:

    spread --install-service [daemon's options]     as `service install --start manual`
    spread --uninstall-service                      as `service remove`
    spread --service [daemon's options]             for the service manager only
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from spread.config import Configuration
from spread.errors import ConfigurationError
from spread.winservice.registration import (
    ACCOUNT_DEFAULT,
    DEFAULT_NAME,
    RUN_FLAG,
    STARTS,
    account_name,
)

if TYPE_CHECKING:
    from spread.daemon.signals import Manager

__all__ = [
    "COMMANDS",
    "EXIT_USAGE",
    "RUN",
    "Daemon",
    "Parser",
    "ServiceCommand",
    "check_options",
    "daemon_arguments",
    "service_command",
    "service_parser",
]

COMMANDS: Final = {
    "install": "register the daemon as a service, with its options and configuration file",
    "start": "start the service",
    "stop": "stop the service, and wait for its end",
    "status": "print how the service is",
    "remove": "stop the service and forget it",
}

RUN: Final = "run"
"""The command for the service manager."""

_CLASSIC: Final = {
    "--install-service": ("install", "--start", "manual"),
    "--uninstall-service": ("remove",),
    RUN_FLAG: (RUN,),
}

_FILE_FLAG: Final = "-c"

EXIT_USAGE: Final = 64


class Parser(argparse.ArgumentParser):
    """Ends with `EXIT_USAGE` if a command line is wrong; 2, that of argparse, means otherwise."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and `message`, and exit."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


@dataclass(frozen=True, slots=True)
class Daemon:
    """What the commands need of the daemon's own command line."""

    parse: Callable[[Sequence[str]], argparse.Namespace]
    """Reads options; exits if they are wrong."""
    load: Callable[[argparse.Namespace], Configuration]
    """Reads the configuration that they name; raises ConfigurationError."""
    serve: Callable[[argparse.Namespace, "Manager"], int]
    """Runs the daemon until it is stopped; returns its exit status."""


@dataclass(frozen=True, slots=True)
class ServiceCommand:
    """What is to be done: a word of `COMMANDS`, or `RUN`, and the words behind it."""

    word: str
    arguments: tuple[str, ...]


def service_command(argv: Sequence[str]) -> ServiceCommand | None:
    """Return the command about the service that a command line is, None if it is none."""
    if argv[:1] == ["service"]:
        return ServiceCommand(*_first(argv[1:]))
    classic = _CLASSIC.get(argv[0].lower()) if argv else None
    if classic is None:
        return None
    return ServiceCommand(classic[0], (*classic[1:], *argv[1:]))


def service_parser(word: str) -> argparse.ArgumentParser:
    """Return the parser of a command; that of `install` leaves the daemon's options over."""
    parser = Parser(
        prog=f"spread service {word}",
        description=f"Windows: {COMMANDS[word]}",
        usage=_INSTALL_USAGE if word == "install" else None,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--name", default=DEFAULT_NAME, help=f"name of the service (default {DEFAULT_NAME})"
    )
    if word == "install":
        parser.add_argument(
            "--start",
            choices=STARTS,
            default="auto",
            help="with the system, a little later, or by hand (default auto)",
        )
        parser.add_argument(
            "--account",
            type=account_name,
            default=ACCOUNT_DEFAULT,
            help=f"account that it has: LocalService, LocalSystem, NetworkService, DOMAIN\\USER "
            f"(default {ACCOUNT_DEFAULT})",
        )
        parser.add_argument(
            "--password", help="password of an account that is a user's; asked for if left out"
        )
    return parser


_INSTALL_USAGE: Final = (
    "spread service install [-h] [--name NAME] [--start {auto,delayed,manual}]\n"
    "                              [--account ACCOUNT] [--password PASSWORD]\n"
    "                              [options of the daemon, see spread -h]"
)


def check_options(options: argparse.Namespace) -> None:
    """See that options of the daemon make sense for a service. Raise ConfigurationError."""
    if options.check is not None or options.reload or (options.local or 1) > 1:
        raise ConfigurationError("a service is one daemon that serves; leave out other options")
    if options.until_input_ends:
        raise ConfigurationError("a service has no input that ends; leave out --until-input-ends")


def daemon_arguments(given: Sequence[str], file: str | None) -> list[str]:
    """Return the daemon's options as a service needs them: with its file by its whole name.

    A service starts in a directory of the system, where a relative name would lead nowhere.
    """
    options = list(given)
    while file is not None and _FILE_FLAG in options:
        place = options.index(_FILE_FLAG)
        del options[place : place + 2]
    return options if file is None else [_FILE_FLAG, str(Path(file).absolute()), *options]


def _first(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    return (words[0], tuple(words[1:])) if words else ("", ())
