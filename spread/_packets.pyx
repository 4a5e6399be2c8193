"""The header of datagrams between daemons: written, checked and read, for the ring and for Python.

The layout itself stands in `_packets.pxd`. A datagram can come from anybody, so `packet_read`
believes nothing: it returns a fault for whatever `packet_write` would not have written. Behind the
header it checks the size only; who takes the payload apart checks the payload.

The checks run from the general to the particular, so that the fault tells the cause best: another
protocol, another version, another network, damage, and last a packet of ours that is wrong.
"""

from typing import NamedTuple

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from spread._check cimport check
from spread._forwarding cimport FLAG_FORWARDED
from spread._frames cimport load_be32, load_le32, store_le32

from spread.errors import MisuseError, PeerError

cdef extern from "_crc32c.h":
    void crc32c_prepare() noexcept nogil
    uint32_t crc32c_extend "crc32c_extend"(
        uint32_t crc, const uint8_t* data, size_t size
    ) noexcept nogil
    uint32_t portable_extend "crc32c_portable"(
        uint32_t crc, const uint8_t* data, size_t size
    ) noexcept nogil

cdef enum:
    OFFSET_MAGIC = 0
    OFFSET_KIND = 3
    OFFSET_VERSION = 4
    OFFSET_FLAGS = 5
    OFFSET_ORIGIN = 6
    OFFSET_TRANSMITTER = 7
    OFFSET_NETWORK = 8
    OFFSET_CRC = 16
    OFFSET_TAG = 20
    OFFSET_LEADER = 32
    OFFSET_TIME = 36
    OFFSET_NUMBER = 40
    OFFSET_SECOND = 48
    OFFSET_LAG = 56
    OFFSET_TAIL = 60

cdef enum:
    MAGIC_0 = 0xF5
    MAGIC_1 = 0x73
    MAGIC_2 = 0x72
    # The checksum counts its own field as zero: a copy of so many bytes of the header stands in
    # for them. A multiple of 8 leaves the rest as well aligned as the datagram.
    SEALED_SIZE = 24

cdef enum:
    # The classic header in front of a monitor's request: monitor protocol, section 2.1.
    MONITOR_HEADER_SIZE = 40
    OFFSET_MONITOR_MAGIC = 12
    MONITOR_MAGIC = 15051963
    # Bits of the type's highest byte that are commands: of Spread's monitor, and our queries.
    MONITOR_COMMANDS = 0x3f

cdef enum:
    DATA_FLAGS = FLAG_POST | FLAG_RETRANS | FLAG_RECOVERY | FLAG_FORWARDED
    TOKEN_FLAGS = FLAG_RESEND | FLAG_GRANT

cdef uint8_t NOTHING = 0

crc32c_prepare()


cdef inline uint32_t checksum(const uint8_t* data, uint32_t size) noexcept nogil:
    """CRC32C of a datagram of at least a header, its own field taken as zero."""
    cdef uint8_t[SEALED_SIZE] sealed
    memcpy(sealed, data, SEALED_SIZE)
    memset(sealed + OFFSET_CRC, 0, 4)
    cdef uint32_t crc = crc32c_extend(0, sealed, SEALED_SIZE)
    return crc32c_extend(crc, data + SEALED_SIZE, size - SEALED_SIZE)


cdef inline bint is_classic(const uint8_t* data, uint32_t size) noexcept nogil:
    return size >= 4 and data[0] & 0x80 != 0 and data[3] & 0x80 != 0


cdef inline bint has_magic(const uint8_t* data) noexcept nogil:
    return data[0] == MAGIC_0 and data[1] == MAGIC_1 and data[2] == MAGIC_2


cdef inline bint is_zero(const uint8_t* data, uint32_t size) noexcept nogil:
    cdef uint8_t bits = 0
    cdef uint32_t i
    for i in range(size):
        bits |= data[i]
    return bits == 0


cdef bint is_data_sound(const Packet* packet, uint32_t payload_size) noexcept nogil:
    if packet.flags & ~<uint32_t>DATA_FLAGS != 0:
        return False
    if packet.number == 0 or packet.lag > packet.number:
        return False
    if packet.flags & FLAG_RECOVERY and packet.lag != 0:
        return False
    if packet.flags & FLAG_RECOVERY and packet.place != 0:
        return False
    if packet.place >= packet.number:
        return False
    if packet.tail != NO_FRAME and packet.tail >= payload_size:
        return False
    return 0 < payload_size <= PACKET_SIZE_MAX - PACKET_HEADER_SIZE


