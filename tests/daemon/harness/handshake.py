"""The bytes of the handshake: connect request, method list, method choice, accept."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "CHOICE_NULL",
    "CHOICE_SIZE",
    "REJECT_AUTH",
    "REJECT_ILLEGAL_NAME",
    "REJECT_NOT_UNIQUE",
    "REJECT_QUOTA",
    "REJECT_VERSION",
    "Accept",
    "RejectedError",
    "connect_request",
    "method_choice",
    "read_accept",
    "read_method_list",
    "takes_method_list",
    "takes_patch_byte",
]

REJECT_QUOTA, REJECT_ILLEGAL_NAME, REJECT_NOT_UNIQUE = -3, -5, -6
REJECT_VERSION, REJECT_AUTH = -7, -9

CHOICE_SIZE = 90
SLOT_SIZE = 30

Version = tuple[int, ...]
ReadExactly = Callable[[int], bytes]


class RejectedError(Exception):
    """The daemon answered the handshake with a negative code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the daemon rejected the session with code {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Accept:
    """What the daemon says of itself and of the new session."""

    version: tuple[int, ...]
    private_group: bytes


def connect_request(
    name: bytes, version: Version = (4, 4, 0), *, membership: bool = True, flags: int = 0
) -> bytes:
    """Return a connect request; two version bytes for clients up to 3.14, else three."""
    sent = version if takes_patch_byte(version) else version[:2]
    return bytes(sent) + struct.pack("BB", flags | int(membership), len(name)) + name


def method_choice(*methods: bytes) -> bytes:
    return b"".join(method.ljust(SLOT_SIZE, b"\0") for method in methods).ljust(CHOICE_SIZE, b"\0")


CHOICE_NULL = method_choice(b"NULL")


def takes_method_list(version: Version) -> bool:
    return version[:2] >= (3, 16)


def takes_patch_byte(version: Version) -> bool:
    return version[:2] >= (3, 15)


def read_method_list(read: ReadExactly) -> tuple[bytes, ...]:
    """Read the list of methods; raises RejectedError when a code stands in its place."""
    (size,) = struct.unpack("b", read(1))
    if size < 0:
        raise RejectedError(size)
    return tuple(read(size).split())


def read_accept(read: ReadExactly, version: Version = (4, 4, 0)) -> Accept:
    (code,) = struct.unpack("b", read(1))
    if code < 0:
        raise RejectedError(code)
    if code != 1:
        raise AssertionError(f"the byte {code:#04x} is neither an accept nor a reject code")
    daemon_version = tuple(read(3 if takes_patch_byte(version) else 2))
    (size,) = read(1)
    return Accept(daemon_version, read(size))
