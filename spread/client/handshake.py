"""The dialogue that opens a session: connect request, method list, choice, accept.

Source: client protocol, section 2. The dialogue is a generator without I/O (see `auth.Dialogue`).

    request  ->               <- method list
    choice   ->  ... bytes of the chosen methods ...  <- accept
"""

from collections.abc import Sequence
from typing import NamedTuple

from spread.client.auth import AuthMethod, Dialogue, NullAuth
from spread.errors import (
    ArgumentError,
    AuthenticationError,
    NameNotUniqueError,
    ProtocolError,
    SessionRejectedError,
    VersionError,
)
from spread.service import MAX_PRIVATE_NAME, Code

__all__ = ["ConnectRequest", "Session", "handshake", "rejection"]

# The version that this client claims: the protocol level of Spread 4.4.0.
_VERSION = bytes((4, 4, 0))
_FLAG_MEMBERSHIP = 0x01
# Ours: "I take messages above the classic limit". Daemons that do not know the bit ignore it.
_FLAG_LARGE_MESSAGES = 0x02
_PRIORITY_SHIFT = 4

_METHOD_SLOT_SIZE = 30
_METHOD_SLOTS = 3
# The last slot stays empty: a classic daemon looks for an empty slot to find the end.
_METHODS_MAX = 2
_METHOD_LIST_SIZE_MAX = 90
_PRIVATE_GROUP_SIZE_MAX = 32

# Below 4.0 the body of membership messages has another layout.
_DAEMON_VERSION_MIN = (4, 0, 0)
# What a daemon of this package answers to a client that takes large messages.
# A daemon of this package tells its size limit in the place of the patch number: client protocol,
# section 2.7.
_OWN_DAEMON_VERSION = (5, 0)
_SIZE_UNIT = 64 * 1024
_SIZE_UNITS_ALL = 255
_SIZE_MIN = 143_952
_SIZE_MAX = 16 * 1024 * 1024


class ConnectRequest(NamedTuple):
    """What a client asks for when it opens a session."""

    name: bytes = b""
    """Private name, at most 10 bytes; empty: the daemon makes one up."""

    priority: int = 0
    membership: bool = True
    auth: tuple[AuthMethod, ...] = (NullAuth(),)
    takes_large_messages: bool = True

    def encode(self) -> bytes:
        """Return the connect request, which must be sent in one piece."""
        flags = min(max(self.priority, 0), 1) << _PRIORITY_SHIFT
        if self.membership:
            flags |= _FLAG_MEMBERSHIP
        if self.takes_large_messages:
            flags |= _FLAG_LARGE_MESSAGES
        return _VERSION + bytes((flags, len(self.name))) + self.name

    @classmethod
    def of(
        cls, name: str, priority: int, membership: bool, auth: Sequence[AuthMethod]
    ) -> "ConnectRequest":
        """Build a request from the arguments of `connect`.

        A name above 10 bytes is cut, as the classic library does. Raises ArgumentError for more
        than two methods or for a method name that does not fit its field.
        """
        if len(auth) > _METHODS_MAX:
            raise ArgumentError(f"{len(auth)} authentication methods; give at most {_METHODS_MAX}")
        for method in auth:
            if not 1 <= len(method.name) < _METHOD_SLOT_SIZE:
                raise ArgumentError(f"authentication method {method.name!r}: 1 to 29 bytes fit")
        return cls(
            name=name.encode("utf-8", "surrogateescape")[:MAX_PRIVATE_NAME],
            priority=priority,
            membership=membership,
            auth=tuple(auth) or (NullAuth(),),
        )


class Session(NamedTuple):
    """What the daemon granted."""

    private_group: bytes
    daemon_version: tuple[int, int, int]

    @property
    def message_size_max(self) -> int | None:
        """Bytes of groups and data that a daemon of this package takes; None for another one."""
        *version, units = self.daemon_version
        if tuple(version) != _OWN_DAEMON_VERSION:
            return None
        return _SIZE_MAX if units == _SIZE_UNITS_ALL else max(_SIZE_MIN, units * _SIZE_UNIT)


def handshake(request: ConnectRequest) -> Dialogue[Session]:
    """Open a session.

    Raises SessionRejectedError or a subclass when the daemon refuses, AuthenticationError when it
    does not offer a wanted method, ProtocolError when it does not speak the protocol.
    """
    yield request.encode()
    offered = yield from _method_list(request)
    _check_offered(request, offered)
    yield _method_choice(request)
    for method in request.auth:
        yield from method.dialogue()
    return (yield from _accept(request))


def _method_list(request: ConnectRequest) -> Dialogue[list[str]]:
    size = (yield 1)[0]
    if size >= 0x80:
        raise rejection(size - 0x100, request)
    if size > _METHOD_LIST_SIZE_MAX:
        raise ProtocolError(
            f"the other side announced a method list of {size} bytes, which no daemon does; "
            "is this the address of a Spread daemon?"
        )
    names = (yield size) if size else b""
    return names.decode("latin-1").split()


def _check_offered(request: ConnectRequest, offered: list[str]) -> None:
    for method in request.auth:
        if method.name not in offered:
            raise AuthenticationError(
                f"the daemon does not offer the authentication method {method.name}; "
                f"it offers {' '.join(offered) or 'none'}"
            )


def _method_choice(request: ConnectRequest) -> bytes:
    names = (method.name.encode("latin-1") for method in request.auth)
    slots = b"".join(name.ljust(_METHOD_SLOT_SIZE, b"\0") for name in names)
    return slots.ljust(_METHOD_SLOTS * _METHOD_SLOT_SIZE, b"\0")


def _accept(request: ConnectRequest) -> Dialogue[Session]:
    code = (yield 1)[0]
    if code >= 0x80:
        raise rejection(code - 0x100, request)
    if code != Code.ACCEPT_SESSION:
        raise ProtocolError(f"the daemon answered {code} where it accepts or rejects a session")
    major, minor, patch, size = yield 4
    if (major, minor, patch) < _DAEMON_VERSION_MIN:
        raise VersionError(
            f"the daemon has version {major}.{minor}.{patch}; this client needs 4.0.0 or later"
        )
    if not 1 <= size <= _PRIVATE_GROUP_SIZE_MAX:
        raise ProtocolError(f"the daemon assigned a private group of {size} bytes")
    private_group = yield size
    return Session(private_group, (major, minor, patch))


def rejection(code: int, request: ConnectRequest) -> SessionRejectedError:
    """Build the exception for a negative byte of the handshake."""
    name = request.name.decode("utf-8", "surrogateescape")
    match code:
        case Code.REJECT_NOT_UNIQUE:
            return NameNotUniqueError(
                f"the private name {name!r} is in use at the daemon; choose another, or try again "
                "in a moment if it was yours until now"
            )
        case Code.REJECT_AUTH:
            methods = " ".join(method.name for method in request.auth)
            return AuthenticationError(f"the daemon refused authentication by {methods}")
        case Code.REJECT_VERSION:
            return VersionError("the daemon refused the protocol version 4.4.0 of this client")
    texts: dict[int, str] = {
        Code.REJECT_QUOTA: "it has no free session; disconnect others or try again later",
        Code.REJECT_NO_NAME: "it wants a private name; give one",
        Code.REJECT_ILLEGAL_NAME: f"it does not take the private name {name!r}; use up to 10 "
        "characters from '$' to '~'",
    }
    known = Code(code) if code in texts else code
    return SessionRejectedError(
        f"the daemon refused the session: {texts.get(code, f'code {code}')}", known
    )
