"""This daemon as a member of rings: the half of the `Node` that faces the other daemons.

    datagram   -> DATA, TOKEN, ...        ring, recovery
                  control packets         upcall: membership decides, in Python
    turn       -> timers, pending frames, the steps of an installation
    Python     -> ring_lost, ring_freeze, ring_commit, ring_start     (`RingCore`)

Two rings exist at a time: the installed one, whose messages are delivered, and during recovery the
forming one, whose token circulates (`active`). Installation is a walk; once begun in `turn`,
nothing interrupts it:

    old packets up to the first hole or unstable SAFE message     regular part
    upcall ring_transitional
    the rest of them, by the rules of the transitional part
    upcall ring_regular, the forming ring is the installed one

Invariants
    active is forming while there is one, else the installed ring
    is_alive: the active ring's token may be accepted here
    is_frozen: what ring_freeze reported of the installed ring is still all that it holds, but for
    what recovery brought
    the token in hand waits (is_token_held) from the end of recovery to the end of the walk
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool
from spread._delivery cimport Delivery
from spread._outbox cimport Outbox
from spread._pieces cimport Pieces
from spread._packets cimport DAEMONS_MAX, PACKET_FAULT_COUNT, Packet
from spread._recovery cimport Recovery
from spread._ring cimport Ring
from spread._station cimport Station
from spread._stats cimport STAT_COUNT
from spread._teller cimport Teller

cdef enum LossReason:
    LOST_TOKEN = 1        # It did not come back in time.
    LOST_STALLED = 2      # Recovery made no progress, or a packet stayed missing.
    LOST_PAUSE = 3        # This process did not run for so long that the others must have gone on.

cdef enum InstallPhase:
    PHASE_NONE = 0
    PHASE_REGULAR = 1
    PHASE_TRANSITIONAL = 2


cdef class Member(Teller):
    cdef Pool pool
    cdef uint64_t counters[STAT_COUNT]
    cdef Outbox outbox               # For the driver to send, in order.
    cdef Station station
    cdef Pieces pieces
    cdef Ring ring                   # Installed.
    cdef Ring forming                # None but during recovery.
    cdef Ring active
    cdef Delivery delivery           # Of the installed ring.
    cdef Delivery forming_delivery
    cdef Recovery recovery
    cdef bint is_forming
    cdef bint is_alive
    cdef bint is_frozen
    cdef bint is_token_held
    cdef InstallPhase phase
    cdef bint obliged[DAEMONS_MAX]
    cdef bint prefers_token          # For the driver: read the token before more data.
    # Deadlines in nanoseconds, 0 for none.
    cdef uint8_t unanswered          # Who did not take the token that was lost last, or NO_DAEMON.
    cdef int64_t loss_ns
    cdef int64_t keepalive_ns
    cdef int64_t want_ns
    cdef int64_t heartbeat_ns
    cdef uint64_t stuck_aru          # What was received in sequence, and since when no more.
    cdef int64_t stuck_ns
    cdef int64_t probe_ns            # When members of the lost ring are asked again.
    cdef uint32_t probes_left
    cdef int64_t foreign_ns                          # Until then foreign rings are not told.
    cdef int64_t stranger_ns[PACKET_FAULT_COUNT]
    cdef int64_t refused_ns[DAEMONS_MAX]             # First refusal in a row; 0 for none.

    cdef void datagram(
        self, Buffer* buffer, uint32_t offset, uint32_t size, uint32_t source, int64_t now_ns
    ) noexcept nogil
    # A datagram of `size` bytes at `offset` in `buffer`, from IPv4 address `source`; `buffer.size`
    # is what was received into the whole buffer. A reference is taken of what is kept.

    cdef void unreachable(self, uint32_t daemon, int64_t now_ns) noexcept nogil
    # The host of a daemon answered that nobody listens there.

    # For the node.
    cdef void run_ring_timers(self) noexcept nogil
    cdef int64_t ring_deadline(self) noexcept nogil
    cdef bint order_pending(self) noexcept nogil
    # Number what may be numbered now, or ask for the token; tells whether to deliver again.
    cdef void install_step(self) noexcept nogil

    # Private.
    cdef void drop(self, uint32_t fault, uint32_t source) noexcept nogil
    cdef void on_data(
        self, Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil
    cdef void watch_multicast(self, const Packet* packet) noexcept nogil
    cdef void on_piece(
        self, const Packet* packet, const uint8_t* body, uint32_t size, uint32_t source
    ) noexcept nogil
    cdef void on_recovery(
        self, Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil
    cdef void on_token(
        self, const Packet* packet, const uint8_t* data, uint32_t size
    ) noexcept nogil
    cdef bint is_of(self, const Packet* packet) noexcept nogil
    cdef void foreign(self, const Packet* packet) noexcept nogil
    cdef void visit(self) noexcept nogil
    cdef void on_want(self, uint8_t who) noexcept nogil
    cdef void release(self) noexcept nogil
    cdef void after_visit(self) noexcept nogil
    cdef void watch_progress(self) noexcept nogil
    cdef bint was_paused(self) noexcept nogil
    cdef void tell_path(self) noexcept nogil
    cdef void lose(self, LossReason reason) noexcept nogil
    cdef void send_want(self) noexcept nogil
    cdef void send_pings(self) noexcept nogil
    cdef void send_ping(self, uint8_t daemon) noexcept nogil
    cdef void probe_members(self) noexcept nogil
    cdef void begin_install(self) noexcept nogil
    cdef void begin_transitional(self) noexcept nogil
    cdef void stop_ring(self) noexcept nogil
    cdef void drop_forming(self)
    cdef void call_installed(self) noexcept with gil
