"""The client frame for Python, and the check of a client's header.

The layout itself stands in `_frames.pxd`. Whoever receives frames from a client calls
`frame_check` before it believes a size; whoever receives from a daemon trusts the daemon to have
done so, but still bounds what it allocates.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

from spread.errors import MisuseError

cdef const char** NAMES = [
    b"ok",
    b"not exactly one service or request bit",
    b"type bits that only daemons may set",
    b"private group is not the session's own",
    b"number of groups out of range",
    b"hint has bits outside the message type",
    b"message size out of range",
]


cdef inline bint has_one_bit(uint32_t bits) noexcept nogil:
    return bits != 0 and bits & (bits - 1) == 0


cdef FrameFault frame_check(
    const uint8_t* header, const Frame* frame,
    const uint8_t* private_group, size_t private_group_size, uint64_t size_max,
) noexcept nogil:
    if not has_one_bit(frame.type & (TYPE_REGULAR | TYPE_REQUEST)):
        return FRAME_BAD_TYPE
    if frame.type & (TYPE_INTERNAL | TYPE_REJECT | TYPE_MEMBERSHIP):
        return FRAME_FORGED_TYPE
    if name_size(header + OFFSET_SENDER) != private_group_size:
        return FRAME_BAD_SENDER
    if memcmp(header + OFFSET_SENDER, private_group, private_group_size) != 0:
        return FRAME_BAD_SENDER
    if not 0 <= frame.group_count <= FRAME_GROUPS_MAX:
        return FRAME_BAD_GROUP_COUNT
    if frame.hint & ~<uint32_t>0x00FFFF00 != 0:
        return FRAME_BAD_HINT
    if frame.body_size < 0:
        return FRAME_TOO_LONG
    if <uint64_t>frame.body_size + GROUP_NAME_SIZE * <uint64_t>frame.group_count > size_max:
        return FRAME_TOO_LONG
    return FRAME_OK


cdef inline uint32_t reject_kept(const Frame* frame) noexcept nogil:
    """Names kept from the original list: the sender's takes the last place of a full one."""
    return min(<uint32_t>frame.group_count, <uint32_t>FRAME_GROUPS_MAX - 1)


cdef size_t reject_size(const Frame* frame) noexcept nogil:
    return (
        FRAME_HEADER_SIZE + REJECT_TYPE_SIZE
        + GROUP_NAME_SIZE * <size_t>(reject_kept(frame) + 1) + <size_t>frame.body_size
    )


cdef void reject_write(
    uint8_t* answer, const uint8_t* frame_at, const Frame* frame, const uint8_t* sender
) noexcept nogil:
    cdef size_t kept_size = GROUP_NAME_SIZE * <size_t>reject_kept(frame)
    cdef uint32_t old_type = frame.type
    if old_type & TYPE_JOIN:
        old_type = (old_type & ~<uint32_t>TYPE_JOIN) | TYPE_CAUSED_BY_JOIN
    elif old_type & TYPE_LEAVE:
        old_type = (old_type & ~<uint32_t>TYPE_LEAVE) | TYPE_CAUSED_BY_LEAVE
    cdef Frame header = frame[0]
    header.type = TYPE_REJECT
    header.group_count = <int32_t>(reject_kept(frame) + 1)
    memcpy(answer, frame_at, FRAME_HEADER_SIZE)
    frame_normalise(answer, &header)
    cdef uint8_t* at = answer + FRAME_HEADER_SIZE
    store_le32(at, old_type | marker())
    at += REJECT_TYPE_SIZE
    memcpy(at, frame_at + FRAME_HEADER_SIZE, kept_size)
    at += kept_size
    memcpy(at, sender, GROUP_NAME_SIZE)
    at += GROUP_NAME_SIZE
    memcpy(
        at, frame_at + FRAME_HEADER_SIZE + GROUP_NAME_SIZE * <size_t>frame.group_count,
        <size_t>frame.body_size,
    )


def fault_text(int fault) -> str:
    """Describe a `FrameFault` for logs and errors."""
    if not 0 <= fault <= FRAME_TOO_LONG:
        raise MisuseError(f"frame fault {fault} does not exist; give 0 to {FRAME_TOO_LONG}")
    return (<bytes>NAMES[fault]).decode()


