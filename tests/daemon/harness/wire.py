"""The client protocol as bytes, written from the protocol page alone.

A second codec on purpose: it shares nothing with the package, so that an error of one of the two
shows as a difference. It can also write what a correct client never would.

    header 48 bytes | old type 4 bytes, in REJECT messages only | 32 bytes per group | data

    offset  size  field
         0     4  type, with the marker bits 0x80000080 when the writer is little-endian
         4    32  private group of the sender, or the group that a membership message is about
        36     4  number of groups
        40     4  hint: mess_type << 8, in the order of the original sender, with markers of its own
        44     4  bytes of data
"""

import struct
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "AGREED",
    "CAUSAL",
    "CAUSED_BY_DISCONNECT",
    "CAUSED_BY_JOIN",
    "CAUSED_BY_LEAVE",
    "CAUSED_BY_NETWORK",
    "FIFO",
    "HEADER_SIZE",
    "JOIN",
    "KILL",
    "LEAVE",
    "MARKER",
    "NAME_SIZE",
    "REGULAR_MEMBERSHIP",
    "REJECT",
    "RELIABLE",
    "SAFE",
    "SELF_DISCARD",
    "SERVICES",
    "TRANSITION",
    "UNRELIABLE",
    "Frame",
    "FrameReader",
    "GroupId",
    "Order",
    "View",
    "data_frame",
    "decode_frame",
    "encode_frame",
    "frame_size",
    "header",
    "hint_bytes",
    "padded",
    "read_type",
    "request_frame",
    "stripped",
]

Order = Literal["little", "big"]

HEADER_SIZE = 48
NAME_SIZE = 32
MARKER = 0x80000080

UNRELIABLE, RELIABLE, FIFO, CAUSAL, AGREED, SAFE = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
SERVICES = 0x3F
SELF_DISCARD = 0x40
CAUSED_BY_JOIN, CAUSED_BY_LEAVE = 0x100, 0x200
CAUSED_BY_DISCONNECT, CAUSED_BY_NETWORK = 0x400, 0x800
REGULAR_MEMBERSHIP, TRANSITION = 0x1000, 0x2000
JOIN, LEAVE, KILL = 0x10000, 0x20000, 0x40000
REJECT = 0x400000

_PREFIX: dict[Order, Literal["<", ">"]] = {"little": "<", "big": ">"}


@dataclass(frozen=True, slots=True)
class GroupId:
    """The three words of a group id; the first two name a ring membership."""

    address: int
    time: int
    index: int


@dataclass(frozen=True, slots=True)
class View:
    """The body of a regular membership message; `own` is the index of the receiver's set."""

    group_id: GroupId
    sets: tuple[tuple[bytes, ...], ...]
    own: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. Names are fields of 32 bytes as they are on the wire; `type` has no markers."""

    type: int
    name: bytes
    groups: tuple[bytes, ...]
    hint: bytes
    data: bytes
    order: Order = "little"
    old_type: int | None = None

    @property
    def mess_type(self) -> int:
        """The application's 16-bit number, signed, in whichever order its sender wrote it."""
        little = int.from_bytes(self.hint, "little")
        word = little if little & MARKER == MARKER else int.from_bytes(self.hint, "big")
        number = (word >> 8) & 0xFFFF
        return number - 0x10000 if number & 0x8000 else number

    @property
    def group_names(self) -> tuple[bytes, ...]:
        return tuple(stripped(group) for group in self.groups)

    @property
    def is_data(self) -> bool:
        return not self.type & REJECT and bool(self.type & SERVICES)

    @property
    def is_view(self) -> bool:
        return not self.is_data and bool(self.type & REGULAR_MEMBERSHIP)

    @property
    def is_transitional(self) -> bool:
        return not self.is_data and not self.is_view and bool(self.type & TRANSITION)

    @property
    def is_self_leave(self) -> bool:
        return self.type & 0x3F00 == CAUSED_BY_LEAVE and not self.is_data

    def view(self) -> View:
        """Decode the body of a regular membership message."""
        prefix = _PREFIX[self.order]
        address, time, index, count, own_offset = struct.unpack_from(f"{prefix}iiiII", self.data)
        sets = []
        offset, own = 20, -1
        for position in range(count):
            if offset - 20 == own_offset:
                own = position
            (members,) = struct.unpack_from(f"{prefix}I", self.data, offset)
            names = self.data[offset + 4 : offset + 4 + NAME_SIZE * members]
            if len(names) != NAME_SIZE * members:
                raise ValueError(f"vs set {position} is cut short: {self.data.hex()}")
            sets.append(tuple(stripped(name) for name in _fields(names)))
            offset += 4 + len(names)
        if offset != len(self.data) or own < 0:
            raise ValueError(f"malformed membership body: {self.data.hex()}")
        return View(GroupId(address, time, index), tuple(sets), own)


