"""The token: what this daemon submits becomes packets, and packets get their place in the order.

Submitted frames form one byte stream per daemon, cut into packets: small frames are packed, large
ones fragmented, and the bytes on the ring are the bytes the clients get.

    append()  -> open packet -> seal() -> pending packets -> visit() -> window

A ring of one holds the token all the time: a visit takes place whenever the driver ends a turn,
every packet is stable as soon as it is in the window, and nothing is sent.

Invariants
    stable <= window.aru
    pending packets are sealed, in the order of submission, and not yet numbered
    a frame's head (header and group list) lies in one packet whenever it fits into one
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool
from spread._window cimport Window

cdef enum RingStatus:
    RING_OK = 0
    RING_NO_MEMORY = -1   # Nothing of the frame was taken.


cdef struct Mark:
    # Where the stream ended before a submission, to return to when memory runs out.
    Buffer* open_packet
    uint32_t open_size
    Buffer* pending_tail
    uint64_t pending_bytes


cdef class Ring:
    cdef Pool* pool                # Borrowed from the node.
    cdef Window window
    cdef uint64_t stable           # Highest seq that every member holds.
    cdef uint32_t me               # Index of this daemon among the origins.
    cdef uint32_t payload_max      # Bytes of frames in one packet.
    cdef Buffer* open_packet       # Owned; NULL when nothing waits to be sealed.
    cdef Buffer* pending_head      # Owned list, oldest first.
    cdef Buffer* pending_tail
    cdef uint64_t pending_bytes    # Sealed and not numbered.

    cdef RingStatus append(
        self, const uint8_t* frame, size_t head_size, size_t size
    ) noexcept nogil
    # Submit one whole frame of `size` bytes whose first `head_size` are header and group list.

    cdef void seal(self) noexcept nogil
    # End the open packet.

    cdef bint visit(self) noexcept nogil
    # Number pending packets as far as the window has room; tells whether any were.

    cdef bint has_pending(self) noexcept nogil

    cdef void invariants(self) noexcept nogil

    # Private.
    cdef void seal_open(self) noexcept nogil
    cdef void roll_back(self, Mark mark) noexcept nogil


cdef Ring ring_open(Pool* pool)
# Make a ring of one whose buffers come from `pool`.
