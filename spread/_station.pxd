"""One daemon's place in the network: numbers, segments, limits, and what its rings share.

Where packets go
    to a daemon       unicast
    to the ring       one multicast in the own segment (or a unicast to each member there), and a
                      unicast to the first member of each other segment, who forwards it in his
    to the segment    every configured daemon of the own segment, in the ring or not

A DATA or MEASURE packet that is not marked as forwarded, and whose transmitter is in another
segment, is sent on by the first ring member of the own segment, who becomes its transmitter and
marks it (`_forwarding.pxd`). What came in pieces is sent on in pieces.

Control packets that may not pass whole always go in pieces: the ways are measured in a ring only.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool
from spread._meters cimport Meters
from spread._outbox cimport Outbox
from spread._packets cimport DAEMONS_MAX, Packet
from spread._path cimport Path
from spread._recorder cimport Recorder
from spread._submissions cimport Submissions

cdef struct RingLimits:
    # Packets, and times in nanoseconds. Windows: at scale one, and the most of them.
    uint32_t window
    uint32_t window_max
    uint32_t personal_window
    uint32_t personal_window_max
    uint32_t accelerated_window    # Packets of a visit that may follow its token.
    uint32_t accelerated_window_max
    uint32_t scale_max             # What the windows have a use for.
    bint is_accelerated
    uint32_t max_seq_gap
    int64_t token_timeout_ns
    int64_t hurry_timeout_ns
    int64_t form_timeout_ns
    int64_t token_retransmit_ns
    int64_t want_retry_ns
    int64_t heartbeat_ns


cdef enum Scope:
    SCOPE_RING = 0        # Members of the own segment, and the first one of each other segment.
    SCOPE_SEGMENT = 1     # Members of the own segment.
    SCOPE_DAEMON = 2
    SCOPE_CONFIGURED = 3  # All configured daemons of the own segment.


cdef struct Route:
    Scope scope
    const uint8_t* members         # Borrowed until return; daemon numbers in configuration order.
    uint32_t member_count
    uint32_t target                # Of SCOPE_DAEMON.
    uint32_t channel               # Of SCOPE_DAEMON; all others are data.


cdef class Station:
    cdef Pool* pool                # Borrowed from the node, like counters and outbox.
    cdef uint64_t* counters
    cdef uint8_t me
    cdef uint32_t daemon_count
    cdef uint8_t segments[DAEMONS_MAX]
    cdef uint32_t ids[DAEMONS_MAX]
    cdef uint64_t network
    cdef uint64_t incarnation
    cdef uint64_t control_count    # Control packets sent: their counter.
    cdef bint has_multicast
    cdef uint32_t segment_size     # Configured daemons of the own segment.
    cdef RingLimits limits
    cdef Outbox* outbox
    cdef Submissions control       # Group states: ordered before client traffic.
    cdef Submissions clients
    cdef Path path                 # Which size of datagrams reaches the members of the ring.
    cdef uint64_t control_id       # Of the control packet that was cut last.
    cdef bint came_in_pieces       # The packet that is being handed over.
    cdef int64_t now_ns
    cdef Meters meters             # For those who watch.
    cdef Recorder recorder         # Of what comes in and goes out, or None.
    cdef int64_t partition_ns      # Until then a monitor's partition is in force; 0 for none.
    cdef uint16_t components[DAEMONS_MAX]  # The partition, by daemon number.
    cdef uint32_t defects          # Of a test build; see `_defects.pxd`.

    cdef void count(self, uint32_t counter, uint64_t number) noexcept nogil
    # Add to a counter of the node.

    cdef uint64_t cut_count(self) noexcept nogil
    # How many packets went in pieces so far.

    cdef void note(self, const uint8_t* data, uint32_t size, uint32_t fault) noexcept nogil
    # Have a datagram recorded that came in, with the reason why it goes no further, or 0.

    cdef void post(
        self, Buffer* buffer, uint32_t start, uint32_t size, uint32_t target, uint32_t channel
    ) noexcept nogil
    # Queue a datagram for one target, with its header written; the only way out.

    cdef uint32_t pending_count(self) noexcept nogil
    # Packets that could be numbered now, the open ones included.

    cdef Buffer* take(self) noexcept nogil
    # The next packet to be numbered, with its reference; NULL when there is none.

    cdef void send_packet(
        self, Buffer* buffer, uint32_t offset, uint32_t size, const Packet* packet,
        const uint8_t* members, uint32_t member_count,
    ) noexcept nogil
    # Send a datagram (payload at `offset`, `size` bytes of it, header room in front) to the ring.

    cdef void send_to(
        self, Buffer* buffer, uint32_t offset, uint32_t size, const Packet* packet,
        uint32_t target, uint32_t channel,
    ) noexcept nogil
    # The same to one target.

    cdef void send_header(self, const Packet* packet, uint32_t target) noexcept nogil
    # Send a packet that is a header only.

    cdef void send_body(
        self, const Packet* packet, const uint8_t* body, uint32_t size, uint32_t target,
        uint32_t channel,
    ) noexcept nogil
    # Send a packet with a body of so many bytes.

    cdef bint forward(
        self, Buffer* buffer, uint32_t offset, uint32_t size, Packet* packet,
        const uint8_t* members, uint32_t member_count,
    ) noexcept nogil
    # Send a packet of another segment on in the own one, and tell whether that is this daemon's
    # duty.

    cdef void resize(self) noexcept nogil
    # New packets get the size that the path has now.

    cdef bint is_parted(self) noexcept nogil
    # Whether a monitor's partition is in force; one that is old enough is forgotten.

    cdef bint is_apart(self, uint8_t daemon) noexcept nogil
    # Whether it parts us from a daemon.

    cdef int renumber(self, network, bint has_multicast) except -1
    # Take other daemons, by their numbers, from a `NetworkSettings`; what was measured of those
    # before, and a partition, are forgotten. Raises MisuseError.

    cdef int set_windows(self, tuple base, tuple most) except -1
    # Change window, personal and accelerated window, in packets. Raises MisuseError.

    # Private.
    cdef void add(
        self, Buffer* buffer, uint32_t start, uint32_t size, const Route* route
    ) noexcept nogil
    cdef void add_pieces(
        self, const uint8_t* data, uint32_t size, uint64_t identity, const Route* route
    ) noexcept nogil
    cdef void add_segment(
        self, Buffer* buffer, uint32_t start, uint32_t size, const Route* route
    ) noexcept nogil
    cdef void add_configured(
        self, Buffer* buffer, uint32_t start, uint32_t size
    ) noexcept nogil
    cdef void add_others(
        self, Buffer* buffer, uint32_t start, uint32_t size, const Route* route
    ) noexcept nogil


cdef Station station_open(
    Pool* pool, uint64_t* counters, Outbox* outbox, object settings
)
# Make the station of a `RingSettings`, or of a daemon alone for None. Raises MisuseError.
