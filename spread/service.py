"""Service types, message bits and numeric codes of the client protocol.

The values are those of the Spread Toolkit's client protocol (client protocol page of the
documentation, "Type bits" and "Codes"). `Service`, `Cause`, `MembershipKind` and `Code` are the
typed forms that this package uses; the flat constants with the historical names are what C and
old Python programs know.
"""

from enum import Enum, IntEnum, IntFlag
from typing import Final

__all__ = [
    "ACCEPT_SESSION",
    "AGREED_MESS",
    "BUFFER_TOO_SHORT",
    "CAUSAL_MESS",
    "CAUSED_BY_DISCONNECT",
    "CAUSED_BY_JOIN",
    "CAUSED_BY_LEAVE",
    "CAUSED_BY_NETWORK",
    "CONNECTION_CLOSED",
    "COULD_NOT_CONNECT",
    "DEFAULT_BUFFER_SIZE",
    "DEFAULT_GROUPS_SIZE",
    "DEFAULT_SPREAD_PORT",
    "DROP_RECV",
    "ENDIAN_RESERVED",
    "FIFO_MESS",
    "GROUPS_TOO_SHORT",
    "HIGH_PRIORITY",
    "ILLEGAL_GROUP",
    "ILLEGAL_MESSAGE",
    "ILLEGAL_SERVICE",
    "ILLEGAL_SESSION",
    "ILLEGAL_SPREAD",
    "JOIN_MESS",
    "KILL_MESS",
    "LEAVE_MESS",
    "LOW_PRIORITY",
    "MAX_GROUP_NAME",
    "MAX_PRIVATE_NAME",
    "MAX_PROC_NAME",
    "MEDIUM_PRIORITY",
    "MEMBERSHIP_MESS",
    "MESSAGE_TOO_LONG",
    "REGULAR_MESS",
    "REG_MEMB_MESS",
    "REJECT_AUTH",
    "REJECT_ILLEGAL_NAME",
    "REJECT_MESS",
    "REJECT_NOT_UNIQUE",
    "REJECT_NO_NAME",
    "REJECT_QUOTA",
    "REJECT_VERSION",
    "RELIABLE_MESS",
    "RESERVED",
    "SAFE_MESS",
    "SELF_DISCARD",
    "SPREAD_VERSION",
    "TRANSITION_MESS",
    "UNRELIABLE_MESS",
    "Cause",
    "Code",
    "MembershipKind",
    "Service",
    "version",
]


class Service(IntFlag):
    """Delivery service of a data message; exactly one of the six, with or without SELF_DISCARD."""

    UNRELIABLE = 0x01
    RELIABLE = 0x02
    FIFO = 0x04
    CAUSAL = 0x08
    AGREED = 0x10
    SAFE = 0x20
    SELF_DISCARD = 0x40


class Cause(IntEnum):
    """Why a view of a group came about."""

    JOIN = 0x100
    LEAVE = 0x200
    DISCONNECT = 0x400
    NETWORK = 0x800


class MembershipKind(Enum):
    """What a membership message says about its group."""

    VIEW = "view"
    """The group has these members from here on."""

    TRANSITIONAL = "transitional"
    """Members were lost; up to the next view only those that stay together agree."""

    SELF_LEFT = "self-left"
    """This session is out of the group; nothing more of the group follows."""


class Code(IntEnum):
    """Result codes of the protocol and of the classic client library."""

    ACCEPT_SESSION = 1
    ILLEGAL_SPREAD = -1
    COULD_NOT_CONNECT = -2
    REJECT_QUOTA = -3
    REJECT_NO_NAME = -4
    REJECT_ILLEGAL_NAME = -5
    REJECT_NOT_UNIQUE = -6
    REJECT_VERSION = -7
    CONNECTION_CLOSED = -8
    REJECT_AUTH = -9
    ILLEGAL_SESSION = -11
    ILLEGAL_SERVICE = -12
    ILLEGAL_MESSAGE = -13
    ILLEGAL_GROUP = -14
    BUFFER_TOO_SHORT = -15
    GROUPS_TOO_SHORT = -16
    MESSAGE_TOO_LONG = -17
    NET_ERROR_ON_SESSION = -18
    SP_BUG = -19


