"""Datagram calls of Linux as the limits of the path use them, and the queue of a client's socket.

Segmentation offload is a property of the socket here: with UDP_SEGMENT set to a size, a longer
message leaves as datagrams of that size; with UDP_GRO set, datagrams of one sender that arrive
together are read as one.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memmove

from bench._wire cimport iovec

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        uint32_t s_addr             # network order
    struct sockaddr_in:
        unsigned short sin_family
        uint16_t sin_port           # network order
        in_addr sin_addr
    uint32_t htonl(uint32_t value)
    uint16_t htons(uint16_t value)
    int AF_INET

cdef extern from "<sys/socket.h>" nogil:
    int MSG_WAITFORONE
    struct udp_message "msghdr":
        void* msg_name
        unsigned int msg_namelen
        iovec* msg_iov
        size_t msg_iovlen
    struct mmsghdr:
        udp_message msg_hdr
        unsigned int msg_len        # bytes that the call has moved
    int sendmmsg(int fd, mmsghdr* messages, unsigned int count, int flags)
    int recvmmsg(int fd, mmsghdr* messages, unsigned int count, int flags, void* timeout)

cdef enum:
    DATAGRAM_SIZE_MAX = 65535       # what one read may bring, coalesced or not


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
