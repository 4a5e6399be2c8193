"""Bytes from a daemon in, message objects out: the inbound half of the client protocol.

Stands between a driver (blocking or asyncio), which writes received bytes straight into the
decoder's buffer, and the application, which takes one message at a time. A message object comes
into being when it is asked for, never before: what waits, waits as bytes, so the memory of a
client that lags behind is bounded by the bytes its driver lets in.

    recv_into(writable()) -> received(n) -> next_message() -> Message | Membership | None

Invariants: `0 <= start <= end <= capacity`; bytes below `start` are consumed, bytes from `end` on
are free. A buffer that was handed out is never resized: a larger or fresh one replaces it.
Sizes in a header are checked before anything is allocated for them, and the buffer grows with
the bytes that came, not with the size that was announced.

Not thread-safe by itself: the driver serialises the calls. Layouts: client protocol, sections 3
and 6 (`_frames.pxd` has the header).
"""

import sys

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove

from spread._frames cimport (
    FRAME_GROUPS_MAX,
    FRAME_HEADER_SIZE,
    GROUP_NAME_SIZE,
    OFFSET_SENDER,
    REJECT_TYPE_SIZE,
    TYPE_CAUSED_BY_LEAVE,
    TYPE_REGULAR,
    TYPE_REJECT,
    Frame,
    frame_read,
    frame_size,
    load_be32,
    load_le32,
    marker,
    name_size,
)
from spread._message_types cimport (
    TYPE_CAUSE,
    TYPE_TRANSITION,
    TYPE_VIEW,
    GroupId,
    Membership,
    Message,
)

from spread.errors import MessageRejectedError, MisuseError, ProtocolError
from spread.service import Cause

cdef enum:
    GROUP_ID_SIZE = 12
    VS_SETS_OFFSET = 20          # Group id, number of sets, offset of the own set.
    VS_SET_HEADER_SIZE = 4

    # Large enough for everything that a Unix socket holds by default (208 KiB), so that one read
    # empties it.
    CAPACITY_INITIAL = 256 * 1024
    ROOM_MIN = 64 * 1024         # A read into less than this costs more than moving the rest.

    # Largest group list and body of a data message (MaxMessageSize ends at 16 MiB); a message that
    # is returned has the sender's name in addition.
    DATA_SIZE_MAX = 16 * 1024 * 1024
    # A network view names each member twice: 64 bytes for each of half a million members.
    MEMBERSHIP_SIZE_MAX = 32 * 1024 * 1024

cdef bint HOST_IS_LITTLE = sys.byteorder == "little"


cdef inline uint32_t load32(const uint8_t* at, bint is_little) noexcept nogil:
    return load_le32(at) if is_little else load_be32(at)


cdef inline str read_name(const uint8_t* field):
    return PyUnicode_DecodeUTF8(
        <const char*>field, <Py_ssize_t>name_size(field), "surrogateescape",
    )


cdef tuple read_names(const uint8_t* fields, Py_ssize_t count):
    cdef tuple names = PyTuple_New(count)
    cdef Py_ssize_t index
    cdef str name
    for index in range(count):
        name = read_name(fields + index * GROUP_NAME_SIZE)
        Py_INCREF(name)
        PyTuple_SET_ITEM(names, index, name)
    return names


cdef GroupId read_group_id(const uint8_t* at, bint is_little):
    cdef GroupId group_id = GroupId.__new__(GroupId)
    group_id._address = load32(at, is_little)
    group_id._time = load32(at + 4, is_little)
    group_id._index = load32(at + 8, is_little)
    return group_id


