"""Authentication methods that a client can offer when it connects.

A method is an object with a name and a dialogue. The dialogue is a generator without I/O: it
yields bytes to have them sent, or a number to get that many received bytes back. Any object of
this shape can be given to `connect(..., auth=[...])`.
"""

from collections.abc import Generator
from typing import Protocol, TypeAlias, TypeVar

from spread.errors import ArgumentError, AuthenticationError

__all__ = ["AuthMethod", "Dialogue", "IPAuth", "NullAuth", "PasswordAuth"]

_Result = TypeVar("_Result")

Dialogue: TypeAlias = Generator[bytes | int, bytes, _Result]
"""Yield bytes to send them, or a number to receive that many bytes; returns the outcome."""

_USER_SIZE = 32
_PASSWORD_SIZE = 8
_PASSWORD_RIGHT = b"\x01"


class AuthMethod(Protocol):
    """One authentication method; its name must be in the daemon's list."""

    @property
    def name(self) -> str:
        """Name on the wire, below 30 bytes."""

    def dialogue(self) -> Dialogue[None]:
        """Talk to the daemon's side of the method; raise AuthenticationError when refused."""


class NullAuth:
    """No authentication."""

    name = "NULL"

    def dialogue(self) -> Dialogue[None]:
        """Exchange nothing."""
        yield from ()


class IPAuth:
    """Authentication by the client's address, which the daemon sees by itself."""

    name = "IP"

    def dialogue(self) -> Dialogue[None]:
        """Exchange nothing."""
        yield from ()


class PasswordAuth:
    """User name and password, sent in clear: use it on trusted networks only."""

    name = "PWORD"

    def __init__(self, user: str, password: str) -> None:
        """Raise ArgumentError for a user name above 32 bytes.

        Of the password the first 8 bytes count: the daemon's traditional DES `crypt` knows no
        more.
        """
        self._user = user.encode("utf-8", "surrogateescape")
        self._password = password.encode("utf-8", "surrogateescape")[:_PASSWORD_SIZE]
        if len(self._user) > _USER_SIZE:
            raise ArgumentError(f"user name {user!r} has {len(self._user)} bytes; 32 fit")

    def dialogue(self) -> Dialogue[None]:
        """Send the credentials and read the verdict."""
        yield self._user.ljust(_USER_SIZE, b"\0") + self._password.ljust(_PASSWORD_SIZE, b"\0")
        verdict = yield 1
        if verdict != _PASSWORD_RIGHT:
            raise AuthenticationError(
                f"the daemon refused user {self._user.decode(errors='replace')!r}; "
                "check user name and password"
            )
