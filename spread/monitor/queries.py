"""Queries: the extension of the monitor protocol by which a daemon tells all it has to tell.

    asker --[ header 40 | nonce 4, kind 2, zero 2, cookie 16 | JSON arguments, padded ]--> daemon
    asker <--[ header 40 | nonce 4, kind 2, part 2, parts 2, zero 2, cookie 16 | slice ]-- daemon

The header is that of the classic protocol with `Command.QUERY`, which classic daemons ignore. The
bodies are little endian. A reply is compressed JSON cut into 1 to 64 datagrams that need no
fragments of IP; it goes to the source address of the request. Source addresses can be forged: only
who repeats the cookie that the daemon has sent to his address and port is answered, all others get
a datagram of 68 bytes that brings the cookie. Requests are padded to 512. Nothing is sent again:
who misses a part asks anew, with another nonce, since the answer may have become another one.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv4Address
from typing import Any, Final

from spread.errors import ArgumentError, PeerError
from spread.monitor.protocol import (
    HEADER_SIZE,
    MAGIC,
    MONITOR_HASH,
    Command,
    Datagram,
    address_number,
    decode_datagram,
    encode_datagram,
)

__all__ = [
    "ARGUMENTS_SIZE_MAX",
    "COOKIE",
    "COOKIE_SIZE",
    "DATAGRAM_SIZE_MAX",
    "NO_COOKIE",
    "PARTS_MAX",
    "REPLY_SIZE_MAX",
    "REQUEST_SIZE_MIN",
    "Kind",
    "Part",
    "Query",
    "cut",
    "decode_part",
    "decode_query",
    "encode_cookie",
    "encode_error",
    "encode_query",
    "encode_reply",
    "filling",
    "fold",
    "unfold",
]

REQUEST_SIZE_MIN: Final = 512
"""Bytes of UDP payload to which a request is padded."""

ARGUMENTS_SIZE_MAX: Final = 1024
"""Bytes of JSON, padding included."""

DATAGRAM_SIZE_MAX: Final = 1400
"""Bytes of UDP payload of a reply: fits the frames of Ethernet, and of most tunnels."""

PARTS_MAX: Final = 64
REPLY_SIZE_MAX: Final = 4 * 1024 * 1024
"""Bytes of JSON that a reply may unfold to: forged parts must not fill the asker's memory."""

ERROR_SIZE_MAX: Final = 1000

TYPE_BITS: Final = Command.QUERY | 0x80000080

COOKIE_SIZE: Final = 16
NO_COOKIE: Final = bytes(COOKIE_SIZE)
COOKIE: Final = slice(48, 48 + COOKIE_SIZE)
"""Where a request has its cookie."""

_REQUEST: Final = struct.Struct(f"<IHH{COOKIE_SIZE}s")
_PART: Final = struct.Struct(f"<IHHHH{COOKIE_SIZE}s")
_SLICE_MAX: Final = DATAGRAM_SIZE_MAX - HEADER_SIZE - _PART.size


class Kind(IntEnum):
    """What is asked for; a reply bears the kind of its request, COOKIE, or ERROR."""

    REPORT = 1
    GROUPS = 2
    SESSIONS = 3
    EVENTS = 4
    PROBE = 5
    RELOAD_PREVIEW = 6
    TRACE = 7
    RELOAD = 8
    """Reload as the classic command does, and say what came of it."""
    COOKIE = 254
    """No answer: the asker is to ask again, with the cookie of this datagram."""
    ERROR = 255


@dataclass(frozen=True, slots=True)
class Query:
    """A question to one daemon."""

    nonce: int
    """Random number of 32 bits that makes the reply recognisable."""
    kind: int
    """A `Kind`, or a number that this release does not know."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    requester: str = "0.0.0.0"
    """Address of the asker's entry, if it has one; the reply does not go there."""
    cookie: bytes = NO_COOKIE
    """In a request, the last one that the daemon has sent; the replies have the next one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One datagram of a reply."""

    nonce: int
    kind: int
    part: int
    parts: int
    daemon: str
    """Main address of the daemon that answers."""
    cookie: bytes
    """With which to ask it next."""
    slice: bytes


def encode_query(query: Query) -> bytes:
    """Return the datagram of a query; ArgumentError if the arguments are too long."""
    text = json.dumps(query.arguments, separators=(",", ":")).encode()
    if len(text) > ARGUMENTS_SIZE_MAX:
        raise ArgumentError(f"arguments of {len(text)} bytes; at most {ARGUMENTS_SIZE_MAX}")
    text = text.ljust(REQUEST_SIZE_MIN - HEADER_SIZE - _REQUEST.size)
    return _datagram(
        query.requester, _REQUEST.pack(query.nonce, query.kind, 0, query.cookie) + text
    )


