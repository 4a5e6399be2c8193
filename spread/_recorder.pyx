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
    PACKET_ROOM_AT = 32
    TEXT_ROOM_AT = 40
    DESCRIPTION_SIZE_AT = 52
    MOMENT_AT = 56
    FIRST_PACKET_AT = 72
    DESCRIPTION_AT = 128
    HEADER_MIDDLE = 8    # Bytes of a datagram's header that are kept from its beginning,
    HEADER_SECOND = 32   # and from where the second part of them begins.

MAGIC = b"SPRFLT1\n"

if len(MAGIC) != MAGIC_SIZE:
    raise AssertionError("the magic has the size that the layout says")


@final
cdef class Recorder:
    """Records of one daemon, in memory that the caller hands in and that is written anew.

    `text_room` records of control events lie behind those of packets, which take the rest. One
    thread notes packets; any thread that holds the interpreter may do the rest.
    """

    def __cinit__(self, memory, *, uint64_t text_room, bytes description):
        self.memory = memory
        self.view = memory
        cdef uint64_t size = <uint64_t>self.view.shape[0]
        cdef uint64_t fixed = HEAD_SIZE + text_room * TEXT_RECORD_SIZE
        if not text_room or text_room > size or size < fixed + PACKET_RECORD_SIZE:
            raise MisuseError(f"{size} bytes have no room for a recorder of {text_room} texts")
        self.text_room = text_room
        self.packet_room = (size - fixed) // PACKET_RECORD_SIZE
        self.packets = &self.view[HEAD_SIZE]
        self.texts = self.packets + self.packet_room * PACKET_RECORD_SIZE
        self.write_head()
        self.describe(description)
        # Last, so that half a head is never taken for a record.
        cdef const uint8_t* magic = MAGIC
        memcpy(&self.view[0], magic, MAGIC_SIZE)

    cdef int write_head(self) except -1:
        cdef uint8_t* head = &self.view[0]
        memset(head, 0, HEAD_SIZE)
        store_le32(head + 8, HEAD_SIZE)
        store_le32(head + 12, PACKET_RECORD_SIZE)
        store_le64(head + PACKET_ROOM_AT, self.packet_room)
        store_le64(head + TEXT_ROOM_AT, self.text_room)
        store_le32(head + 48, TEXT_RECORD_SIZE)
        return 0

    cdef void note(
        self, const uint8_t* datagram, uint32_t size, uint32_t target, uint32_t direction,
        uint32_t fault, int64_t now_ns
    ) noexcept nogil:
        cdef uint8_t* record = self.packets + self.packet_place * PACKET_RECORD_SIZE
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
        self.packet_place += 1
        if self.packet_place == self.packet_room:
            self.packet_place = 0
        store_le64(&self.view[0] + PACKETS_WRITTEN_AT, self.packets_written)

    # -- Face for Python --------------------------------------------------------------------------

    def text(self, int64_t now_ns, bytes text not None):
        """Record a control event; what is longer than 240 bytes is cut."""
        cdef uint32_t size = <uint32_t>min(len(text), TEXT_MAX)
        cdef const uint8_t* source = text
        cdef uint8_t* record = self.texts + self.texts_written % self.text_room * TEXT_RECORD_SIZE
        memset(record, 0, TEXT_RECORD_SIZE)
        store_le64(record, <uint64_t>now_ns)
        store_le64(record + 8, size | self.packets_written << 16)
        memcpy(record + 16, source, size)
        self.texts_written += 1
        store_le64(&self.view[0] + TEXTS_WRITTEN_AT, self.texts_written)

    def describe(self, bytes description not None):
        """Say who records, as JSON; raises MisuseError if that is too long."""
        cdef const uint8_t* text = description
        cdef uint8_t* head = &self.view[0]
        if len(description) > HEAD_SIZE - DESCRIPTION_AT:
            raise MisuseError(f"a description of {len(description)} bytes is too long")
        memcpy(head + DESCRIPTION_AT, text, len(description))
        store_le32(head + DESCRIPTION_SIZE_AT, <uint32_t>len(description))

    def set_moment(self, int64_t now_ns, int64_t wall_ns):
        """Say how the clock of the records stands to the time of day, now and then."""
        store_le64(&self.view[0] + MOMENT_AT, <uint64_t>now_ns)
        store_le64(&self.view[0] + MOMENT_AT + 8, <uint64_t>wall_ns)

    def image(self):
        """Return everything recorded, as it would stand in a file; packets may come meanwhile."""
        cdef bytearray copy = bytearray(self.view.shape[0])
        cdef uint8_t[::1] target = copy
        cdef size_t size = <size_t>self.view.shape[0]
        cdef uint64_t before = self.packets_written
        with nogil:
            memcpy(&target[0], &self.view[0], size)
        store_le64(&target[PACKETS_WRITTEN_AT], before)
        self.mark_first(&target[0])
        return bytes(copy)

    def tail(self, uint64_t packets, uint64_t texts):
        """Return so many of the last records, at most, as they would stand in a file."""
        cdef uint64_t before = self.packets_written
        cdef uint64_t packet_count = min(packets, before, self.packet_room)
        cdef uint64_t text_count = min(texts, self.texts_written, self.text_room)
        # The oldest one of a full ring does not count.
        cdef uint64_t room = packet_count + 1
        cdef uint64_t text_room = text_count + 1
        cdef bytearray copy = bytearray(
            HEAD_SIZE + room * PACKET_RECORD_SIZE + text_room * TEXT_RECORD_SIZE
        )
        cdef uint8_t[::1] target = copy
        cdef uint8_t* records = &target[HEAD_SIZE]
        cdef uint8_t* lines = records + room * PACKET_RECORD_SIZE
        cdef uint64_t number
        memcpy(&target[0], &self.view[0], HEAD_SIZE)
        for number in range(before - packet_count, before):
            memcpy(
                records + number % room * PACKET_RECORD_SIZE,
                self.packets + number % self.packet_room * PACKET_RECORD_SIZE,
                PACKET_RECORD_SIZE,
            )
        for number in range(self.texts_written - text_count, self.texts_written):
            memcpy(
                lines + number % text_room * TEXT_RECORD_SIZE,
                self.texts + number % self.text_room * TEXT_RECORD_SIZE,
                TEXT_RECORD_SIZE,
            )
        store_le64(&target[PACKETS_WRITTEN_AT], before)
        store_le64(&target[PACKET_ROOM_AT], room)
        store_le64(&target[TEXT_ROOM_AT], text_room)
        self.mark_first(&target[0])
        return bytes(copy)

    cdef void mark_first(self, uint8_t* copy) noexcept:
        """Say in a copy which packets may have been written over while it was made."""
        if self.packets_written >= self.packet_room:
            store_le64(copy + FIRST_PACKET_AT, self.packets_written + 1 - self.packet_room)

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
