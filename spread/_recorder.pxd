"""The flight recorder: headers of the last packets, and the last control events, in bounded memory.

It lies beside the way of the packets: whoever takes one in or lets one out notes it here, which
costs one cache line. The memory is the caller's, so it may be a file that outlives the process.
What is written stays in place until the ring of records comes round.

    offset  size  head, HEAD_SIZE bytes in all, little-endian
         0     8  magic             "SPRFLT1\\n"
         8     4  head size         16     8  packets written
        12     4  packet size, 64   24     8  texts written
        32     8  room for packets  40     8  room for texts
        48     4  text size, 256    52     4  size of the description
        56     -  description       JSON: who recorded, and how its clock relates to the time of day

    packet       time u64 (ns, monotonic), size u32 (of the datagram), target u16 (a daemon, 256 the
                 segment, 0xFFFF for one that came in), direction u8 (0 in, 1 out), fault u8,
                 bytes 0 to 8 and 32 to 64 of the datagram's header, 8 zero
    text         time u64, size u16, 6 zero, text in UTF-8

Invariant
    record number n lies at place n modulo room, so of each kind the newest `room` ones are there
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef enum:
    HEAD_SIZE = 16384
    PACKET_RECORD_SIZE = 64
    TEXT_RECORD_SIZE = 256
    TEXT_MAX = 240
    DIRECTION_IN = 0
    DIRECTION_OUT = 1
    TARGET_HERE = 0xFFFF


cdef class Recorder:
    cdef object memory           # Keeps the bytes below alive.
    cdef uint8_t[::1] view
    cdef uint8_t* packets        # Borrowed from `memory`.
    cdef uint8_t* texts          # Borrowed from `memory`.
    cdef uint64_t packet_room
    cdef uint64_t text_room
    cdef uint64_t packets_written
    cdef uint64_t texts_written

    cdef int write_head(self, bytes description) except -1

    cdef void note(
        self, const uint8_t* datagram, uint32_t size, uint32_t target, uint32_t direction,
        uint32_t fault, int64_t now_ns
    ) noexcept nogil
    # Record a datagram by its header; one shorter than a header is recorded as far as it goes.
