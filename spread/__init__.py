"""Reliable ordered group messaging: Python client of `spread` daemons and of classic ones.

>>> import spread
>>> with spread.connect("4803@localhost", "me") as mailbox:
...     mailbox.join("chat")
...     mailbox.multicast(spread.AGREED_MESS, "chat", "hello")
...     for message in mailbox:
...         if isinstance(message, spread.Message):
...             print(message.sender, message.payload)
...             break
5
#me#localhost b'hello'

`spread.aio` is the asyncio twin. Programs written for the historical module `spread` run as they
are: its names are here, too.
"""

from typing import TYPE_CHECKING

from spread._message_types import GroupId, Membership, Message
from spread.client.auth import AuthMethod, IPAuth, NullAuth, PasswordAuth
from spread.client.closure import Closure
from spread.client.mailbox import Mailbox, connect
from spread.client.requests import Limits
from spread.errors import (
    AddressError,
    ArgumentError,
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    ConnectTimeoutError,
    GroupNameError,
    MailboxClosedError,
    MessageRejectedError,
    MessageTooLongError,
    MisuseError,
    NameNotUniqueError,
    PeerError,
    ProtocolError,
    ReceiveTimeoutError,
    ServiceError,
    SessionClosedError,
    SessionInterruptedError,
    SessionRejectedError,
    SpreadError,
    VersionError,
)
from spread.service import (
    ACCEPT_SESSION,
    AGREED_MESS,
    BUFFER_TOO_SHORT,
    CAUSAL_MESS,
    CAUSED_BY_DISCONNECT,
    CAUSED_BY_JOIN,
    CAUSED_BY_LEAVE,
    CAUSED_BY_NETWORK,
    CONNECTION_CLOSED,
    COULD_NOT_CONNECT,
    DEFAULT_BUFFER_SIZE,
    DEFAULT_GROUPS_SIZE,
    DEFAULT_SPREAD_PORT,
    DROP_RECV,
    ENDIAN_RESERVED,
    FIFO_MESS,
    GROUPS_TOO_SHORT,
    HIGH_PRIORITY,
    ILLEGAL_GROUP,
    ILLEGAL_MESSAGE,
    ILLEGAL_SERVICE,
    ILLEGAL_SESSION,
    ILLEGAL_SPREAD,
    JOIN_MESS,
    KILL_MESS,
    LEAVE_MESS,
    LOW_PRIORITY,
    MAX_GROUP_NAME,
    MAX_PRIVATE_NAME,
    MAX_PROC_NAME,
    MEDIUM_PRIORITY,
    MEMBERSHIP_MESS,
    MESSAGE_TOO_LONG,
    REG_MEMB_MESS,
    REGULAR_MESS,
    REJECT_AUTH,
    REJECT_ILLEGAL_NAME,
    REJECT_MESS,
    REJECT_NO_NAME,
    REJECT_NOT_UNIQUE,
    REJECT_QUOTA,
    REJECT_VERSION,
    RELIABLE_MESS,
    RESERVED,
    SAFE_MESS,
    SELF_DISCARD,
    SPREAD_VERSION,
    TRANSITION_MESS,
    UNRELIABLE_MESS,
    Cause,
    Code,
    MembershipKind,
    Service,
    version,
)

if TYPE_CHECKING:
    from types import ModuleType

    from spread import aio

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
    "AddressError",
    "ArgumentError",
    "AuthMethod",
    "AuthenticationError",
    "Cause",
    "Closure",
    "Code",
    "ConfigurationError",
    "ConnectError",
    "ConnectTimeoutError",
    "GroupId",
    "GroupNameError",
    "IPAuth",
    "Limits",
    "Mailbox",
    "MailboxClosedError",
    "MailboxType",
    "Membership",
    "MembershipKind",
    "MembershipMsgType",
    "Message",
    "MessageRejectedError",
    "MessageTooLongError",
    "MisuseError",
    "NameNotUniqueError",
    "NullAuth",
    "PasswordAuth",
    "PeerError",
    "ProtocolError",
    "ReceiveTimeoutError",
    "RegularMsgType",
    "Service",
    "ServiceError",
    "SessionClosedError",
    "SessionInterruptedError",
    "SessionRejectedError",
    "SpreadError",
    "VersionError",
    "aio",
    "connect",
    "error",
    "version",
]

# Names of the historical module.
error = SpreadError
MailboxType = Mailbox
RegularMsgType = Message
MembershipMsgType = Membership


def __getattr__(name: str) -> "ModuleType":
    """Load `spread.aio` at first use: asyncio alone takes longer than all the rest."""
    if name == "aio":
        import spread.aio

        return spread.aio
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