cdef bint is_piece_sound(const Packet* packet, uint32_t payload_size) noexcept nogil:
    cdef uint64_t start = <uint64_t>packet.tail * packet.lag
    if not PACKET_HEADER_SIZE < packet.second <= PACKET_SIZE_MAX or packet.tail >= PIECES_MAX:
        return False
    if packet.lag == 0 or start >= packet.second:
        return False
    if packet.second > <uint64_t>packet.lag * PIECES_MAX:
        return False
    return payload_size == min(<uint64_t>packet.lag, packet.second - start)


cdef bint is_sound(const Packet* packet, const uint8_t* data, uint32_t size) noexcept nogil:
    """Judge what depends on the kind: flags, sizes, and that unused bytes are zero."""
    if packet.kind == KIND_DATA:
        return is_data_sound(packet, size - PACKET_HEADER_SIZE)
    if packet.kind == KIND_TOKEN:
        return packet.flags & ~<uint32_t>TOKEN_FLAGS == 0 and size <= TOKEN_SIZE_MAX
    if packet.flags & ~<uint32_t>(FLAG_FORWARDED if packet.kind == KIND_MEASURE else 0) != 0:
        return False
    if packet.kind == KIND_TOKEN_ACK or packet.kind == KIND_WANT:
        return size == PACKET_HEADER_SIZE and is_zero(data + OFFSET_SECOND, 16)
    if packet.kind == KIND_PING:
        return size == PACKET_HEADER_SIZE and is_zero(data + OFFSET_NUMBER, 24)
    if packet.kind == KIND_PIECE:
        return is_piece_sound(packet, size - PACKET_HEADER_SIZE)
    if packet.kind == KIND_MEASURE:
        return packet.number == size <= PACKET_SIZE_MAX and is_zero(data + OFFSET_SECOND, 16)
    if packet.kind == KIND_MEASURED:
        return size == PACKET_HEADER_SIZE and is_zero(data + OFFSET_LAG, 8)
    if KIND_CONTROL <= packet.kind < KIND_COUNT:
        return size <= PACKET_SIZE_MAX and is_zero(data + OFFSET_LAG, 8)
    return False


cdef bint packet_is_monitor(const uint8_t* data, uint32_t size) noexcept nogil:
    # Our own packets have the one bit and not the other: the first look lets them pass.
    if size < MONITOR_HEADER_SIZE or (data[0] ^ data[3]) & 0x80 != 0:
        return False
    if data[0] & 0x80 == 0:
        return load_be32(data + OFFSET_MONITOR_MAGIC) == MONITOR_MAGIC
    # By its type a stray datagram of a monitor is known from one of a classic daemon, so that the
    # right thing is told of it; who judges monitors looks at the magic number.
    if data[0] == 0x80 and data[1] == 0 and data[2] == 0 and data[3] & MONITOR_COMMANDS != 0:
        return True
    return load_le32(data + OFFSET_MONITOR_MAGIC) == MONITOR_MAGIC


cdef bint packet_is_query(const uint8_t* data, uint32_t size) noexcept nogil:
    # Little endian always: the type's highest byte stands last.
    if not packet_is_monitor(data, size) or data[0] & 0x80 == 0 or data[3] & 0x30 == 0:
        return False
    return load_le32(data + OFFSET_MONITOR_MAGIC) == MONITOR_MAGIC


cdef PacketFault packet_read(
    Packet* packet, const uint8_t* data, uint32_t size, uint64_t network, uint32_t daemon_count
) noexcept nogil:
    if is_classic(data, size):
        return PACKET_CLASSIC
    if size < PACKET_HEADER_SIZE or not has_magic(data):
        return PACKET_NOT_OURS
    if data[OFFSET_VERSION] != FORMAT_VERSION:
        return PACKET_VERSION
    if load_le64(data + OFFSET_NETWORK) != network:
        return PACKET_NETWORK
    if load_le32(data + OFFSET_CRC) != checksum(data, size):
        return PACKET_DAMAGED
    packet.kind = data[OFFSET_KIND]
    packet.flags = data[OFFSET_FLAGS]
    packet.origin = data[OFFSET_ORIGIN]
    packet.transmitter = data[OFFSET_TRANSMITTER]
    packet.leader = load_le32(data + OFFSET_LEADER)
    packet.time = load_le32(data + OFFSET_TIME)
    packet.number = load_le64(data + OFFSET_NUMBER)
    packet.second = load_le64(data + OFFSET_SECOND)
    packet.lag = load_le32(data + OFFSET_LAG)
    packet.tail = load_le32(data + OFFSET_TAIL)
    packet.place = 0
    if packet.kind == KIND_DATA:
        packet.place = <uint16_t>(packet.tail >> 16)
        packet.tail &= 0xFFFF
    if packet.origin >= daemon_count or packet.transmitter >= daemon_count:
        return PACKET_MALFORMED
    if not is_zero(data + OFFSET_TAG, OFFSET_LEADER - OFFSET_TAG):
        return PACKET_MALFORMED
    if not is_sound(packet, data, size):
        return PACKET_MALFORMED
    return PACKET_OK


