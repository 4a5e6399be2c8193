"""The daemon without I/O: bytes and time in, bytes and a deadline out.

`Member` faces the other daemons, `Clients` the sessions; this part joins the two: what is in order
goes to whom it concerns.

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
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._clients cimport Clients
from spread._delivery cimport Message
from spread._monitor_gate cimport Gate
from spread._receivers cimport Receivers
from spread._routes cimport Route, Routes
from spread._sessions cimport Slot

cdef enum NodeStatus:
    NODE_IDLE = 0       # Everything that can be delivered is.
    NODE_WRITE = 1      # A receiver at its bound must be offered a write first.
    NODE_FAILED = -1    # An upcall raised; see `failure`.

cdef class Node(Clients):
    cdef Routes routes
    cdef int64_t control_deadline_ns  # Set by Python; 0 for none.
    cdef int64_t awaited_ns           # The deadline that the driver was told last; 0 for none.
    cdef bint is_starved              # Delivery found no memory.
    # The shown message and how far its fan-out has come.
    cdef Message message
    cdef bint has_message
    cdef uint32_t fan_next
    cdef uint32_t self_slot          # The sender that discards its own copy, or NO_SLOT.
    cdef Receivers receivers         # Of the shown message.
    cdef Gate gate                   # For datagrams of monitors.

    cdef NodeStatus turn(self, int64_t now_ns) noexcept nogil
    # Order and deliver all that was submitted.

    cdef int64_t next_deadline(self) noexcept nogil
    # Nanoseconds of the earliest deadline, or 0 when there is none.

    cdef void count_strangers(self, uint64_t count) noexcept nogil
    # So many datagrams came that no daemon of this ring sent.

    cdef void monitor_datagram(
        self, const uint8_t* data, uint32_t size, uint32_t source, uint32_t port, int64_t now_ns
    ) noexcept nogil
    # A datagram of a monitor came from this IPv4 address and port.

    cdef Slot* slot_at(self, uint32_t index) except NULL
    # The slot of an index that Python hands in. Raises MisuseError.

    # Not for drivers, in the order of first use.
    cdef void keep_bounds(self) noexcept nogil
    cdef bint is_ready(self) noexcept nogil
    cdef NodeStatus deliver(self) noexcept nogil
    cdef void begin(self) noexcept nogil
    cdef bint fan_out(self) noexcept nogil
    cdef bint is_dropped_by_defect(self) noexcept nogil
    cdef void queue_message(self, uint32_t index) noexcept nogil
    cdef const Route* route_of(self, bytes group)
    cdef void call_ordered(self) noexcept with gil
    cdef void call_state(self) noexcept with gil
    cdef bytes body_of(self)
    cdef void call_ended(self) noexcept with gil
    cdef void call_deadline(self) noexcept with gil
