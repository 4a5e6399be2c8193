"""How flooders understand each other: the type number of their messages.

    type        meaning             to              service  payload
    ------------------------------------------------------------------------------------------
    1..32767    data                the group       chosen   filling
     0          data of strangers   the group                anything
    -1  CALL    who reads?          the group       AGREED   none
    -2  ANSWER  I do                the caller      AGREED   b"w" if it also writes, else b"r"
    -3  ACK     so many have come   the writer      RELIABLE  count of data, u64 little-endian
    -4  END     nothing follows     the group       AGREED   count of data, u64 little-endian
    -5  BYE     I read no more      the writer      AGREED   none

The number of a data message says after how many of them its writer wants an ACK from each reader,
so that data needs no header and can have any size. A reader sends its first ACK at once, which
makes it known to a writer that began before. END is AGREED whatever the data is: no service lets
data fall behind it.
"""

import struct
from enum import IntEnum

from spread import Message

__all__ = ["Control", "control_of", "count_of", "count_payload"]

_COUNT = struct.Struct("<Q")


class Control(IntEnum):
    """Type numbers that are not data."""

    CALL = -1
    ANSWER = -2
    ACK = -3
    END = -4
    BYE = -5


_PAYLOAD_SIZES = {
    Control.CALL: 0,
    Control.ANSWER: 1,
    Control.ACK: _COUNT.size,
    Control.END: _COUNT.size,
    Control.BYE: 0,
}


def control_of(message: Message) -> Control | None:
    """Return what kind of control message this is; None for data and for nonsense."""
    try:
        control = Control(message.mess_type)
    except ValueError:
        return None
    return control if len(message.payload) == _PAYLOAD_SIZES[control] else None


def count_payload(count: int) -> bytes:
    """Return the payload of an ACK or END."""
    return _COUNT.pack(count)


def count_of(message: Message) -> int:
    """Return the count in an ACK or END."""
    count: int = _COUNT.unpack(message.payload)[0]
    return count
