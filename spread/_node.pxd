"""The daemon without I/O: bytes and time in, bytes and a deadline out.

The half that faces the other daemons is `Member`; this one faces the clients and joins the two.

    driver                      Node                                  Python (upcalls)
    bytes of a client   input   cut, check, submit     request()      may this be submitted?
                                handshake bytes        handshake()    whole, refused, accepted
    end of a turn       turn    seal, visit, deliver   ordered()      join, leave, departure
                                fan out, bounds        session_ended()
    bytes for a client  queues of the slots
    a datagram          datagram               token, packets, timers         control_packet() ...
    datagrams to send   the station's outbox
    deadline            next_deadline, turn            deadline()

A driver calls, per turn: `input` for what it read, `turn` until it says NODE_IDLE (writing what is
dirty whenever it says NODE_WRITE), then writes what is dirty and closes what has ended. The reactor
and the simulator are such drivers.

Ordered requests stop the delivery, Python changes groups and routes, delivery goes on: what follows
a join in the order already sees it.

Invariants
    a message is shown by the delivery from `begin` to `finish`, however often the turn is left
    nothing is queued for a slot that is not OPEN, replies of the handshake excepted
    a slot is free again only when its connection is closed and its departure ordered
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._delivery cimport Message
from spread._frames cimport Frame
from spread._member cimport Member
from spread._receivers cimport Receivers
from spread._routes cimport Routes
from spread._sessions cimport EndReason, Input, Sessions, Slot

cdef enum NodeStatus:
    NODE_IDLE = 0       # Everything that can be delivered is.
    NODE_WRITE = 1      # A receiver at its bound must be offered a write first.
    NODE_FAILED = -1    # An upcall raised; see `failure`.

cdef class Node(Member):
    cdef Sessions sessions
    cdef Routes routes
    cdef uint64_t queued_bytes_max   # All buffers together.
    cdef int64_t now_ns              # Of the running call.
    cdef int64_t control_deadline_ns  # Set by Python; 0 for none.
    cdef int64_t relief_ns           # When congestion ends somebody; 0 while there is none.
    cdef bint is_congested
    cdef bint wants_write            # A notice went to a receiver at its bound.
    cdef bint owes_departures        # Some found no memory; see `Slot.owes_departure`.
    # The shown message and how far its fan-out has come.
    cdef Message message
    cdef bint has_message
    cdef uint32_t fan_next
    cdef uint32_t self_slot          # The sender that discards its own copy, or NO_SLOT.
    cdef Receivers receivers         # Of the shown message.

    cdef void input(self, uint32_t index, uint8_t* data, size_t size, int64_t now_ns) noexcept nogil
    # Take bytes read from a session; the buffer is rewritten in place. Never keeps the pointer.

    cdef size_t input_room(self, uint32_t index, uint8_t** room_at) noexcept nogil
    # Where the rest of the session's partial frame belongs, and how many bytes it misses.

    cdef void input_filled(self, uint32_t index, size_t size) noexcept nogil
    # So many bytes have been put there; `input` must follow, with what came behind them.

    cdef void input_end(self, uint32_t index) noexcept nogil
    # The client's side of the connection is closed or broken.

    cdef bint wants_input(self, uint32_t index) noexcept nogil
    # Tell whether the driver may read from this session now.

    cdef size_t input_size_max(self) noexcept nogil
    # Bytes worth reading at once; small while memory for partial frames is short.

    cdef NodeStatus turn(self, int64_t now_ns) noexcept nogil
    # Order and deliver all that was submitted.

    cdef void output_sent(self, uint32_t index, size_t size) noexcept nogil
    # `size` bytes of the session's queue have been written.

    cdef void output_full(self, uint32_t index) noexcept nogil
    # The connection takes no more for now.

    cdef void output_broken(self, uint32_t index) noexcept nogil
    # The connection takes nothing any more; what the client has sent may still be read.

    cdef void output_offered(self, uint32_t index) noexcept nogil
    # The driver has tried to write everything; a refused connection ends here.

    cdef void connection_closed(self, uint32_t index) noexcept nogil
    # The driver has closed the connection of an ended session.

    cdef void end_session(self, uint32_t index, EndReason reason) noexcept nogil
    # End a session and order its departure.

    cdef int64_t next_deadline(self) noexcept nogil
    # Nanoseconds of the earliest deadline, or 0 when there is none.

    cdef void count_strangers(self, uint64_t count) noexcept nogil
    # So many datagrams came that no daemon of this ring sent.

    cdef Slot* slot_at(self, uint32_t index) except NULL
    # The slot of an index that Python hands in. Raises MisuseError.

    # Not for drivers, in the order of first use.
    cdef void input_frames(self, uint32_t index, uint8_t* data, size_t size) noexcept nogil
    cdef void submit(self, uint32_t index, uint8_t* frame_at, Frame* frame) noexcept nogil
    cdef void reject(self, uint32_t index, const uint8_t* frame_at, Frame* frame) noexcept nogil
    cdef void keep_bounds(self) noexcept nogil
    cdef bint is_ready(self) noexcept nogil
    cdef NodeStatus deliver(self) noexcept nogil
    cdef void begin(self) noexcept nogil
    cdef bint fan_out(self) noexcept nogil
    cdef void queue_message(self, uint32_t index) noexcept nogil
    cdef void queue_bytes(
        self, const uint32_t* slots, uint32_t count, const uint8_t* data, size_t size,
        bint is_message,
    ) noexcept nogil
    cdef bint has_room(self, uint32_t index) noexcept nogil
    cdef void queue_notice(
        self, const uint32_t* slots, uint32_t count, const uint8_t* data, size_t size
    ) noexcept nogil
    cdef void submit_departure(self, Slot* slot) noexcept nogil
    cdef void pay_departures(self) noexcept nogil
    cdef bint end_largest(self) noexcept nogil
    cdef void relieve(self) noexcept nogil
    cdef void resume_waiting(self) noexcept nogil
    cdef void resume(self, uint32_t index) noexcept nogil
    cdef size_t call_handshake(
        self, uint32_t index, const uint8_t* data, size_t size
    ) noexcept with gil
    cdef bint call_request(
        self, uint32_t index, const uint8_t* frame_at, const Frame* frame
    ) noexcept with gil
    cdef void call_ordered(self) noexcept with gil
    cdef void call_state(self) noexcept with gil
    cdef bytes body_of(self)
    cdef void call_ended(self) noexcept with gil
    cdef void call_deadline(self) noexcept with gil
