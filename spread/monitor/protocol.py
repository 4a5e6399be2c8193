"""The classic monitor protocol: requests to a daemon's data port, and its status record.

    monitor --[ header 40 | body ]--> daemon, data port
    monitor <--[ header 40 | record 96 ]-- daemon          (status requests only)

    header   0 type         4 transmitter   8 process      12 magic
            16 time        20 sequence     24 round        28 hash
            32 body size   34 padding      36 fragment     38 fragment size

Integers are in the sender's byte order, which the bits 0x80000080 of the type tell: all set means
little endian, all clear means big endian, and the pattern reads the same either way. A packet of
our own ring has neither. `Datagram` keeps every field, so what was decoded is encoded again byte
for byte; `Request` is what a sensible monitor sends. Byte tables: docs/monitor-protocol.md.
"""

import struct
from dataclasses import astuple, dataclass, field, fields
from enum import IntFlag
from ipaddress import IPv4Address
from typing import Final, Literal

from spread.errors import ArgumentError, PeerError

__all__ = [
    "DAEMONS_MAX",
    "HEADER_SIZE",
    "KEEP",
    "KILL",
    "MAGIC",
    "MONITOR_HASH",
    "MONITOR_PORT",
    "STATUS_SIZE",
    "ByteOrder",
    "Command",
    "Datagram",
    "Request",
    "StatusRecord",
    "StatusReply",
    "address_number",
    "components",
    "decode_datagram",
    "decode_status",
    "encode_datagram",
    "encode_request",
    "encode_status",
    "pairs",
]

ByteOrder = Literal["little", "big"]

MONITOR_PORT: Final = 6543
"""Where the classic monitor waits for replies, unless told otherwise."""

HEADER_SIZE: Final = 40
STATUS_SIZE: Final = 96
DAEMONS_MAX: Final = 128
"""Entries of a partition map and of a flow control map, used or not."""

MAGIC: Final = 15051963
"""Tells a datagram of a monitor, in the place of the membership id's address."""

MONITOR_HASH: Final = 1100
"""In the place of the configuration hash."""

KILL: Final = -1
"""Component of a daemon that is to end."""

KEEP: Final = -1
"""Window that stays as it is."""

MARKERS: Final = 0x80000080
SHORT_MAX: Final = 0x7FFF

_PREFIX: Final[dict[ByteOrder, str]] = {"little": "<", "big": ">"}
_HEADER: Final = "8I4H"
_RECORD: Final = "18i12h"
_GAUGES: Final = ("num_procs", "num_segments", "num_sessions", "num_groups")


class Command(IntFlag):
    """What a datagram asks for; bits of its type. The first that is set, in this order, decides."""

    PARTITION = 0x02000000
    STATUS = 0x01000000
    FLOW_CONTROL = 0x04000000
    RELOAD = 0x08000000
    QUERY = 0x10000000
    """Our own queries, see `spread.monitor.queries`; classic daemons know no such bit."""
    PROBE = 0x20000000
    """Our own probes of the network, see `spread.monitor.probes`; nobody answers them."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """A datagram as it stands on the wire; numbers are unsigned."""

    order: ByteOrder
    type_bits: int
    """With the bits of the byte order."""
    transmitter: int = 0
    process: int = 0
    """Address of the requester's entry, or of the daemon that answers."""
    magic: int = MAGIC
    time: int = 0
    sequence: int = 0
    """Lower 16 bits: port for the reply."""
    token_round: int = 0
    hash: int = MONITOR_HASH
    body_size: int = 0
    """As the header says; not checked against the body here."""
    padding: int = 0
    fragment_index: int = 0
    fragment_size: int = 0
    body: bytes = b""

    @property
    def command(self) -> Command | None:
        """What it asks for; None if nothing that is known."""
        return next((each for each in Command if self.type_bits & each), None)


@dataclass(frozen=True, slots=True)
class Request:
    """What a monitor asks of a daemon."""

    command: Command
    requester: str
    """Address of a configured daemon; the reply goes there."""
    reply_port: int = MONITOR_PORT
    components: tuple[int, ...] = ()
    """PARTITION: by the daemons' numbers in the file, -1 ends the daemon."""
    pairs: tuple[tuple[int, int], ...] = ()
    """FLOW_CONTROL: personal and accelerated window by daemon, then (window, 0); -1 keeps."""
    order: ByteOrder = "little"


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """What a daemon tells of itself, with the names of the classic tools."""

    sec: int = 0
    state: int = 1
    gstate: int = 1
    packet_sent: int = 0
    packet_recv: int = 0
    packet_delivered: int = 0
    retrans: int = 0
    u_retrans: int = 0
    s_retrans: int = 0
    b_retrans: int = 0
    aru: int = 0
    my_aru: int = 0
    highest_seq: int = 0
    token_hurry: int = 0
    token_rounds: int = 0
    my_id: str = "0.0.0.0"
    leader_id: str = "0.0.0.0"
    message_delivered: int = 0
    membership_changes: int = 0
    num_procs: int = 0
    num_segments: int = 0
    window: int = 0
    personal_window: int = 0
    accelerated_ring: int = 0
    accelerated_window: int = 0
    num_sessions: int = 0
    num_groups: int = 0
    major_version: int = 4
    minor_version: int = 4
    patch_version: int = 0


_NAMES: Final = tuple(each.name for each in fields(StatusRecord))
_WORDS: Final = 18


