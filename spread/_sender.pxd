"""What a daemon sends to the others of its ring: the node's outbox, in order.

    one socket   the data socket of the address by which the others know this daemon
    probes       connected sockets, one to each daemon that was asked something: only such a socket
                 is told that nobody listens at the other end

When the socket is full, the rest waits until it takes more, up to WAITING_BYTES_MAX; beyond them
the newest is dropped, and after FULL_NS_MAX all of it, as a network would. What cannot be sent is
counted by cause and reported.

Packets of one size to one place leave in one message that the system cuts (segmentation offload):
one way through its network stack instead of dozens. That it can is asked for at the start; that the
device or the way to a place will not have it shows when it refuses; then packets of that size leave
one by one to that place for a minute, for a way that is narrow now may be wide again.

Invariants
    each entry of the queue from `queue_sent` on has one reference to its buffer
    waiting_bytes == sum of their sizes
    the socket is watched for writing exactly while is_full

Ownership: the socket is the caller's, probes are ours.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from spread._buffers cimport Buffer
from spread._node cimport Node
from spread._outbox cimport TARGET_SEGMENT, Outgoing
from spread._packets cimport DAEMONS_MAX
from spread._poller cimport Poller
from spread._sys cimport sys_address, sys_socket

cdef enum:
    RUN_MAX = 32                   # Messages of one call.
    PIECES_MAX = 512               # Datagrams of one call.
    MESSAGE_SIZE_MAX = 65507       # Bytes of all datagrams of one message.
    QUEUE_MAX = 131072             # Entries; a full outbox and what waited before it.
    COLLECT_MAX = 4096             # Entries that are sorted by daemon at once.
    # As much again as the socket's own buffer is asked to hold.
    WAITING_BYTES_MAX = 4 * 1024 * 1024
    # Tokens and packets are sent again sooner than that; what is older would only stand in the way.
    FULL_NS_MAX = 50000000
    PROBE_READS_MAX = 4
    PROBE_NUMBER = 1024            # Numbers of probes at the poller; sockets have smaller ones.

cdef enum:
    COUNT_OUT = 0
    COUNT_BYTES_OUT
    COUNT_SENDS
    COUNT_FULL
    COUNT_REFUSALS
    COUNT_SEGMENTED
    COUNT_UNSENT_OVERFLOW          # From here on: causes that are reported.
    COUNT_UNSENT_UNREACHABLE
    COUNT_UNSENT_DENIED
    COUNT_UNSENT_SIZE
    COUNT_UNSENT_MEMORY
    COUNT_UNSENT_OTHER
    COUNT_UNSEGMENTED
    SENDER_COUNT

cdef enum:
    CAUSE_FIRST = COUNT_UNSENT_OVERFLOW
    CAUSE_COUNT = SENDER_COUNT - COUNT_UNSENT_OVERFLOW


cdef struct Probe:
    sys_socket socket          # Owned while is_open.
    bint is_open
    bint is_refused            # Not told to the node yet.


cdef struct Limit:
    int64_t until_ns           # 0: there is none.
    uint32_t size              # Larger datagrams are not joined.


cdef struct Problem:
    uint64_t count             # Datagrams that were not sent since the last report.
    int error                  # The last one's, by the system's number.
    uint32_t target
    int64_t told_ns            # When it was reported; 0 never.


cdef class Sender:
    cdef Node node
    cdef object report                      # Python's; see the stub of `_datagrams`.
    cdef Poller* poller                     # Borrowed from the reactor that owns this.
    cdef uint64_t mark                      # Bits of our tokens at the poller.
    cdef uint32_t number                    # Of the socket in its token.
    cdef sys_socket socket
    cdef sys_address source                 # Of the socket, with port 0.
    cdef sys_address places[2][DAEMONS_MAX]  # By channel and daemon number.
    cdef sys_address segment
    cdef bint has_segment
    cdef uint32_t daemon_count
    cdef uint8_t neighbours[DAEMONS_MAX]
    cdef uint32_t neighbour_count
    cdef bint can_segment
    cdef Limit limits[TARGET_SEGMENT + 1]   # By target.
    # A message that was refused when it was joint, and why: its first datagram is sent alone.
    cdef int doubted_error
    cdef const Buffer* doubted
    cdef Probe probes[DAEMONS_MAX]
    cdef uint32_t refused_count             # Refusals that the node is to hear of.
    cdef Outgoing* queue                    # Owned; what is to be sent, in order.
    cdef uint32_t queue_count
    cdef uint32_t queue_sent                # So many at its start have been sent.
    cdef uint32_t queue_capacity
    cdef uint64_t waiting_bytes
    cdef bint is_full                       # The socket takes no more for now.
    cdef int64_t full_ns                    # Since when, or when what waited was given up.
    cdef bint owes_report
    cdef Problem problems[CAUSE_COUNT]
    cdef uint64_t counters[SENDER_COUNT]
    cdef int64_t now_ns                     # Of the running call.

    cdef int renumber(self, sockets) except -1
    # Send to other daemons by their numbers from here on; what waits for those before is dropped.
    # Raises MisuseError.

    cdef void attach(self, Poller* poller, uint64_t mark, uint32_t number) noexcept nogil
    # The socket is watched by this poller, with this number in its token.

    cdef void flush(self, int64_t now_ns) noexcept nogil
    # Send the node's outbox.

    cdef void writable(self, int64_t now_ns) noexcept nogil
    # The poller says that the socket takes more.

    cdef void read_probe(self, uint32_t target, int64_t now_ns) noexcept nogil
    # The poller says that the probe of this daemon has something to tell.

    cdef void tell_refusals(self, int64_t now_ns) noexcept nogil
    # Tell the node who refused; not while the node sends.

    cdef bint has_work(self) noexcept nogil
    # Something is left that no event will tell of.

    cdef int tell_problems(self) except -1
    # Report to Python what could not be sent, where the last report is long enough ago.

    # Private.
    cdef int set_places(self, sockets) except -1
    cdef void collect(self) noexcept nogil
    cdef uint32_t run_end(self, uint32_t first) noexcept nogil
    cdef void collect_singles(self, uint32_t first, uint32_t last) noexcept nogil
    cdef void collect_for_neighbours(self, uint32_t first, uint32_t last) noexcept nogil
    cdef uint32_t joinable(self, uint32_t first, uint32_t count_max) noexcept nogil
    cdef bint is_doubted(self, const Outgoing* outgoing) noexcept nogil
    cdef void forgo_segments(self) noexcept nogil
    cdef void not_sent(self, uint32_t joined) noexcept nogil
    cdef void append(self, const Outgoing* outgoing, uint32_t target) noexcept nogil
    cdef int reserve(self) noexcept nogil
    cdef void send_queue(self) noexcept nogil
    cdef void send_run(self) noexcept nogil
    cdef void sent(self, uint32_t count, bint has_left) noexcept nogil
    cdef void set_full(self, bint is_full) noexcept nogil
    cdef void drop_old(self) noexcept nogil
    cdef void drop_newest(self, uint64_t bytes_max) noexcept nogil
    cdef void send_probe(self, const Outgoing* outgoing) noexcept nogil
    cdef bint open_probe(self, uint32_t target) noexcept nogil
    cdef void close_probe(self, uint32_t target) noexcept nogil
    cdef void refused(self, uint32_t target) noexcept nogil
    cdef void note(self, uint32_t cause, int error, uint32_t target) noexcept nogil
