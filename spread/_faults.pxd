"""Faults of a network, made on datagrams that have arrived: loss, copies, delay, another order.

For tests only, and made here because traffic shaping of the kernel is not available everywhere. A
seed and the same datagrams in the same order give the same faults.

Also faults of a host: large datagrams that vanish, small buffers of sockets, no offload. The last
two are for whoever opens the sockets to obey.

Invariants
    `held` is a heap by (due_ns, number); each entry holds one reference to a buffer of its own
    held_count <= HELD_MAX: what comes on top is lost
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool

cdef enum:
    HELD_MAX = 65536


cdef struct Held:
    Buffer* buffer
    uint32_t size
    uint32_t source        # IPv4 address.
    int64_t due_ns
    uint64_t number        # Of two that are due together, the smaller comes first.


cdef class Faults:
    cdef str text
    cdef uint64_t state            # Of the random numbers.
    cdef uint64_t loss             # Shares, in units of 2**-64.
    cdef uint64_t duplication
    cdef uint64_t reordering
    cdef uint32_t size_max         # Bytes of a datagram; larger ones are lost.
    cdef readonly object buffer    # Bytes of a socket's buffers, or None.
    cdef readonly bint offload     # Whether segmentation and coalescing may be used.
    cdef int64_t delay_min_ns
    cdef int64_t delay_max_ns
    cdef Held* held                # Owned.
    cdef uint32_t held_count
    cdef uint32_t held_capacity
    cdef uint64_t number           # Of the last that was held.

    cdef uint32_t draw(self, uint32_t size, int64_t* delays_ns) noexcept nogil
    # How many copies of the next datagram, of so many bytes, arrive, 0 to 2, and how much later
    # each of them.

    cdef int hold(
        self, Pool* pool, const Buffer* buffer, uint32_t offset, uint32_t size, uint32_t source,
        int64_t due_ns,
    ) noexcept nogil
    # Keep a copy until it is due; -1 when it is lost for want of room.

    cdef bint take(self, int64_t now_ns, Held* held) noexcept nogil
    # Take the next one that is due; its reference goes to the caller.

    cdef int64_t next_due(self) noexcept nogil
    # Nanoseconds, 0 when nothing is held.

    cdef void clear(self, Pool* pool) noexcept nogil
    # Give up what is held.

    cdef uint64_t random(self) noexcept nogil
    cdef int64_t delay(self) noexcept nogil
    cdef int reserve(self) noexcept nogil
    cdef bint is_before(self, uint32_t first, uint32_t second) noexcept nogil
    cdef void swap(self, uint32_t first, uint32_t second) noexcept nogil
    cdef void rise(self, uint32_t index) noexcept nogil
    cdef void sink(self) noexcept nogil
