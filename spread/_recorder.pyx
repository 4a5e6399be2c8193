"""The flight recorder; the contract stands in `_recorder.pxd`."""

from cython cimport final
from libc.string cimport memcpy, memset

from spread._frames cimport store_le32
from spread._packets cimport PACKET_HEADER_SIZE, store_le64

from spread.errors import MisuseError

cdef enum:
    MAGIC_SIZE = 8
    PACKETS_WRITTEN_AT = 16
    TEXTS_WRITTEN_AT = 24
    DESCRIPTION_AT = 56
    HEADER_MIDDLE = 8    # Bytes of a datagram's header that are kept from its beginning,
    HEADER_SECOND = 32   # and from where the second part of them begins.

MAGIC = b"SPRFLT1\n"

if len(MAGIC) != MAGIC_SIZE:
    raise AssertionError("the magic has the size that the layout says")


@final
cdef class Recorder:
    """Records of one daemon, in memory that the caller hands in and that is written anew.

    One thread writes. `text_room` records of control events lie behind those of packets, which take
    the rest.
    """

    def __cinit__(self, memory, *, uint64_t text_room, bytes description):
        self.memory = memory
        self.view = memory
        cdef uint64_t size = <uint64_t>self.view.shape[0]
        cdef uint64_t fixed = HEAD_SIZE + text_room * TEXT_RECORD_SIZE
        if not text_room or text_room > size or size < fixed + PACKET_RECORD_SIZE:
            raise MisuseError(f"{size} bytes have no room for a recorder of {text_room} texts")
        if len(description) > HEAD_SIZE - DESCRIPTION_AT:
            raise MisuseError(f"a description of {len(description)} bytes is too long")
        self.text_room = text_room
        self.packet_room = (size - fixed) // PACKET_RECORD_SIZE
        self.packets = &self.view[HEAD_SIZE]
        self.texts = self.packets + self.packet_room * PACKET_RECORD_SIZE
        self.write_head(description)

    cdef int write_head(self, bytes description) except -1:
        cdef uint8_t* head = &self.view[0]
        cdef const uint8_t* text = description
        memset(head, 0, HEAD_SIZE)
        store_le32(head + 8, HEAD_SIZE)
        store_le32(head + 12, PACKET_RECORD_SIZE)
        store_le64(head + 32, self.packet_room)
        store_le64(head + 40, self.text_room)
        store_le32(head + 48, TEXT_RECORD_SIZE)
        store_le32(head + 52, <uint32_t>len(description))
        memcpy(head + DESCRIPTION_AT, text, len(description))
        # Last, so that half a head is never taken for a record.
        cdef const uint8_t* magic = MAGIC
        memcpy(head, magic, MAGIC_SIZE)
        return 0

    cdef void note(
        self, const uint8_t* datagram, uint32_t size, uint32_t target, uint32_t direction,
        uint32_t fault, int64_t now_ns
    ) noexcept nogil:
        cdef uint8_t* record = (
            self.packets + self.packets_written % self.packet_room * PACKET_RECORD_SIZE
        )
        store_le64(record, <uint64_t>now_ns)
        store_le32(record + 8, size)
        store_le32(record + 12, target | (direction << 16) | (fault << 24))
        if size >= PACKET_HEADER_SIZE:
            memcpy(record + 16, datagram, HEADER_MIDDLE)
            memcpy(record + 24, datagram + HEADER_SECOND, PACKET_HEADER_SIZE - HEADER_SECOND)
            memset(record + 56, 0, 8)
        else:
            memset(record + 16, 0, PACKET_RECORD_SIZE - 16)
            memcpy(record + 16, datagram, min(size, <uint32_t>HEADER_MIDDLE))
        self.packets_written += 1
        store_le64(&self.view[0] + PACKETS_WRITTEN_AT, self.packets_written)

    # -- Face for Python --------------------------------------------------------------------------

    def text(self, int64_t now_ns, bytes text):
        """Record a control event; what is longer than 240 bytes is cut."""
        cdef uint32_t size = <uint32_t>min(len(text), TEXT_MAX)
        cdef const uint8_t* source = text
        cdef uint8_t* record = self.texts + self.texts_written % self.text_room * TEXT_RECORD_SIZE
        memset(record, 0, TEXT_RECORD_SIZE)
        store_le64(record, <uint64_t>now_ns)
        store_le32(record + 8, size)
        memcpy(record + 16, source, size)
        self.texts_written += 1
        store_le64(&self.view[0] + TEXTS_WRITTEN_AT, self.texts_written)

    def image(self):
        """Return everything recorded, as it would stand in a file."""
        return bytes(self.view)

    def note_datagram(
        self, const uint8_t[::1] datagram not None, *, target=None, int64_t now_ns, uint32_t fault=0
    ):
        """Record a datagram as the core does: one that came in, or one for `target`."""
        cdef uint32_t direction = DIRECTION_IN if target is None else DIRECTION_OUT
        cdef uint32_t where = TARGET_HERE if target is None else target
        cdef const uint8_t* data = &datagram[0] if datagram.shape[0] else NULL
        self.note(data, <uint32_t>datagram.shape[0], where, direction, fault, now_ns)

    def counts(self):
        """Return how many packets and texts were recorded since the start."""
        return self.packets_written, self.texts_written
