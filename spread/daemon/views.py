"""Views of groups and transitional signals, and the bytes in which clients get them.

Layouts: client protocol, sections 3.7, 6.2 (body of a regular membership message) and 6.4.
"""

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from spread import _frames
from spread.service import CAUSED_BY_LEAVE, REG_MEMB_MESS, TRANSITION_MESS, Cause

__all__ = [
    "GroupId",
    "RingId",
    "Signal",
    "View",
    "self_leave_frame",
    "signal_frame",
    "view_frame",
    "view_frames",
]

_WORD: Final = struct.Struct("<I")
_GROUP_ID: Final = struct.Struct("<iiI")


class RingId(NamedTuple):
    """A membership of daemons: address of its leader and time, both as signed 32-bit numbers."""

    leader: int
    time: int


class GroupId(NamedTuple):
    """One view of a group, for ever: the ring in which it arose and its number there.

    A tuple, since a change of the ring compares tens of thousands of them.
    """

    ring: RingId
    index: int  # type: ignore[assignment]  # Hides a method of tuples that nobody needs.

    def pack(self) -> bytes:
        """The 12 bytes that clients compare."""
        return _GROUP_ID.pack(self.ring.leader, self.ring.time, self.index & 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class View:
    """A group as its members see it from one point of the order on.

    `members` are private groups in the order that clients get. `together` has, for a change by
    request, one set with who joined, left or was disconnected; for a change of the network the sets
    of members that saw the same messages before, and every member is in one of them.
    """

    group: bytes
    id: GroupId
    cause: Cause
    members: tuple[bytes, ...]
    together: tuple[tuple[bytes, ...], ...]

    @property
    def member_count(self) -> int:
        """The number of members."""
        return len(self.members)


@dataclass(frozen=True, slots=True)
class Signal:
    """The transitional signal: what follows is known only to members that stay together.

    `id` is that of the view that it ends, `receivers` the members at this daemon.
    """

    group: bytes
    id: GroupId
    receivers: tuple[bytes, ...]


def view_frame(view: View, own: int) -> bytes:
    """Encode the view for the members of one set of `together`."""
    sets = [_WORD.pack(len(members)) + _frames.name_list(members) for members in view.together]
    offset = sum(map(len, sets[:own]))
    body = b"".join(
        (view.id.pack(), _WORD.pack(len(sets)), _WORD.pack(offset), *sets),
    )
    head = _frames.header(REG_MEMB_MESS | view.cause, view.group, len(view.members), len(body))
    return b"".join((head, _frames.name_list(view.members), body))


def view_frames(view: View) -> tuple[bytes, ...]:
    """Encode the view, once for the members of each set of `together`.

    A change by request has one set, the changed member, and everybody gets the first frame.
    """
    return tuple(view_frame(view, own) for own in range(len(view.together)))


def signal_frame(signal: Signal) -> bytes:
    """Encode a transitional signal."""
    body = signal.id.pack()
    return _frames.header(TRANSITION_MESS, signal.group, 0, len(body)) + body


def self_leave_frame(group: bytes) -> bytes:
    """Encode the notice that its receiver is no longer a member."""
    return _frames.header(CAUSED_BY_LEAVE, group, 0, 0)