cdef void packet_write(
    uint8_t* data, uint32_t size, const Packet* packet, uint64_t network
) noexcept nogil:
    check(PACKET_HEADER_SIZE <= size <= PACKET_SIZE_MAX, "a packet fits a datagram")
    memset(data, 0, PACKET_HEADER_SIZE)
    data[OFFSET_MAGIC] = MAGIC_0
    data[OFFSET_MAGIC + 1] = MAGIC_1
    data[OFFSET_MAGIC + 2] = MAGIC_2
    data[OFFSET_KIND] = packet.kind
    data[OFFSET_VERSION] = FORMAT_VERSION
    data[OFFSET_FLAGS] = packet.flags
    data[OFFSET_ORIGIN] = packet.origin
    data[OFFSET_TRANSMITTER] = packet.transmitter
    store_le64(data + OFFSET_NETWORK, network)
    store_le32(data + OFFSET_LEADER, packet.leader)
    store_le32(data + OFFSET_TIME, packet.time)
    if packet.kind != KIND_PING:
        store_le64(data + OFFSET_NUMBER, packet.number)
    cdef bint has_four_numbers = packet.kind == KIND_TOKEN or packet.kind == KIND_PIECE
    if packet.kind <= KIND_TOKEN or packet.kind >= KIND_CONTROL or (
        packet.kind == KIND_PIECE or packet.kind == KIND_MEASURED
    ):
        store_le64(data + OFFSET_SECOND, packet.second)
    if has_four_numbers or (
        packet.kind == KIND_DATA and packet.flags & FLAG_RECOVERY == 0
    ):
        store_le32(data + OFFSET_LAG, packet.lag)
    if has_four_numbers:
        store_le32(data + OFFSET_TAIL, packet.tail)
    elif packet.kind == KIND_DATA:
        store_le32(
            data + OFFSET_TAIL,
            packet.tail & 0xFFFF | (
                0 if packet.flags & FLAG_RECOVERY else <uint32_t>packet.place << 16
            ),
        )
    store_le32(data + OFFSET_CRC, checksum(data, size))


FAULT_TEXTS = (
    "a packet of this network",
    "another protocol",
    "a daemon or monitor of the classic Spread Toolkit",
    "another version of the packet format",
    "another configuration of the network",
    "damaged on its way: the checksum does not match",
    "malformed: kind, daemon numbers, flags, reserved bytes or size are wrong",
)
NO_FAULT = PACKET_OK

KINDS = {
    KIND_DATA: "DATA",
    KIND_TOKEN: "TOKEN",
    KIND_TOKEN_ACK: "TOKEN_ACK",
    KIND_WANT: "WANT",
    KIND_PING: "PING",
    KIND_PIECE: "PIECE",
    KIND_MEASURE: "MEASURE",
    KIND_MEASURED: "MEASURED",
    KIND_ALIVE: "ALIVE",
    KIND_JOIN: "JOIN",
    KIND_REFER: "REFER",
    KIND_FORM1: "FORM1",
    KIND_FORM2: "FORM2",
    KIND_FORM_ACK: "FORM_ACK",
    KIND_LEAVE: "LEAVE",
}

FLAGS = {
    FLAG_POST: "POST",
    FLAG_RETRANS: "RETRANS",
    FLAG_RECOVERY: "RECOVERY",
    FLAG_RESEND: "RESEND",
    FLAG_GRANT: "GRANT",
    FLAG_FORWARDED: "FORWARDED",
}

VERSION = FORMAT_VERSION
SIZE_MAX = PACKET_SIZE_MAX
HEADER_SIZE = PACKET_HEADER_SIZE


