"""Cut the stream of one session into frames without copying what arrived whole.

A read fills, with one call, first what the begun frame lacks and then the shared scratch buffer.
So a frame of any size is copied at most once, and sessions hold memory only for a begun frame.

    rest      | begun frame ......| missing |      grows up to the frame's size
    scratch                                 | frame | frame | begun fr
"""

from libc.stdint cimport uint8_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memset

from bench._wire cimport (
    HEADER_SIZE, MSG_DONTWAIT, frame_size, iovec, is_native_order, msghdr, recv
)

cdef extern from "<sys/socket.h>" nogil:
    ssize_t recvmsg(int fd, msghdr* message, int flags)

cdef enum:
    READ_SIZE = 1 << 18         # more than a socket buffer of 200 KiB holds; fits level 2 cache
    SCRATCH_SIZE = READ_SIZE + HEADER_SIZE
    FRAME_SIZE_MAX = 1 << 23    # four times a view of 65,536 members

cdef enum Cut:
    CUT_FRAME = 0               # a whole frame
    CUT_MORE = 1                # nothing whole is left; what was begun is kept
    CUT_GARBAGE = 2             # no frame can begin like this
    CUT_NO_MEMORY = 3

cdef struct Inbound:
    uint8_t* rest               # owned; the begun frame, at least its header's first bytes
    size_t rest_size
    size_t rest_capacity

cdef struct Arrived:            # what the last read brought; borrowed until the next one
    const uint8_t* data
    size_t size
    size_t at                   # of the next frame

cdef inline ssize_t read_inbound(
    Inbound* inbound, int fd, uint8_t* scratch, Arrived* arrived
) noexcept nogil:
    """Read once; returns what recv() returns. `scratch` has SCRATCH_SIZE bytes."""
    cdef iovec[2] parts
    cdef msghdr message
    cdef ssize_t received
    cdef size_t missing = 0
    arrived.data = scratch
    arrived.at = 0
    if inbound.rest_size < HEADER_SIZE:
        memcpy(scratch, inbound.rest, inbound.rest_size)
        received = recv(fd, scratch + inbound.rest_size, READ_SIZE, MSG_DONTWAIT)
        if received > 0:
            arrived.size = inbound.rest_size + received
            inbound.rest_size = 0
        return received
    missing = frame_size(inbound.rest) - inbound.rest_size
    parts[0].iov_base = inbound.rest + inbound.rest_size
    parts[0].iov_len = missing
    parts[1].iov_base = scratch
    parts[1].iov_len = READ_SIZE
    memset(&message, 0, sizeof(msghdr))
    message.msg_iov = parts
    message.msg_iovlen = 2
    received = recvmsg(fd, &message, MSG_DONTWAIT)
    if received > 0:
        missing = min(missing, <size_t>received)
        inbound.rest_size += missing
        arrived.size = received - missing
    return received

cdef inline Cut cut_frame(
    Inbound* inbound, Arrived* arrived, const uint8_t** frame, size_t* length
) noexcept nogil:
    """Give out the next whole frame, valid until the next call; keep the last, begun one."""
    cdef size_t left
    if inbound.rest_size:
        length[0] = frame_size(inbound.rest)
        frame[0] = inbound.rest
        if inbound.rest_size < length[0]:
            return CUT_MORE
        inbound.rest_size = 0
        return CUT_FRAME
    left = arrived.size - arrived.at
    frame[0] = arrived.data + arrived.at
    length[0] = HEADER_SIZE
    if left >= HEADER_SIZE:
        length[0] = frame_size(frame[0])
        if not is_native_order(frame[0]) or not 0 < length[0] <= FRAME_SIZE_MAX:
            return CUT_GARBAGE
        if left >= length[0]:
            arrived.at += length[0]
            return CUT_FRAME
    return _keep(inbound, frame[0], left, length[0])

cdef inline Cut _keep(
    Inbound* inbound, const uint8_t* begun, size_t size, size_t capacity
) noexcept nogil:
    cdef uint8_t* grown
    if inbound.rest_capacity < capacity:
        grown = <uint8_t*>realloc(inbound.rest, capacity)
        if not grown:
            return CUT_NO_MEMORY
        inbound.rest = grown
        inbound.rest_capacity = capacity
    memcpy(inbound.rest, begun, size)
    inbound.rest_size = size
    return CUT_MORE
