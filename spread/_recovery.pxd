"""Recovery: the members that come from one old ring get the union of what they hold of it.

    FORM2 -> (stable, high] of the old ring, and which numbers of it somebody holds
    token of the forming ring:  answer what others miss -> ask for what is missing -> done bit
    everybody done -> the walk over the old ring's last packets (`Member`) -> the new ring

A number that nobody holds is a hole, and stays one whatever arrives late: what was reported must
stay true. What is recovered stays in the old ring's window, also when the attempt fails.

Invariants
    missing == the numbers in (stable, high] that somebody holds and this daemon does not
    obligations change at one point: when this daemon says that it is done

Source: ring protocol, section 6.5; Moser et al., "Extended virtual synchrony".
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._buffers cimport Buffer
from spread._packets cimport DAEMONS_MAX, Packet
from spread._ring cimport Ring
from spread._window cimport WINDOW_SLOTS

cdef class Recovery:
    cdef Ring old
    cdef Ring forming
    cdef uint64_t stable
    cdef uint64_t high
    cdef uint8_t have[WINDOW_SLOTS]      # By seq - stable - 1: whether anybody holds it.
    cdef uint8_t wanted[WINDOW_SLOTS]    # The same, during a visit: who misses it.
    cdef bint transitional[DAEMONS_MAX]  # Who comes from the old ring into the forming one.
    cdef bint obliged[DAEMONS_MAX]       # Whose packets are delivered behind a hole, once done.
    cdef bint is_done
    cdef uint64_t missing
    cdef uint32_t done_count             # As the token showed last.
    cdef int64_t progress_ns             # When the attempt is given up.

    cdef bint section(self) noexcept nogil
    # Do this daemon's part with the forming ring's token in hand; True when everybody is done.

    cdef bint packet(
        self, const Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil
    # A RECOVERY packet of the forming ring has come; tells whether it was needed.

    # Private.
    cdef uint64_t count_missing(self) noexcept nogil
    cdef void answer(self) noexcept nogil
    cdef void ask(self) noexcept nogil
    cdef void note_progress(self, uint64_t missing, uint32_t done_count) noexcept nogil


cdef Recovery recovery_open(
    Ring old, Ring forming, uint64_t stable, uint64_t high, bytes have, object transitional,
    object obligations,
)
# Begin an attempt. Raises ValueError when the numbers cannot be true of the old ring.