class LayoutField(NamedTuple):
    """A field of the header: its place in bytes, and what stands there in packets of some kinds.

    `kinds` is "every kind", the name of one kind, "DATA with RECOVERY", or "control kinds" for
    ALIVE and all after it. `attribute` names the place of the value in `PacketHeader`, if any.
    """

    kinds: str
    offset: int
    size: int
    name: str
    meaning: str
    attribute: str = ""


_EVERY = "every kind"
_RECOVERY = "DATA with RECOVERY"
_CONTROL = "control kinds"

LAYOUT = (
    LayoutField(_EVERY, OFFSET_MAGIC, 3, "magic", "f5 73 72"),
    LayoutField(_EVERY, OFFSET_KIND, 1, "kind", "see the table of kinds", "kind"),
    LayoutField(_EVERY, OFFSET_VERSION, 1, "version", f"of this format: {FORMAT_VERSION}"),
    LayoutField(_EVERY, OFFSET_FLAGS, 1, "flags", "see the table of flags", "flags"),
    LayoutField(_EVERY, OFFSET_ORIGIN, 1, "origin", "daemon that made the packet", "origin"),
    LayoutField(
        _EVERY, OFFSET_TRANSMITTER, 1, "transmitter",
        "daemon that sent this copy; a forwarder writes itself", "transmitter",
    ),
    LayoutField(_EVERY, OFFSET_NETWORK, 8, "network", "hash of the configuration"),
    LayoutField(
        _EVERY, OFFSET_CRC, 4, "crc", "CRC32C of the whole datagram with this field zero",
    ),
    LayoutField(_EVERY, OFFSET_TAG, 12, "(zero)", "room for an authentication tag"),
    LayoutField(_EVERY, OFFSET_LEADER, 4, "leader", "ring id: daemon id of the leader", "leader"),
    LayoutField(_EVERY, OFFSET_TIME, 4, "time", "ring id: time", "time"),

    LayoutField("DATA", OFFSET_NUMBER, 8, "seq", "place in the order, from 1", "number"),
    LayoutField(
        "DATA", OFFSET_SECOND, 8, "tenure", "number of the token visit that sent it", "second",
    ),
    LayoutField(
        "DATA", OFFSET_LAG, 4, "lag",
        "seq less the highest seq up to which the origin had every packet when it sent this one; "
        "at most seq", "lag",
    ),
    LayoutField(
        "DATA", OFFSET_TAIL, 2, "first",
        "where in the payload the first frame begins; ffff if none does", "tail",
    ),
    LayoutField(
        "DATA", OFFSET_TAIL + 2, 2, "place",
        "packets of the same visit in front of this one, less than seq; 0 in a copy", "place",
    ),

    LayoutField(_RECOVERY, OFFSET_NUMBER, 8, "seq", "place in the order of the old ring", "number"),
    LayoutField(_RECOVERY, OFFSET_SECOND, 8, "old ring", "id of the old ring: leader, time",
                "second"),
    LayoutField(_RECOVERY, OFFSET_LAG, 4, "(zero)", ""),
    LayoutField(_RECOVERY, OFFSET_TAIL, 2, "first", "as in DATA", "tail"),
    LayoutField(_RECOVERY, OFFSET_TAIL + 2, 2, "(zero)", ""),

    LayoutField("TOKEN", OFFSET_NUMBER, 8, "tok_no", "grows by one with each hop", "number"),
    LayoutField("TOKEN", OFFSET_SECOND, 8, "seq", "highest place in the order that is taken",
                "second"),
    LayoutField("TOKEN", OFFSET_LAG, 4, "fcc",
                "packets of the last rotation, new and sent again", "lag"),
    LayoutField("TOKEN", OFFSET_TAIL, 4, "round", "rotations of this ring", "tail"),

    LayoutField("TOKEN_ACK", OFFSET_NUMBER, 8, "tok_no", "of the token that arrived", "number"),
    LayoutField("TOKEN_ACK", OFFSET_SECOND, 16, "(zero)", ""),

    LayoutField("WANT", OFFSET_NUMBER, 8, "tok_no", "of the token seen last", "number"),
    LayoutField("WANT", OFFSET_SECOND, 16, "(zero)", ""),

    LayoutField("PING", OFFSET_NUMBER, 24, "(zero)", ""),

    LayoutField("PIECE", OFFSET_NUMBER, 8, "id", "of the packet that was cut, the transmitter's",
                "number"),
    LayoutField("PIECE", OFFSET_SECOND, 8, "total", "bytes of that packet, its header included",
                "second"),
    LayoutField("PIECE", OFFSET_LAG, 4, "piece", "bytes of each piece but the last", "lag"),
    LayoutField("PIECE", OFFSET_TAIL, 4, "index", "of this piece, from 0; at most 255", "tail"),

    LayoutField("MEASURE", OFFSET_NUMBER, 8, "size", "of this datagram, padded with zeros",
                "number"),
    LayoutField("MEASURE", OFFSET_SECOND, 16, "(zero)", ""),

    LayoutField("MEASURED", OFFSET_NUMBER, 8, "size",
                "of the MEASURE that arrived; 0: packets of yours come in pieces only, so measure",
                "number"),
    LayoutField("MEASURED", OFFSET_SECOND, 8, "room",
                "bytes that the smallest receive buffer of the answering daemon holds", "second"),
    LayoutField("MEASURED", OFFSET_LAG, 8, "(zero)", ""),

    LayoutField(_CONTROL, OFFSET_NUMBER, 8, "counter",
                "of the control packets of this incarnation; a copy that comes late is known by it",
                "number"),
    LayoutField(_CONTROL, OFFSET_SECOND, 8, "incarnation",
                "of the transmitter: larger with each of its starts", "second"),
    LayoutField(_CONTROL, OFFSET_LAG, 8, "(zero)", ""),
)


