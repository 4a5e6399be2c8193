"""Views of groups, and the bytes in which clients get them.

Layouts: client protocol, sections 3.7 and 6.2 (body of a regular membership message).
"""

import struct
from dataclasses import dataclass
from typing import Final

from spread import _frames
from spread.service import CAUSED_BY_LEAVE, MAX_GROUP_NAME, REG_MEMB_MESS, Cause

__all__ = ["GroupId", "RingId", "View", "self_leave_frame", "view_frames"]

_WORD: Final = struct.Struct("<I")
_GROUP_ID: Final = struct.Struct("<iiI")


@dataclass(frozen=True, slots=True)
class RingId:
    """A membership of daemons: address of its leader and time, both as signed 32-bit numbers."""

    leader: int
    time: int


@dataclass(frozen=True, slots=True)
class GroupId:
    """One view of a group, for ever: the ring in which it arose and its number there."""

    ring: RingId
    index: int

    def pack(self) -> bytes:
        """The 12 bytes that clients compare."""
        return _GROUP_ID.pack(self.ring.leader, self.ring.time, self.index & 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class View:
    """A group as its members see it from one point of the order on.

    `members` are private groups in the order that clients get; `changed` is who joined, left or
    was disconnected. `together` are the sets of members that saw the same messages before.
    """

    group: bytes
    id: GroupId
    cause: Cause
    members: tuple[bytes, ...]
    together: tuple[tuple[bytes, ...], ...]


def view_frames(view: View) -> tuple[bytes, ...]:
    """Encode the view, once for the members of each set of `together`.

    A change by request has one set, the changed member, and everybody gets the first frame.
    """
    sets = [_WORD.pack(len(members)) + _names(members) for members in view.together]
    head = _header(
        REG_MEMB_MESS | view.cause, view.group, len(view.members), 20 + len(b"".join(sets))
    )
    names = _names(view.members)
    frames = []
    offset = 0
    for packed in sets:
        start = view.id.pack() + _WORD.pack(len(sets)) + _WORD.pack(offset)
        frames.append(b"".join((head, names, start, *sets)))
        offset += len(packed)
    return tuple(frames)


def self_leave_frame(group: bytes) -> bytes:
    """Encode the notice that its receiver is no longer a member."""
    return _header(CAUSED_BY_LEAVE, group, 0, 0)


def _header(type_bits: int, group: bytes, group_count: int, body_size: int) -> bytes:
    return _frames.header(type_bits, group, group_count, body_size)


def _names(members: tuple[bytes, ...]) -> bytes:
    return b"".join([name.ljust(MAX_GROUP_NAME, b"\0") for name in members])
