"""What may be delivered now: packets in order, cut back into whole frames.

The packets of one origin carry its frames as one byte stream. A frame that lies in one packet is
delivered as one slice of it, a fragmented one as a list of slices: bytes are never put together
again. Only the head (header and group list) of a frame is copied, when it lies in two packets.

    aru        everything up to here may be looked at
    stable     a SAFE frame or a request waits until its last packet is at or below this

How far the cursor may go depends on the state of the ring:

    CLOSED         the ring is broken: nothing
    STABLE         a new ring forms: what every member of the old one has
    OPEN           the ring works, or the walk over its last packets before the transitional
                   configuration: up to the first hole
    TRANSITIONAL   behind that: past holes, but then only packets of daemons in `obliged`, as others
                   might depend on what is lost; stability does not matter any more

Bytes of a peer that are no frames are skipped up to the next packet in which one begins, at every
daemon alike.

Delivery is a cursor that stops and goes on: `delivery_next` shows a message, `delivery_done` moves
on. Between the two the message stays valid, so that the caller can stop in the middle of a fan-out
(a full receiver must first be offered a write) and come back.

Invariants
    every packet before the cursor has been delivered whole or is held by a stream's slices
    a stream holds slices only while a frame is incomplete or shown
"""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool
from spread._frames cimport FRAME_GROUPS_MAX, FRAME_HEADER_SIZE, GROUP_NAME_SIZE, Frame
from spread._packets cimport DAEMONS_MAX
from spread._ring cimport Ring
from spread._window cimport WindowEntry

cdef enum:
    HEAD_SIZE_MAX = FRAME_HEADER_SIZE + FRAME_GROUPS_MAX * GROUP_NAME_SIZE

cdef enum DeliveryStatus:
    DELIVERY_MESSAGE = 0    # A message is shown.
    DELIVERY_NOTHING = 1    # All that is in order has been delivered.
    DELIVERY_UNSTABLE = 2   # A SAFE message waits for the ring.
    DELIVERY_NO_MEMORY = -1

cdef enum DeliveryMode:
    MODE_CLOSED = 0
    MODE_STABLE = 1
    MODE_OPEN = 2
    MODE_TRANSITIONAL = 3


cdef struct Slice:
    Buffer* buffer
    uint32_t offset        # Bytes into the buffer.
    uint32_t size


cdef struct Message:
    Frame frame
    const uint8_t* head    # Header and group list, contiguous; borrowed until `delivery_done`.
    Slice* slices          # Borrowed until `delivery_done`; references belong to the delivery.
    uint32_t slice_count
    uint64_t size          # Bytes of the whole frame.
    uint8_t origin         # Number of the daemon whose client sent it.


cdef struct Stream:
    # The frame of one origin that has begun and is not complete.
    Slice* slices          # Owned; each slice holds one reference.
    uint32_t slice_count
    uint32_t slice_capacity
    uint64_t have          # Bytes of the frame in the slices.
    uint64_t size          # Bytes of the whole frame; 0 until the header is complete.
    uint64_t head_have     # Bytes in `head`.
    uint64_t head_size     # Bytes of header and group list; 48 until the header is complete.
    bint is_lost           # Its place is not known until a packet in which a frame begins.
    Frame frame
    uint8_t head[HEAD_SIZE_MAX]


cdef class Delivery:
    cdef Pool* pool        # Borrowed from the node.
    cdef Ring ring
    cdef Stream* streams   # Owned, by daemon number.
    cdef uint32_t stream_count
    cdef uint64_t seq      # Packet under the cursor.
    cdef uint32_t offset   # Bytes of it that are done.
    cdef uint32_t taken    # Bytes of it that the shown message covers.
    cdef Slice single      # The slice of a message that lies in one packet.
    cdef bint is_shown
    cdef DeliveryMode mode
    cdef uint64_t last             # TRANSITIONAL: where the ring ends.
    cdef bint has_gap              # TRANSITIONAL: a packet is lost for ever.
    cdef bint together[DAEMONS_MAX]  # TRANSITIONAL: who comes from this ring into the next.
    cdef bint obliged[DAEMONS_MAX]   # TRANSITIONAL: whose packets are delivered behind a gap.

    cdef DeliveryStatus next(self, Message* message) noexcept nogil
    # Show the next message that may be delivered; shows the same one until `done`.

    cdef void done(self) noexcept nogil
    # The shown message has been delivered.

    cdef void collect(self) noexcept nogil
    # Let the ring forget what everybody has and this daemon has delivered.

    # Private.
    cdef WindowEntry* enter_packet(self) noexcept nogil
    cdef void pass_gap(self) noexcept nogil
    cdef void skip_stream(self, Stream* stream) noexcept nogil
    cdef bint may_show(self, uint32_t type_bits) noexcept nogil
    cdef void leave_packet(self) noexcept nogil
    cdef DeliveryStatus show(self, WindowEntry* entry, Message* message) noexcept nogil
    cdef DeliveryStatus assemble(
        self, Stream* stream, WindowEntry* entry, Message* message
    ) noexcept nogil
    cdef DeliveryStatus show_assembled(self, Stream* stream, Message* message) noexcept nogil


cdef Delivery delivery_open(Ring ring)
# Make a delivery that starts at the ring's first packet. Raises MemoryError.
