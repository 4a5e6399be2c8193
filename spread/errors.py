"""Exceptions of the package, by who is to blame.

    SpreadError                      (`spread.error` to old programs)
     +-- MisuseError                 the caller's fault
     |    +-- AddressError               no such form of daemon address      ILLEGAL_SPREAD
     |    +-- GroupNameError             not a usable group name             ILLEGAL_GROUP
     |    +-- ServiceError               not exactly one service             ILLEGAL_SERVICE
     |    +-- MessageTooLongError        more than the daemon takes          MESSAGE_TOO_LONG
     |    +-- ArgumentError              a value of the wrong kind
     |    +-- MailboxClosedError         call on a disconnected mailbox      ILLEGAL_SESSION
     +-- PeerError                   the other side sent nonsense, refused, or went away
     |    +-- ConnectError               the daemon was not reached          COULD_NOT_CONNECT
     |    |    +-- ConnectTimeoutError      ... in the time given
     |    +-- SessionRejectedError       the daemon refused the session      its reject code
     |    |    +-- NameNotUniqueError       the private name is in use       REJECT_NOT_UNIQUE
     |    |    +-- AuthenticationError      no method passed                 REJECT_AUTH
     |    |    +-- VersionError             one side is too old              REJECT_VERSION
     |    +-- SessionClosedError         an open session has ended           CONNECTION_CLOSED
     |    |    +-- SessionInterruptedError  ... and is being re-established  NET_ERROR_ON_SESSION
     |    +-- ProtocolError              the daemon sent nonsense            ILLEGAL_MESSAGE
     |    +-- MessageRejectedError       the daemon refused one message      ILLEGAL_MESSAGE
     |    +-- ReceiveTimeoutError        nothing arrived in the time given
     +-- ConfigurationError          the operator's file or start-up request

Anything else that escapes from this package is a defect of this package.

An exception with a numeric code of the classic library has `args == (code, text)`, as the
historical Python module had it, and the code in `.code`; one without has `args == (text,)`.
"""

from typing import TYPE_CHECKING

from spread.service import Code

if TYPE_CHECKING:
    from spread._message_types import Message
    from spread.client.closure import Closure

__all__ = [
    "AddressError",
    "ArgumentError",
    "AuthenticationError",
    "ConfigurationError",
    "ConnectError",
    "ConnectTimeoutError",
    "GroupNameError",
    "MailboxClosedError",
    "MessageRejectedError",
    "MessageTooLongError",
    "MisuseError",
    "NameNotUniqueError",
    "PeerError",
    "ProtocolError",
    "ReceiveTimeoutError",
    "ServiceError",
    "SessionClosedError",
    "SessionInterruptedError",
    "SessionRejectedError",
    "SpreadError",
    "VersionError",
]


class SpreadError(Exception):
    """Root of every exception that this package raises on purpose."""

    code: int | None = None
    """Numeric code of the classic library, a `Code` if known; None where it has none."""

    def __init__(self, text: str, code: int | None = None) -> None:
        if code is not None:
            self.code = code
        self.text = text
        """The sentence for people, without the code."""
        if self.code is None:
            super().__init__(text)
        else:
            super().__init__(int(self.code), text)

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type["SpreadError"], tuple[str, int | None], dict[str, object]]:
        # `args` is not what the constructor takes.
        return type(self), (self.text, self.code), self.__dict__


class MisuseError(SpreadError):
    """The caller asked for something that cannot be done."""


class AddressError(MisuseError):
    """A daemon address has none of the known forms, or its host name has no address."""

    code = Code.ILLEGAL_SPREAD


class GroupNameError(MisuseError):
    """A group name is empty, too long, or has characters that group names must not have."""

    code = Code.ILLEGAL_GROUP


class ServiceError(MisuseError, ValueError):
    """A service type is not exactly one of the six services, with or without SELF_DISCARD."""

    code = Code.ILLEGAL_SERVICE


class MessageTooLongError(MisuseError):
    """A message has more bytes or groups than the connected daemon takes."""

    code = Code.MESSAGE_TOO_LONG


class ArgumentError(MisuseError, ValueError, TypeError):
    """An argument is of the wrong kind; a ValueError and a TypeError to old programs."""


class MailboxClosedError(MisuseError):
    """A call on a mailbox that is disconnected; `args` is the text alone, as it always was."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = Code.ILLEGAL_SESSION if code is None else code


class PeerError(SpreadError):
    """The other side sent nonsense, refused the request, or went away."""


class ConnectError(PeerError):
    """The daemon could not be reached."""

    code = Code.COULD_NOT_CONNECT


class ConnectTimeoutError(ConnectError, TimeoutError):
    """Connecting took longer than the caller allowed."""


class SessionRejectedError(PeerError):
    """The daemon refused the session; `code` says why."""

    code = Code.REJECT_QUOTA


class NameNotUniqueError(SessionRejectedError):
    """The private name is in use at this daemon; after a disconnect it may be for a moment."""

    code = Code.REJECT_NOT_UNIQUE


class AuthenticationError(SessionRejectedError):
    """No offered authentication method passed."""

    code = Code.REJECT_AUTH


class VersionError(SessionRejectedError):
    """Client and daemon do not understand each other's protocol version."""

    code = Code.REJECT_VERSION


class SessionClosedError(PeerError):
    """An open session has ended without this side's request."""

    code = Code.CONNECTION_CLOSED

    closure: "Closure | None" = None
    """What this side saw of the end; the protocol itself has no field for a reason."""


class SessionInterruptedError(SessionClosedError):
    """The session is gone and is being re-established; nothing can be sent meanwhile."""

    code = Code.NET_ERROR_ON_SESSION


class ProtocolError(PeerError):
    """The daemon sent something that is not the client protocol."""

    code = Code.ILLEGAL_MESSAGE


class MessageRejectedError(PeerError):
    """The daemon's access policy refused one message of this session; the session goes on."""

    code = Code.ILLEGAL_MESSAGE

    message: "Message | None" = None
    """The refused message as the daemon returned it; its list of groups ends with the sender."""


class ReceiveTimeoutError(PeerError, TimeoutError):
    """Nothing arrived within the time that the caller allowed; the session goes on."""


class ConfigurationError(SpreadError):
    """The configuration cannot be used as it stands."""

    exit_status: int = 1
    """Exit status of a program that cannot go on because of it."""
