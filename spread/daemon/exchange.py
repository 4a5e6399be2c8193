"""The exchange of group tables between daemons that have come together in a new ring.

    table  ->  encode_table  ->  messages, in the total order  ->  Exchange.receive  ->  tables

Of each set of daemons whose tables are equal one speaks, the first in configuration order. The
exchange is complete when every daemon of the ring is spoken for. All daemons receive the same
messages in the same order and therefore judge and conclude the same, also about a message that
makes no sense: what its speaker said does not count, and it speaks for nobody but itself.

Each message is taken apart when it comes, up to its last whole record. So a large table costs some
time at each of its messages, and the daemon goes on between them.

A message (integers little-endian, ids of rings as the two signed words that clients get):

    offset  size  field
         0     8  ring in which it is sent
         8     4  number of the message, from 0
        12     4  1 in the last message of a speaker, else 0
        16    16  daemons spoken for, a bit for each number, least first
        32        a piece of the table

The pieces put together:

    u32 members | for each: u8 daemon, u8 size, private name           sorted by (daemon, name)
    u32 groups  | for each: u8 size, name, u8 changed, 12 bytes id     sorted by name
                            u32 members | for each: u32 number in the list above
                            u8 lost     | for each: u8 daemon

Numbers and lost daemons are in ascending order.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import ge
from typing import Final

from spread.daemon.group_table import Group, Part
from spread.daemon.views import GroupId, RingId
from spread.errors import PeerError
from spread.service import MAX_GROUP_NAME

__all__ = ["MESSAGE_SIZE_MAX", "STATES_SIZE_MAX", "Exchange", "encode_table", "private_group"]

MESSAGE_SIZE_MAX: Final = 128 << 10
"""Bytes of one message: what the control lane of the ring takes."""

STATES_SIZE_MAX: Final = 256 << 20
"""Bytes of all messages of one exchange.

