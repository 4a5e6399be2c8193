"""Reference-counted byte buffers and their bounded pool; the contract stands in `_buffers.pxd`."""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from spread._check cimport check

cdef uint32_t* CAPACITIES = [BUFFER_SMALL_SIZE, BUFFER_MEDIUM_SIZE, BUFFER_LARGE_SIZE]


cdef void pool_open(Pool* pool) noexcept nogil:
    memset(pool, 0, sizeof(Pool))


cdef void pool_close(Pool* pool) noexcept nogil:
    check(pool.buffers_in_use == 0, "every buffer is released before its pool closes")
    cdef int size_class
    cdef Buffer* buffer
    for size_class in range(BUFFER_CLASSES):
        while pool.free[size_class] != NULL:
            buffer = pool.free[size_class]
            pool.free[size_class] = buffer.next
            free(buffer)
    pool.bytes_free = 0


cdef Buffer* buffer_acquire(Pool* pool, uint32_t size_class) noexcept nogil:
    check(size_class < BUFFER_CLASSES, "size class is one of three")
    cdef uint32_t capacity = CAPACITIES[size_class]
    cdef Buffer* buffer = pool.free[size_class]
    if buffer != NULL:
        pool.free[size_class] = buffer.next
        pool.bytes_free -= capacity
    else:
        buffer = <Buffer*>malloc(sizeof(Buffer) + capacity)
        if buffer == NULL:
            return NULL
        buffer.data = <uint8_t*>buffer + sizeof(Buffer)
        buffer.capacity = capacity
        buffer.size_class = <uint16_t>size_class
    buffer.next = NULL
    buffer.size = 0
    buffer.references = 1
    pool.buffers_in_use += 1
    pool.bytes_in_use += capacity
    if pool.bytes_in_use > pool.bytes_peak:
        pool.bytes_peak = pool.bytes_in_use
    return buffer


cdef Buffer* buffer_fit(Pool* pool, Buffer* buffer) noexcept nogil:
    check(buffer.references == 1, "only a sole owner moves a buffer")
    cdef uint32_t size_class = class_for(buffer.size)
    if size_class >= buffer.size_class:
        return buffer
    cdef Buffer* smaller = buffer_acquire(pool, size_class)
    if smaller == NULL:
        return buffer
    memcpy(smaller.data, buffer.data, buffer.size)
    smaller.size = buffer.size
    smaller.first_frame = buffer.first_frame
    smaller.open_frame = buffer.open_frame
    smaller.ends_whole = buffer.ends_whole
    buffer_release(pool, buffer)
    return smaller


cdef void buffer_release(Pool* pool, Buffer* buffer) noexcept nogil:
    check(buffer.references > 0, "a released buffer had a reference")
    buffer.references -= 1
    if buffer.references > 0:
        return
    pool.buffers_in_use -= 1
    pool.bytes_in_use -= buffer.capacity
    if pool.bytes_free + buffer.capacity > POOL_RETAINED_MAX:
        free(buffer)
        return
    buffer.next = pool.free[buffer.size_class]
    pool.free[buffer.size_class] = buffer
    pool.bytes_free += buffer.capacity
