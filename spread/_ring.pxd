"""One ring: its packets, who has which of them, and the token that orders them.

    token arrives -> visit:  answer requests -> number new packets -> ask for what is missing
                             -> send some packets -> pass the token on -> send the rest

Correctness does not depend on when the token leaves, only on its describing everything that its
holder sends in the visit. With an accelerated window of 0 the ring is the classic one.

A ring of one holds the token all the time: a visit takes place whenever the driver ends a turn,
every packet is stable as soon as it is in the window, and nothing is sent.

Invariants
    stable <= window.aru <= high
    stable == min(acks of the members) after a visit; acks[me] == window.aru after a visit
    each token number is accepted at most once; the token is in one place: parked here, or sent
    no packet is made but at a visit, and then it is in the own window

Source: ring protocol, section 3 and 8.2; Babay and Amir, "Fast total ordering for modern data
centers"; Amir et al., "The Totem single-ring ordering and membership protocol".
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from spread._buffers cimport Buffer
from spread._packets cimport DAEMONS_MAX, Packet
from spread._station cimport Station
from spread._token cimport Token
from spread._window cimport WINDOW_SLOTS, Window, WindowEntry

cdef enum:
    TOKEN_RESENDS_MAX = 16

cdef enum DataStatus:
    DATA_NEW = 0
    DATA_OLD = 1          # Held or discarded already, or too far ahead to be held.


cdef enum Loss:
    LOSS_NONE = 0         # Or not known.
    LOSS_KNOWN = 1        # What was sent behind it has come.
    LOSS_ASKED = 2        # It has been asked for.


cdef class Ring:
    cdef Station station
    cdef Window window
    cdef uint32_t leader               # Ring id: daemon id of the first member, and time.
    cdef uint32_t time
    cdef uint8_t members[DAEMONS_MAX]  # Daemon numbers, in configuration order.
    cdef uint32_t member_count
    cdef bint is_member[DAEMONS_MAX]
    cdef uint32_t my_place             # Among the members.
    cdef uint8_t predecessor
    cdef uint8_t successor
    cdef uint64_t acks[DAEMONS_MAX]    # By daemon number: has everything up to here.
    cdef uint64_t stable               # Highest seq that every member holds.
    cdef uint64_t high                 # Highest seq claimed by anybody.
    cdef uint64_t own_high             # Highest seq that this daemon claimed.
    cdef uint64_t heard[DAEMONS_MAX]   # By origin: highest seq that came when it was sent first.
    cdef uint8_t losses[WINDOW_SLOTS]  # By seq, while it is missing: a `Loss`.
    cdef uint64_t sent_on[WINDOW_SLOTS]  # By seq: the last one that went on into the own segment.
    cdef uint64_t lost_high            # Nothing above it is known to be lost.
    # Of the buffer in which several packets came last: never read, only compared.
    cdef const Buffer* joint
    cdef uint32_t joint_start          # Where the last of them that was new begins.
    cdef uint32_t joint_kept           # Bytes that were new.
    cdef bint is_joint_shared          # It is kept as it is for those packets.
    cdef uint64_t visit_first          # First seq numbered at the own last visit.
    # The token.
    cdef Token token                   # As it came last; rewritten by the visit.
    cdef uint64_t tok_no               # Of the last one accepted.
    cdef uint64_t sent_no              # Of the last one passed on.
    cdef uint64_t previous_seq         # Its seq when it was passed on last.
    cdef uint32_t my_last              # Packets that this daemon added at its last visit.
    cdef uint32_t my_backlog           # Packets that waited here then.
    cdef uint32_t scale_rest           # As the leader: rotations in which the scale stays.
    cdef bint is_parked                # The token rests here.
    cdef bint is_wanted                # Somebody asked for it while it was away.
    cdef Buffer* sent_token            # Owned; the datagram passed on last.
    cdef uint32_t sent_target
    cdef uint32_t resends              # Of that datagram.
    cdef uint8_t who_asks[WINDOW_SLOTS]  # By seq, during a visit: 0, daemon number + 1, or 255.
    cdef uint32_t missed[DAEMONS_MAX]  # Packets in a row that came as retransmissions only.
    # Deadlines in nanoseconds, 0 for none.
    cdef int64_t resend_ns
    # When the last token came, or was let go; 0 if that says nothing about when the next one comes.
    cdef int64_t visited_ns
    cdef int64_t rotation_ns           # Smoothed time of a rotation.
    cdef int64_t passed_ns             # When the last token was passed on first.
    cdef int64_t evidence_ns           # Smoothed time until there is evidence that it came,
    cdef int64_t deviation_ns          # and how much single times deviate from it.

    cdef bint is_leader(self) noexcept nogil

    cdef Packet header(self, uint8_t kind, uint64_t number) noexcept nogil
    # A header of our own in this ring; all that the kind has besides is zero.

    cdef DataStatus data(
        self, const Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil
    # A DATA packet of this ring has come; its reference is shared when it is held.

    cdef void send_on(
        self, Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil
    # Forward a DATA packet of this ring into the own segment, if that has not been done before.

    cdef bint accept_token(
        self, const Packet* packet, const uint8_t* data, uint32_t size
    ) noexcept nogil
    # A token of this ring has come; True when it is to be visited.

    cdef bint visit(self, bint is_released, bint is_recovering) noexcept nogil
    # Do everything that the token in hand allows, then pass it on or park it; tells whether
    # anything new was numbered.

    cdef void wanted(self, uint8_t who) noexcept nogil
    # A member asks for the token that it believes parked here.

    cdef bint believes_parked(self) noexcept nogil
    # Whether the token that this daemon passed on last may rest at the leader.

    cdef void progress(self, uint64_t tenure) noexcept nogil
    # Evidence that the token of this number arrived.

    cdef void resend_token(self) noexcept nogil
    # Send the last token again.

    cdef void start(self) noexcept nogil
    # Make the ring's first token and send it to the first member.

    cdef bint visit_alone(self) noexcept nogil
    # Number what is pending, in a ring of one; tells whether there was anything.

    cdef void update_stable(self) noexcept nogil

    cdef void send_recovered(
        self, uint64_t seq, uint32_t leader, uint32_t time, Ring forming
    ) noexcept nogil
    # Send a packet of this ring to the members of a forming ring.

    cdef void invariants(self) noexcept nogil

    # Private.
    cdef void fit_entry(self, WindowEntry* entry) noexcept nogil
    cdef bint is_worth_sharing(self, const WindowEntry* entry) noexcept nogil
    cdef void find_lost(self, const Packet* packet) noexcept nogil
    cdef uint32_t room(self, uint32_t retransmitted) noexcept nogil
    cdef uint32_t window_size(self, uint32_t base, uint32_t most) noexcept nogil
    cdef void adapt(self) noexcept nogil
    cdef void close_rotation(self, uint64_t seq_before, bint is_released) noexcept nogil
    cdef void merge_token(self) noexcept nogil
    cdef uint32_t answer_requests(self) noexcept nogil
    cdef uint32_t number_packets(self, uint32_t room) noexcept nogil
    cdef void write_requests(self, uint64_t bound) noexcept nogil
    cdef bint is_active(self, uint64_t seq_before, uint32_t added) noexcept nogil
    cdef void send_new(self, uint64_t first, uint64_t last, uint8_t flags) noexcept nogil
    cdef void send_entry(self, uint64_t seq, uint8_t flags, uint8_t who) noexcept nogil
    cdef void pass_token(self, uint32_t target, uint8_t flags) noexcept nogil
    cdef void send_token_ack(self, uint64_t tok_no, uint8_t target) noexcept nogil
    cdef void measure_rotation(self) noexcept nogil
    cdef void measure_evidence(self) noexcept nogil
    cdef void arm_resend(self) noexcept nogil


cdef Ring ring_open(Station station, uint32_t leader, uint32_t time, object members)
# Make an empty ring of these daemon numbers, in configuration order. Raises MemoryError.