cdef Py_ssize_t frame_size_checked(const Frame* frame) except -1:
    """Return the size of the whole frame; raise ProtocolError for sizes no daemon may send."""
    cdef bint is_data = frame.type & (TYPE_REGULAR | TYPE_REJECT) != 0
    if frame.group_count < 0 or (is_data and frame.group_count > FRAME_GROUPS_MAX):
        raise ProtocolError(f"the daemon sent a header with {frame.group_count} group names")
    if frame.body_size < 0:
        raise ProtocolError(f"the daemon sent a header with {frame.body_size} bytes of data")
    cdef uint64_t size = frame_size(frame) - FRAME_HEADER_SIZE
    cdef uint64_t size_max = DATA_SIZE_MAX if is_data else MEMBERSHIP_SIZE_MAX
    if frame.type & TYPE_REJECT:
        size += REJECT_TYPE_SIZE
        size_max += REJECT_TYPE_SIZE + GROUP_NAME_SIZE
    if size > size_max:
        raise ProtocolError(
            f"the daemon announced a message of {size} bytes; at most {size_max} are possible"
        )
    return FRAME_HEADER_SIZE + <Py_ssize_t>size


@cython.final
@cython.auto_pickle(False)
cdef class Decoder:
    """Receive buffer of one session and the reader of what is in it."""

    cdef bytearray _buffer                   # Owned; replaced, never resized.
    cdef Py_ssize_t _start                   # First byte that is not consumed.
    cdef Py_ssize_t _end                     # First free byte.
    cdef bytes _private_group                # Own name, NUL padded to 32 bytes.

    # Names of the message before: most messages repeat them, and a comparison is cheaper than
    # two new objects. `None` or 0 as long as there was no message.
    cdef uint8_t[32] _sender_field
    cdef str _sender
    cdef uint8_t[3200] _groups_field
    cdef Py_ssize_t _group_count
    cdef tuple _groups

    def __cinit__(self):
        self._buffer = PyByteArray_FromStringAndSize(NULL, CAPACITY_INITIAL)
        self._private_group = bytes(GROUP_NAME_SIZE)
        self._groups = ()

    # ---- Bytes in ----

    def writable(self) -> memoryview:
        """Return room for received bytes, at least 64 KiB; valid until the next call."""
        if self._start == self._end:
            self._start = self._end = 0
            if len(self._buffer) > CAPACITY_INITIAL:
                self._buffer = PyByteArray_FromStringAndSize(NULL, CAPACITY_INITIAL)
        elif len(self._buffer) - self._end < ROOM_MIN:
            self._make_room()
        return memoryview(self._buffer)[self._end:]

    def received(self, Py_ssize_t count):
        """Take note that `count` bytes were written to `writable()`."""
        if not 0 <= count <= len(self._buffer) - self._end:
            raise MisuseError(f"{count} bytes do not fit the room that was offered")
        self._end += count

    def feed(self, const uint8_t[::1] data):
        """Append a copy of `data`, for callers that have bytes rather than a socket."""
        cdef Py_ssize_t done = 0
        cdef Py_ssize_t step
        while done < data.shape[0]:
            room = self.writable()
            step = min(len(room), data.shape[0] - done)
            memcpy(PyByteArray_AS_STRING(self._buffer) + self._end, &data[done], step)
            self._end += step
            done += step

    # ---- Handshake fields ----

    def take(self, Py_ssize_t size):
        """Consume exactly `size` bytes; None when they have not all arrived."""
        if size < 0 or self._end - self._start < size:
            return None
        cdef bytes taken = PyBytes_FromStringAndSize(
            PyByteArray_AS_STRING(self._buffer) + self._start, size,
        )
        self._start += size
        return taken

    def set_private_group(self, bytes name not None):
        """Say which name is the session's own, so that views can tell its place in the list."""
        self._private_group = name.ljust(GROUP_NAME_SIZE, b"\0")

    # ---- Messages ----

    @property
    def buffered(self) -> int:
        """Bytes that have arrived and are not consumed."""
        return self._end - self._start

    def missing(self) -> int:
        """Bytes that must arrive before it is worth looking again; 0 when a message is whole.

        Raises ProtocolError when the header that is there cannot be right.
        """
        cdef Py_ssize_t have = self._end - self._start
        if have < FRAME_HEADER_SIZE:
            return FRAME_HEADER_SIZE - have
        cdef Frame frame
        frame_read(self._front(), &frame)
        return max(0, frame_size_checked(&frame) - have)

    def next_message(self):
        """Consume and return the next whole message; None when more bytes are needed.

        Raises MessageRejectedError for a message that the daemon returned (the stream goes on
        behind it), and ProtocolError for bytes that are no message (the stream is lost).
        """
        cdef Py_ssize_t have = self._end - self._start
        if have < FRAME_HEADER_SIZE:
            return None
        cdef const uint8_t* header = self._front()
        cdef Frame frame
        frame_read(header, &frame)
        cdef Py_ssize_t size = frame_size_checked(&frame)
        if have < size:
            return None
        if frame.type & TYPE_REJECT:
            self._start += size
            raise self._rejected(header, &frame)
        if frame.type & TYPE_REGULAR:
            self._start += size
            return self._data(header, header + FRAME_HEADER_SIZE, &frame)
        membership = self._membership(header, &frame)
        self._start += size
        return membership

    # ---- Inside ----

    cdef inline const uint8_t* _front(self) noexcept:
        return <const uint8_t*>PyByteArray_AS_STRING(self._buffer) + self._start

    cdef int _make_room(self) except -1:
        """Move what waits to the front, into a larger buffer if this one would stay full."""
        cdef Py_ssize_t have = self._end - self._start
        cdef Py_ssize_t capacity = len(self._buffer)
        cdef bytearray target
        if 2 * have <= capacity:
            memmove(PyByteArray_AS_STRING(self._buffer), self._front(), have)
        else:
            target = PyByteArray_FromStringAndSize(NULL, 2 * capacity)
            memcpy(PyByteArray_AS_STRING(target), self._front(), have)
            self._buffer = target
        self._start = 0
        self._end = have
        return 0

    cdef Message _data(self, const uint8_t* header, const uint8_t* names, const Frame* frame):
        cdef Message message = Message.__new__(Message)
        cdef int mess_type = (frame.hint >> 8) & 0xFFFF
        message.mess_type = mess_type - 0x10000 if mess_type >= 0x8000 else mess_type
        message.service_type = frame.type
        message.endian_mismatch = frame.hint_is_little != HOST_IS_LITTLE
        message.sender = self._sender_of(header + OFFSET_SENDER)
        message.groups = self._groups_of(names, frame.group_count)
        message.payload = PyBytes_FromStringAndSize(
            <const char*>names + GROUP_NAME_SIZE * <Py_ssize_t>frame.group_count, frame.body_size,
        )
        return message

    cdef str _sender_of(self, const uint8_t* field):
        if self._sender is None or memcmp(field, self._sender_field, GROUP_NAME_SIZE) != 0:
            self._sender = read_name(field)
            memcpy(self._sender_field, field, GROUP_NAME_SIZE)
        return self._sender

    cdef tuple _groups_of(self, const uint8_t* fields, Py_ssize_t count):
        cdef Py_ssize_t size = count * GROUP_NAME_SIZE
        if count != self._group_count or memcmp(fields, self._groups_field, size) != 0:
            self._groups = read_names(fields, count)
            self._group_count = count
            memcpy(self._groups_field, fields, size)
        return self._groups

    cdef object _rejected(self, const uint8_t* header, Frame* frame):
        """Build the exception for a REJECT; its old type stands between header and names."""
        frame.type = TYPE_REJECT | (
            load32(header + FRAME_HEADER_SIZE, frame.is_little) & ~marker()
        )
        message = self._data(header, header + FRAME_HEADER_SIZE + REJECT_TYPE_SIZE, frame)
        groups = ", ".join(message.groups[:len(message.groups) - 1])
        error = MessageRejectedError(
            f"the daemon's access policy refused {request_text(frame.type)} {groups}"
        )
        error.message = message
        return error

    cdef Membership _membership(self, const uint8_t* header, const Frame* frame):
        cdef Membership membership = Membership.__new__(Membership)
        cdef const uint8_t* names = header + FRAME_HEADER_SIZE
        cdef const uint8_t* body = names + GROUP_NAME_SIZE * <Py_ssize_t>frame.group_count
        membership.service_type = frame.type
        membership.group = read_name(header + OFFSET_SENDER)
        membership.members = read_names(names, frame.group_count)
        membership.own_index = self._own_index(names, frame.group_count)
        membership.changed_member = ""
        membership.vs_sets = ()
        membership.vs_set = ()
        if frame.type & TYPE_VIEW:
            read_view(membership, body, frame)
        elif frame.type & TYPE_TRANSITION:
            if frame.body_size < GROUP_ID_SIZE:
                raise ProtocolError(
                    f"a transitional signal has 12 bytes of data, not {frame.body_size}"
                )
            membership.group_id = read_group_id(body, frame.is_little)
        elif frame.type & TYPE_CAUSE != TYPE_CAUSED_BY_LEAVE:
            raise ProtocolError(f"the daemon sent a message of unknown type 0x{frame.type:08x}")
        return membership

    cdef int _own_index(self, const uint8_t* names, Py_ssize_t count):
        cdef const uint8_t* own = <const uint8_t*><const char*>self._private_group
        cdef Py_ssize_t index
        for index in range(count):
            if memcmp(names + index * GROUP_NAME_SIZE, own, GROUP_NAME_SIZE) == 0:
                return <int>index
        return -1