def padded(name: bytes) -> bytes:
    """Return a 32-byte field; longer names are cut, so that a test can fill a field completely."""
    return name[:NAME_SIZE].ljust(NAME_SIZE, b"\0")


def stripped(field: bytes) -> bytes:
    """Return the name of a field: what stands before the first NUL."""
    return field.split(b"\0", 1)[0]


def hint_bytes(mess_type: int, order: Order = "little") -> bytes:
    word = (mess_type & 0xFFFF) << 8 | (MARKER if order == "little" else 0)
    return word.to_bytes(4, order)


def header(
    type_word: int, name: bytes, group_count: int, hint: bytes, data_size: int, order: Order
) -> bytes:
    """Build 48 bytes from anything: counts may be negative, the marker is set by `order`."""
    prefix = _PREFIX[order]
    marked = type_word | MARKER if order == "little" else type_word
    return b"".join(
        (
            struct.pack(f"{prefix}I", marked & 0xFFFFFFFF),
            padded(name),
            struct.pack(f"{prefix}I", group_count & 0xFFFFFFFF),
            hint,
            struct.pack(f"{prefix}I", data_size & 0xFFFFFFFF),
        )
    )


def encode_frame(frame: Frame) -> bytes:
    head = header(
        frame.type, frame.name, len(frame.groups), frame.hint, len(frame.data), frame.order
    )
    old = b""
    if frame.old_type is not None:
        old = struct.pack(f"{_PREFIX[frame.order]}I", frame.old_type)
    return b"".join((head, old, *(padded(group) for group in frame.groups), frame.data))


def frame_size(data: bytes) -> int | None:
    """Return the size of the frame that begins in `data`, or None while its header is cut."""
    if len(data) < HEADER_SIZE:
        return None
    type_word, order = read_type(data)
    groups, data_size = _read_counts(data, order)
    return HEADER_SIZE + (4 if type_word & REJECT else 0) + NAME_SIZE * groups + data_size


def read_type(data: bytes) -> tuple[int, Order]:
    """Return the type without marker bits and the order of the party that wrote the header."""
    little = int.from_bytes(data[:4], "little")
    if little & MARKER == MARKER:
        return little & ~MARKER, "little"
    return int.from_bytes(data[:4], "big") & ~MARKER, "big"


def decode_frame(data: bytes) -> Frame:
    """Decode exactly one frame; raises ValueError when `data` is shorter or longer than it."""
    if frame_size(data) != len(data):
        raise ValueError(f"{len(data)} bytes are not one frame: {data[:96].hex()}")
    type_word, order = read_type(data)
    groups, _ = _read_counts(data, order)
    offset = HEADER_SIZE
    old_type = None
    if type_word & REJECT:
        (old_type,) = struct.unpack_from(f"{_PREFIX[order]}I", data, offset)
        offset += 4
    body = offset + NAME_SIZE * groups
    return Frame(
        type_word,
        data[4:36],
        tuple(_fields(data[offset:body])),
        data[40:44],
        data[body:],
        order,
        old_type,
    )


class FrameReader:
    """Cuts a stream of bytes, however segmented, into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._size: int | None = None

    def feed(self, data: bytes) -> None:
        self._buffer += data

    @property
    def waiting(self) -> bytes:
        """Bytes of an incomplete frame."""
        return bytes(self._buffer)

    def next_frame(self) -> Frame | None:
        """Return the next complete frame, or None while there is none."""
        if self._size is None:
            self._size = frame_size(bytes(self._buffer[:HEADER_SIZE]))
        if self._size is None or len(self._buffer) < self._size:
            return None
        unit = bytes(self._buffer[: self._size])
        del self._buffer[: self._size]
        self._size = None
        return decode_frame(unit)


def data_frame(
    sender: bytes,
    service: int,
    groups: tuple[bytes, ...],
    data: bytes = b"",
    mess_type: int = 0,
    order: Order = "little",
) -> bytes:
    return encode_frame(
        Frame(service, padded(sender), groups, hint_bytes(mess_type, order), data, order)
    )


def request_frame(sender: bytes, kind: int, group: bytes, order: Order = "little") -> bytes:
    """Return a JOIN, LEAVE or KILL request naming one group."""
    return encode_frame(Frame(kind, padded(sender), (group,), hint_bytes(0, order), b"", order))


def _fields(data: bytes) -> list[bytes]:
    return [data[start : start + NAME_SIZE] for start in range(0, len(data), NAME_SIZE)]


def _read_counts(data: bytes, order: Order) -> tuple[int, int]:
    groups, data_size = (
        int.from_bytes(data[36:40], order, signed=True),
        int.from_bytes(data[44:48], order, signed=True),
    )
    if groups < 0 or data_size < 0:
        raise ValueError(f"negative count in a header: {data[:HEADER_SIZE].hex()}")
    return groups, data_size
