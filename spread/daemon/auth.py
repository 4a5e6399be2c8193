"""Authentication methods and the lists that say which of them a client may and must pass.

A method looks at where the client comes from and at a fixed number of bytes that the client sends
for it, and answers with a verdict; it does no I/O. NULL, IP and PWORD are part of this package.
Others are registered by installed distributions as entry points of the group `spread.auth`: a
callable that gets the `AccessFiles` and returns an `AuthMethod`.

    AllowedAuthMethods   offered to the client, which chooses up to three of them
    RequiredAuthMethods  checked in addition, whatever was chosen; not offered by being required

`Authentication` is immutable: a reload makes another one from the files as they are then, and
puts it in the place of the old one if that succeeds.
"""

import hmac
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import Final, Protocol, Self, runtime_checkable

from spread.daemon import plugins
from spread.daemon.access_files import USER_SIZE, AccessFiles, AddressRules, Passwords
from spread.errors import ConfigurationError, PeerError

__all__ = [
    "AuthMethod",
    "Authentication",
    "IpMethod",
    "NullMethod",
    "Peer",
    "PwordMethod",
    "Transport",
    "Verdict",
    "available_methods",
]

GROUP: Final = "spread.auth"
MAX_METHOD_NAME: Final = 29  # Bytes: a field of the client's choice has 30, the last one NUL.
MAX_LIST: Final = 90  # Bytes of the offered list, each name with a blank behind it.
MAX_CREDENTIALS: Final = 4096  # Bytes; bounds what an unauthenticated client makes us keep.
PASSWORD_SIZE: Final = 8  # Bytes; traditional crypt looks at no more.


class Transport(Enum):
    """How the client reached the daemon."""

    TCP = "tcp"
    UNIX = "unix"


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a client comes from. On the Unix socket the address is 0.0.0.0."""

    address: IPv4Address
    transport: Transport

    @classmethod
    def at(cls, address: str, transport: Transport) -> Self:
        """Make the peer of dotted `address`, which is not looked at for the Unix socket."""
        return cls(IPv4Address(address if transport is Transport.TCP else "0.0.0.0"), transport)

    def __str__(self) -> str:
        return str(self.address) if self.transport is Transport.TCP else "the Unix socket"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a method says: passed or not, bytes for the client, and why not, for the log."""

    passed: bool
    reply: bytes = b""
    reason: str = ""


@runtime_checkable
class AuthMethod(Protocol):
    """One way to authenticate a client."""

    @property
    def name(self) -> str:
        """The name in configuration and on the wire: printable ASCII without blanks."""

    @property
    def credentials_size(self) -> int:
        """Bytes that the client sends for this method behind its choice, 0 for none."""

    @property
    def warning(self) -> str:
        """What the operator should know when the method is put in force, often nothing."""

    def check(self, peer: Peer, credentials: bytes) -> Verdict:
        """Judge the client. `credentials` has exactly `credentials_size` bytes."""


class NullMethod:
    """Let everybody in."""

    name = "NULL"
    credentials_size = 0
    warning = ""

    def check(self, peer: Peer, credentials: bytes) -> Verdict:  # noqa: ARG002
        return Verdict(passed=True)


class IpMethod:
    """Let in whom the rules of `spread.access_ip` admit; without the file, nobody."""

    name = "IP"
    credentials_size = 0
    file_name = "spread.access_ip"

    def __init__(self, files: AccessFiles) -> None:
        """Read the rules. Raises ConfigurationError if there are errors in them."""
        file = files.find(self.file_name)
        self._rules = None if file is None else AddressRules.parse(file)
        self._missing = "" if file else f"there is no file {self.file_name} in {files}"
        self.warning = f"method IP lets nobody in: {self._missing}" if self._missing else ""

    def check(self, peer: Peer, credentials: bytes) -> Verdict:  # noqa: ARG002
        if self._rules is None:
            return Verdict(passed=False, reason=self._missing)
        if not self._rules.admits(peer.address):
            return Verdict(passed=False, reason=f"no rule of {self._rules.path} admits {peer}")
        return Verdict(passed=True)


class PwordMethod:
    """Let in who knows a password of `spread.access_pword`.

        32 bytes  user name, NUL padded        answer: 01 right, 00 wrong
         8 bytes  password, NUL padded

    The password travels in clear and the digest is weak by today's measure: this serves old
    clients. Neither the answer nor its time tells whether the user exists.
    """

    name = "PWORD"
    credentials_size = USER_SIZE + PASSWORD_SIZE
    warning = ""
    file_name = "spread.access_pword"

    def __init__(self, files: AccessFiles) -> None:
        """Read the users. Raises ConfigurationError without file or DES crypt, or for errors."""
        file = files.find(self.file_name)
        if file is None:
            raise ConfigurationError(
                f"method PWORD needs a file {self.file_name} in {files}; "
                "write one with lines user:crypted, or take PWORD out of the configuration"
            )
        self._crypt = _des_crypt()
        self._passwords = Passwords.parse(file)

    def check(self, peer: Peer, credentials: bytes) -> Verdict:  # noqa: ARG002
        user = credentials[:USER_SIZE].split(b"\0")[0]
        password = credentials[USER_SIZE:].split(b"\0")[0]
        stored = self._passwords.crypted.get(user)
        # An unknown user costs the same work; a digest of "" can equal nobody's password.
        digest = self._crypt(password, "..." if stored is None else stored)
        if stored is not None and hmac.compare_digest(digest, stored):
            return Verdict(passed=True, reply=b"\x01")
        shown = user.decode("utf-8", "replace")
        return Verdict(
            passed=False, reply=b"\x00", reason=f"wrong user or password, user {shown!r}"
        )


