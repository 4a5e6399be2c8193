"""The UDP sockets of one daemon of a ring: datagrams to the node in batches, and what it answers.

    data sockets    port       data and control packets
    token sockets   port + 1   read one datagram at a time, so that data can go first
    `_sender`                  what leaves

Data sockets receive with coalescing where the system has it (GRO): one message then holds several
datagrams of one sender, all of one size but the last. Where a system does that without telling the
size, what looks damaged is taken apart by the headers in it, and coalescing is turned off.

One turn of the loop: `ready` for each socket that is, `serve`, the node's turn, `sender.flush`
before anything is written to clients. `serve` hands data over first, and the token when the node
prefers it, when no data is left, or after `serve_max` packets; after the token it returns, so that
what the token released is delivered.

Invariants
    each entry of the inbox that has a buffer has one reference to it, as has what the faults hold
    the entries from `inbox_next` to `inbox_count` have not been handed over

Ownership: the sockets are the caller's. Buffers are of the node's pool; what the node keeps it
shares.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._buffers cimport Buffer
from spread._faults cimport Faults
from spread._node cimport Node
from spread._poller cimport Poller
from spread._sender cimport Sender
from spread._sys cimport sys_socket

cdef enum:
    BATCH_MAX = 32               # Messages of one call; more gain little.
    JOINT_BATCH_MAX = 8          # The same where they are joined: as much as a near cache holds.
    SOCKETS_MAX = 32             # Ten interfaces with two sockets each, and the segment's.
    SERVE_BYTES_MAX = 1024 * 1024  # What one turn may queue for a receiver before it is offered.
    # More than a socket's buffer holds of the smallest: the kernel charges each at least 512 bytes.
    STALE_READS_MAX = 65536
    FAULT_COPIES_MAX = 2

cdef enum:
    COUNT_IN = 0
    COUNT_BYTES_IN
    COUNT_RECEIVES
    COUNT_JOINED
    COUNT_UNMARKED
    COUNT_TRUNCATED
    COUNT_RECEIVE_ERRORS
    COUNT_RECEIVE_MEMORY
    COUNT_STALE
    COUNT_FAULTS_LOST
    COUNT_FAULTS_COPIED
    COUNT_FAULTS_DELAYED
    COUNT_COUNT


cdef struct Port:
    sys_socket socket
    uint32_t capacity          # Datagrams to read at once.
    bint is_ready              # More may have arrived.


cdef struct Arrival:
    Buffer* buffer             # One reference, or NULL.
    uint32_t size              # Bytes received.
    uint32_t segment           # Bytes of each datagram in it but the last, which may be shorter.
    uint32_t source            # IPv4 address,
    uint32_t port              # and port; both in host order.
    bint is_cut


cdef class Datagrams:
    cdef Node node
    cdef Sender sender
    cdef Faults faults
    cdef bint has_faults
    cdef bint is_coalescing
    cdef Port ports[SOCKETS_MAX]            # Data sockets, then token sockets.
    cdef uint32_t data_count
    cdef uint32_t port_count
    cdef uint32_t next_data                 # Which data socket is read next.
    cdef uint32_t serve_max                 # Datagrams before the token gets its turn.
    # One more than a batch: the token is read while a batch waits.
    cdef Arrival inbox[BATCH_MAX + 1]
    cdef uint32_t inbox_next
    cdef uint32_t inbox_count
    cdef uint64_t counters[COUNT_COUNT]
    cdef int64_t now_ns                     # Of the running call.

    cdef int attach(self, Poller* poller, uint64_t mark) except -1
    # Watch all sockets; their tokens have the bits of `mark`. Raises OSError.

    cdef void ready(self, uint32_t number, uint32_t ready, int64_t now_ns) noexcept nogil
    # The poller says READY_* of the socket with this number in its token.

    cdef uint64_t serve(self, int64_t now_ns) noexcept nogil
    # Hand what has arrived to the node and send what it answers; returns the bytes handed over.

    cdef bint has_work(self) noexcept nogil
    # Something is left that no event will tell of: do not sleep.

    cdef int64_t next_due(self) noexcept nogil
    # When something that the faults hold back is due, nanoseconds; 0 for never.

    # Not for the reactor.
    cdef int set_ports(self, data, token, bint offload) except -1
    cdef void drop_stale(self) noexcept nogil
    cdef void count_stale(self, uint32_t first, uint32_t last) noexcept nogil
    cdef bint refill(self) noexcept nogil
    cdef bint take_token(self, bint is_wanted) noexcept nogil
    cdef uint32_t receive(self, Port* port, uint32_t first, uint32_t count) noexcept nogil
    cdef uint32_t provide(self, uint32_t first, uint32_t count) noexcept nogil
    cdef uint32_t discard(self, Port* port, uint32_t reads_max) noexcept nogil
    cdef uint64_t open_arrival(self, Arrival* arrival) noexcept nogil
    cdef void open_unmarked(self, Arrival* arrival) noexcept nogil
    cdef void hand_over_each(self, const Arrival* arrival) noexcept nogil
    cdef void hand_over(
        self, const Arrival* arrival, uint32_t offset, uint32_t size
    ) noexcept nogil
    cdef void distort(
        self, Buffer* buffer, uint32_t offset, uint32_t size, uint32_t source
    ) noexcept nogil
    cdef void release_held(self) noexcept nogil