cdef int read_view(Membership view, const uint8_t* body, const Frame* frame) except -1:
    """Fill in the parts of `view` that stand in the body: id, vs sets, changed member."""
    cdef bint is_little = frame.is_little
    cdef uint32_t cause = frame.type & TYPE_CAUSE
    if cause == 0 or cause & (cause - 1):
        raise ProtocolError(f"the daemon sent a view with cause 0x{cause:03x}")
    if frame.body_size < VS_SETS_OFFSET:
        raise ProtocolError(f"a view has at least 20 bytes of data, not {frame.body_size}")
    view.group_id = read_group_id(body, is_little)
    read_vs_sets(
        view, body + VS_SETS_OFFSET, frame.body_size - VS_SETS_OFFSET,
        load32(body + GROUP_ID_SIZE, is_little), load32(body + GROUP_ID_SIZE + 4, is_little),
        is_little,
    )
    if cause != <uint32_t>Cause.NETWORK:
        if len(view.vs_set) != 1:
            raise ProtocolError(f"a view of one change names {len(view.vs_set)} changed members")
        view.changed_member = view.vs_set[0]
    return 0


cdef int read_vs_sets(
    Membership view, const uint8_t* sets, Py_ssize_t size, uint32_t count, uint32_t own_offset,
    bint is_little,
) except -1:
    """Walk `count` sets in `size` bytes; the one that starts at `own_offset` is the own one."""
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t names
    cdef list found = []
    cdef tuple own = None
    while <uint32_t>len(found) < count:
        if size - at < VS_SET_HEADER_SIZE:
            raise ProtocolError(f"a view of {count} vs sets ends after {len(found)} of them")
        names = load32(sets + at, is_little)
        if names > (size - at - VS_SET_HEADER_SIZE) // GROUP_NAME_SIZE:
            raise ProtocolError(f"a vs set of {names} members does not fit its message")
        members = read_names(sets + at + VS_SET_HEADER_SIZE, names)
        if <uint32_t>at == own_offset:
            own = members
        found.append(members)
        at += VS_SET_HEADER_SIZE + names * GROUP_NAME_SIZE
    if at != size:
        raise ProtocolError(f"a view has {size - at} bytes behind its vs sets")
    if own is None:
        raise ProtocolError(f"no vs set of a view starts at offset {own_offset}")
    view.vs_sets = tuple(found)
    view.vs_set = own
    return 0


cdef str request_text(uint32_t type_bits):
    """Name the request that was refused, from its returned type."""
    if type_bits & TYPE_REGULAR:
        return "a message to"
    if type_bits & TYPE_CAUSED_BY_LEAVE:
        return "to leave"
    return "to join"
