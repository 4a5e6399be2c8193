"""What the data plane tells Python of the ring: each upcall catches everything.

An exception that Python lets escape is kept, and the driver raises it when the turn is over: there
is nobody to raise it to in the middle of one.
"""

from libc.stdint cimport uint8_t, uint32_t

from spread._packets cimport Packet


cdef class Teller:
    cdef object upcalls              # See `spread.daemon.upcalls.Upcalls`.
    cdef object failure              # The first exception that an upcall let escape, or None.
    cdef bint has_failed

    cdef void fail(self, object error) noexcept
    # Keep an exception.

    cdef int raise_failure(self) except -1
    # Raise the exception that was kept, if there is one.

    cdef void call_transitional(self) noexcept with gil
    cdef void call_lost(self, uint32_t reason) noexcept with gil
    cdef void call_control(
        self, const Packet* packet, const uint8_t* body, uint32_t size, uint32_t source
    ) noexcept with gil
    cdef void call_foreign(self, const Packet* packet) noexcept with gil
    cdef void call_unreachable(self, uint32_t daemon) noexcept with gil
    cdef void call_multicast_missed(self, uint32_t daemon) noexcept with gil
    cdef void call_path_limited(
        self, uint32_t daemon, uint32_t size, uint32_t passing
    ) noexcept with gil
    cdef void call_path_unanswered(self, uint32_t daemon) noexcept with gil
    cdef void call_path_found(self, uint32_t size) noexcept with gil
    cdef void call_monitor(
        self, const uint8_t* data, uint32_t size, uint32_t source, uint32_t port
    ) noexcept with gil
    cdef void call_stranger(self, uint32_t fault, uint32_t source) noexcept with gil
