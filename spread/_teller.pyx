"""What the data plane tells Python of the ring; the contract stands in `_teller.pxd`."""

from cython cimport no_gc_clear


@no_gc_clear
cdef class Teller:
    """Calls Python, and keeps the first exception that came of it; use it as a `Node`."""

    cdef void fail(self, object error) noexcept:
        if not self.has_failed:
            self.failure = error
        self.has_failed = True

    cdef int raise_failure(self) except -1:
        if self.has_failed:
            raise self.failure
        return 0

    cdef void call_transitional(self) noexcept with gil:
        """Python changes the groups at the transitional configuration."""
        try:
            self.upcalls.ring_transitional()
        except BaseException as error:
            self.fail(error)

    cdef void call_lost(self, uint32_t reason) noexcept with gil:
        """Python's membership looks for the others."""
        try:
            self.upcalls.token_lost(reason)
        except BaseException as error:
            self.fail(error)

    cdef void call_control(
        self, const Packet* packet, const uint8_t* body, uint32_t size, uint32_t source
    ) noexcept with gil:
        """Python's membership reads what daemons say to each other about rings; never data."""
        try:
            self.upcalls.control_packet(
                packet.kind, packet.origin, source, packet.second, packet.number,
                (packet.leader, packet.time), (<const char*>body)[:size],
            )
        except BaseException as error:
            self.fail(error)

    cdef void call_foreign(self, const Packet* packet) noexcept with gil:
        """Python decides whether to merge; at most ten times a second."""
        try:
            self.upcalls.foreign_ring(packet.transmitter, (packet.leader, packet.time))
        except BaseException as error:
            self.fail(error)

    cdef void call_unreachable(self, uint32_t daemon) noexcept with gil:
        """Python's membership takes the daemon for dead."""
        try:
            self.upcalls.unreachable(daemon)
        except BaseException as error:
            self.fail(error)

    cdef void call_multicast_missed(self, uint32_t daemon) noexcept with gil:
        """Python tells the log; once for a hundred packets."""
        try:
            self.upcalls.multicast_missed(daemon)
        except BaseException as error:
            self.fail(error)

    cdef void call_path_limited(
        self, uint32_t daemon, uint32_t size, uint32_t passing
    ) noexcept with gil:
        """Python tells the log; once for each size that is given up."""
        try:
            self.upcalls.path_limited(daemon, size, passing)
        except BaseException as error:
            self.fail(error)

    cdef void call_path_unanswered(self, uint32_t daemon) noexcept with gil:
        """Python tells the log; once until the daemon answers."""
        try:
            self.upcalls.path_unanswered(daemon)
        except BaseException as error:
            self.fail(error)

    cdef void call_path_found(self, uint32_t size) noexcept with gil:
        """Python tells the log; once for each size that differs from the one before."""
        try:
            self.upcalls.path_found(size)
        except BaseException as error:
            self.fail(error)

    cdef void call_monitor(
        self, const uint8_t* data, uint32_t size, uint32_t source, uint32_t port
    ) noexcept with gil:
        """Python hands it to the watching thread; a bounded number in a second."""
        try:
            self.upcalls.monitor_datagram((<const char*>data)[:size], source, port)
        except BaseException as error:
            self.fail(error)

    cdef void call_stranger(self, uint32_t fault, uint32_t source) noexcept with gil:
        """Python tells the log; at most ten times a second for each fault."""
        try:
            self.upcalls.stranger(fault, source)
        except BaseException as error:
            self.fail(error)
