"""Datagrams between daemons in plain Python: what is sound, written down a second time."""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

__all__ = ["HEADER_SIZE", "SIZE_MAX", "Fault", "Flag", "Kind", "crc32c", "fault_of", "sealed"]

VERSION = 3
HEADER_SIZE = 64
SIZE_MAX = 65_507
TOKEN_SIZE_MAX = 548
NO_FRAME = 0xFFFF


class Fault(IntEnum):
    """Why a datagram is refused, in the order of the checks but for the first two."""

    NONE = 0
    NOT_OURS = 1
    CLASSIC = 2
    VERSION = 3
    NETWORK = 4
    DAMAGED = 5
    MALFORMED = 6


class Kind(IntEnum):
    """Kinds of packets; from ALIVE on Python reads them."""

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
    """Bits of the flags byte."""

    POST = 1
    RETRANS = 2
    RECOVERY = 4
    RESEND = 8
    GRANT = 16
    FORWARDED = 32


@dataclass(frozen=True, slots=True)
class _Rule:
    """Bounds of one kind."""

    flags: int  # Bits that may be set.
    size_min: int
    size_max: int
    zero: tuple[int, int]  # From and up to which byte of the header nothing may stand.


_CONTROL = _Rule(0, HEADER_SIZE, SIZE_MAX, (56, 64))
_RULES = {
    Kind.DATA: _Rule(0b100111, HEADER_SIZE + 1, SIZE_MAX, (64, 64)),
    Kind.TOKEN: _Rule(0b11000, HEADER_SIZE, TOKEN_SIZE_MAX, (64, 64)),
    Kind.TOKEN_ACK: _Rule(0, HEADER_SIZE, HEADER_SIZE, (48, 64)),
    Kind.WANT: _Rule(0, HEADER_SIZE, HEADER_SIZE, (48, 64)),
    Kind.PING: _Rule(0, HEADER_SIZE, HEADER_SIZE, (40, 64)),
    Kind.PIECE: _Rule(0, HEADER_SIZE + 1, SIZE_MAX, (64, 64)),
    Kind.MEASURE: _Rule(0b100000, HEADER_SIZE, SIZE_MAX, (48, 64)),
    Kind.MEASURED: _Rule(0, HEADER_SIZE, HEADER_SIZE, (56, 64)),
} | {kind: _CONTROL for kind in Kind if kind >= Kind.ALIVE}


def fault_of(data: bytes, network: int, daemon_count: int) -> Fault:
    """Judge a datagram by the rules of the page on ring packets."""
    if len(data) >= 4 and data[0] & 0x80 and data[3] & 0x80:
        return Fault.CLASSIC
    if len(data) < HEADER_SIZE or data[:3] != b"\xf5sr":
        return Fault.NOT_OURS
    if data[4] != VERSION:
        return Fault.VERSION
    if int.from_bytes(data[8:16], "little") != network:
        return Fault.NETWORK
    if data != sealed(data):
        return Fault.DAMAGED
    if max(data[6:8]) >= daemon_count or any(data[20:32]) or not _is_sound(data):
        return Fault.MALFORMED
    return Fault.NONE


def _is_sound(data: bytes) -> bool:
    kind, flags = data[3], data[5]
    rule = _RULES.get(Kind(kind)) if kind in Kind.__members__.values() else None
    if rule is None or flags & ~rule.flags or any(data[slice(*rule.zero)]):
        return False
    if not rule.size_min <= len(data) <= rule.size_max:
        return False
    if kind == Kind.PIECE:
        return _is_piece_sound(data)
    if kind == Kind.MEASURE:
        return int.from_bytes(data[40:48], "little") == len(data)
    return kind != Kind.DATA or _is_data_sound(data)


def _is_piece_sound(data: bytes) -> bool:
    total: int
    piece: int
    index: int
    total, piece, index = struct.unpack_from("<8xQII", data, 40)
    if not HEADER_SIZE < total <= SIZE_MAX or not piece:
        return False
    sizes = [min(piece, total - start) for start in range(0, total, piece)]
    return len(sizes) <= 256 and index < len(sizes) and sizes[index] == len(data) - HEADER_SIZE


def _is_data_sound(data: bytes) -> bool:
    seq: int
    lag: int
    first: int
    place: int
    seq, lag, first, place = struct.unpack_from("<Q8xIHH", data, 40)
    if data[5] & Flag.RECOVERY and (lag or place):
        return False
    return lag <= seq and place < seq and (first == NO_FRAME or first < len(data) - HEADER_SIZE)


def sealed(data: bytes) -> bytes:
    """Return the datagram with the checksum that it should have."""
    crc = crc32c(data[:16] + bytes(4) + data[20:])
    return data[:16] + crc.to_bytes(4, "little") + data[20:]


def crc32c(data: bytes) -> int:
    """Return the CRC32C, byte by byte."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_CRC_TABLE = tuple(_crc_of_byte(byte) for byte in range(256))