def _des_crypt() -> Callable[[bytes, str], str]:
    """Return crypt(password, salt): traditional DES, two characters of salt, 13 of result."""
    try:
        # By name: the library has no type information, and most daemons do without it.
        des_crypt = importlib.import_module("passlib.hash").des_crypt
    except ImportError as error:
        raise ConfigurationError(
            "method PWORD needs the library libpass; install it with "
            'pip install "spreadring[pword]", or take PWORD out of the configuration'
        ) from error

    def crypt(password: bytes, salt: str) -> str:
        return str(des_crypt.using(salt=salt[:2]).hash(password))

    return crypt


_BUILT_IN: Final[dict[str, Callable[[AccessFiles], AuthMethod]]] = {
    "NULL": lambda _files: NullMethod(),
    "IP": IpMethod,
    "PWORD": PwordMethod,
}


def available_methods() -> tuple[str, ...]:
    """Return the names that can be configured, in the order in which methods are offered."""
    others = (name for name in plugins.installed(GROUP) if name not in _BUILT_IN)
    return (*_BUILT_IN, *others)


@dataclass(frozen=True, slots=True)
class Authentication:
    """The methods in force, in the order NULL, IP, PWORD, then others by name."""

    allowed: tuple[AuthMethod, ...]
    required: tuple[AuthMethod, ...]
    warnings: tuple[str, ...] = ()  # For the log: what the operator may not have meant.

    @classmethod
    def load(cls, allowed: Sequence[str], required: Sequence[str], files: AccessFiles) -> Self:
        """Make the methods that the two lists name, reading their files.

        Names that are not available are skipped with a warning. Raises ConfigurationError for a
        method that is available and cannot be made, and for a list too long to be offered.
        """
        methods: dict[str, AuthMethod] = {}
        warnings: list[str] = []
        for name in _in_order({*allowed, *required}):
            method = _make(name, files)
            if method is None:
                warnings.append(f"unknown authentication method {name!r} is ignored")
                continue
            methods[name] = method
            if method.warning:
                warnings.append(method.warning)
        made = cls(
            tuple(method for name, method in methods.items() if name in allowed),
            tuple(method for name, method in methods.items() if name in required),
            tuple(warnings),
        )
        if len(made.offer()) > MAX_LIST:
            raise ConfigurationError(
                f"AllowedAuthMethods offers {len(made.offer())} bytes of names; "
                f"at most {MAX_LIST} can be sent to clients"
            )
        return made

    def offer(self) -> bytes:
        """Return the list for the client: every allowed name, each followed by one blank."""
        return b"".join(method.name.encode("ascii") + b" " for method in self.allowed)

    def plan(self, names: Sequence[bytes]) -> tuple[AuthMethod, ...]:
        """Return what to run for a client that chose `names`: these, then the required rest.

        Raises PeerError for an empty choice and for a name that is not allowed.
        """
        if not names:
            raise PeerError("the client chose no authentication method")
        offered = {method.name.encode("ascii"): method for method in self.allowed}
        for name in names:
            if name not in offered:
                shown = name.decode("ascii", "backslashreplace")
                raise PeerError(f"the client chose authentication method {shown!r}, not offered")
        return self._with_required([offered[name] for name in names])

    def plan_without_choice(self) -> tuple[AuthMethod, ...]:
        """Return what to run for a client too old to choose: IP or else NULL, then the required.

        Raises PeerError if neither is allowed, or a required method asks for bytes that such a
        client cannot send.
        """
        offered = {method.name: method for method in self.allowed}
        chosen = offered.get("IP") or offered.get("NULL")
        if chosen is None:
            raise PeerError("neither IP nor NULL is allowed, and the client cannot choose another")
        plan = self._with_required([chosen])
        for method in plan:
            if method.credentials_size > 0:
                raise PeerError(f"required method {method.name} cannot be run with an old client")
        return plan

    def _with_required(self, chosen: list[AuthMethod]) -> tuple[AuthMethod, ...]:
        return (*chosen, *(method for method in self.required if method not in chosen))


def _in_order(names: set[str]) -> list[str]:
    """Sort names as methods are offered: the built-in ones first, in their order."""
    return [name for name in _BUILT_IN if name in names] + sorted(names - _BUILT_IN.keys())


def _make(name: str, files: AccessFiles) -> AuthMethod | None:
    """Make one method; None if nobody has one of this name."""
    if name in _BUILT_IN:
        return _BUILT_IN[name](files)
    method = plugins.make(GROUP, name, files)
    return None if method is None else _checked(name, method)


def _checked(name: str, method: object) -> AuthMethod:
    """Hold a method of somebody else's to the limits of the wire."""
    if not isinstance(method, AuthMethod) or method.name != name:
        raise ConfigurationError(
            f"authentication method {name!r} made {method!r}, which is no "
            "spread.daemon.auth.AuthMethod of that name"
        )
    if not (name.isascii() and name.isprintable() and " " not in name):
        raise ConfigurationError(f"authentication method {name!r} has a name that cannot be sent")
    if len(name) > MAX_METHOD_NAME:
        raise ConfigurationError(
            f"authentication method {name!r} has a name of {len(name)} bytes, "
            f"above {MAX_METHOD_NAME}"
        )
    if not 0 <= method.credentials_size <= MAX_CREDENTIALS:
        raise ConfigurationError(
            f"authentication method {name!r} asks for {method.credentials_size} bytes of "
            f"credentials; 0 to {MAX_CREDENTIALS} are possible"
        )
    return method
