"""Layout of the datagrams between daemons: one header of 64 bytes, little-endian, for every kind.

    offset  size  field
         0     3  magic        F5 73 72; with the kind's high bit clear no monitor datagram looks so
         3     1  kind         KIND_*, below 128
         4     1  version      FORMAT_VERSION
         5     1  flags        FLAG_*
         6     1  origin       daemon number of who made the packet
         7     1  transmitter  daemon number of who sent this copy; forwarders write themselves
         8     8  network      hash of the configuration; other networks are counted and ignored
        16     4  crc          CRC32C of the whole datagram with this field zero
        20    12  (zero)       room for an authentication tag
        32     4  leader       ring id: daemon id of the leader
        36     4  time         ring id: time
        40    24  by kind, below

    DATA         seq u64, tenure u64, lag u32 (seq - local aru of the origin), first u16, place u16
    DATA with FLAG_RECOVERY
                 seq u64 in the old ring, old leader u32, old time u32, lag u32 (zero), first, zero;
                 the header names the forming ring
    TOKEN        tok_no u64, seq u64, fcc u32, round u32
    TOKEN_ACK    tok_no u64, zero
    WANT         tok_no u64 (last seen), zero
    PING         zero
    PIECE        id u64, total u64, piece u32, index u32: the bytes from index x piece on of a
                 packet of `total` bytes that is too large for the way: DATA, or of a control kind;
                 the id is the transmitter's
    MEASURE      size u64 (its own, which is what it is for), zero
    MEASURED     size u64 (of the MEASURE that arrived, or 0), room u64 (bytes that the receive
                 buffer of who answers can hold), zero
    control kinds (16 and above, read by Python)
                 counter u64, incarnation u64, zero u64; the ring id is the sender's installed ring

`first` is the offset in the payload of the first frame that begins there, NO_FRAME if none does.
`place` counts the packets of the same visit of the token in front of this one; 0 in a copy.
A daemon number is the place of a daemon in configuration order: the network hash makes it the same
everywhere. A payload has at most 65,443 bytes, whatever the receiver's own packet size.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from spread._frames cimport load_le32, store_le32

cdef enum:
    FORMAT_VERSION = 3            # Rises with each change of a layout or of what a field means.
    PACKET_HEADER_SIZE = 64
    PACKET_SIZE_MAX = 65507       # The largest UDP datagram over IPv4.
    LEAST_SIZE = 548              # Of a datagram that passes everywhere: 576 bytes of IPv4.
    TOKEN_SIZE_MAX = LEAST_SIZE
    PIECES_MAX = 256              # Of one packet: the largest in pieces of 256 bytes.
    DAEMONS_MAX = 128
    NO_DAEMON = 255
    NO_FRAME = 0xFFFF

cdef enum:
    KIND_DATA = 1
    KIND_TOKEN = 2
    KIND_TOKEN_ACK = 3
    KIND_WANT = 4
    KIND_PING = 5
    KIND_PIECE = 6
    KIND_MEASURE = 7
    KIND_MEASURED = 8
    KIND_CONTROL = 16             # From here on Python reads the packet.
    KIND_ALIVE = 16
    KIND_JOIN = 17
    KIND_REFER = 18
    KIND_FORM1 = 19
    KIND_FORM2 = 20
    KIND_FORM_ACK = 21
    KIND_LEAVE = 22
    KIND_COUNT = 23

cdef enum:
    FLAG_POST = 1                 # DATA sent after the token of its visit.
    FLAG_RETRANS = 2
    FLAG_RECOVERY = 4
    FLAG_RESEND = 8               # TOKEN: this is a copy; pass yours again if it may be lost.
    FLAG_GRANT = 16               # TOKEN: handed directly to who asked for it.

cdef enum PacketFault:
    PACKET_OK = 0
    PACKET_NOT_OURS = 1           # Another protocol, or too short for a header.
    PACKET_CLASSIC = 2            # The marker of a classic daemon or monitor.
    PACKET_VERSION = 3            # Another version of this format.
    PACKET_NETWORK = 4            # Another configuration.
    PACKET_DAMAGED = 5            # The checksum does not match.
    PACKET_MALFORMED = 6          # Unknown kind, daemon number, flags or size.
    PACKET_FAULT_COUNT = 7

cdef struct Packet:
    # A header in host order; which of the last fields mean something depends on the kind.
    uint8_t kind
    uint8_t flags
    uint8_t origin
    uint8_t transmitter
    uint32_t leader
    uint32_t time
    # seq of DATA; tok_no of TOKEN, TOKEN_ACK, WANT; id of PIECE; size of MEASURE and MEASURED; else
    # counter.
    uint64_t number
    # tenure of DATA, with FLAG_RECOVERY the old ring id (leader in the low half, time in the high
    # one); seq of TOKEN; total of PIECE; room of MEASURED; incarnation of control kinds.
    uint64_t second
    uint32_t lag                  # DATA; fcc of TOKEN; piece of PIECE.
    uint32_t tail                 # first of DATA; round of TOKEN; index of PIECE.
    uint16_t place                # DATA.


cdef inline uint64_t load_le64(const uint8_t* at) noexcept nogil:
    return <uint64_t>load_le32(at) | (<uint64_t>load_le32(at + 4) << 32)


cdef inline void store_le64(uint8_t* at, uint64_t value) noexcept nogil:
    store_le32(at, <uint32_t>value)
    store_le32(at + 4, <uint32_t>(value >> 32))


cdef inline uint8_t packet_kind(const uint8_t* data) noexcept nogil:
    """Return the kind of a datagram that is long enough for a header."""
    return data[3]


cdef bint packet_is_monitor(const uint8_t* data, uint32_t size) noexcept nogil
# Whether a datagram is one of a monitor, of either byte order: its marker and its magic number.

cdef bint packet_is_query(const uint8_t* data, uint32_t size) noexcept nogil
# Whether it is a query or a probe, our own kinds of a monitor's datagrams: every port takes them.

cdef PacketFault packet_read(
    Packet* packet, const uint8_t* data, uint32_t size, uint64_t network, uint32_t daemon_count
) noexcept nogil
# Check and decode the datagram's header: magic, version, network, checksum, kind, numbers, size.
# What a kind does not have must be zero. `packet` is undefined unless PACKET_OK is returned.

cdef void packet_write(
    uint8_t* data, uint32_t size, const Packet* packet, uint64_t network
) noexcept nogil
# Write the header in front of a payload that is in place; `size` is that of the whole datagram.
# Fields that the packet's kind does not have are written as zero.