class PacketHeader(NamedTuple):
    """The header of a packet; `LAYOUT` says what the last five numbers are in each kind."""

    kind: int
    flags: int = 0
    origin: int = 0
    transmitter: int = 0
    leader: int = 0
    time: int = 0
    number: int = 0
    second: int = 0
    lag: int = 0
    tail: int = 0
    place: int = 0


cdef const uint8_t* start_of(const uint8_t[::1] data) noexcept:
    """Return where the bytes are; an address that nobody reads from if there are none."""
    return &data[0] if data.shape[0] > 0 else &NOTHING


def crc32c(const uint8_t[::1] data) -> int:
    """Return the CRC32C of any bytes."""
    return crc32c_extend(0, start_of(data), data.shape[0])


def crc32c_portable(const uint8_t[::1] data) -> int:
    """Return the same as `crc32c`, as processors without an instruction for it do it."""
    return portable_extend(0, start_of(data), data.shape[0])


def check_packet(const uint8_t[::1] data, uint64_t network, uint32_t daemon_count) -> int:
    """Judge a datagram as a daemon does; returns the number of its text in `FAULT_TEXTS`."""
    cdef Packet packet
    cdef uint32_t size = <uint32_t>min(data.shape[0], 0xFFFFFFFF)
    return packet_read(&packet, start_of(data), size, network, daemon_count)


def read_packet(const uint8_t[::1] data, uint64_t network, uint32_t daemon_count) -> PacketHeader:
    """Return the header of a datagram; the payload is what follows its 64 bytes.

    Raises PeerError with the text of the fault when a daemon would refuse it.
    """
    cdef Packet packet
    cdef uint32_t size = <uint32_t>min(data.shape[0], 0xFFFFFFFF)
    cdef int fault = packet_read(&packet, start_of(data), size, network, daemon_count)
    if fault != PACKET_OK:
        raise PeerError(f"datagram of {data.shape[0]} bytes refused: {FAULT_TEXTS[fault]}")
    return PacketHeader(
        packet.kind, packet.flags, packet.origin, packet.transmitter, packet.leader, packet.time,
        packet.number, packet.second, packet.lag, packet.tail, packet.place,
    )


def make_packet(header: PacketHeader, uint64_t network, bytes payload not None = b"") -> bytes:
    """Build a datagram; what its kind does not have is zero whatever `header` says.

    Whether a daemon would take it is not checked, so that tests can build what is refused. Raises
    MisuseError for a number that does not fit its field and for too long a payload.
    """
    cdef Packet packet
    cdef Py_ssize_t size = PACKET_HEADER_SIZE + len(payload)
    if size > PACKET_SIZE_MAX:
        raise MisuseError(f"a packet of {size} bytes fits no datagram; {PACKET_SIZE_MAX} do")
    try:
        (
            packet.kind, packet.flags, packet.origin, packet.transmitter, packet.leader,
            packet.time, packet.number, packet.second, packet.lag, packet.tail, packet.place,
        ) = header
    except OverflowError as error:
        raise MisuseError(f"{header} does not fit the fields of a packet: {error}") from error
    cdef bytearray result = bytearray(PACKET_HEADER_SIZE) + payload
    cdef uint8_t[::1] data = result
    packet_write(&data[0], <uint32_t>size, &packet, network)
    return bytes(result)
