"""What those who watch read of a node, once a second, from the thread that drives it.

Everything here is bounded: of very many sessions only some are looked at each time, beside the
slowest of the last time.
"""

from libc.stdint cimport uint32_t

from spread._node cimport Node

cdef enum:
    SLOWEST_MAX = 100
    SCAN_MAX = 1024              # Slots of one look; all of them come up in turn.


cdef class Snapshots:
    cdef Node node
    cdef uint32_t slowest[SLOWEST_MAX]   # Slots, the one for which most bytes wait first.
    cdef uint32_t slowest_count
    cdef uint32_t cursor                 # The next slot to look at.

    cdef void scan(self) noexcept nogil
    # Find the slowest sessions.

    cdef void consider(self, uint32_t index) noexcept nogil
    # Give a slot its place among the slowest, if it has one.

    cdef void settle(self) noexcept nogil
    # Put the count of own messages right when none is under way.