def decode_header(const uint8_t[::1] data) -> tuple[int, bytes, int, int, bool, int]:
    """Read the 48 bytes of a header.

    Returns type without marker bits, the name field up to its NUL, number of groups, mess_type
    (signed, 16 bits), whether the original sender is little-endian, and the body size in bytes.
    Raises MisuseError when fewer than 48 bytes are given.
    """
    if data.shape[0] < FRAME_HEADER_SIZE:
        raise MisuseError(f"a frame header has 48 bytes, not {data.shape[0]}")
    cdef Frame frame
    frame_read(&data[0], &frame)
    cdef const uint8_t* name = &data[OFFSET_SENDER]
    cdef int mess_type = (frame.hint >> 8) & 0xFFFF
    if mess_type >= 0x8000:
        mess_type -= 0x10000
    return (
        frame.type, (<const char*>name)[:name_size(name)], frame.group_count, mess_type,
        frame.hint_is_little, frame.body_size,
    )


def encode(
    unsigned int type_bits, bytes sender not None, list groups not None, int mess_type,
    bytes body not None,
) -> bytes:
    """Build a whole little-endian frame; names are padded to 32 bytes.

    Raises MisuseError for a name above 32 bytes, more groups than 100, or a mess_type that does not
    fit 16 bits.
    """
    cdef Py_ssize_t count = len(groups)
    if count > FRAME_GROUPS_MAX:
        raise MisuseError(f"{count} groups in one frame; give at most {FRAME_GROUPS_MAX}")
    if not -0x8000 <= mess_type <= 0xFFFF:
        raise MisuseError(f"mess_type {mess_type} does not fit 16 bits")
    if len(sender) > GROUP_NAME_SIZE:
        raise MisuseError(f"name {sender!r} has {len(sender)} bytes; at most 32 fit")
    names = name_list(tuple(groups))
    cdef uint8_t[48] header
    frame_write(
        header, type_bits, sender, len(sender), <int32_t>count,
        (<uint32_t>(mess_type & 0xFFFF)) << 8, <int32_t>len(body),
    )
    return (<const char*>header)[:FRAME_HEADER_SIZE] + names + body


def name_list(tuple names not None) -> bytes:
    """Build a list of names, each padded to 32 bytes.

    Raises MisuseError for a name above 32 bytes.
    """
    cdef bytes result = PyBytes_FromStringAndSize(NULL, GROUP_NAME_SIZE * len(names))
    cdef char* at = PyBytes_AS_STRING(result)
    cdef bytes name
    memset(at, 0, GROUP_NAME_SIZE * len(names))
    for name in names:
        if len(name) > GROUP_NAME_SIZE:
            raise MisuseError(f"name {name!r} has {len(name)} bytes; at most 32 fit")
        memcpy(at, <const char*>name, len(name))
        at += GROUP_NAME_SIZE
    return result


def header(unsigned int type_bits, bytes name not None, int group_count, int body_size) -> bytes:
    """Build the little-endian header of a membership frame, with an empty hint.

    Raises MisuseError for a name above 32 bytes.
    """
    if len(name) > GROUP_NAME_SIZE:
        raise MisuseError(f"name {name!r} has {len(name)} bytes; at most 32 fit")
    cdef uint8_t[48] result
    frame_write(result, type_bits, name, len(name), group_count, 0, body_size)
    return (<const char*>result)[:FRAME_HEADER_SIZE]


def check_header(
    const uint8_t[::1] header, bytes private_group not None, unsigned long long size_max,
) -> int:
    """Judge a client's header as the daemon does; returns a `FrameFault` number, 0 for none.

    Raises MisuseError when fewer than 48 bytes are given.
    """
    if header.shape[0] < FRAME_HEADER_SIZE:
        raise MisuseError(f"a frame header has 48 bytes, not {header.shape[0]}")
    cdef Frame frame
    frame_read(&header[0], &frame)
    return frame_check(
        &header[0], &frame, <const uint8_t*><const char*>private_group, len(private_group),
        size_max,
    )
