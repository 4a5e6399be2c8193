"""What clients send and get: the half of the `Node` that faces its sessions.

    bytes of a client -> whole frames, checked -> submitted, or answered with a REJECT
    notices, replies  -> queues of the slots
    bounds: a session over its own is ended; when all memory is short, those who hold most of it

Invariants
    nothing is queued for a slot that is not OPEN, replies of the handshake excepted
    a slot is free again only when its connection is closed and its departure ordered
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._frames cimport Frame
from spread._member cimport Member
from spread._sessions cimport EndReason, Sessions, Slot

cdef class Clients(Member):
    cdef Sessions sessions
    cdef uint64_t queued_bytes_max   # All buffers together.
    cdef int64_t now_ns              # Of the running call.
    cdef int64_t relief_ns           # When congestion ends somebody; 0 while there is none.
    cdef bint is_congested
    cdef bint wants_write            # A notice went to a receiver at its bound.
    cdef bint owes_departures        # Some found no memory; see `Slot.owes_departure`.

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

    # For the node, and private.
    cdef uint64_t pending_bytes_max(self) noexcept nogil
    cdef void input_frames(self, uint32_t index, uint8_t* data, size_t size) noexcept nogil
    cdef void submit(self, uint32_t index, uint8_t* frame_at, Frame* frame) noexcept nogil
    cdef void reject(self, uint32_t index, const uint8_t* frame_at, Frame* frame) noexcept nogil
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