def decode_query(data: bytes) -> Query:
    """Return the query of a datagram; PeerError says why it is none."""
    datagram = _query_datagram(data)
    if len(data) < REQUEST_SIZE_MIN:
        raise PeerError(f"a query of {len(data)} bytes; they are padded to {REQUEST_SIZE_MIN}")
    if len(datagram.body) > _REQUEST.size + ARGUMENTS_SIZE_MAX:
        raise PeerError(f"a query of {len(data)} bytes has more than its arguments may have")
    nonce, kind, zero, cookie = _REQUEST.unpack_from(datagram.body)
    if zero != 0:
        raise PeerError("the zero behind the kind of a query is another number")
    try:
        arguments = json.loads(datagram.body[_REQUEST.size :])
    except (ValueError, RecursionError) as error:
        raise PeerError(f"the arguments of a query are not JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise PeerError("the arguments of a query are not a JSON object")
    return Query(nonce, kind, arguments, str(IPv4Address(datagram.process)), cookie)


def encode_reply(query: Query, text: bytes, daemon: str) -> tuple[bytes, ...]:
    """Return the datagrams of a reply, `text` being JSON; ArgumentError if it is too long."""
    return cut(query, fold(text), daemon)


def fold(text: bytes) -> bytes:
    """Return a JSON text as replies have it; ArgumentError if it is too long for one."""
    folded = _folded(text)
    if _filling(text, folded) > 1:
        raise ArgumentError(
            f"a reply of {len(text)} bytes, {len(folded)} compressed; it has room for "
            f"{PARTS_MAX * _SLICE_MAX}"
        )
    return folded


def filling(text: bytes) -> float:
    """Return how much of a reply's room a JSON text takes; above 1 there is none for it."""
    return _filling(text, _folded(text))


def unfold(folded: bytes) -> bytes:
    """Return the JSON text of a reply; PeerError if it is cut, spoilt, or far too long."""
    unfolder = zlib.decompressobj()
    try:
        text = unfolder.decompress(folded, REPLY_SIZE_MAX)
    except zlib.error as error:
        raise PeerError(f"a reply does not unfold: {error}") from error
    if not unfolder.eof or unfolder.unused_data:
        raise PeerError(f"a reply is not whole, or unfolds to more than {REPLY_SIZE_MAX} bytes")
    return text


def cut(query: Query, folded: bytes, daemon: str) -> tuple[bytes, ...]:
    """Return the datagrams of a reply whose text is folded."""
    return _parts(query, query.kind, folded, daemon)


def encode_error(query: Query, sentence: str, daemon: str) -> tuple[bytes, ...]:
    """Return the datagrams that say why a query has no answer."""
    text = json.dumps({"error": sentence[:ERROR_SIZE_MAX]}).encode()
    return _parts(query, Kind.ERROR, fold(text), daemon)


def encode_cookie(query: Query, daemon: str) -> bytes:
    """Return the datagram that has a query asked again, with the cookie that `query` has here."""
    return _datagram(daemon, _PART.pack(query.nonce, Kind.COOKIE, 0, 1, 0, query.cookie))


def decode_part(data: bytes) -> Part:
    """Return one datagram of a reply; PeerError says why it is none."""
    datagram = _query_datagram(data)
    if len(data) > DATAGRAM_SIZE_MAX or len(datagram.body) < _PART.size:
        raise PeerError(f"{len(data)} bytes are not the size of a reply's part")
    nonce, kind, part, parts, zero, cookie = _PART.unpack_from(datagram.body)
    if (kind == Kind.COOKIE) != (len(datagram.body) == _PART.size):
        raise PeerError(f"a part of kind {kind} with {len(datagram.body) - _PART.size} bytes")
    if not part < parts <= PARTS_MAX:
        raise PeerError(f"part {part} of {parts}; there are at most {PARTS_MAX}")
    if zero != 0:
        raise PeerError("the zero behind the parts of a reply is another number")
    daemon = str(IPv4Address(datagram.process))
    return Part(nonce, kind, part, parts, daemon, cookie, datagram.body[_PART.size :])


def _folded(text: bytes) -> bytes:
    return zlib.compress(text, level=1)


def _filling(text: bytes, folded: bytes) -> float:
    return max(len(folded) / (PARTS_MAX * _SLICE_MAX), len(text) / REPLY_SIZE_MAX)


def _datagram(process: str, body: bytes) -> bytes:
    return encode_datagram(
        Datagram(
            "little",
            TYPE_BITS,
            process=address_number(process),
            body_size=len(body),
            body=body,
        )
    )


def _query_datagram(data: bytes) -> Datagram:
    datagram = decode_datagram(data)
    if datagram.command is not Command.QUERY:
        raise PeerError(f"type {datagram.type_bits:#010x} is not that of a query")
    if datagram.magic != MAGIC or datagram.hash != MONITOR_HASH:
        raise PeerError("a query without the monitor's magic numbers")
    if datagram.body_size != len(datagram.body):
        raise PeerError(f"a body of {len(datagram.body)} bytes, announced as {datagram.body_size}")
    return datagram


def _parts(query: Query, kind: int, folded: bytes, daemon: str) -> tuple[bytes, ...]:
    parts = -(-len(folded) // _SLICE_MAX)
    return tuple(
        _datagram(
            daemon,
            _PART.pack(query.nonce, kind, part, parts, 0, query.cookie)
            + folded[part * _SLICE_MAX : (part + 1) * _SLICE_MAX],
        )
        for part in range(parts)
    )
