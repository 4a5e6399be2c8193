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
        56     8  a moment by the clock of the records, in ns, and
        64     8  the same moment by the time of day, in ns since 1970
        72     8  the first packet that is whole, of a copy; 0 in the memory itself
       128     -  description       JSON: who recorded

    packet       time u64 (ns, monotonic), size u32 (of the datagram), target u16 (a daemon, 256 the
                 segment, 0xFFFF for one that came in), direction u8, fault u8,
                 bytes 0 to 8 and 32 to 64 of the datagram's header, 8 zero
    text         time u64, size u16, packets written before it u48, text in UTF-8

Invariants
    record number n lies at place n modulo room, so of each kind the newest `room` ones are there
    a record is written before it is counted: only the oldest one of a full ring may be torn
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef enum:
    HEAD_SIZE = 16384
    PACKET_RECORD_SIZE = 64
    TEXT_RECORD_SIZE = 256
    TEXT_MAX = 240
    DIRECTION_IN = 0
    DIRECTION_OUT = 1
    DIRECTION_JOINED = 2   # Put together from pieces that came in.
    DIRECTION_CUT = 3      # Goes out in the pieces that follow.
    TARGET_HERE = 0xFFFF

cdef enum:
    # Behind those of `PacketFault`: why a sound packet went no further.
    FAULT_PARTITIONED = 64
    FAULT_TWIN = 65        # Of another daemon under our number; membership hears of it.


cdef class Recorder:
    cdef object memory           # Keeps the bytes below alive.
    cdef uint8_t[::1] view
    cdef uint8_t* packets        # Borrowed from `memory`.
    cdef uint8_t* texts          # Borrowed from `memory`.
    cdef uint64_t packet_room
    cdef uint64_t text_room
    cdef uint64_t packets_written
    cdef uint64_t packet_place   # Of the next record: `packets_written` modulo room.
    cdef uint64_t texts_written

    cdef int write_head(self) except -1
    cdef void mark_first(self, uint8_t* copy) noexcept

    cdef void note(
        self, const uint8_t* datagram, uint32_t size, uint32_t target, uint32_t direction,
        uint32_t fault, int64_t now_ns
    ) noexcept nogil
    # Record a datagram by its header; one shorter than a header is recorded as far as it goes.
