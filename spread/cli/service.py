"""`spread service`: the daemon as a service of Windows. See `service_arguments` for the words.

Exit status: 0 done; 1 the service manager has refused, or the configuration is wrong; 2
configuration file missing; 64 usage, or a system that is not Windows. `start` of a daemon that ends
at once returns the daemon's status.
"""

import sys
from typing import Final

from spread.cli.service_arguments import COMMANDS, EXIT_USAGE, RUN, Daemon, ServiceCommand

__all__ = ["NOT_HERE", "carry_out"]

NOT_HERE: Final = """\
spread service: services of this kind are those of Windows. Here the system's own service manager
starts the daemon: with systemd, copy packaging/spread.service of the source distribution to
/etc/systemd/system/, then "systemctl enable --now spread"; with another one, let it run
"spread -c /etc/spread.conf", which stays in the foreground, and stop it with SIGTERM.
"""


def carry_out(command: ServiceCommand, daemon: Daemon) -> int:
    """Carry out a command; returns the exit status. Raises ConfigurationError."""
    if command.word not in (*COMMANDS, RUN):
        return _usage(command.word)
    if sys.platform == "win32":
        from spread.cli import service_windows

        return service_windows.carry_out(command, daemon)
    else:  # noqa: RET505 - checkers of types know what a platform has by its branch.
        if {"-h", "--help"} & set(command.arguments):
            return _usage("-h")
        sys.stderr.write(NOT_HERE)
        return EXIT_USAGE


def _usage(word: str) -> int:
    lines = [f"  {name:8} {text}" for name, text in COMMANDS.items()]
    text = "\n".join(
        [
            f"usage: spread service {{{','.join(COMMANDS)}}} ...",
            "",
            "The daemon as a service of Windows; spread service COMMAND -h tells more.",
            "",
            *lines,
            "",
        ]
    )
    is_asked_for = word in ("-h", "--help")
    (sys.stdout if is_asked_for else sys.stderr).write(text)
    return 0 if is_asked_for else EXIT_USAGE
