"""The commands of `spread service` where they do something, and the daemon that a service is."""

import argparse
import ctypes
import logging
import os
import sys
import sysconfig
from collections.abc import Sequence
from ctypes import wintypes
from getpass import getpass
from pathlib import Path
from typing import Final

from spread.cli.service_arguments import (
    EXIT_USAGE,
    RUN,
    Daemon,
    ServiceCommand,
    check_options,
    daemon_arguments,
    service_parser,
)
from spread.config import Configuration
from spread.errors import ConfigurationError
from spread.eventlog_format import ClassicFormatter
from spread.system import SYSTEM_DIRECTORIES
from spread.winservice.events import ERROR
from spread.winservice.registration import (
    Registration,
    check_account,
    check_name,
    check_new_name,
    command_line,
    has_password,
    name_option,
)

assert sys.platform == "win32"

import msvcrt  # noqa: E402 - unknown to checkers elsewhere.

from spread.winservice import manager  # noqa: E402 - unknown to checkers elsewhere.
from spread.winservice.calls import kernel32  # noqa: E402 - as above.
from spread.winservice.event_source import WindowsEvents  # noqa: E402 - as above.
from spread.winservice.places import make_places, warnings_about  # noqa: E402 - as above.
from spread.winservice.running import Link, run  # noqa: E402 - as above.

__all__ = ["carry_out"]

_PACKAGE: Final = Path(__file__).parents[1]

_BASE_EXECUTABLE: Final[str] = getattr(sys, "_base_executable", sys.executable)
"""What the `python.exe` of a virtual environment starts."""

EXIT_DEFECT: Final = 70


def carry_out(command: ServiceCommand, daemon: Daemon) -> int:
    """Carry out a command; returns the exit status. Raises ConfigurationError."""
    if command.word == RUN:
        return run(lambda link: _serve([*command.arguments, *link.arguments], link, daemon))
    parser = service_parser(command.word)
    given, rest = parser.parse_known_args(command.arguments)
    if command.word == "install":
        check_new_name(given.name)
        return _install(given, rest, daemon)
    check_name(given.name)
    if rest:
        parser.error(f"{' '.join(rest)}: only --name NAME can follow")
    return _manage(command.word, given.name)


def _install(given: argparse.Namespace, rest: Sequence[str], daemon: Daemon) -> int:
    options = daemon.parse(rest)
    check_options(options)
    file = daemon.load(options).path
    places = _places(file)
    check_account(given.account, str(Path.home().parent), places)
    if given.password is None and has_password(given.account):
        given.password = _ask_password(given.account)
    common = Path(SYSTEM_DIRECTORIES[0])
    doubts = make_places(common, _data_directory(given.name), given.account)
    command = command_line(
        sys.executable, daemon_arguments(rest, file), is_isolated=_is_installed()
    )
    wanted = Registration(given.name, command, given.start, given.account, given.password)
    looked_at = [place for place in places if Path(place) != common]
    for warning in (*manager.install(wanted), *doubts, *warnings_about(looked_at)):
        print(f"spread: warning: {warning}", file=sys.stderr)
    print(f"service {given.name} is installed: {command}")
    print(f"start it with: spread service start{name_option(given.name)}")
    return 0


def _places(file: str | None) -> list[str]:
    """Return what the account of the service has to read; a virtual environment starts its base."""
    python = [sys.prefix, sys.base_prefix, str(Path(_BASE_EXECUTABLE).parent)]
    own = [] if file is None else [str(Path(file).absolute().parent), str(Path(file).absolute())]
    return list(dict.fromkeys([*python, str(_PACKAGE), *own]))


def _is_installed() -> bool:
    """Tell whether the package is where its Python finds it without being told where."""
    return _PACKAGE.parent == Path(sysconfig.get_path("platlib"))


def _ask_password(account: str) -> str:
    # Windows takes NUL for a terminal, too, and there nobody would ever answer.
    mode = wintypes.DWORD()
    if not kernel32.GetConsoleMode(msvcrt.get_osfhandle(0), ctypes.byref(mode)):
        raise ConfigurationError(
            f"account {account} has a password, which nobody can be asked for here; "
            "give it with --password"
        )
    return getpass(f"password of {account}: ")


def _manage(word: str, name: str) -> int:
    if word == "remove":
        manager.remove(name)
        print(f"service {name} is removed")
        if (directory := _data_directory(name)).is_dir():
            print(f"its state and log stay in {directory}; delete it if nobody needs them")
        return 0
    act = {"start": manager.start, "stop": manager.stop, "status": manager.query}[word]
    state = act(name)
    process = f", process {state.process}" if state.process else ""
    ended = f", status {state.status}" if state.status else ""
    print(f"service {name} is {state.name}{process}{ended}")
    if word != "start" or state.name == "running":
        return 0
    where = f"the Windows event log (source {name}), or its EventLogFile, says why"
    print(f"spread: {where}", file=sys.stderr)
    return state.status or 1


def _serve(arguments: Sequence[str], link: Link, daemon: Daemon) -> int:
    """Be the service; what goes wrong is told to the Windows event log, as nobody listens."""
    _open_streams()
    events = WindowsEvents(link.name)
    events.setFormatter(ClassicFormatter())
    log = logging.getLogger("spread.event")
    log.addHandler(events)
    try:
        options = daemon.parse(arguments)
        configuration = daemon.load(options)
        events.has_file = configuration.options.event_log_file is not None
        _settle(link.name, configuration)
        return daemon.serve(options, link)
    except ConfigurationError as error:
        events.report(ERROR, str(error))
        return error.exit_status
    except SystemExit:
        events.report(ERROR, f"the command line of the service is wrong: {list(arguments)}")
        return EXIT_USAGE
    except Exception:
        import traceback

        events.report(ERROR, f"this is a defect of the daemon:\n{traceback.format_exc()}")
        return EXIT_DEFECT
    finally:
        log.removeHandler(events)
        events.close()


def _settle(name: str, configuration: Configuration) -> None:
    """Work where the configuration is, and keep what outlives the daemon in a place of its own."""
    directory = _data_directory(name)
    if directory.is_dir():
        os.environ.setdefault("STATE_DIRECTORY", str(directory))
    else:
        directory = Path.cwd()  # Whoever has removed it wants none: the daemon lives without.
    os.chdir(Path(configuration.path).parent if configuration.path else directory)


def _open_streams() -> None:
    """Let the numbers of standard streams, which a service has none of, lead nowhere."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _data_directory(name: str) -> Path:
    """Return where a service keeps what outlives it; `install` makes it."""
    return Path(SYSTEM_DIRECTORIES[0], name)
