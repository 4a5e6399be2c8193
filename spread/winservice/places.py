"""The directories of a service: made so that nobody else can change what it does, and looked at.

directory                 whose                    the account of the service
%PROGRAMDATA%\\spread       administrators, system   reads: spread.conf, access files
%PROGRAMDATA%\\spread\\NAME  administrators, system   changes: state, log
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from spread.errors import ConfigurationError
from spread.winservice.permissions import (
    READ,
    WRITE,
    descriptor_of,
    grants_writing,
    letters_of,
    remedy,
    strangers,
)
from spread.winservice.registration import ACCOUNT_DEFAULT, NETWORK_ACCOUNT, SYSTEM_ACCOUNT

assert sys.platform == "win32"

from spread.winservice.descriptors import (  # noqa: E402 - unknown to checkers elsewhere.
    make_directory,
    permissions_of,
    sid_of,
)

__all__ = ["make_places", "warnings_about"]

_LETTERS = {ACCOUNT_DEFAULT: "LS", NETWORK_ACCOUNT: "NS", SYSTEM_ACCOUNT: "SY"}
"""Names that the service manager takes in every language of Windows, and others need not."""


def make_places(common: Path, own: Path, account: str) -> tuple[str, ...]:
    """Make the directory of all services and that of one; return what is doubtful about them.

    Raise ConfigurationError if they cannot be made.
    """
    try:
        sid = _LETTERS.get(account) or letters_of(sid_of(account))
    except OSError as error:
        raise ConfigurationError(
            f"account {account} cannot be found: {(error.strerror or '').rstrip('.')}"
        ) from error
    try:
        return (*_make(common, sid, READ), *_make(own, sid, WRITE))
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename} cannot be prepared for the service: "
            f"{(error.strerror or '').rstrip('.')}; run this as administrator"
        ) from error


def warnings_about(places: Sequence[str]) -> tuple[str, ...]:
    """Return who may change what the service runs and reads, and should not."""
    advice = r"keep it where only administrators may write, such as C:\Program Files"
    found = [(place, _strangers(Path(place))) for place in places if Path(place).parents]
    return tuple(_told(place, who, advice) for place, who in found if who)


def _make(place: Path, sid: str, rights: int) -> tuple[str, ...]:
    if make_directory(place, descriptor_of(sid, rights)):
        return ()
    if not place.is_dir():
        raise ConfigurationError(
            f"{place} is a file, and the service needs a directory there; move it away, or choose "
            "another name for the service: --name NAME"
        )
    advice = remedy(str(place), sid, rights)
    if who := _strangers(place, sid if rights == WRITE else None):
        return (_told(str(place), who, advice),)
    if rights == WRITE and not grants_writing(permissions_of(place), sid):
        return (f"the service may not write into {place}; {advice}",)
    return ()


def _strangers(place: Path, account: str | None = None) -> tuple[str, ...]:
    try:
        return strangers(permissions_of(place), account)
    except OSError as error:
        return (f"somebody unknown ({(error.strerror or '').rstrip('.')})",)


def _told(place: str, who: Sequence[str], advice: str) -> str:
    return f"{place} may be changed by {', '.join(who)}, who then rules the service; {advice}"