@dataclass(frozen=True, slots=True)
class StatusReply:
    """A daemon's answer to a status request."""

    daemon: str
    """Main address of the daemon."""
    record: StatusRecord = field(default_factory=StatusRecord)
    order: ByteOrder = "little"


def address_number(address: str) -> int:
    """Return an IPv4 address as the number that headers bear."""
    try:
        return int(IPv4Address(address))
    except ValueError as error:
        raise ArgumentError(f"{address!r} is not an IPv4 address") from error


def decode_datagram(data: bytes) -> Datagram:
    """Return the fields of a datagram; PeerError if it is too short or not of this protocol."""
    if len(data) < HEADER_SIZE:
        raise PeerError(f"{len(data)} bytes, a monitor's datagram has at least {HEADER_SIZE}")
    order = _order(data)
    values = struct.unpack_from(_PREFIX[order] + _HEADER, data)
    return Datagram(*(order, *values, bytes(data[HEADER_SIZE:])))


def encode_datagram(datagram: Datagram) -> bytes:
    """Return the bytes of a datagram, in its own byte order."""
    _, *values, body = astuple(datagram)
    return struct.pack(_PREFIX[datagram.order] + _HEADER, *values) + bytes(body)


def encode_request(request: Request) -> bytes:
    """Return the datagram of a request; ArgumentError if it has too many entries or a bad one."""
    body = b""
    if request.command is Command.PARTITION:
        body = _shorts(request.components, DAEMONS_MAX, request.order)
    elif request.command is Command.FLOW_CONTROL:
        flat = tuple(number for pair in request.pairs for number in pair)
        body = _shorts(flat, 2 * DAEMONS_MAX, request.order)
    return encode_datagram(
        Datagram(
            request.order,
            _type_bits(request.command, request.order),
            process=address_number(request.requester),
            sequence=request.reply_port,
            body_size=len(body),
            body=body,
        )
    )


def components(datagram: Datagram) -> tuple[int, ...]:
    """Return the 128 entries of a partition map; PeerError unless all of them are there."""
    return _numbers(datagram, DAEMONS_MAX)


def pairs(datagram: Datagram) -> tuple[tuple[int, int], ...]:
    """Return the 128 pairs of a flow control map; PeerError unless all of them are there."""
    numbers = _numbers(datagram, 2 * DAEMONS_MAX)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def encode_status(reply: StatusReply) -> bytes:
    """Return the datagram of a status reply.

    What has grown beyond its field wraps as in the classic daemon, but sizes of now (sessions,
    groups, daemons) stop at the largest number instead of turning negative.
    """
    record = reply.record
    numbers = []
    for position, name in enumerate(_NAMES):
        value = getattr(record, name)
        if isinstance(value, str):
            value = address_number(value)
        if name in _GAUGES:
            value = min(value, SHORT_MAX)
        numbers.append(_wrapped(value, 32 if position < _WORDS else 16))
    return encode_datagram(
        Datagram(
            reply.order,
            _type_bits(Command.STATUS, reply.order),
            process=address_number(reply.daemon),
            magic=0,
            hash=0,
            body_size=STATUS_SIZE,
            body=struct.pack(_PREFIX[reply.order] + _RECORD, *numbers),
        )
    )


def decode_status(data: bytes) -> StatusReply:
    """Return a daemon's status reply; PeerError if it is something else.

    Records of releases before 4.4 are shorter, their fields stand in other places: refused too.
    """
    datagram = decode_datagram(data)
    if datagram.command is not Command.STATUS:
        raise PeerError(f"type {datagram.type_bits:#010x} is not that of a status reply")
    if not (len(datagram.body) == datagram.body_size == STATUS_SIZE):
        raise PeerError(
            f"status record of {len(datagram.body)} bytes, announced as {datagram.body_size}; "
            f"that of release 4.4 has {STATUS_SIZE}"
        )
    numbers = struct.unpack(_PREFIX[datagram.order] + _RECORD, datagram.body)
    values = dict(zip(_NAMES, numbers, strict=True))
    for name in ("my_id", "leader_id"):
        values[name] = str(IPv4Address(values[name] & 0xFFFFFFFF))
    return StatusReply(str(IPv4Address(datagram.process)), StatusRecord(**values), datagram.order)


def _order(data: bytes) -> ByteOrder:
    markers = int.from_bytes(data[:4], "little") & MARKERS
    if markers == MARKERS:
        return "little"
    if markers == 0:
        return "big"
    raise PeerError("its first word has neither form of the byte order bits")


def _type_bits(command: Command, order: ByteOrder) -> int:
    return command | MARKERS if order == "little" else int(command)


def _numbers(datagram: Datagram, count: int) -> tuple[int, ...]:
    size = 2 * count
    if not (len(datagram.body) == datagram.body_size == size):
        raise PeerError(
            f"a body of {len(datagram.body)} bytes, announced as {datagram.body_size}, "
            f"instead of {size}"
        )
    return struct.unpack(f"{_PREFIX[datagram.order]}{count}h", datagram.body)


def _shorts(numbers: tuple[int, ...], count: int, order: ByteOrder) -> bytes:
    if len(numbers) > count:
        raise ArgumentError(f"{len(numbers)} numbers do not fit a map of {count}")
    bad = [each for each in numbers if not -SHORT_MAX - 1 <= each <= SHORT_MAX]
    if bad:
        raise ArgumentError(f"{bad[0]} does not fit 16 bits")
    padded = numbers + (0,) * (count - len(numbers))
    return struct.pack(f"{_PREFIX[order]}{count}h", *padded)


def _wrapped(value: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half
