"""What a client sends in an open session: checks and frames of its four requests.

Source: client protocol, sections 3.6, 4 and 9. A request is checked here as far as the daemon
would answer a mistake by closing the session without a word.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from spread._frames import encode
from spread.errors import ArgumentError, GroupNameError, MessageTooLongError, ServiceError
from spread.service import (
    JOIN_MESS,
    KILL_MESS,
    LEAVE_MESS,
    MAX_GROUP_NAME,
    REGULAR_MESS,
    SELF_DISCARD,
)

__all__ = ["Limits", "Payload", "encode_payload", "group_request", "kill_request", "multicast"]

Payload: TypeAlias = bytes | bytearray | memoryview | str
"""Data of a message; text is encoded as UTF-8."""

_GROUP_NAME_SIZE_MAX = MAX_GROUP_NAME - 1
_GROUP_FIRST = ord("$")
_GROUP_LAST = ord("~")

_ONE_SERVICE = frozenset(1 << bit for bit in range(6))
_SERVICES = _ONE_SERVICE | {service | SELF_DISCARD for service in _ONE_SERVICE}


class Limits(NamedTuple):
    """What the connected daemon takes in one message."""

    size_max: int
    """Bytes of data plus 32 for each group."""

    groups_max: int

    @classmethod
    def of_daemon(cls, message_size_max: int | None) -> "Limits":
        """Return the limits of our own daemon, which tells them, or those of the classic one."""
        return _CLASSIC if message_size_max is None else cls(message_size_max, GROUPS_MAX)


# The classic daemon dies of messages from 143,152 on, and loses those to more than 43 groups.
_CLASSIC = Limits(size_max=143_151, groups_max=43)
GROUPS_MAX = 100


def encode_payload(message: Payload) -> bytes:
    """Return the bytes that travel; raise ArgumentError for what is neither bytes nor text."""
    if isinstance(message, bytes):
        return message
    if isinstance(message, str):
        return message.encode()
    if isinstance(message, bytearray | memoryview):
        return bytes(message)
    raise ArgumentError(f"a message is bytes or str, not {type(message).__name__}")


def group_request(type_bits: int, private_group: bytes, group: str) -> bytes:
    """Return the frame of a join or leave; raise GroupNameError as the classic library does."""
    action = {JOIN_MESS: "join", LEAVE_MESS: "leave"}[type_bits]
    if not isinstance(group, str):
        raise ArgumentError(f"a group name is str, not {type(group).__name__}")
    name = group.encode("utf-8", "surrogateescape")
    if not 1 <= len(name) <= _GROUP_NAME_SIZE_MAX:
        raise GroupNameError(
            f"cannot {action} group {group!r} of {len(name)} bytes; give 1 to "
            f"{_GROUP_NAME_SIZE_MAX}"
        )
    if not all(_GROUP_FIRST <= byte <= _GROUP_LAST for byte in name):
        raise GroupNameError(f"cannot {action} group {group!r}; use characters from '$' to '~'")
    return encode(type_bits, private_group, [name], 0, b"")


def kill_request(private_group: bytes) -> bytes:
    """Return the frame that ends the session."""
    return encode(KILL_MESS, private_group, [private_group], 0, b"")


def multicast(
    private_group: bytes,
    service: int,
    groups: Sequence[str],
    payload: bytes,
    *,
    mess_type: int,
    limits: Limits,
) -> bytes:
    """Return the frame of a data message; `mess_type` is cut to 16 bits.

    Raises ServiceError, GroupNameError, MessageTooLongError or ArgumentError for what the
    connected daemon would not take.
    """
    bits = int(service)  # A flag enum would compute each step as an enum, which takes microseconds.
    if bits not in _SERVICES:
        raise _service_error(bits)
    names = [_destination(group) for group in groups]
    if not 1 <= len(names) <= limits.groups_max:
        raise _group_count_error(len(names), limits)
    size = len(payload) + MAX_GROUP_NAME * len(names)
    if size > limits.size_max:
        raise MessageTooLongError(
            f"a message of {len(payload)} bytes to {len(names)} groups counts {size} bytes "
            f"(32 for each group); this daemon takes {limits.size_max}"
        )
    return encode(bits, private_group, names, mess_type & 0xFFFF, payload)


def _service_error(bits: int) -> ServiceError:
    if bits & ~(REGULAR_MESS | SELF_DISCARD):
        return ServiceError(
            f"service type 0x{bits:x} has bits outside the six services and SELF_DISCARD"
        )
    return ServiceError(
        f"service type 0x{bits:x} is not exactly one service; give for instance AGREED_MESS"
    )


def _destination(group: str) -> bytes:
    if not isinstance(group, str):
        raise ArgumentError(f"a group name is str, not {type(group).__name__}")
    name = group.encode("utf-8", "surrogateescape")
    if len(name) > _GROUP_NAME_SIZE_MAX or b"\0" in name:
        raise GroupNameError(
            f"cannot send to group {group!r} of {len(name)} bytes; give at most "
            f"{_GROUP_NAME_SIZE_MAX} without NUL"
        )
    return name


def _group_count_error(count: int, limits: Limits) -> ArgumentError | MessageTooLongError:
    if count == 0:
        return ArgumentError("a message without groups reaches nobody; give at least one")
    return MessageTooLongError(
        f"a message to {count} groups; this daemon delivers to at most {limits.groups_max}"
    )
