"""Reference-counted byte buffers and their bounded pool.

A buffer holds bytes that are written once and then only read: the payload of one ring packet, or
one notice of the daemon. Whoever keeps a pointer to a buffer past a call holds a reference; the
last release gives the buffer back to the pool. References are counted in this file only.

Invariants
    a buffer's `size` never shrinks while anybody else holds a reference
    bytes_in_use == sum of the capacities of all buffers with references > 0
    bytes_free   == sum of the capacities on the free lists <= POOL_RETAINED_MAX

Ownership: the pool belongs to one node and one thread.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    # Three sizes: a lone small message must not pin 64 KiB in the queue of a slow receiver, and a
    # busy turn must not need more than one gather-write entry per 64 KiB.
    BUFFER_CLASSES = 3
    BUFFER_SMALL = 0
    BUFFER_MEDIUM = 1
    BUFFER_LARGE = 2
    BUFFER_SMALL_SIZE = 2048     # Bytes.
    BUFFER_MEDIUM_SIZE = 16384
    BUFFER_LARGE_SIZE = 65536
    # Free buffers kept for reuse: two turns of 1 MiB each, in and out, with room for a burst.
    POOL_RETAINED_MAX = 8 * 1024 * 1024


cdef struct Buffer:
    uint8_t* data          # Owned; lies right behind this struct.
    Buffer* next           # Link of a free list or of the one queue that owns the buffer.
    uint32_t capacity      # Bytes.
    uint32_t size          # Bytes written.
    uint32_t references
    uint16_t size_class
    # Of a packet that this daemon fills, in payload offsets; see `_submissions.pxd`.
    uint16_t first_frame
    uint16_t open_frame
    bint ends_whole


cdef struct Pool:
    Buffer* free[BUFFER_CLASSES]
    uint64_t bytes_free
    uint64_t bytes_in_use
    uint64_t bytes_peak
    uint64_t buffers_in_use


cdef void pool_open(Pool* pool) noexcept nogil
# Make an empty pool.

cdef void pool_close(Pool* pool) noexcept nogil
# Give free buffers back to the system; buffers in use must have been released before.

cdef Buffer* buffer_acquire(Pool* pool, uint32_t size_class) noexcept nogil
# Return an empty buffer with one reference, or NULL when the system has no memory.

cdef Buffer* buffer_fit(Pool* pool, Buffer* buffer) noexcept nogil
# Move a sole-owned buffer's bytes into the smallest class that holds them; returns what to use.

cdef void buffer_release(Pool* pool, Buffer* buffer) noexcept nogil
# Drop one reference.

cdef inline void buffer_share(Buffer* buffer) noexcept nogil:
    """Add one reference; pairs with `buffer_release`."""
    buffer.references += 1


cdef inline uint32_t class_for(uint64_t size) noexcept nogil:
    """Return the smallest class for `size` bytes; large for anything above it."""
    if size <= BUFFER_SMALL_SIZE:
        return BUFFER_SMALL
    return BUFFER_MEDIUM if size <= BUFFER_MEDIUM_SIZE else BUFFER_LARGE
