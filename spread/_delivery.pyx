"""Delivery in order, by service, whole; the contract stands in `_delivery.pxd`.

Source: Moser, Amir, Melliar-Smith, Agarwal, "Extended virtual synchrony" (1994), for agreed and
safe delivery; the assembly of fragments is our own.
"""

from cython cimport final, no_gc_clear
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

from spread._buffers cimport buffer_release, buffer_share
from spread._check cimport check
from spread._defects cimport (
    DEFECT_DELIVER_BEHIND_HOLES, DEFECT_SAFE_AT_ONCE, DEFECT_SKIP_GAPS, has_defect,
)
from spread._frames cimport (
    TYPE_KILL, TYPE_REGULAR, TYPE_REQUEST, TYPE_SAFE, TYPE_STATE, frame_read, frame_size,
)
from spread._packets cimport NO_FRAME
from spread._stats cimport STAT_MALFORMED_FRAMES, STAT_PACKETS_DELIVERED
from spread._window cimport WindowEntry, window_discard, window_find

cdef enum:
    # Bytes of body that a frame on the ring may have: what a session may be allowed at most, and
    # the list of groups that counts as body there.
    BODY_SIZE_MAX = 16 * 1024 * 1024
    # A frame lies in packets of at least so many bytes (PacketSize is 548 at least), but for the
    # first, the last, and the first again when the ring broke: a frame under assembly keeps at most
    # 16 MiB / 256 buffers of 2 KiB, 128 MiB.
    SLICE_SIZE_MIN = 256
    SLICES_FREE = 4


cdef bint is_frame_sound(const Frame* frame) noexcept nogil:
    """Whether a peer can have taken this frame from a client."""
    cdef int kinds = (
        (frame.type & TYPE_REGULAR != 0) + (frame.type & TYPE_REQUEST != 0)
        + (frame.type & TYPE_STATE != 0)
    )
    # The departure of a lost session is a request with a service; it names no group.
    if frame.type & TYPE_KILL:
        kinds = 1
    elif frame.type & TYPE_REQUEST and frame.group_count < 1:
        return False
    return (
        frame.is_little and kinds == 1
        and 0 <= frame.group_count <= FRAME_GROUPS_MAX
        and 0 <= frame.body_size <= BODY_SIZE_MAX
    )


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


cdef int64_t stream_read_head(Stream* stream, const uint8_t* data, uint32_t size) noexcept nogil:
    """Copy what is missing of the head from `data`; returns bytes used, -1 when malformed."""
    cdef uint32_t used = 0
    cdef uint64_t part
    while stream.head_have < stream.head_size and used < size:
        part = min(stream.head_size - stream.head_have, <uint64_t>(size - used))
        memcpy(stream.head + stream.head_have, data + used, part)
        stream.head_have += part
        used += <uint32_t>part
        if stream.size == 0 and stream.head_have == FRAME_HEADER_SIZE:
            frame_read(stream.head, &stream.frame)
            if not is_frame_sound(&stream.frame):
                return -1
            stream.size = frame_size(&stream.frame)
            stream.head_size = (
                FRAME_HEADER_SIZE + GROUP_NAME_SIZE * <uint64_t>stream.frame.group_count
            )
    return used


