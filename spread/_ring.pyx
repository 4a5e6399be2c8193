"""The token: packing, fragmentation and the order; the contract stands in `_ring.pxd`.

Source: Amir, Moser, Melliar-Smith, Agarwal, Ciarfella, "The Totem single-ring ordering and
membership protocol" (1995), section 4; packing and fragmentation are our own.
"""

from libc.string cimport memcpy

from cython cimport final

from spread._buffers cimport (
    BUFFER_LARGE_SIZE, buffer_acquire, buffer_fit, buffer_release, class_for,
)
from spread._check cimport check
from spread._window cimport (
    WINDOW_INSERTED, WindowStatus, window_check, window_close, window_insert, window_open,
    window_space,
)


@final
cdef class Ring:
    """Packets of this daemon and of the ring; created and driven by a `Node`."""

    def __cinit__(self):
        self.payload_max = BUFFER_LARGE_SIZE

    def __dealloc__(self):
        cdef Buffer* buffer
        if self.pool == NULL:
            return
        while self.pending_head != NULL:
            buffer = self.pending_head
            self.pending_head = buffer.next
            buffer_release(self.pool, buffer)
        if self.open_packet != NULL:
            buffer_release(self.pool, self.open_packet)
        window_close(&self.window)

    cdef RingStatus append(
        self, const uint8_t* frame, size_t head_size, size_t size
    ) noexcept nogil:
        check(head_size <= size, "a frame's head is part of it")
        cdef Mark mark = Mark(
            self.open_packet, 0 if self.open_packet == NULL else self.open_packet.size,
            self.pending_tail, self.pending_bytes,
        )
        cdef size_t room = 0
        if self.open_packet != NULL:
            room = self.payload_max - self.open_packet.size
        if room < head_size <= self.payload_max:
            self.seal_open()
        cdef size_t taken = 0
        cdef size_t part
        while taken < size:
            if self.open_packet == NULL:
                self.open_packet = buffer_acquire(self.pool, class_for(self.payload_max))
                if self.open_packet == NULL:
                    self.roll_back(mark)
                    return RING_NO_MEMORY
            part = min(size - taken, self.payload_max - self.open_packet.size)
            memcpy(self.open_packet.data + self.open_packet.size, frame + taken, part)
            self.open_packet.size += <uint32_t>part
            taken += part
            if self.open_packet.size == self.payload_max:
                self.seal_open()
        return RING_OK

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

    cdef void seal(self) noexcept nogil:
        if self.open_packet == NULL:
            return
        # A quiet turn leaves few bytes: they must not pin a large buffer in a slow queue.
        self.open_packet = buffer_fit(self.pool, self.open_packet)
        self.seal_open()

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
        while packet != NULL:
            following = packet.next
            if packet != mark.open_packet:
                buffer_release(self.pool, packet)
            packet = following
        self.open_packet = mark.open_packet
        if self.open_packet != NULL:
            self.open_packet.size = mark.open_size
            self.open_packet.next = NULL

    cdef bint visit(self) noexcept nogil:
        cdef Buffer* packet
        cdef uint64_t room = window_space(&self.window)
        cdef bint numbered = False
        cdef uint32_t size
        cdef WindowStatus status
        while self.pending_head != NULL and room > 0:
            packet = self.pending_head
            size = packet.size
            self.pending_head = packet.next
            if self.pending_head == NULL:
                self.pending_tail = NULL
            status = window_insert(&self.window, self.window.highest + 1, packet, self.me)
            check(status == WINDOW_INSERTED, "a new packet of our own fits the window")
            self.pending_bytes -= size
            room -= 1
            numbered = True
        self.stable = self.window.aru
        return numbered

    cdef bint has_pending(self) noexcept nogil:
        return self.pending_head != NULL or self.open_packet != NULL

    cdef void invariants(self) noexcept nogil:
        window_check(&self.window)
        check(self.stable <= self.window.aru, "stable <= aru")
        check((self.pending_head == NULL) == (self.pending_tail == NULL), "both ends or none")


cdef Ring ring_open(Pool* pool):
    """Make a ring of one whose buffers come from `pool`. Raises MemoryError."""
    cdef Ring ring = Ring()
    ring.pool = pool
    if window_open(&ring.window, pool) < 0:
        raise MemoryError("no memory for the packet window")
    return ring
