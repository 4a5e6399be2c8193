"""What may be delivered now: packets in order, cut back into whole frames.

The packets of one origin carry its frames as one byte stream. A frame that lies in one packet is
delivered as one slice of it, a fragmented one as a list of slices: bytes are never put together
again. Only the head (header and group list) of a frame is copied, when it lies in two packets.

    aru        everything up to here may be looked at
    stable     a SAFE frame waits until its last packet is at or below this

Delivery is a cursor that stops and goes on: `delivery_next` shows a message, `delivery_done` moves
on. Between the two the message stays valid, so that the caller can stop in the middle of a fan-out
(a full receiver must first be offered a write) and come back.

Invariants
    every packet before the cursor has been delivered whole or is held by a stream's slices
    a stream holds slices only while a frame is incomplete or shown
"""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool
from spread._frames cimport FRAME_GROUPS_MAX, FRAME_HEADER_SIZE, GROUP_NAME_SIZE, Frame
from spread._ring cimport Ring
from spread._window cimport WindowEntry

cdef enum:
    HEAD_SIZE_MAX = FRAME_HEADER_SIZE + FRAME_GROUPS_MAX * GROUP_NAME_SIZE

cdef enum DeliveryStatus:
    DELIVERY_MESSAGE = 0    # A message is shown.
    DELIVERY_NOTHING = 1    # All that is in order has been delivered.
    DELIVERY_UNSTABLE = 2   # A SAFE message waits for the ring.
    DELIVERY_NO_MEMORY = -1


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
    uint32_t origin


cdef struct Stream:
    # The frame of one origin that has begun and is not complete.
    Slice* slices          # Owned; each slice holds one reference.
    uint32_t slice_count
    uint32_t slice_capacity
    uint64_t have          # Bytes of the frame in the slices.
    uint64_t size          # Bytes of the whole frame; 0 until the header is complete.
    uint64_t head_have     # Bytes in `head`.
    uint64_t head_size     # Bytes of header and group list; 48 until the header is complete.
    Frame frame
    uint8_t head[HEAD_SIZE_MAX]


cdef class Delivery:
    cdef Pool* pool        # Borrowed from the node.
    cdef Ring ring
    cdef Stream* streams   # Owned, one per origin.
    cdef uint32_t stream_count
    cdef uint64_t seq      # Packet under the cursor.
    cdef uint32_t offset   # Bytes of it that are done.
    cdef uint32_t taken    # Bytes of it that the shown message covers.
    cdef Slice single      # The slice of a message that lies in one packet.
    cdef bint is_shown

    cdef DeliveryStatus next(self, Message* message) noexcept nogil
    # Show the next message that may be delivered; shows the same one until `done`.

    cdef void done(self) noexcept nogil
    # The shown message has been delivered.

    # Private.
    cdef void leave_packet(self) noexcept nogil
    cdef DeliveryStatus show(self, WindowEntry* entry, Message* message) noexcept nogil
    cdef DeliveryStatus assemble(
        self, Stream* stream, Buffer* buffer, Message* message
    ) noexcept nogil
    cdef DeliveryStatus show_assembled(self, Stream* stream, Message* message) noexcept nogil


cdef Delivery delivery_open(Pool* pool, Ring ring, uint32_t origin_count)
# Make a delivery that starts at the ring's first packet. Raises MemoryError.
