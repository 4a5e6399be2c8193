"""Delivery in order, by service, whole; the contract stands in `_delivery.pxd`.

Source: Moser, Amir, Melliar-Smith, Agarwal, "Extended virtual synchrony" (1994), for agreed and
safe delivery; the assembly of fragments is our own.
"""

from cython cimport final
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

from spread._buffers cimport buffer_release, buffer_share
from spread._check cimport check
from spread._frames cimport TYPE_SAFE, frame_read, frame_size
from spread._window cimport WindowEntry, window_at, window_discard


cdef void stream_clear(Stream* stream, Pool* pool) noexcept nogil:
    """Forget the frame under assembly."""
    cdef uint32_t index
    for index in range(stream.slice_count):
        buffer_release(pool, stream.slices[index].buffer)
    stream.slice_count = 0
    stream.have = 0
    stream.size = 0
    stream.head_have = 0
    stream.head_size = FRAME_HEADER_SIZE


cdef int stream_add(Stream* stream, Buffer* buffer, uint32_t offset, uint32_t size) noexcept nogil:
    """Append one slice with its reference; -1 when the system has no memory."""
    cdef uint32_t capacity
    cdef Slice* grown
    if stream.slice_count == stream.slice_capacity:
        capacity = max(8, 2 * stream.slice_capacity)
        grown = <Slice*>realloc(stream.slices, capacity * sizeof(Slice))
        if grown == NULL:
            return -1
        stream.slices = grown
        stream.slice_capacity = capacity
    buffer_share(buffer)
    stream.slices[stream.slice_count] = Slice(buffer, offset, size)
    stream.slice_count += 1
    stream.have += size
    return 0


cdef uint32_t stream_read_head(Stream* stream, const uint8_t* data, uint32_t size) noexcept nogil:
    """Copy what is missing of the head from `data`; returns bytes used."""
    cdef uint32_t used = 0
    cdef uint64_t part
    while stream.head_have < stream.head_size and used < size:
        part = min(stream.head_size - stream.head_have, <uint64_t>(size - used))
        memcpy(stream.head + stream.head_have, data + used, part)
        stream.head_have += part
        used += <uint32_t>part
        if stream.size == 0 and stream.head_have == FRAME_HEADER_SIZE:
            frame_read(stream.head, &stream.frame)
            check(
                0 <= stream.frame.group_count <= FRAME_GROUPS_MAX, "frames on the ring are checked"
            )
            check(stream.frame.body_size >= 0, "frames on the ring are checked")
            stream.size = frame_size(&stream.frame)
            stream.head_size = (
                FRAME_HEADER_SIZE + GROUP_NAME_SIZE * <uint64_t>stream.frame.group_count
            )
    return used


@final
cdef class Delivery:
    """The cursor over the ring's packets; created and driven by a `Node`."""

    def __dealloc__(self):
        cdef uint32_t index
        if self.streams == NULL:
            return
        for index in range(self.stream_count):
            stream_clear(&self.streams[index], self.pool)
            free(self.streams[index].slices)
        free(self.streams)

    cdef DeliveryStatus next(self, Message* message) noexcept nogil:
        cdef WindowEntry* entry
        cdef DeliveryStatus status
        while self.seq <= self.ring.window.aru:
            entry = window_at(&self.ring.window, self.seq)
            if self.offset == entry.buffer.size:
                self.leave_packet()
                continue
            status = self.show(entry, message)
            if status != DELIVERY_NOTHING:
                return status
        return DELIVERY_NOTHING

    cdef void leave_packet(self) noexcept nogil:
        """Go to the next packet and let the ring forget what everybody has."""
        window_discard(&self.ring.window, min(self.seq, self.ring.stable))
        self.seq += 1
        self.offset = 0

    cdef DeliveryStatus show(self, WindowEntry* entry, Message* message) noexcept nogil:
        """Show the message at the cursor; NOTHING when the packet ends inside it."""
        cdef Buffer* buffer = entry.buffer
        cdef Stream* stream = &self.streams[entry.origin]
        cdef const uint8_t* data = buffer.data + self.offset
        cdef uint32_t size = buffer.size - self.offset
        cdef uint64_t whole
        message.origin = entry.origin
        if self.is_shown and stream.slice_count > 0:
            return self.show_assembled(stream, message)
        if stream.slice_count > 0 or size < FRAME_HEADER_SIZE:
            return self.assemble(stream, buffer, message)
        frame_read(data, &message.frame)
        check(0 <= message.frame.group_count <= FRAME_GROUPS_MAX, "frames on the ring are checked")
        check(message.frame.body_size >= 0, "frames on the ring are checked")
        whole = frame_size(&message.frame)
        if size < whole:
            return self.assemble(stream, buffer, message)
        if message.frame.type & TYPE_SAFE and self.seq > self.ring.stable:
            return DELIVERY_UNSTABLE
        self.single = Slice(buffer, self.offset, <uint32_t>whole)
        self.taken = <uint32_t>whole
        self.is_shown = True
        message.head = data
        message.slices = &self.single
        message.slice_count = 1
        message.size = whole
        return DELIVERY_MESSAGE

    cdef DeliveryStatus assemble(
        self, Stream* stream, Buffer* buffer, Message* message
    ) noexcept nogil:
        """Add this packet's part to the origin's frame; show the frame when it is complete."""
        cdef const uint8_t* data = buffer.data + self.offset
        cdef uint32_t size = buffer.size - self.offset
        if stream.slice_count == 0:
            stream_clear(stream, self.pool)
        cdef uint64_t head_have = stream.head_have
        cdef uint32_t used = stream_read_head(stream, data, size)
        if stream.size > 0:
            used = <uint32_t>min(<uint64_t>size, stream.size - stream.have)
        if stream_add(stream, buffer, self.offset, used) < 0:
            # As if this packet had not been looked at; it is the next time.
            stream.head_have = head_have
            if head_have < FRAME_HEADER_SIZE:
                stream.size = 0
                stream.head_size = FRAME_HEADER_SIZE
            return DELIVERY_NO_MEMORY
        if stream.size == 0 or stream.have < stream.size:
            self.offset += used
            return DELIVERY_NOTHING
        self.taken = used
        self.is_shown = True
        return self.show_assembled(stream, message)

    cdef DeliveryStatus show_assembled(self, Stream* stream, Message* message) noexcept nogil:
        """Show the origin's complete frame, once it is stable if it must be."""
        if stream.frame.type & TYPE_SAFE and self.seq > self.ring.stable:
            return DELIVERY_UNSTABLE
        message.frame = stream.frame
        message.head = stream.head
        message.slices = stream.slices
        message.slice_count = stream.slice_count
        message.size = stream.size
        return DELIVERY_MESSAGE

    cdef void done(self) noexcept nogil:
        check(self.is_shown, "a message is shown before it is done")
        cdef WindowEntry* entry = window_at(&self.ring.window, self.seq)
        stream_clear(&self.streams[entry.origin], self.pool)
        self.offset += self.taken
        self.taken = 0
        self.is_shown = False


cdef Delivery delivery_open(Pool* pool, Ring ring, uint32_t origin_count):
    cdef Delivery delivery = Delivery()
    cdef uint32_t index
    delivery.pool = pool
    delivery.ring = ring
    delivery.seq = 1
    delivery.streams = <Stream*>calloc(origin_count, sizeof(Stream))
    if delivery.streams == NULL:
        raise MemoryError("no memory for the streams of the ring's members")
    delivery.stream_count = origin_count
    for index in range(origin_count):
        stream_clear(&delivery.streams[index], pool)
    return delivery
