"""The UDP sockets of one daemon of a ring: datagrams in batches to the node, its outbox to peers.

    data sockets    port       data and control packets; the first one sends everything
    token sockets   port + 1   read one datagram at a time, so that data can go first
    probes          connected  one to each daemon that was asked something: only such a socket is
                               told that nobody listens at the other end

One turn of the loop: `ready` for each socket that is, `serve`, the node's turn, `flush` before
anything is written to clients. `serve` hands data over first, and the token when the node prefers
it, when no data is left, or after `serve_max` packets; then it returns, so that what the token
released is delivered.

Everything but probes leaves through one socket in the order of the outbox. When that is full, the
rest waits until it takes more, up to WAITING_BYTES_MAX; beyond them the newest is dropped, and after
FULL_NS_MAX all of it, as a network would.

Invariants
    each entry of the queue, of the inbox from `inbox_next` on, and of what is held by the faults
    has one reference to its buffer
    waiting_bytes == sum of the sizes in the queue
    the sender is watched for writing exactly while is_full

Ownership: the sockets are the caller's, probes are ours. Buffers are of the node's pool; what the
node keeps it shares.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from spread._buffers cimport Buffer
from spread._faults cimport Faults
from spread._node cimport Node
from spread._outbox cimport Outgoing
from spread._packets cimport DAEMONS_MAX
from spread._poller cimport Poller
from spread._sys cimport sys_address, sys_socket

cdef enum:
    BATCH_MAX = 32               # Datagrams of one call; more gain little.
    SOCKETS_MAX = 32             # Ten interfaces with two sockets each, and the segment's.
    QUEUE_MAX = 65536            # Entries; a full outbox and what waited before it.
    # As much again as the sender's own buffer is asked to hold.
    WAITING_BYTES_MAX = 4 * 1024 * 1024
    # Tokens and packets are sent again sooner than that; what is older would only stand in the way.
    FULL_NS_MAX = 50000000
    SERVE_BYTES_MAX = 1024 * 1024  # What one turn may queue for a receiver before it is offered.
    PROBE_READS_MAX = 4
    # More than a socket's buffer holds of the smallest: the kernel charges each at least 512 bytes.
    STALE_READS_MAX = 65536
    FAULT_COPIES_MAX = 2

cdef enum:
    COUNT_IN = 0
    COUNT_BYTES_IN
    COUNT_RECEIVES
    COUNT_TRUNCATED
    COUNT_RECEIVE_ERRORS
    COUNT_RECEIVE_MEMORY
    COUNT_STALE
    COUNT_OUT
    COUNT_BYTES_OUT
    COUNT_SENDS
    COUNT_FULL
    COUNT_REFUSALS
    COUNT_UNSENT_OVERFLOW          # From here on: causes that are reported.
    COUNT_UNSENT_UNREACHABLE
    COUNT_UNSENT_DENIED
    COUNT_UNSENT_SIZE
    COUNT_UNSENT_MEMORY
    COUNT_UNSENT_OTHER
    COUNT_FAULTS_LOST
    COUNT_FAULTS_COPIED
    COUNT_FAULTS_DELAYED
    COUNT_COUNT

cdef enum:
    CAUSE_FIRST = COUNT_UNSENT_OVERFLOW
    CAUSE_COUNT = COUNT_FAULTS_LOST - COUNT_UNSENT_OVERFLOW


cdef struct Port:
    sys_socket socket
    uint32_t capacity          # Datagrams to read at once.
    bint is_ready              # More may have arrived.


cdef struct Probe:
    sys_socket socket          # Owned; SYS_NO_SOCKET until it is needed.
    bint is_open
    bint is_refused            # Not told to the node yet.


cdef struct Arrival:
    Buffer* buffer             # One reference, or NULL.
    uint32_t size              # Bytes received.
    uint32_t segment           # Bytes of each datagram in it but the last, which may be shorter.
    uint32_t source            # IPv4 address.
    bint is_cut


cdef struct Problem:
    uint64_t count             # Datagrams that were not sent since the last report.
    int error                  # The last one's, by the system's number.
    uint32_t target
    int64_t told_ns            # When it was reported; 0 never.


cdef class Datagrams:
    cdef Node node
    cdef Faults faults
    cdef object report                      # Python's; see the stub.
    cdef bint has_faults
    cdef Poller* poller                     # Borrowed from the reactor that owns this.
    cdef uint64_t mark                      # Bits of our tokens at the poller.
    cdef Port ports[SOCKETS_MAX]            # Data sockets, then token sockets.
    cdef uint32_t data_count
    cdef uint32_t port_count
    cdef uint32_t next_data                 # Which data socket is read next.
    cdef sys_socket sender
    cdef sys_address source                 # Of the sender, with port 0.
    cdef sys_address places[2][DAEMONS_MAX]  # By channel and daemon number.
    cdef sys_address segment
    cdef bint has_segment
    cdef uint32_t daemon_count
    cdef uint8_t neighbours[DAEMONS_MAX]
    cdef uint32_t neighbour_count
    cdef Probe probes[DAEMONS_MAX]
    cdef uint32_t refused_count             # Probes whose refusal the node is to hear of.
    cdef uint32_t serve_max                 # Datagrams before the token gets its turn.
    # One more than a batch: the token is read while a batch waits.
    cdef Arrival inbox[BATCH_MAX + 1]
    cdef uint32_t inbox_next
    cdef uint32_t inbox_count
    cdef Outgoing* queue                    # Owned; what is to be sent, in order.
    cdef uint32_t queue_count
    cdef uint32_t queue_sent                # So many at its start have been sent.
    cdef uint32_t queue_capacity
    cdef uint64_t waiting_bytes
    cdef bint is_full                       # The sender takes no more for now.
    cdef int64_t full_ns                    # Since when, or when what waited was given up.
    cdef bint owes_report
    cdef Problem problems[CAUSE_COUNT]
    cdef uint64_t counters[COUNT_COUNT]
    cdef int64_t now_ns                     # Of the running call.

    cdef int attach(self, Poller* poller, uint64_t mark) except -1
    # Watch all sockets; their tokens have the bits of `mark`. Raises OSError.

    cdef void ready(self, uint32_t number, uint32_t ready, int64_t now_ns) noexcept nogil
    # The poller says READY_* of the socket with this number in its token.

    cdef uint64_t serve(self, int64_t now_ns) noexcept nogil
    # Hand what has arrived to the node and send what it answers; returns the bytes handed over.

    cdef void flush(self, int64_t now_ns) noexcept nogil
    # Send the node's outbox.

    cdef bint has_work(self) noexcept nogil
    # Something is left that no event will tell of: do not sleep.

    cdef int64_t next_due(self) noexcept nogil
    # When something that the faults hold back is due, nanoseconds; 0 for never.

    cdef int tell_problems(self) except -1
    # Report to Python what could not be sent, where the last report is long enough ago.

    cdef int set_ports(self, data, token) except -1
    cdef int set_places(self, sockets) except -1

    # -- How: receiving --

    cdef void drop_stale(self) noexcept nogil
    cdef void tell_refusals(self) noexcept nogil
    cdef bint refill(self) noexcept nogil
    cdef bint take_token(self, bint is_wanted) noexcept nogil
    cdef uint32_t receive(self, Port* port, uint32_t first, uint32_t count) noexcept nogil
    cdef uint32_t provide(self, uint32_t first, uint32_t count) noexcept nogil
    cdef void discard(self, Port* port) noexcept nogil
    cdef uint64_t open_arrival(self, Arrival* arrival) noexcept nogil
    cdef void hand_over(
        self, Buffer* buffer, uint32_t offset, uint32_t size, uint32_t source
    ) noexcept nogil
    cdef void distort(
        self, Buffer* buffer, uint32_t offset, uint32_t size, uint32_t source
    ) noexcept nogil
    cdef void release_held(self) noexcept nogil

    # -- How: sending --

    cdef void collect(self) noexcept nogil
    cdef void append(self, const Outgoing* outgoing, uint32_t target) noexcept nogil
    cdef int reserve(self) noexcept nogil
    cdef void send_queue(self) noexcept nogil
    cdef void send_run(self) noexcept nogil
    cdef void sent(self, uint32_t count) noexcept nogil
    cdef void set_full(self, bint is_full) noexcept nogil
    cdef void drop_old(self) noexcept nogil
    cdef void drop_newest(self, uint64_t bytes_max) noexcept nogil
    cdef void send_probe(self, const Outgoing* outgoing) noexcept nogil
    cdef bint open_probe(self, uint32_t target) noexcept nogil
    cdef void close_probe(self, uint32_t target) noexcept nogil
    cdef void read_probe(self, uint32_t target) noexcept nogil
    cdef void refused(self, uint32_t target) noexcept nogil
    cdef void unsent(self, uint32_t cause, int error, uint32_t target) noexcept nogil
