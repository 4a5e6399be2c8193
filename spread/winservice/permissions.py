"""Who may do what with a directory or file: written, and judged, in the notation of Windows (SDDL).

    O:BA  G:SY  D:P(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;LS)
    owner group protected list: kind; what inherits it; rights; ; ; whose

Decided from what is handed in, without asking the system, so that it is the same everywhere.
"""

import re
from collections.abc import Iterator
from typing import Final

__all__ = [
    "READ",
    "WRITE",
    "descriptor_of",
    "grants_writing",
    "letters_of",
    "remedy",
    "strangers",
]

READ: Final = 0x1200A9
"""To read, and to look through directories."""

WRITE: Final = 0x1301BF
"""To read, to change and to remove, but not to say who else may."""

_CHANGES: Final = 0x500D_0156
"""Bits of rights to write, append, remove, set attributes, permissions and owner, and generic ones.

Of these READ has none.
"""

_CHANGES_BY_LETTERS: Final = frozenset(
    ["GA", "GW", "SD", "WD", "WO", "FA", "FW", "DC", "LC", "RP", "DT", "CR"]
)
"""The same in letters."""

_INSTALLER: Final = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

_TRUSTED: Final = frozenset(["SY", "BA", "LA", "DA", "EA", "CO", "OW", "S-1-3-4", _INSTALLER])
"""The system, its administrators and its installer; "the creator" is one who may create."""

_NAMES: Final = {
    "WD": "Everyone",
    "BU": "Users",
    "AU": "Authenticated Users",
    "IU": "whoever is logged on",
    "LS": "LocalService",
    "NS": "NetworkService",
}

_NUMBERS: Final = {"SY": "S-1-5-18", "LS": "S-1-5-19", "NS": "S-1-5-20"}
"""Accounts of the system that a service may have; the notation has letters for them."""

_OWNER: Final = re.compile(r"O:(S-[0-9-]+|[A-Z]{2})")
_LIST: Final = re.compile(r"D:[A-Z]*((?:\([^()]*\))+)")
_ENTRY: Final = re.compile(r"\(A;[^;]*;([^;]*);[^;]*;[^;]*;([^;)]*)\)")


def letters_of(sid: str) -> str:
    """Return a SID as the notation has it: in letters if it is an account of the system."""
    return {number: letters for letters, number in _NUMBERS.items()}.get(sid, sid)


def descriptor_of(account: str, rights: int) -> str:
    """Return the permissions of a directory that one account, a SID, has `rights` for.

    Administrators and the system have all of them; what the directory above allows does not count.
    """
    entries = ["(A;OICI;FA;;;SY)", "(A;OICI;FA;;;BA)"]
    if account != "SY":
        entries.append(f"(A;OICI;{rights:#x};;;{account})")
    return "O:BAG:SYD:P" + "".join(entries)


def strangers(descriptor: str, account: str | None = None) -> tuple[str, ...]:
    """Return who owns or may change something, beside administrators, the system and `account`."""
    owner = _OWNER.search(descriptor)
    suspects = [owner[1]] if owner else []
    if _LIST.search(descriptor) is None and "D:P" not in descriptor:
        suspects.append("WD")  # Without a list everybody may do everything.
    suspects += [whose for rights, whose in _entries(descriptor) if _is_change(rights)]
    found = [each for each in dict.fromkeys(suspects) if each not in _TRUSTED and each != account]
    return tuple(_NAMES.get(each, each) for each in found)


def grants_writing(descriptor: str, account: str) -> bool:
    """Tell whether an entry of its own lets an account, a SID, change something."""
    return account == "SY" or any(
        whose == account and _is_change(rights) for rights, whose in _entries(descriptor)
    )


def remedy(place: str, account: str, rights: int) -> str:
    """Return the command after which only administrators, the system and an account get there."""
    letters = "M" if rights == WRITE else "RX"
    grants = ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F"]
    if account != "SY":
        grants.append(f"*{_NUMBERS.get(account, account)}:(OI)(CI){letters}")
    quoted = " ".join(f'"{each}"' for each in grants)
    owner = f'icacls "{place}" /setowner "*S-1-5-32-544"'
    return f'{owner}, then icacls "{place}" /inheritance:r /grant:r {quoted}'


def _entries(descriptor: str) -> Iterator[tuple[str, str]]:
    found = _LIST.search(descriptor)
    for entry in _ENTRY.finditer(found[1] if found else ""):
        yield entry[1], entry[2]


def _is_change(rights: str) -> bool:
    if rights.startswith("0x"):
        return int(rights, 16) & _CHANGES != 0
    pairs = {rights[place : place + 2] for place in range(0, len(rights), 2)}
    return not pairs.isdisjoint(_CHANGES_BY_LETTERS)
