"""Giving up root: which user, group and root directory the daemon ends up with, and the change.

`plan` decides, from the options and from what the system knows of users and groups, without
touching anything; `apply` does it. What the options name is obeyed or the start fails. What they
leave open is user and group `spread` if the system has them, else `nobody`, with a warning; the
root directory changes only if the options name one. A daemon that was not started by root stays
what it is, and the options are not looked at.

The order of the calls: modules that are still to be loaded, while they can be; into the directory
while root may still enter it, root directory, then the groups while root may still change them, the
user last, for good.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import NamedTuple

from spread import system
from spread.config.model import Options
from spread.errors import ConfigurationError

__all__ = ["Identity", "Notice", "Plan", "PrivilegeError", "apply", "plan"]

DEFAULT_NAME = "spread"
FALLBACK_USERS = ("nobody",)
FALLBACK_GROUPS = ("nobody", "nogroup")  # Debian and its kin call it by the second name.

Find = Callable[[str], int | None]


class PrivilegeError(ConfigurationError):
    """The daemon cannot become the user, or get the root directory, that it is to have."""

    exit_status = 4


class Notice(NamedTuple):
    """Something to tell the operator: the wording of an event of type SECURITY, and its fields."""

    wording: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whether we are root, and the numbers of users and groups, `None` for an unknown name."""

    is_root: bool
    find_user: Find
    find_group: Find

    @classmethod
    def current(cls) -> "Identity":
        """Return the identity of this process. Systems without user numbers have no root either."""
        return cls(system.is_root(), system.user_number, system.group_number)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to change: nothing if there is no `change`. The notices are warnings."""

    change: "Change | None"
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The user and group to become, by name and number, and the root directory, if any."""

    user: str
    user_id: int
    group: str
    group_id: int
    root_directory: str | None


def plan(options: Options, identity: Identity) -> Plan:
    """Return what to do. Raise `PrivilegeError` for a user or group that the system lacks."""
    if not identity.is_root:
        if "DaemonUser" in system.MEANINGLESS_OPTIONS:
            return Plan(None)
        notice = Notice("not started by root, user and root directory stay as they are", {})
        return Plan(None, (notice,))
    user, user_id, user_notices = _choose(
        "user", options.daemon_user, identity.find_user, FALLBACK_USERS
    )
    group, group_id, group_notices = _choose(
        "group", options.daemon_group, identity.find_group, FALLBACK_GROUPS
    )
    change = Change(user, user_id, group, group_id, options.runtime_dir)
    return Plan(change, user_notices + group_notices)


def apply(plan: Plan) -> None:
    """Make it so; there is no way back. Raise `PrivilegeError` about the call that failed."""
    change = plan.change
    if change is None:
        return
    _load_postponed()
    if change.root_directory is not None:
        try:
            system.change_root(change.root_directory)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise PrivilegeError(
                f'RuntimeDir "{change.root_directory}" cannot become the root directory: '
                f"{reason}; create it, or remove RuntimeDir to stay in the present one"
            ) from error
    try:
        system.change_group(change.group_id)
        system.change_user(change.user_id)
    except OSError as error:
        raise PrivilegeError(
            f'cannot become user "{change.user}" ({change.user_id}), '
            f'group "{change.group}" ({change.group_id}): {error.strerror}; '
            "the daemon needs the capabilities CAP_SETUID and CAP_SETGID for that"
        ) from error
    _check(change)


def _load_postponed() -> None:
    """Load what modules import when they first use it (from Python 3.15 on).

    Where it lies is out of reach beyond another root directory, and may be for another user.
    """
    postponed: set[str] = getattr(sys, "lazy_modules", set())
    loaded: set[str] = set()
    while waiting := postponed - loaded:
        loaded |= waiting
        for name in sorted(waiting):
            with suppress(ImportError):  # Names within modules stand among those of modules.
                import_module(name)


def _choose(
    kind: str, name: str | None, find: Find, fallbacks: tuple[str, ...]
) -> tuple[str, int, tuple[Notice, ...]]:
    option = f"Daemon{kind.capitalize()}"
    for candidate in (name,) if name is not None else (DEFAULT_NAME, *fallbacks):
        number = find(candidate)
        if number is not None:
            return candidate, number, tuple(_notices(kind, option, candidate, name, number))
    if name is not None:
        raise PrivilegeError(
            f'{option} = "{name}": this system has no such {kind}; create it or name another one'
        )
    raise PrivilegeError(
        f"this system has none of the {kind}s {', '.join((DEFAULT_NAME, *fallbacks))}; "
        f"create the first one or name another one with {option}"
    )


def _notices(
    kind: str, option: str, chosen: str, asked: str | None, number: int
) -> Iterator[Notice]:
    if asked is None and chosen != DEFAULT_NAME:
        wording = f"no {kind} of our own, running as one that others may share"
        yield Notice(wording, {"missing": DEFAULT_NAME, "chosen": chosen, "option": option})
    if number == 0:
        yield Notice(f"the {kind} keeps the rights of root", {"chosen": chosen, "option": option})


def _check(change: Change) -> None:
    # A system that says yes and does nothing would leave the daemon running as root, unnoticed.
    user_ids, group_ids = system.identities()
    if user_ids != {change.user_id} or group_ids != {change.group_id}:
        raise PrivilegeError(
            f'asked to become user "{change.user}", group "{change.group}", the system made us '
            f"users {sorted(user_ids)}, groups {sorted(group_ids)}; start the daemon as that user"
        )
    if change.user_id != 0 and system.regain_root():
        raise PrivilegeError(
            f'user "{change.user}" can become root again in this environment; '
            "take the capability CAP_SETUID from it, or start the daemon as that user"
        )