A membership takes 4 bytes, a group that has only one about 60: room for 4 million memberships in
groups of their own.
"""

_RING: Final = struct.Struct("<ii")
_HEAD: Final = struct.Struct("<8sII16s")
_COUNT: Final = struct.Struct("<I")
_MEMBER: Final = struct.Struct("<BB")
_ID: Final = struct.Struct("<iiI")
_GROUP: Final = struct.Struct("<B12sI")
_PIECE_SIZE: Final = MESSAGE_SIZE_MAX - _HEAD.size
_DAEMONS_MAX: Final = 128


class _StateError(PeerError):
    """A message of the exchange makes no sense."""


def private_group(name: bytes, daemon: bytes) -> bytes:
    """The name of a session for other daemons and for clients."""
    return b"#%s#%s" % (name, daemon)


# -- Encoding -------------------------------------------------------------------------------------


def encode_table(
    ring: RingId,
    speaks_for: frozenset[int],
    joined: Mapping[int, Sequence[bytes]],
    groups: Iterator[tuple[bytes, Group]],
) -> list[bytes]:
    """Return the messages that tell a table.

    `joined` are the private groups that are members anywhere, by daemon; `groups` come in byte
    order of their names. The tag of every part is its group's id.
    """
    members = [(daemon, name) for daemon in sorted(joined) for name in sorted(joined[daemon])]
    pieces = [_COUNT.pack(len(members))]
    for daemon, member in members:
        name = member[1 : member.index(b"#", 1)]
        pieces.append(_MEMBER.pack(daemon, len(name)) + name)
    numbers = {member: number for number, (_, member) in enumerate(members)}
    records = [_group_record(name, group, numbers) for name, group in groups]
    pieces.append(_COUNT.pack(len(records)))
    table = b"".join(pieces + records)
    return list(_messages(ring, speaks_for, table))


def _group_record(name: bytes, group: Group, numbers: Mapping[bytes, int]) -> bytes:
    those = [numbers[member] for part in group.parts for member in part.members]
    head = _GROUP.pack(group.is_changed, group.id.pack(), len(those))
    lost = sorted(daemon for daemon, _ in group.lost)
    return b"".join(
        (
            bytes((len(name),)),
            name,
            head,
            struct.pack(f"<{len(those)}I", *those),
            bytes((len(lost), *lost)),
        )
    )


def _messages(ring: RingId, speaks_for: frozenset[int], table: bytes) -> Iterator[bytes]:
    bits = sum(1 << daemon for daemon in speaks_for).to_bytes(_DAEMONS_MAX // 8, "little")
    stamp = _RING.pack(ring.leader, ring.time)
    count = -(-len(table) // _PIECE_SIZE)
    for number in range(count):
        piece = table[number * _PIECE_SIZE : (number + 1) * _PIECE_SIZE]
        yield _HEAD.pack(stamp, number, number == count - 1, bits) + piece


# -- Decoding -------------------------------------------------------------------------------------


class _Reader:
    """Takes a table apart; raises _StateError for anything that `encode_table` does not write.

    What reads a record raises IndexError or struct.error before it judges or keeps anything of one
    that is not all there.
    """

    def __init__(self, daemons: Sequence[bytes], speaks_for: frozenset[int]) -> None:
        self._table = b""  # From the record on that is read next.
        self._at = 0
        self._daemons = daemons
        self._speaks_for = speaks_for
        self._members: list[bytes] = []
        self._daemon_of: list[int] = []
        self._groups: dict[bytes, Group] = {}
        self._last_member = (-1, b"")
        self._last_group: bytes | None = None
        self._members_left = self._groups_left = 0
        self._read_next: Callable[[], None] | None = self._read_member_count
        self._ids: dict[bytes, GroupId] = {}
        self._shared: dict[tuple[int, GroupId], Group] = {}

    def feed(self, piece: bytes) -> None:
        """Read on, as far as there are whole records."""
        self._table = self._table[self._at :] + piece
        self._at = start = 0
        try:
            while self._read_next is not None:
                start = self._at
                self._read_next()
        except (struct.error, IndexError):
            self._at = start

    def finish(self) -> dict[bytes, Group]:
        """Return what was read; the table must be whole."""
        if self._read_next is not None:
            raise _StateError("the table is cut")
        if self._at != len(self._table):
            raise _StateError(f"{len(self._table) - self._at} bytes behind the table")
        return self._groups

    def _count(self) -> int:
        (count,) = _COUNT.unpack_from(self._table, self._at)
        self._at += _COUNT.size
        return int(count)

    def _bytes(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._table):
            raise IndexError
        taken = self._table[self._at : end]
        self._at = end
        return taken

    def _read_member_count(self) -> None:
        self._members_left = self._count()
        self._read_next = self._read_member if self._members_left else self._read_group_count

    def _read_member(self) -> None:
        daemon, size = _MEMBER.unpack_from(self._table, self._at)
        self._at += _MEMBER.size
        name = self._bytes(size)
        if daemon not in self._speaks_for:
            raise _StateError(f"a member at daemon {daemon}, which is not spoken for")
        member = private_group(name, self._daemons[daemon])
        if not name or b"#" in name or b"\0" in name or len(member) >= MAX_GROUP_NAME:
            raise _StateError(f"a member with the private name {name!r}")
        if (daemon, member) <= self._last_member:
            raise _StateError(f"member {member!r} is out of order")
        self._last_member = (daemon, member)
        self._members.append(member)
        self._daemon_of.append(daemon)
        self._members_left -= 1
        if self._members_left == 0:
            self._read_next = self._read_group_count

    def _read_group_count(self) -> None:
        self._groups_left = self._count()
        self._read_next = self._read_group if self._groups_left else None

    def _read_group(self) -> None:
        name = self._bytes(self._table[self._at] + 1)[1:]
        if len(name) >= MAX_GROUP_NAME or b"\0" in name:
            raise _StateError(f"a group with the name {name!r}")
        if self._last_group is not None and name <= self._last_group:
            raise _StateError(f"group {name!r} is out of order")
        self._groups[name] = self._read_members_of(name)
        self._last_group = name
        self._groups_left -= 1
        if self._groups_left == 0:
            self._read_next = None

    def _read_members_of(self, name: bytes) -> Group:
        changed, packed_id, count = _GROUP.unpack_from(self._table, self._at)
        self._at += _GROUP.size
        if changed > 1 or not 0 < count <= len(self._members):
            raise _StateError(f"group {name!r} with {count} members and {changed} for changed")
        numbers = struct.unpack_from(f"<{count}I", self._table, self._at)
        self._at += count * _COUNT.size
        if any(map(ge, numbers, islice(numbers, 1, None))):
            raise _StateError(f"the members of group {name!r} are out of order")
        if numbers[-1] >= len(self._members):
            raise _StateError(f"a member of group {name!r} is not there")
        tag = self._id(packed_id)
        lost = self._bytes(self._table[self._at] + 1)[1:]
        if any(map(ge, lost, lost[1:])):
            raise _StateError(f"the lost daemons of group {name!r} are out of order")
        if count == 1 and not changed and not lost:
            return self._group_of_one(numbers[0], tag)
        parts: list[Part] = []
        for number in numbers:
            daemon = self._daemon_of[number]
            if not parts or parts[-1].daemon != daemon:
                parts.append(Part(daemon, tag, []))
            parts[-1].members.append(self._members[number])
        return Group(tag, parts, bool(changed), lost=frozenset((daemon, tag) for daemon in lost))

    def _id(self, packed: bytes) -> GroupId:
        """Decode an id; many groups have the same."""
        known = self._ids.get(packed)
        if known is None:
            leader, time, index = _ID.unpack(packed)
            known = self._ids[packed] = GroupId(RingId(leader, time), index)
        return known

    def _group_of_one(self, number: int, tag: GroupId) -> Group:
        """A group to which nothing has happened since its one member founded it."""
        known = self._shared.get((number, tag))
        if known is None:
            known = Group.shared(self._daemon_of[number], self._members[number], tag)
            self._shared[number, tag] = known
        return known


# -- The exchange ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Speech:
    """What one daemon has said so far."""

    speaks_for: frozenset[int]
    reader: _Reader
    count: int = 0
    """Messages that have come."""


class Exchange:
    """One exchange: collects tables until every member of the ring is spoken for."""

    def __init__(self, ring: RingId, members: frozenset[int], daemons: Sequence[bytes]) -> None:
        """`members` are the daemons of the ring by number; `daemons` are the names of all."""
        self._stamp = _RING.pack(ring.leader, ring.time)
        self._members = members
        self._daemons = daemons
        self._speeches: dict[int, _Speech] = {}
        self._size = 0
        self._tables: dict[int, dict[bytes, Group]] = {}
        self._spoken_for: dict[int, frozenset[int]] = {}
        self.rejected: dict[int, str] = {}

    @property
    def is_complete(self) -> bool:
        """Whether all daemons of the ring are spoken for."""
        return self._members <= self._spoken()

    def tables(self) -> list[dict[bytes, Group]]:
        """What was said, handed over, in the order of the speakers."""
        return [self._tables[speaker] for speaker in sorted(self._tables)]

    def receive(self, origin: int, body: bytes) -> str | None:
        """Take the next message in the order; returns what is wrong with it, if anything.

        A message that was sent in another ring is ignored, everything else that is wrong counts
        against its speaker.
        """
        if origin in self.rejected:
            return None
        if len(body) >= _HEAD.size and not body.startswith(self._stamp):
            return "a message of another ring"
        try:
            self._receive(origin, body)
        except _StateError as fault:
            self._reject(origin, str(fault))
            return str(fault)
        return None

    def _receive(self, origin: int, body: bytes) -> None:
        if len(body) < _HEAD.size:
            raise _StateError(f"a message of {len(body)} bytes")
        _, number, is_last, bits = _HEAD.unpack_from(body)
        if origin in self._tables:
            raise _StateError("a message behind the last one")
        speaks_for = self._daemons_of(bits)
        speech = self._speeches.get(origin)
        if speech is None:
            reader = _Reader(self._daemons, speaks_for)
            speech = self._speeches[origin] = _Speech(speaks_for, reader)
        if speech.speaks_for != speaks_for or min(speaks_for, default=None) != origin:
            raise _StateError(f"it speaks for daemons {sorted(speaks_for)}")
        if number != speech.count or is_last > 1:
            raise _StateError(f"message {number} comes as number {speech.count}")
        self._size += len(body)
        if self._size > STATES_SIZE_MAX:
            raise _StateError(f"more than {STATES_SIZE_MAX} bytes in all")
        speech.count += 1
        speech.reader.feed(body[_HEAD.size :])
        if is_last:
            self._conclude(origin, speech)

    def _daemons_of(self, bits: bytes) -> frozenset[int]:
        word = int.from_bytes(bits, "little")
        daemons = frozenset(daemon for daemon in range(_DAEMONS_MAX) if word >> daemon & 1)
        if not daemons <= self._members:
            raise _StateError(f"it speaks for daemons {sorted(daemons)}, not all in the ring")
        return daemons

    def _conclude(self, origin: int, speech: _Speech) -> None:
        if twice := speech.speaks_for & self._spoken():
            raise _StateError(f"daemons {sorted(twice)} have been spoken for")
        table = speech.reader.finish()
        del self._speeches[origin]
        self._tables[origin] = table
        self._spoken_for[origin] = speech.speaks_for

    def _spoken(self) -> frozenset[int]:
        return frozenset().union(*self._spoken_for.values())

    def _reject(self, origin: int, reason: str) -> None:
        self._speeches.pop(origin, None)
        self.rejected[origin] = reason
        self._tables[origin] = {}
        self._spoken_for[origin] = frozenset((origin,))
