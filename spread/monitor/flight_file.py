"""Reads files of the flight recorder: who recorded, packets, control events, and nothing else.

A file may be what a crash has left behind, or anybody's: whatever does not hold together is a
`PeerError`, and a record whose time makes no sense is left out.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any, Final, NamedTuple

from spread.errors import PeerError

__all__ = [
    "EVENT",
    "FLAG_NAMES",
    "Direction",
    "Flag",
    "FlightFile",
    "Kind",
    "PacketNote",
    "TextNote",
    "parse",
    "read",
]

MAGIC: Final = b"SPRFLT1\n"

FILE_SIZE_MAX: Final = 2 << 30
DAEMONS_MAX: Final = 128
NAME_MAX: Final = 64
YEARS_NS: Final = 20 * 365 * 86_400 * 1_000_000_000
"""No record is further from the moment in the head than this."""

WALL_MAX: Final = 1 << 62

EVENT: Final = "EVENT"
"""What stands for the kind of a control event, beside those of packets."""

TARGET_SEGMENT: Final = 256

_HEAD: Final = struct.Struct("<8sIIQQQQIIQQQ")
_DESCRIPTION_AT: Final = 128
_PACKET: Final = struct.Struct("<QIHBB3sBBBBBIIQQII8x")
_TEXT: Final = struct.Struct("<QQ240s")


class Kind(IntEnum):
    """What a packet between daemons is."""

    DATA = 1
    TOKEN = 2
    TOKEN_ACK = 3
    WANT = 4
    PING = 5
    PIECE = 6
    MEASURE = 7
    MEASURED = 8
    ALIVE = 16
    JOIN = 17
    REFER = 18
    FORM1 = 19
    FORM2 = 20
    FORM_ACK = 21
    LEAVE = 22


class Flag(IntFlag):
    """Bits of a packet."""

    POST = 1
    RETRANS = 2
    RECOVERY = 4
    RESEND = 8
    GRANT = 16
    FORWARDED = 32


class Direction(IntEnum):
    """Which way a packet went."""

    IN = 0
    OUT = 1
    JOINED = 2
    CUT = 3


FLAG_NAMES: Final = {
    Flag.POST: "behind the token",
    Flag.RETRANS: "sent again",
    Flag.RECOVERY: "from the old ring",
    Flag.RESEND: "a copy",
    Flag.GRANT: "as asked for",
    Flag.FORWARDED: "sent on into a segment",
}


class PacketNote(NamedTuple):
    """A datagram as it was noted: the header's fields as `Packet` of the daemon has them."""

    time_ns: int
    size: int
    target: int
    """A daemon's number, 256 for the segment; it means something for packets that went out."""
    direction: int
    fault: int
    magic: bytes
    kind: int
    version: int
    flags: int
    origin: int
    transmitter: int
    leader: int
    ring_time: int
    number: int
    second: int
    lag: int
    tail: int

    @property
    def identity(self) -> tuple[int, ...]:
        """What is the same where it went out and where it came in."""
        return self[6], *self[8:]


class TextNote(NamedTuple):
    """A control event."""

    time_ns: int
    after: int
    """Packets that had been noted before."""
    text: str


@dataclass(frozen=True, slots=True)
class FlightFile:
    """What one daemon recorded, oldest first."""

    daemon: str
    address: str
    me: int
    names: tuple[str, ...]
    process: int
    release: str
    moment_ns: int
    """A moment by the clock of the records, and the same one in ns since 1970."""
    wall_ns: int
    first_packet: int
    """How many packets came before the first of `packets`."""
    packets: tuple[PacketNote, ...]
    texts: tuple[TextNote, ...]
    incarnation: int = 0
    """What tells this run of the daemon from others."""

    def wall_of(self, time_ns: int) -> int:
        """Return the time of day of a record's time, in ns since 1970, by that daemon's clock."""
        return time_ns - self.moment_ns + self.wall_ns


def read(path: Path) -> FlightFile:
    """Return what a file holds; PeerError says why that is nothing, OSError is the system's."""
    with path.open("rb") as file:
        data = file.read(FILE_SIZE_MAX + 1)
    try:
        return parse(data)
    except PeerError as error:
        raise PeerError(f"{path} is no file of a flight recorder: {error}") from error


