"""The monitor of a ring: `spmonitor [-p PORT] [-n NAME] [-t SECONDS] [-c FILE] [COMMAND ...]`.

Without a command, the interactive menu of Spread's monitor. A command is a module of this package
that is imported when it is used, see `spread.cli.monitoring`; the flags above may stand before or
behind its name.

Exit status: 0 done, and for `status` all daemons answered and agree; 1 they answered, and not all
is well, or a daemon did not do what it was told; 64 usage; 69 a daemon does not answer; 70 a defect
of this program; 74 the output cannot be written; 78 configuration wrong or missing; 130 Ctrl-C.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from spread.cli.command_line import Parser, run
from spread.cli.monitoring import add_ring_arguments
from spread.errors import ConfigurationError

__all__ = ["COMMANDS", "arguments", "main", "parser"]

EXIT_CONFIGURATION: Final = 78
NAME_SIZE_MAX: Final = 19

_STATUSES: Final = (
    "0 done and all is well, 1 daemons answered and not all is well, 64 usage, "
    "69 a daemon does not answer, 78 configuration wrong, 130 Ctrl-C"
)


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: what it is for, and the module that does it."""

    meaning: str
    module: str

    def load(self) -> ModuleType:
        """Import the module."""
        return importlib.import_module(self.module)


COMMANDS: Final = {
    "status": Command("show the daemons once", "spread.cli.monitor_status"),
    "watch": Command("show the daemons again and again", "spread.cli.monitor_watch"),
    "top": Command("watch the ring on the whole terminal", "spread.cli.monitor_top"),
    "web": Command("show the ring in a browser", "spread.cli.monitor_web"),
    "groups": Command("list groups and their members", "spread.cli.monitor_groups"),
    "sessions": Command("list the slowest sessions", "spread.cli.monitor_sessions"),
    "trace": Command("show what daemons recorded, as a timeline", "spread.cli.monitor_trace"),
    "reload": Command("let daemons read their files again", "spread.cli.monitor_reload"),
    "partition": Command("cut the ring into parts, for tests", "spread.cli.monitor_partition"),
    "heal": Command("undo a partition", "spread.cli.monitor_heal"),
    "flow": Command("set the windows of flow control", "spread.cli.monitor_flow"),
    "stop": Command("stop daemons in order", "spread.cli.monitor_stop"),
}
"""The subcommands in the order of the help; a module is imported when its command is used."""


def parser() -> Parser:
    """Return the parser of what stands before the command."""
    result = Parser("spmonitor", "See and steer the daemons of a ring", _STATUSES)
    result.formatter_class = argparse.RawDescriptionHelpFormatter
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {each.meaning}" for name, each in COMMANDS.items())
    result.epilog = (
        f"commands (spmonitor COMMAND -h shows more):\n{listed}\n\n"
        f"Without a command: the interactive menu.\n\nexit status: {_STATUSES}"
    )
    add_ring_arguments(result)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    given, module = arguments(sys.argv[1:] if argv is None else argv)
    return run("spmonitor", lambda: _run(module, given))


def arguments(argv: Sequence[str]) -> tuple[argparse.Namespace, ModuleType]:
    """Return what was given, and the module of the command; exits if it makes no sense."""
    top = parser()
    top.add_argument("command", nargs="?", metavar="COMMAND", help=argparse.SUPPRESS)
    top.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    top.usage = (
        "spmonitor [-h] [--version] [-p PORT] [-n NAME] [-t SECONDS]\n"
        "                 [-c FILE | --local [N] [--port PORT]] [COMMAND ...]"
    )
    given = top.parse_args(argv)
    name, rest = given.command, given.rest
    del given.command, given.rest
    if given.name is not None and len(os.fsencode(given.name)) > NAME_SIZE_MAX:
        top.error(f"-n {given.name}: a daemon's name has at most {NAME_SIZE_MAX} bytes")
    if name is None:
        return given, importlib.import_module("spread.cli.monitor_menu")
    if name not in COMMANDS:
        top.error(f"there is no command {name!r}; choose from {', '.join(COMMANDS)}")
    command = COMMANDS[name]
    module = command.load()
    below = Parser(f"spmonitor {name}", _capital(command.meaning), _STATUSES)
    add_ring_arguments(below)
    module.add_arguments(below)
    return below.parse_args(rest, given), module


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _run(module: ModuleType, given: argparse.Namespace) -> int:
    try:
        status = module.run(given)
    except ConfigurationError as error:
        print(f"spmonitor: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
