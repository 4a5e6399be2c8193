"""Packets of one ring by sequence number.

    discarded          aru                 highest
        |               |                     |
    ----+===============+---x---x=====x-------+---->  seq
        gone            holes between, each a packet still to come

Invariants
    discarded <= aru <= highest
    highest - discarded <= WINDOW_SLOTS
    every seq in (discarded, aru] has a packet; aru + 1 has none

Sequence numbers are 64-bit, start at 1 and never wrap in the life of a ring. The window owns
one reference to each packet it holds.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool

cdef enum:
    # Packets between the slowest member and the newest packet: the gap of 1600 that flow control
    # allows, rounded up to a power of two for the index mask.
    WINDOW_SLOTS = 2048

cdef enum WindowStatus:
    WINDOW_INSERTED = 0
    WINDOW_DUPLICATE = 1     # Already held, or already discarded.
    WINDOW_OUT_OF_RANGE = 2  # Too far ahead to be held.


cdef struct WindowEntry:
    Buffer* buffer     # Shared, one reference; NULL marks a hole.
    uint32_t offset    # Of the payload; the packet's header lies right in front of it.
    uint32_t size      # Bytes of the payload.
    uint16_t first     # Where in the payload the first frame begins; NO_FRAME if none does.
    uint8_t origin     # Number of the daemon that made the packet.


cdef struct Window:
    WindowEntry* entries   # Owned, WINDOW_SLOTS of them.
    Pool* pool             # Borrowed for the life of the window.
    uint64_t discarded     # Highest seq given up.
    uint64_t aru           # All received up to here.
    uint64_t highest       # Highest seq held.


cdef int window_open(Window* window, Pool* pool) noexcept nogil
# Make an empty window; -1 when the system has no memory.

cdef void window_close(Window* window) noexcept nogil
# Release every packet.

cdef WindowStatus window_insert(
    Window* window, uint64_t seq, const WindowEntry* packet
) noexcept nogil
# Hold `packet` as number `seq`. Its reference passes to the window when inserted, else stays.

cdef WindowEntry* window_at(Window* window, uint64_t seq) noexcept nogil
# Return the packet's entry; seq must lie in (discarded, aru].

cdef WindowEntry* window_find(const Window* window, uint64_t seq) noexcept nogil
# Return the entry of any number, or NULL when the packet is not held.

cdef void window_discard(Window* window, uint64_t seq) noexcept nogil
# Give up every packet up to `seq`, at most up to aru.

cdef void window_check(const Window* window) noexcept nogil
# Check the invariants above.

cdef inline uint64_t window_space(const Window* window) noexcept nogil:
    """Return how many packets fit behind the highest one."""
    return WINDOW_SLOTS - (window.highest - window.discarded)
