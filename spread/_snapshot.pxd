"""What those who watch get of a node, once a second: numbers copied by the thread that drives it.

    the node's thread      Snapshots.take -> Figures       a copy of memory, no interpreter's work
    the watching thread    Figures.counters(), ...         the same numbers as Python has them

Everything here is bounded: of very many sessions only some are looked at each time, beside the
slowest of the last time.

Invariant
    a `Figures` never changes once it has been handed out, so threads may share it
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from spread._datagrams cimport COUNT_COUNT, Datagrams
from spread._frames cimport GROUP_NAME_SIZE
from spread._meters cimport Meters
from spread._node cimport Node
from spread._packets cimport DAEMONS_MAX
from spread._sender cimport SENDER_COUNT
from spread._station cimport RingLimits
from spread._stats cimport STAT_COUNT

cdef enum:
    SLOWEST_MAX = 100
    SCAN_MAX = 1024              # Slots of one look; all of them come up in turn.


cdef struct SlowSlot:
    uint8_t name[GROUP_NAME_SIZE]  # Private group, NUL padded.
    uint64_t messages
    uint64_t bytes


cdef class Figures:
    cdef readonly int64_t now_ns   # Of the turn.
    cdef uint32_t daemon_count
    cdef bint has_datagrams
    cdef uint64_t counts[STAT_COUNT]
    cdef uint64_t arrivals[COUNT_COUNT]
    cdef uint64_t departures[SENDER_COUNT]
    cdef Meters meters
    cdef RingLimits limits
    cdef bint is_partitioned
    cdef uint16_t components[DAEMONS_MAX]
    # Gauges.
    cdef uint64_t sessions
    cdef uint64_t queued_messages
    cdef uint64_t queued_bytes
    cdef uint64_t inbound_bytes
    cdef uint64_t buffer_bytes
    cdef uint64_t buffer_bytes_peak
    cdef uint64_t packets
    cdef uint64_t seq
    cdef uint64_t aru
    cdef uint64_t stable
    cdef uint64_t tok_no
    cdef uint32_t round
    cdef uint32_t scale
    cdef bint is_parked
    cdef int64_t rotation_ns
    cdef uint64_t pending_packets
    cdef uint64_t outbox_dropped
    cdef uint32_t datagram_size
    cdef uint32_t slow_count
    cdef SlowSlot slow[SLOWEST_MAX]


cdef class Snapshots:
    cdef Node node
    cdef Datagrams datagrams
    cdef bint has_datagrams
    cdef uint32_t slowest[SLOWEST_MAX]   # Slots, the one for which most bytes wait first.
    cdef uint32_t slowest_count
    cdef uint32_t cursor                 # The next slot to look at.

    cdef void fill(self, Figures figures) noexcept nogil
    # Copy the numbers.

    cdef void fill_gauges(self, Figures figures) noexcept nogil
    cdef void fill_slowest(self, Figures figures) noexcept nogil

    cdef void scan(self) noexcept nogil
    # Find the slowest sessions.

    cdef void consider(self, uint32_t index) noexcept nogil
    # Give a slot its place among the slowest, if it has one.

    cdef void settle(self) noexcept nogil
    # Put the count of own messages right when none is under way.