def parse(data: bytes) -> FlightFile:
    """Return what the bytes of a file hold; PeerError says why that is nothing."""
    if len(data) < _DESCRIPTION_AT or data[: len(MAGIC)] != MAGIC:
        raise PeerError("it does not begin with SPRFLT1")
    head = _Head(*_HEAD.unpack_from(data)[1:])
    if (head.packet_size, head.text_size) != (_PACKET.size, _TEXT.size):
        raise PeerError(f"records of {head.packet_size} and {head.text_size} bytes")
    if not head.packet_room or not head.text_room:
        raise PeerError("it has no room for records")
    texts_at = head.size + head.packet_room * _PACKET.size
    end = texts_at + head.text_room * _TEXT.size
    if not _DESCRIPTION_AT <= head.size <= len(data) or end > len(data) <= FILE_SIZE_MAX:
        raise PeerError(f"it has {len(data)} bytes, and should have {end}")
    if head.wall_ns >= WALL_MAX or head.moment_ns >= WALL_MAX:
        raise PeerError("its clock makes no sense")
    told = _description(data[_DESCRIPTION_AT : min(_DESCRIPTION_AT + head.description, head.size)])
    packets = _whole(head.packets, head.packet_room, head.first_packet)
    texts = _whole(head.texts, head.text_room, 0)
    packet_bytes = data[head.size : texts_at]
    text_bytes = data[texts_at:end]
    return FlightFile(
        daemon=told.daemon,
        address=told.address,
        me=told.me,
        names=told.names,
        process=told.process,
        release=told.release,
        moment_ns=head.moment_ns,
        wall_ns=head.wall_ns,
        first_packet=packets.start,
        packets=tuple(_packets(packet_bytes, packets, head)),
        texts=tuple(_texts(text_bytes, texts, head)),
        incarnation=told.incarnation,
    )


class _Head(NamedTuple):
    size: int
    packet_size: int
    packets: int
    texts: int
    packet_room: int
    text_room: int
    text_size: int
    description: int
    moment_ns: int
    wall_ns: int
    first_packet: int


class _Description(NamedTuple):
    daemon: str
    address: str
    me: int
    names: tuple[str, ...]
    process: int
    release: str
    incarnation: int


def _whole(written: int, room: int, first: int) -> range:
    """Return the numbers of the records that are there: of a full ring all but the oldest."""
    oldest = written - room + 1 if written >= room else 0
    return range(min(max(oldest, first), written), written)


def _packets(data: bytes, numbers: range, head: _Head) -> Iterator[PacketNote]:
    for number in numbers:
        place = number % head.packet_room * _PACKET.size
        note = PacketNote(*_PACKET.unpack_from(data, place))
        if abs(note.time_ns - head.moment_ns) < YEARS_NS:
            yield note


def _texts(data: bytes, numbers: range, head: _Head) -> Iterator[TextNote]:
    for number in numbers:
        time_ns, rest, text = _TEXT.unpack_from(data, number % head.text_room * _TEXT.size)
        if abs(time_ns - head.moment_ns) < YEARS_NS:
            words = text[: rest & 0xFFFF].decode("utf-8", "replace")
            yield TextNote(time_ns, rest >> 16, _printable(words))


def _description(text: bytes) -> _Description:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PeerError(f"what it says of its daemon is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise PeerError("what it says of its daemon is not a JSON object")
    names = value.get("names")
    if not isinstance(names, list) or not 0 < len(names) <= DAEMONS_MAX:
        raise PeerError("it does not name the daemons of the ring")
    me = _number(value, "me")
    if me >= len(names):
        raise PeerError(f"daemon {me} of {len(names)}")
    return _Description(
        daemon=_word(value.get("daemon")),
        address=_word(value.get("address")),
        me=me,
        names=tuple(map(_word, names)),
        process=_number(value, "process"),
        release=_word(value.get("release")),
        incarnation=_number(value, "incarnation", 1 << 64),
    )


def _number(value: dict[str, Any], name: str, end: int = 1 << 32) -> int:
    number = value.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < end:
        raise PeerError(f"{name} is {number!r:.40}, and should be a number")
    return number


def _word(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= NAME_MAX:
        raise PeerError(f"{value!r:.80} is no name")
    return _printable(value)


def _printable(text: str) -> str:
    """Return text that does nothing to a terminal."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "?" for each in text)
