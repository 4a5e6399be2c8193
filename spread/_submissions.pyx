"""What this daemon submits; the contract stands in `_submissions.pxd`."""

from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from cython cimport final

from spread._buffers cimport (
    buffer_acquire, buffer_fit, buffer_release, buffer_share, class_for,
)
from spread._check cimport check
from spread._packets cimport NO_FRAME


@final
cdef class Submissions:
    """One byte stream of frames; created and driven by a `Node`."""

    def __cinit__(self):
        self.payload_max = PAYLOAD_SIZE_MAX

    def __dealloc__(self):
        if self.pool != NULL:
            self.clear()
            free(self.begun)

    cdef SubmitStatus append(
        self, const uint8_t* frame, size_t head_size, size_t size
    ) noexcept nogil:
        check(head_size <= size, "a frame's head is part of it")
        cdef Buffer* packet = self.open_packet
        cdef Mark mark = Mark(
            packet, 0, 0, 0, False, self.pending_tail, self.pending_bytes, self.pending_count
        )
        cdef size_t room = 0
        if packet != NULL:
            mark.open_size = packet.size
            mark.first_frame = packet.first_frame
            mark.open_frame = packet.open_frame
            mark.ends_whole = packet.ends_whole
            room = self.payload_max + PACKET_HEADER_SIZE - packet.size
        if room < head_size <= self.payload_max:
            self.filled += packet != NULL
            self.seal_open()
        cdef size_t taken = 0
        cdef size_t part
        cdef uint16_t at
        while taken < size:
            packet = self.open_packet
            if packet == NULL:
                packet = self.open_next()
                if packet == NULL:
                    self.roll_back(mark)
                    return SUBMIT_NO_MEMORY
            at = <uint16_t>(packet.size - PACKET_HEADER_SIZE)
            part = min(size - taken, <size_t>(self.payload_max - at))
            memcpy(packet.data + packet.size, frame + taken, part)
            if taken == 0:
                if packet.first_frame == NO_FRAME:
                    packet.first_frame = at
                packet.open_frame = at
            packet.size += <uint32_t>part
            taken += part
            packet.ends_whole = taken == size
            if packet.size == self.payload_max + PACKET_HEADER_SIZE:
                self.filled += 1
                self.seal_open()
        return SUBMIT_OK

    cdef Buffer* open_next(self) noexcept nogil:
        """Begin a packet; NULL when the system has no memory."""
        cdef Buffer* packet = buffer_acquire(
            self.pool, class_for(self.payload_max + PACKET_HEADER_SIZE)
        )
        if packet != NULL:
            packet.size = PACKET_HEADER_SIZE
            packet.first_frame = NO_FRAME
            packet.open_frame = NO_FRAME
            self.open_packet = packet
        return packet

    cdef void seal_open(self) noexcept nogil:
        """Queue the open packet as it is."""
        cdef Buffer* packet = self.open_packet
        if packet == NULL:
            return
        self.open_packet = NULL
        packet.next = NULL
        if self.pending_tail == NULL:
            self.pending_head = packet
        else:
            self.pending_tail.next = packet
        self.pending_tail = packet
        self.pending_bytes += packet.size
        self.pending_count += 1

    cdef void seal(self) noexcept nogil:
        if self.open_packet == NULL:
            return
        # A quiet turn leaves few bytes: they must not pin a large buffer in a slow queue.
        self.open_packet = buffer_fit(self.pool, self.open_packet)
        self.seal_open()

    cdef void resize(self, uint32_t payload_max) noexcept nogil:
        if payload_max != self.payload_max:
            self.seal()
            self.payload_max = payload_max

    cdef void roll_back(self, Mark mark) noexcept nogil:
        """Undo a submission that found no memory."""
        cdef Buffer* packet
        cdef Buffer* following
        if mark.pending_tail != NULL:
            packet = mark.pending_tail.next
            mark.pending_tail.next = NULL
        else:
            packet = self.pending_head
            self.pending_head = NULL
        self.pending_tail = mark.pending_tail
        self.pending_bytes = mark.pending_bytes
        self.pending_count = mark.pending_count
        while packet != NULL:
            following = packet.next
            if packet != mark.open_packet:
                buffer_release(self.pool, packet)
            packet = following
        self.open_packet = mark.open_packet
        if self.open_packet != NULL:
            self.open_packet.size = mark.open_size
            self.open_packet.first_frame = mark.first_frame
            self.open_packet.open_frame = mark.open_frame
            self.open_packet.ends_whole = mark.ends_whole
            self.open_packet.next = NULL

    cdef Buffer* take(self) noexcept nogil:
        if self.is_held and not self.is_inside():
            return NULL
        if self.owes_rewind and not self.put_back_begun():
            return NULL
        cdef Buffer* packet = self.pending_head
        if packet == NULL or not self.keep_begun(packet):
            return NULL
        self.pending_head = packet.next
        if self.pending_head == NULL:
            self.pending_tail = NULL
        packet.next = NULL
        self.pending_bytes -= packet.size
        self.pending_count -= 1
        return packet

    cdef bint keep_begun(self, Buffer* packet) noexcept nogil:
        """Remember the packet while a frame that it carries is unfinished; False: no memory."""
        cdef uint32_t capacity
        cdef Buffer** grown
        if packet.ends_whole:
            self.forget_begun()
            return True
        if self.begun_count == self.begun_capacity:
            capacity = max(16, 2 * self.begun_capacity)
            grown = <Buffer**>realloc(self.begun, capacity * sizeof(Buffer*))
            if grown == NULL:
                return False
            self.begun = grown
            self.begun_capacity = capacity
        if packet.open_frame != NO_FRAME:
            self.forget_begun()
        buffer_share(packet)
        self.begun[self.begun_count] = packet
        self.begun_count += 1
        return True

    cdef void forget_begun(self) noexcept nogil:
        cdef uint32_t number
        for number in range(self.begun_count):
            buffer_release(self.pool, self.begun[number])
        self.begun_count = 0

    cdef void rewind(self) noexcept nogil:
        self.owes_rewind = self.begun_count > 0

    cdef bint put_back_begun(self) noexcept nogil:
        """Make pending again what of the unfinished frame was taken; False: no memory yet."""
        cdef Buffer* first = self.begun[0]
        cdef Buffer* part
        cdef uint32_t start = PACKET_HEADER_SIZE + first.open_frame
        cdef uint32_t number
        check(first.open_frame != NO_FRAME, "the unfinished frame begins in the first packet")
        if first.open_frame > 0:
            # Others may still hold the packet: the frame's part moves to one of its own.
            part = buffer_acquire(self.pool, first.size_class)
            if part == NULL:
                return False
            memcpy(part.data + PACKET_HEADER_SIZE, first.data + start, first.size - start)
            part.size = PACKET_HEADER_SIZE + first.size - start
            part.first_frame = 0
            part.open_frame = 0
            part.ends_whole = False
            buffer_release(self.pool, first)
            self.begun[0] = part
        for number in range(self.begun_count, 0, -1):
            self.put_back(self.begun[number - 1])
        self.begun_count = 0
        self.owes_rewind = False
        return True

    cdef void put_back(self, Buffer* packet) noexcept nogil:
        """Put a packet in front of the pending ones; its reference moves there."""
        packet.next = self.pending_head
        self.pending_head = packet
        if self.pending_tail == NULL:
            self.pending_tail = packet
        self.pending_bytes += packet.size
        self.pending_count += 1

    cdef void clear(self) noexcept nogil:
        cdef Buffer* packet
        self.forget_begun()
        self.owes_rewind = False
        while self.pending_head != NULL:
            packet = self.pending_head
            self.pending_head = packet.next
            buffer_release(self.pool, packet)
        self.pending_tail = NULL
        self.pending_bytes = 0
        self.pending_count = 0
        if self.open_packet != NULL:
            buffer_release(self.pool, self.open_packet)
            self.open_packet = NULL

    cdef bint is_inside(self) noexcept nogil:
        return self.begun_count > 0 and not self.owes_rewind

    cdef bint has_pending(self) noexcept nogil:
        return (not self.is_held or self.is_inside()) and (
            self.pending_head != NULL or self.open_packet != NULL or self.owes_rewind
        )

    cdef void invariants(self) noexcept nogil:
        check((self.pending_head == NULL) == (self.pending_tail == NULL), "both ends or none")
        check((self.pending_head == NULL) == (self.pending_count == 0), "pending packets add up")


cdef Submissions submissions_open(Pool* pool, uint32_t payload_max):
    """Make an empty stream whose buffers come from `pool`."""
    cdef Submissions submissions = Submissions()
    submissions.pool = pool
    submissions.payload_max = payload_max
    return submissions
