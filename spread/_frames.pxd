"""Layout of the client frame: one codec for daemon, client, tests and load generator.

Source: client protocol, sections 3.1 to 3.8.

    offset  size  field
         0     4  type       service, request or membership bits, and the byte order marker
         4    32  sender     private group of the sender; the group, in membership frames
        36     4  groups     number of 32-byte names that follow the header
        40     4  hint       mess_type << 8, in the byte order of the original sender
        44     4  body size  bytes behind the group list
        48  32*n  group list
           size  body

Byte order: a little-endian party sets both marker bits in `type` and, apart from that, in `hint`.
`type`, `groups` and `body size` follow the marker in `type`; `hint` follows its own. The daemon
writes frames in little-endian order on every machine, which each client copes with by the marker.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

cdef enum:
    FRAME_HEADER_SIZE = 48
    GROUP_NAME_SIZE = 32         # Bytes on the wire, NUL padded; 31 usable.
    FRAME_GROUPS_MAX = 100       # Names in one frame.
    REJECT_TYPE_SIZE = 4         # Old type word between header and list of a REJECT.

cdef enum:
    TYPE_REGULAR = 0x0000003F
    TYPE_UNRELIABLE = 0x00000001
    TYPE_SAFE = 0x00000020
    TYPE_SELF_DISCARD = 0x00000040
    TYPE_MEMBERSHIP = 0x00003F00
    TYPE_CAUSED_BY_JOIN = 0x00000100
    TYPE_CAUSED_BY_LEAVE = 0x00000200
    TYPE_JOIN = 0x00010000
    TYPE_LEAVE = 0x00020000
    TYPE_KILL = 0x00040000
    TYPE_REQUEST = 0x00070000
    TYPE_STATE = 0x00080000      # Ours, on the ring: group states. One of the bits below.
    TYPE_INTERNAL = 0x0038C000   # Used between classic daemons only; never from a client.
    TYPE_REJECT = 0x00400000

cdef enum:
    OFFSET_TYPE = 0
    OFFSET_SENDER = 4
    OFFSET_GROUPS = 36
    OFFSET_HINT = 40
    OFFSET_BODY_SIZE = 44

# Too large for a C enum of int.
cdef inline uint32_t marker() noexcept nogil:
    """Return the bits that say "little-endian"; the pattern is its own byte reversal."""
    return <uint32_t>0x80000080


cdef enum FrameFault:
    FRAME_OK = 0
    FRAME_BAD_TYPE = 1        # Not exactly one service or request bit.
    FRAME_FORGED_TYPE = 2     # Bits that only daemons may set.
    FRAME_BAD_SENDER = 3      # Private group is not the session's own.
    FRAME_BAD_GROUP_COUNT = 4
    FRAME_BAD_HINT = 5
    FRAME_TOO_LONG = 6        # Negative or above the session's limit.


cdef struct Frame:
    # A header in host order. `type` has the marker bits removed.
    uint32_t type
    int32_t group_count
    int32_t body_size
    uint32_t hint             # Value in the original sender's order, marker bits removed.
    bint is_little            # Order of the party that wrote the header.
    bint hint_is_little       # Order of the original sender.


cdef inline uint32_t load_le32(const uint8_t* at) noexcept nogil:
    return (<uint32_t>at[0] | (<uint32_t>at[1] << 8) | (<uint32_t>at[2] << 16)
            | (<uint32_t>at[3] << 24))


cdef inline uint32_t load_be32(const uint8_t* at) noexcept nogil:
    return (<uint32_t>at[3] | (<uint32_t>at[2] << 8) | (<uint32_t>at[1] << 16)
            | (<uint32_t>at[0] << 24))


cdef inline void store_le32(uint8_t* at, uint32_t value) noexcept nogil:
    at[0] = <uint8_t>(value & 0xFF)
    at[1] = <uint8_t>((value >> 8) & 0xFF)
    at[2] = <uint8_t>((value >> 16) & 0xFF)
    at[3] = <uint8_t>((value >> 24) & 0xFF)


cdef inline bint has_marker(const uint8_t* at) noexcept nogil:
    """Tell whether the word was written by a little-endian party."""
    return at[0] & 0x80 != 0 and at[3] & 0x80 != 0


cdef inline void frame_read(const uint8_t* header, Frame* frame) noexcept nogil:
    """Decode the 48 bytes at `header`; nothing is checked."""
    frame.is_little = has_marker(header + OFFSET_TYPE)
    if frame.is_little:
        frame.type = load_le32(header + OFFSET_TYPE) & ~marker()
        frame.group_count = <int32_t>load_le32(header + OFFSET_GROUPS)
        frame.body_size = <int32_t>load_le32(header + OFFSET_BODY_SIZE)
    else:
        frame.type = load_be32(header + OFFSET_TYPE) & ~marker()
        frame.group_count = <int32_t>load_be32(header + OFFSET_GROUPS)
        frame.body_size = <int32_t>load_be32(header + OFFSET_BODY_SIZE)
    frame.hint_is_little = has_marker(header + OFFSET_HINT)
    if frame.hint_is_little:
        frame.hint = load_le32(header + OFFSET_HINT) & ~marker()
    else:
        frame.hint = load_be32(header + OFFSET_HINT) & ~marker()


cdef inline uint64_t frame_size(const Frame* frame) noexcept nogil:
    """Bytes of the whole frame with these (checked) counts; a REJECT has 4 more."""
    return (FRAME_HEADER_SIZE + GROUP_NAME_SIZE * <uint64_t>frame.group_count
            + <uint64_t>frame.body_size)


cdef inline void frame_normalise(uint8_t* header, const Frame* frame) noexcept nogil:
    """Rewrite type, group count and body size in little-endian order; the hint stays as it is."""
    store_le32(header + OFFSET_TYPE, frame.type | marker())
    store_le32(header + OFFSET_GROUPS, <uint32_t>frame.group_count)
    store_le32(header + OFFSET_BODY_SIZE, <uint32_t>frame.body_size)


cdef inline void frame_write(
    uint8_t* header, uint32_t type_bits, const uint8_t* name, size_t name_size,
    int32_t group_count, uint32_t hint, int32_t body_size,
) noexcept nogil:
    """Write a little-endian header. `name` is at most 32 bytes; `hint` is without its marker."""
    store_le32(header + OFFSET_TYPE, type_bits | marker())
    memset(header + OFFSET_SENDER, 0, GROUP_NAME_SIZE)
    memcpy(header + OFFSET_SENDER, name, name_size)
    store_le32(header + OFFSET_GROUPS, <uint32_t>group_count)
    store_le32(header + OFFSET_HINT, hint | marker())
    store_le32(header + OFFSET_BODY_SIZE, <uint32_t>body_size)


cdef inline size_t name_size(const uint8_t* field) noexcept nogil:
    """Length of a NUL-padded 32-byte name; 32 when no NUL ends it."""
    cdef const uint8_t* end = <const uint8_t*>memchr(field, 0, GROUP_NAME_SIZE)
    return GROUP_NAME_SIZE if end == NULL else <size_t>(end - field)


cdef FrameFault frame_check(
    const uint8_t* header, const Frame* frame,
    const uint8_t* private_group, size_t private_group_size, uint64_t size_max,
) noexcept nogil
# Judge a client's header: client protocol, section 3.8. `private_group` (without NUL) is the
# session's own; `size_max` bounds 32 * groups + body size, in bytes.

cdef size_t reject_size(const Frame* frame) noexcept nogil
# Bytes of the REJECT that answers a checked frame.

cdef void reject_write(
    uint8_t* answer, const uint8_t* frame_at, const Frame* frame, const uint8_t* sender
) noexcept nogil
# Write that REJECT: client protocol, section 3.9. `sender` is a 32-byte field.
