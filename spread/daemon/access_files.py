"""The operator's access files: who may connect (`spread.access_ip`), and with which password.

Both are lines of bytes, read whole when the daemon starts and again when it reloads. A file with
an error is refused as a whole, with every bad line named, so that half a list of rules is never
in force.

    spread.access_ip     unix             clients on the Unix socket (their address is 0.0.0.0)
                         local            127.0.0.0/8
                         10.1.2.3         one address; text behind it and a blank is ignored
                         10.0.0.0/8       a network; 0.0.0.0/0 is everybody
    spread.access_pword  user:crypted     user of 1 to 32 bytes, traditional DES crypt

`#` starts a comment, blank lines mean nothing, line ends may be those of Windows. Any rule that
matches admits; there are no rules that deny.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final, Self

from spread.errors import ConfigurationError
from spread.system import SYSTEM_DIRECTORIES

__all__ = ["AccessDirectory", "AccessFile", "AccessFiles", "AddressRules", "Passwords"]

USER_SIZE: Final = 32  # Bytes of the user name field on the wire.

_UNIX: Final = IPv4Network("0.0.0.0/32")
_LOCAL: Final = IPv4Network("127.0.0.0/8")
_ADDRESS: Final = re.compile(r"\s*(\d+)\.(\d+)\.(\d+)\.(\d+)(?:/(\S*?))?(?=[\s#]|$)", re.ASCII)
_CRYPTED: Final = re.compile(rb"[./0-9A-Za-z]{13}")  # Two characters of salt, eleven of digest.


@dataclass(frozen=True, slots=True)
class AccessFile:
    """One file that was found: where, for messages, and its bytes."""

    path: str
    content: bytes

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of each line that is neither blank nor a comment."""
        for number, line in enumerate(self.content.split(b"\n"), start=1):
            stripped = line.strip()
            if stripped and not stripped.startswith(b"#"):
                yield number, line.rstrip()


@dataclass(frozen=True, slots=True)
class AccessDirectory:
    """One place to look in.

    `handle` is a directory opened before the daemon gave up its privileges or its root; the file
    is then opened relative to it, and `path` only appears in messages.
    """

    path: Path
    handle: int | None = None

    def open(self, name: str) -> bytes | None:
        """Return the bytes of file `name`; None if it does not exist. Raises OSError."""

        def opener(path: str, flags: int) -> int:
            return os.open(path, flags, dir_fd=self.handle)

        path = self.path / name if self.handle is None else Path(name)
        try:
            with open(path, "rb", opener=opener) as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None


@dataclass(frozen=True, slots=True)
class AccessFiles:
    """Where access files are looked for; the first directory that has the file counts."""

    directories: tuple[AccessDirectory, ...] = (
        AccessDirectory(Path()),
        AccessDirectory(Path(SYSTEM_DIRECTORIES[0])),
    )

    def find(self, name: str) -> AccessFile | None:
        """Return file `name`; None if no directory has it.

        Raises ConfigurationError for a file that is there and cannot be read: a later directory
        must not stand in for it.
        """
        for directory in self.directories:
            try:
                content = directory.open(name)
            except OSError as error:
                raise ConfigurationError(
                    f"cannot read {directory.path / name}: {error.strerror}; "
                    "make it readable for the daemon"
                ) from error
            if content is not None:
                return AccessFile(str(directory.path / name), content)
        return None

    def __str__(self) -> str:
        return ", ".join(str(directory.path) for directory in self.directories)


@dataclass(frozen=True, slots=True)
class AddressRules:
    """The rules of one `spread.access_ip`."""

    path: str
    networks: tuple[IPv4Network, ...]

    @classmethod
    def parse(cls, file: AccessFile) -> Self:
        """Read the rules. Raises ConfigurationError that names every bad line."""
        networks: list[IPv4Network] = []
        errors: list[str] = []
        for number, line in file.lines():
            try:
                networks.append(_network(line.decode("utf-8", "replace")))
            except ValueError as error:
                errors.append(f"{file.path}:{number}: {error}")
        _refuse(errors)
        return cls(file.path, tuple(networks))

    def admits(self, address: IPv4Address) -> bool:
        """Tell whether a rule matches; a client on the Unix socket has the address 0.0.0.0."""
        return any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Passwords:
    """The users of one `spread.access_pword` with their crypted passwords (13 characters)."""

    path: str
    crypted: Mapping[bytes, str]

    @classmethod
    def parse(cls, file: AccessFile) -> Self:
        """Read the users. Raises ConfigurationError that names every bad line, never its secret."""
        crypted: dict[bytes, str] = {}
        errors: list[str] = []
        for number, line in file.lines():
            try:
                user, secret = _account(line)
                if user in crypted:
                    raise ValueError(f"user {_shown(user)} is listed twice; keep one line")
                crypted[user] = secret
            except ValueError as error:
                errors.append(f"{file.path}:{number}: {error}")
        _refuse(errors)
        return cls(file.path, crypted)


def _network(rule: str) -> IPv4Network:
    """Return the network that one rule admits. ValueError says what is wrong."""
    if rule.startswith("unix"):
        return _UNIX
    if rule.startswith("local"):
        return _LOCAL
    found = _ADDRESS.match(rule)
    if found is None:
        raise ValueError(
            f"{rule.strip()!r} is no rule; write unix or local (in the first column), "
            "an address A.B.C.D, or a network A.B.C.D/PREFIX"
        )
    *octets, prefix = found.groups()
    for octet in octets:
        if int(octet) > 255:
            raise ValueError(f"octet {octet} of {rule.strip()!r} is above 255")
    if prefix is None:
        prefix = "32"
    elif not (prefix.isascii() and prefix.isdecimal() and int(prefix) <= 32):
        raise ValueError(f"prefix {prefix!r} of {rule.strip()!r} is not a number from 0 to 32")
    address = ".".join(str(int(octet)) for octet in octets)
    network = IPv4Network(f"{address}/{int(prefix)}", strict=False)
    if str(network.network_address) != address:
        raise ValueError(
            f"{address}/{prefix} has bits set behind its prefix; "
            f"write {network} for the network or {address} for the one address"
        )
    return network


def _account(line: bytes) -> tuple[bytes, str]:
    """Return user and crypted password of one line; ValueError says what is wrong."""
    user, colon, crypted = line.partition(b":")
    if not colon:
        raise ValueError("no colon; write user:crypted")
    if not 1 <= len(user) <= USER_SIZE:
        raise ValueError(
            f"user {_shown(user)} has {len(user)} bytes; 1 to {USER_SIZE} are possible"
        )
    if not _CRYPTED.fullmatch(crypted):
        raise ValueError(
            f"the crypted password of user {_shown(user)} is not 13 characters of ./0-9A-Za-z; "
            "make it with traditional DES crypt"
        )
    return user, crypted.decode("ascii")


def _shown(user: bytes) -> str:
    return repr(user.decode("utf-8", "replace"))


def _refuse(errors: list[str]) -> None:
    if errors:
        raise ConfigurationError("\n".join(errors))