ACCEPT_SESSION: Final = int(Code.ACCEPT_SESSION)
ILLEGAL_SPREAD: Final = int(Code.ILLEGAL_SPREAD)
COULD_NOT_CONNECT: Final = int(Code.COULD_NOT_CONNECT)
REJECT_QUOTA: Final = int(Code.REJECT_QUOTA)
REJECT_NO_NAME: Final = int(Code.REJECT_NO_NAME)
REJECT_ILLEGAL_NAME: Final = int(Code.REJECT_ILLEGAL_NAME)
REJECT_NOT_UNIQUE: Final = int(Code.REJECT_NOT_UNIQUE)
REJECT_VERSION: Final = int(Code.REJECT_VERSION)
CONNECTION_CLOSED: Final = int(Code.CONNECTION_CLOSED)
REJECT_AUTH: Final = int(Code.REJECT_AUTH)
ILLEGAL_SESSION: Final = int(Code.ILLEGAL_SESSION)
ILLEGAL_SERVICE: Final = int(Code.ILLEGAL_SERVICE)
ILLEGAL_MESSAGE: Final = int(Code.ILLEGAL_MESSAGE)
ILLEGAL_GROUP: Final = int(Code.ILLEGAL_GROUP)
BUFFER_TOO_SHORT: Final = int(Code.BUFFER_TOO_SHORT)
GROUPS_TOO_SHORT: Final = int(Code.GROUPS_TOO_SHORT)
MESSAGE_TOO_LONG: Final = int(Code.MESSAGE_TOO_LONG)

LOW_PRIORITY: Final = 0
MEDIUM_PRIORITY: Final = 1
HIGH_PRIORITY: Final = 2

DEFAULT_SPREAD_PORT: Final = 4803
SPREAD_VERSION: Final = 0x04040000

# Sizes of the classic library, in bytes with the final NUL where names are meant.
MAX_GROUP_NAME: Final = 32
MAX_PRIVATE_NAME: Final = 10
MAX_PROC_NAME: Final = 20

# First buffer sizes of the historical Python module; nothing here depends on them.
DEFAULT_BUFFER_SIZE: Final = 10000
DEFAULT_GROUPS_SIZE: Final = 10

UNRELIABLE_MESS: Final = 0x00000001
RELIABLE_MESS: Final = 0x00000002
FIFO_MESS: Final = 0x00000004
CAUSAL_MESS: Final = 0x00000008
AGREED_MESS: Final = 0x00000010
SAFE_MESS: Final = 0x00000020
REGULAR_MESS: Final = 0x0000003F
SELF_DISCARD: Final = 0x00000040
ENDIAN_RESERVED: Final = 0x80000080
CAUSED_BY_JOIN: Final = 0x00000100
CAUSED_BY_LEAVE: Final = 0x00000200
CAUSED_BY_DISCONNECT: Final = 0x00000400
CAUSED_BY_NETWORK: Final = 0x00000800
REG_MEMB_MESS: Final = 0x00001000
TRANSITION_MESS: Final = 0x00002000
MEMBERSHIP_MESS: Final = 0x00003F00
JOIN_MESS: Final = 0x00010000
LEAVE_MESS: Final = 0x00020000
KILL_MESS: Final = 0x00040000
RESERVED: Final = 0x003FC000
REJECT_MESS: Final = 0x00400000
DROP_RECV: Final = 0x01000000


def version() -> tuple[int, int, int]:
    """Return major, minor and patch number of the client protocol, as the classic library does.

    >>> import spread
    >>> spread.version()
    (4, 4, 0)
    """
    return SPREAD_VERSION >> 24, SPREAD_VERSION >> 16 & 0xFF, SPREAD_VERSION >> 8 & 0xFF
