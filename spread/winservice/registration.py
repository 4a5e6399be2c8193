"""What a service is registered as: names, the command line that starts it, the account it has.

Decided from what is handed in, without asking the system, so that it is the same everywhere.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Final

from spread.errors import ConfigurationError

__all__ = [
    "ACCOUNT_DEFAULT",
    "DEFAULT_NAME",
    "DEPENDENCIES",
    "LASTING_STATUSES",
    "NETWORK_ACCOUNT",
    "RESET_S",
    "RESTART_DELAYS_S",
    "RUN_FLAG",
    "STARTS",
    "SYSTEM_ACCOUNT",
    "Registration",
    "account_name",
    "check_account",
    "check_name",
    "check_new_name",
    "command_line",
    "has_password",
    "is_worth_a_start",
    "list_of_names",
    "name_option",
]

DEFAULT_NAME: Final = "spread"
RUN_FLAG: Final = "--service"
"""First argument of a daemon that the service manager starts."""

STARTS: Final = ("auto", "delayed", "manual")
"""When a service is started: with the system, a little later, or when somebody asks for it."""

ACCOUNT_DEFAULT: Final = r"NT AUTHORITY\LocalService"
"""May nearly nothing: a daemon needs its ports, its configuration, and a place for its log."""

NETWORK_ACCOUNT: Final = r"NT AUTHORITY\NetworkService"
SYSTEM_ACCOUNT: Final = "LocalSystem"

DEPENDENCIES: Final = ("Tcpip",)
"""Services that have to run before the daemon."""

RESTART_DELAYS_S: Final = (5, 10, 20, 40, *(60,) * 16)
"""Before each start after a failure; then it stays stopped, until somebody starts it.

An address or a port may come late, with the network: twenty attempts take seventeen minutes. A
defect that ends each daemon at once must not be tried for ever.
"""

LASTING_STATUSES: Final = frozenset({1, 2, 4, 64})
"""Exit statuses of a daemon whose file, rights or command line are wrong, until somebody acts."""

RESET_S: Final = 900
"""A service that ran so long without a failure has all its starts again; longer than a delay."""

_NAME: Final = re.compile(r"[A-Za-z0-9._ -]{1,80}")
_NO_DIRECTORY: Final = re.compile(r"(con|nul|prn|aux|(com|lpt)[0-9])(\..*)?|.*\.", re.IGNORECASE)
"""What Windows makes no directory of, or one with another name; a service has one of its own."""

_FILES_OF_ALL: Final = frozenset({"spread.conf", "spread.access_ip", "spread.access_pword"})
"""What daemons look for where the directories of services are."""

_SYSTEM_ACCOUNTS: Final = {
    "localservice": ACCOUNT_DEFAULT,
    "networkservice": NETWORK_ACCOUNT,
    "localsystem": SYSTEM_ACCOUNT,
    ".\\localsystem": SYSTEM_ACCOUNT,
    "system": SYSTEM_ACCOUNT,
}
"""By what Windows calls them, in small letters and without blanks."""
_AUTHORITY: Final = "ntauthority\\"


@dataclass(frozen=True, slots=True)
class Registration:
    """A service as the manager is to know it."""

    name: str
    command: str
    start: str = "auto"
    account: str = ACCOUNT_DEFAULT
    password: str | None = None

    @property
    def display_name(self) -> str:
        """Return what lists of services show."""
        return "Spread Service" if self.name == DEFAULT_NAME else f"Spread Service ({self.name})"

    @property
    def description(self) -> str:
        """Return what the service is for, in a sentence."""
        return "Daemon of a group messaging ring; clients of the Spread Toolkit connect to it."


def check_name(name: str) -> str:
    """Return the name of a service. Raise ConfigurationError if no service can be called so."""
    if not _NAME.fullmatch(name) or name != name.strip() or _NO_DIRECTORY.fullmatch(name):
        raise ConfigurationError(
            f"a service cannot be called {name!r}; take up to 80 of A to Z, a to z, "
            "0 to 9, blank, dot, hyphen and underscore, no blank at either end, no dot at the end, "
            "and no name of a device such as con"
        )
    return name


def check_new_name(name: str) -> str:
    """Return the name of a service to be. Raise ConfigurationError if no directory can have it."""
    if name.lower() in _FILES_OF_ALL:
        raise ConfigurationError(
            f"a service cannot be called {name}: its directory would lie where daemons look for "
            "a file of that name; choose another name"
        )
    return check_name(name)


def name_option(name: str) -> str:
    """Return what commands about a service need to have behind them."""
    return "" if name == DEFAULT_NAME else " " + subprocess.list2cmdline(["--name", name])


def command_line(python: str, arguments: Sequence[str], *, is_isolated: bool = False) -> str:
    """Return the command line of the service: this Python, this package, the daemon's arguments.

    An isolated Python looks for modules only where it was installed: not in its working directory,
    not in what is the account's own, and not where PYTHONPATH says.

    Quoted as Windows takes it apart: a path with blanks and without quotes would be tried at each
    of its blanks, which lets others slip a program in.
    """
    isolated = ["-I"] if is_isolated else []
    quoted = subprocess.list2cmdline([*isolated, "-m", "spread", RUN_FLAG, *arguments])
    return f'"{python}" {quoted}'


def is_worth_a_start(status: int) -> bool:
    """Tell whether a daemon that has ended with this exit status may do better at another start."""
    return status != 0 and status not in LASTING_STATUSES


def list_of_names(names: Sequence[str]) -> str:
    """Return names as the manager takes a list: each ends with a zero, and so does the list."""
    return "".join(f"{name}\0" for name in names) + "\0"


def account_name(text: str) -> str:
    r"""Return an account as the manager knows it; the three of the system have several names.

    Such are `LocalService`, `local service` and `NT AUTHORITY\LOCAL SERVICE`.
    """
    short = text.lower().replace(" ", "").removeprefix(_AUTHORITY)
    return _SYSTEM_ACCOUNTS.get(short, text)


def has_password(account: str) -> bool:
    """Tell whether an account is a user's, who has a password; managed ones end with a dollar."""
    if account == SYSTEM_ACCOUNT or account.endswith("$"):
        return False
    return not account.lower().startswith(("nt authority\\", "nt service\\"))


def check_account(account: str, homes: str, places: Sequence[str]) -> None:
    """See that an account of the system may read what the daemon is made of.

    `homes` is the directory of all users' own directories, `places` are those of Python and of this
    package. Raise ConfigurationError if one of them is a user's own.
    """
    if not account.lower().startswith("nt authority\\"):
        return
    for place in map(PureWindowsPath, places):
        if place.is_relative_to(PureWindowsPath(homes)):
            raise ConfigurationError(
                f"{account} may not read {place}, which belongs to one user; install Python for "
                f"all users, or choose another account: --account {SYSTEM_ACCOUNT}, which may do "
                r"everything, or --account .\USER"
            )
