"""Bytes that a client's socket has not taken, for the bare forwarders."""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint8_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memmove

from bench._wire cimport MSG_DONTWAIT, MSG_NOSIGNAL, send

cdef struct ByteQueue:
    uint8_t* data                   # owned: bytes that a socket has not taken
    size_t begin
    size_t end
    size_t capacity

cdef inline size_t queued(const ByteQueue* queue) noexcept nogil:
    return queue.end - queue.begin

cdef inline bint enqueue(ByteQueue* queue, const void* data, size_t size) noexcept nogil:
    """Append; False without memory."""
    cdef uint8_t* grown
    if queue.end + size > queue.capacity and queue.begin:
        memmove(queue.data, queue.data + queue.begin, queued(queue))
        queue.end -= queue.begin
        queue.begin = 0
    if queue.end + size > queue.capacity:
        grown = <uint8_t*>realloc(queue.data, 2 * (queue.end + size))
        if not grown:
            return False
        queue.data = grown
        queue.capacity = 2 * (queue.end + size)
    memcpy(queue.data + queue.end, data, size)
    queue.end += size
    return True

cdef inline bint flush(ByteQueue* queue, int fd) noexcept nogil:
    """Write once what waits; False when the socket is gone."""
    cdef ssize_t sent = send(
        fd, queue.data + queue.begin, queued(queue), MSG_DONTWAIT | MSG_NOSIGNAL
    )
    if sent < 0:
        return errno in (EAGAIN, EINTR)
    queue.begin += sent
    if queue.begin == queue.end:
        queue.begin = queue.end = 0
    return True