@final
@no_gc_clear
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
        while True:
            entry = self.enter_packet()
            if entry == NULL:
                return DELIVERY_NOTHING
            if self.offset == entry.size:
                self.leave_packet()
                continue
            status = self.show(entry, message)
            if status != DELIVERY_NOTHING:
                return status

    cdef WindowEntry* enter_packet(self) noexcept nogil:
        """Return the packet under the cursor, past gaps; NULL when it must not be looked at."""
        cdef WindowEntry* entry
        cdef Stream* stream
        cdef uint64_t end = self.last
        if self.mode == MODE_CLOSED:
            return NULL
        if self.mode == MODE_OPEN:
            end = self.ring.window.aru
            if has_defect(self.ring.station.defects, DEFECT_SKIP_GAPS):
                end = self.ring.window.highest
        elif self.mode == MODE_STABLE:
            end = self.ring.stable
        while self.seq <= end:
            entry = window_find(&self.ring.window, self.seq)
            if entry == NULL:
                self.pass_gap()
                continue
            stream = &self.streams[entry.origin]
            if self.has_gap and not self.obliged[entry.origin] and not has_defect(
                self.ring.station.defects, DEFECT_DELIVER_BEHIND_HOLES
            ):
                self.skip_stream(stream)
                self.leave_packet()
                continue
            if self.offset == 0 and stream.is_lost:
                if entry.first == NO_FRAME:
                    self.leave_packet()
                    continue
                self.offset = entry.first
                stream.is_lost = False
            return entry
        return NULL

    cdef void pass_gap(self) noexcept nogil:
        """A packet is lost for ever, and it may have been anybody's who is not with us."""
        cdef uint32_t number
        check(
            self.mode == MODE_TRANSITIONAL
            or has_defect(self.ring.station.defects, DEFECT_SKIP_GAPS),
            "holes are passed in the transitional part only",
        )
        self.has_gap = True
        for number in range(self.stream_count):
            if not self.together[number]:
                self.skip_stream(&self.streams[number])
        self.seq += 1
        self.offset = 0

    cdef void skip_stream(self, Stream* stream) noexcept nogil:
        """Forget the frame that has begun; go on where the next one begins."""
        stream_clear(stream, self.pool)
        stream.is_lost = True

    cdef void leave_packet(self) noexcept nogil:
        """Go to the next packet."""
        self.ring.station.count(STAT_PACKETS_DELIVERED, 1)
        self.seq += 1
        self.offset = 0

    cdef void collect(self) noexcept nogil:
        cdef uint64_t done = min(self.seq - 1, self.ring.stable)
        if done > self.ring.window.discarded:
            window_discard(&self.ring.window, min(done, self.ring.window.aru))

    cdef bint may_show(self, uint32_t type_bits) noexcept nogil:
        """Whether a message that ends under the cursor may be delivered now.

        Requests change groups. If one were delivered here and lost elsewhere, the group would get
        the same id twice, for two views: so they wait until everybody has them, like SAFE.
        """
        return (
            has_defect(self.ring.station.defects, DEFECT_SAFE_AT_ONCE)
            or not type_bits & (TYPE_SAFE | TYPE_REQUEST) or self.seq <= self.ring.stable
            or self.mode == MODE_TRANSITIONAL
        )

    cdef DeliveryStatus show(self, WindowEntry* entry, Message* message) noexcept nogil:
        """Show the message at the cursor; NOTHING when the packet ends inside it."""
        cdef Buffer* buffer = entry.buffer
        cdef Stream* stream = &self.streams[entry.origin]
        cdef const uint8_t* data = buffer.data + entry.offset + self.offset
        cdef uint32_t size = entry.size - self.offset
        cdef uint64_t whole
        message.origin = entry.origin
        if self.is_shown and stream.slice_count > 0:
            return self.show_assembled(stream, message)
        if stream.slice_count > 0 or size < FRAME_HEADER_SIZE:
            return self.assemble(stream, entry, message)
        frame_read(data, &message.frame)
        if not is_frame_sound(&message.frame):
            self.ring.station.count(STAT_MALFORMED_FRAMES, 1)
            self.skip_stream(stream)
            self.offset = entry.size
            return DELIVERY_NOTHING
        whole = frame_size(&message.frame)
        if size < whole:
            return self.assemble(stream, entry, message)
        if not self.may_show(message.frame.type):
            return DELIVERY_UNSTABLE
        self.single = Slice(buffer, entry.offset + self.offset, <uint32_t>whole)
        self.taken = <uint32_t>whole
        self.is_shown = True
        message.head = data
        message.slices = &self.single
        message.slice_count = 1
        message.size = whole
        return DELIVERY_MESSAGE

    cdef DeliveryStatus assemble(
        self, Stream* stream, WindowEntry* entry, Message* message
    ) noexcept nogil:
        """Add this packet's part to the origin's frame; show the frame when it is complete."""
        cdef Buffer* buffer = entry.buffer
        cdef const uint8_t* data = buffer.data + entry.offset + self.offset
        cdef uint32_t size = entry.size - self.offset
        if stream.slice_count == 0:
            stream_clear(stream, self.pool)
        cdef uint64_t head_have = stream.head_have
        cdef int64_t in_head = stream_read_head(stream, data, size)
        if in_head < 0:
            self.ring.station.count(STAT_MALFORMED_FRAMES, 1)
            self.skip_stream(stream)
            self.offset = entry.size
            return DELIVERY_NOTHING
        cdef uint32_t used = <uint32_t>in_head
        if stream.size > 0:
            used = <uint32_t>min(<uint64_t>size, stream.size - stream.have)
        if stream_add(stream, buffer, entry.offset + self.offset, used) < 0:
            # As if this packet had not been looked at; it is the next time.
            stream.head_have = head_have
            if head_have < FRAME_HEADER_SIZE:
                stream.size = 0
                stream.head_size = FRAME_HEADER_SIZE
            return DELIVERY_NO_MEMORY
        if stream.slice_count > SLICES_FREE + stream.have // min(
            <uint32_t>SLICE_SIZE_MIN, self.ring.station.clients.payload_max
        ):
            # Nobody cuts a frame so small; a buffer for every byte would be too much to keep.
            self.ring.station.count(STAT_MALFORMED_FRAMES, 1)
            self.skip_stream(stream)
            self.offset = entry.size
            return DELIVERY_NOTHING
        if stream.size == 0 or stream.have < stream.size:
            self.offset += used
            return DELIVERY_NOTHING
        self.taken = used
        self.is_shown = True
        return self.show_assembled(stream, message)

    cdef DeliveryStatus show_assembled(self, Stream* stream, Message* message) noexcept nogil:
        """Show the origin's complete frame, once it is stable if it must be."""
        if not self.may_show(stream.frame.type):
            return DELIVERY_UNSTABLE
        message.frame = stream.frame
        message.head = stream.head
        message.slices = stream.slices
        message.slice_count = stream.slice_count
        message.size = stream.size
        return DELIVERY_MESSAGE

    cdef void done(self) noexcept nogil:
        check(self.is_shown, "a message is shown before it is done")
        cdef WindowEntry* entry = window_find(&self.ring.window, self.seq)
        stream_clear(&self.streams[entry.origin], self.pool)
        self.offset += self.taken
        self.taken = 0
        self.is_shown = False


cdef Delivery delivery_open(Ring ring):
    """Make a delivery that starts at the ring's first packet. Raises MemoryError."""
    cdef Delivery delivery = Delivery()
    cdef uint32_t count = ring.station.daemon_count
    cdef uint32_t index
    delivery.pool = ring.station.pool
    delivery.ring = ring
    delivery.seq = 1
    delivery.mode = MODE_OPEN
    delivery.streams = <Stream*>calloc(count, sizeof(Stream))
    if delivery.streams == NULL:
        raise MemoryError("no memory for the streams of the ring's members")
    delivery.stream_count = count
    for index in range(count):
        stream_clear(&delivery.streams[index], delivery.pool)
    return delivery
