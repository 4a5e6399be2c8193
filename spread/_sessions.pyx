"""Session slots; the contract stands in `_sessions.pxd`.

Source: client protocol, sections 3 (messages), 3.8 (checks) and 8 (life of a session).
"""

from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from spread._buffers cimport (
    BUFFER_MEDIUM, buffer_acquire, buffer_release, buffer_share, class_for,
)
from spread._check cimport check
from spread._frames cimport FRAME_OK, frame_check, frame_read, frame_size

cdef enum:
    SLOTS_FIRST = 64       # The table doubles from here; descriptors are its only bound.
    QUEUE_FIRST = 8        # Slices; a queue that stays short costs 192 bytes.
    QUEUE_KEPT_MAX = 64    # Slices of an empty queue that are kept for the next burst.
    # While others wait for its memory, a partial frame must come in at a modem's pace: 8 kB/s.
    STALL_GRACE_MS = 5000
    STALL_BYTES_PER_MS = 8

REASON_TEXTS = (
    "none",
    "disconnected",
    "connection lost",
    "malformed message header",
    "receiver too slow",
    "queues of all sessions full",
    "incomplete message stalled while others wait for memory",
    "connection refused",
    "daemon stops",
)
"""What ended a session, by `EndReason`."""

BAD_FRAME = END_BAD_FRAME
"""The reason that comes with a `FrameFault`."""

ENDED_BY_DAEMON = frozenset((END_BAD_FRAME, END_SLOW, END_MEMORY, END_STALLED))
"""The reasons for which the daemon closed on a client that did not ask for it."""


cdef int sessions_open(Sessions* sessions, Pool* pool, Limits limits) noexcept nogil:
    memset(sessions, 0, sizeof(Sessions))
    sessions.pool = pool
    sessions.limits = limits
    return grow(sessions, SLOTS_FIRST)


cdef void sessions_close(Sessions* sessions) noexcept nogil:
    cdef uint32_t index
    for index in range(sessions.slot_count):
        drop_output(sessions, &sessions.slots[index])
        drop_input(sessions, &sessions.slots[index])
        free(sessions.slots[index].queue)
    free(sessions.slots)
    free(sessions.dirty)
    free(sessions.ended)
    free(sessions.free_slots)
    memset(sessions, 0, sizeof(Sessions))


cdef int grow(Sessions* sessions, uint32_t count) noexcept nogil:
    """Enlarge the table to `count` slots; -1 when the system has no memory."""
    cdef Slot* slots = <Slot*>realloc(sessions.slots, count * sizeof(Slot))
    if slots == NULL:
        return -1
    sessions.slots = slots
    cdef uint32_t* dirty = <uint32_t*>realloc(sessions.dirty, count * sizeof(uint32_t))
    if dirty == NULL:
        return -1
    sessions.dirty = dirty
    cdef uint32_t* ended = <uint32_t*>realloc(sessions.ended, count * sizeof(uint32_t))
    if ended == NULL:
        return -1
    sessions.ended = ended
    cdef uint32_t* spare = <uint32_t*>realloc(sessions.free_slots, count * sizeof(uint32_t))
    if spare == NULL:
        return -1
    sessions.free_slots = spare
    memset(slots + sessions.slot_count, 0, (count - sessions.slot_count) * sizeof(Slot))
    cdef uint32_t index = count
    while index > sessions.slot_count:
        index -= 1
        spare[sessions.free_count] = index
        sessions.free_count += 1
    sessions.slot_count = count
    return 0


cdef uint32_t slot_take(Sessions* sessions) noexcept nogil:
    if sessions.free_count == 0 and grow(sessions, 2 * sessions.slot_count) < 0:
        return NO_SLOT
    sessions.free_count -= 1
    cdef uint32_t index = sessions.free_slots[sessions.free_count]
    cdef Slot* slot = &sessions.slots[index]
    check(slot.state == SLOT_FREE, "a free slot is free")
    cdef uint32_t epoch = slot.epoch + 1
    cdef bint is_dirty = slot.is_dirty
    memset(slot, 0, sizeof(Slot))
    slot.epoch = epoch
    slot.is_dirty = is_dirty
    slot.state = SLOT_HANDSHAKE
    sessions.used += 1
    return index


cdef void drop_output(Sessions* sessions, Slot* slot) noexcept nogil:
    """Throw away everything that is queued."""
    cdef uint32_t index
    for index in range(slot.queue_count):
        buffer_release(sessions.pool, queue_at(slot, index).buffer)
    sessions.queued_messages -= slot.queued_messages
    sessions.queued_bytes -= slot.queued_bytes
    free(slot.queue)
    slot.queue = NULL
    slot.queue_capacity = 0
    slot.queue_count = 0
    slot.head_sent = 0
    slot.queued_bytes = 0
    slot.queued_messages = 0


cdef void drop_input(Sessions* sessions, Slot* slot) noexcept nogil:
    """Throw away what has come of an incomplete frame."""
    if slot.partial != NULL:
        sessions.inbound_bytes -= slot.partial_size
        free(slot.partial)
        slot.partial = NULL
    cdef size_t size
    if slot.is_waiting:
        free(stash_take(sessions, slot, &size))
    slot.header_have = 0


cdef void slot_end(Sessions* sessions, uint32_t index, EndReason reason) noexcept nogil:
    cdef Slot* slot = &sessions.slots[index]
    if slot.state == SLOT_ENDED or slot.state == SLOT_FREE:
        return
    slot.state = SLOT_ENDED
    slot.reason = reason
    slot.undelivered = slot.queued_messages
    drop_output(sessions, slot)
    drop_input(sessions, slot)
    check(sessions.ended_count < sessions.slot_count, "a slot ends once")
    sessions.ended[sessions.ended_count] = index
    sessions.ended_count += 1


cdef void ended_clear(Sessions* sessions) noexcept nogil:
    cdef uint32_t number
    for number in range(sessions.ended_reported, sessions.ended_count):
        sessions.ended[number - sessions.ended_reported] = sessions.ended[number]
    sessions.ended_count -= sessions.ended_reported
    sessions.ended_reported = 0


cdef void slot_give_back(Sessions* sessions, uint32_t index) noexcept nogil:
    cdef Slot* slot = &sessions.slots[index]
    check(slot.state == SLOT_ENDED, "a session ends before its slot is free")
    slot.state = SLOT_FREE
    sessions.used -= 1
    sessions.free_slots[sessions.free_count] = index
    sessions.free_count += 1


cdef InputStatus input_next(
    Sessions* sessions, Slot* slot, Input* cursor, int64_t now_ns
) noexcept nogil:
    cdef uint8_t* at = cursor.data + cursor.used
    cdef size_t left = cursor.size - cursor.used
    if slot.partial != NULL:
        return input_continue(sessions, slot, cursor)
    if slot.header_have > 0:
        return input_header(sessions, slot, cursor, now_ns)
    if left < FRAME_HEADER_SIZE:
        memcpy(slot.header, at, left)
        slot.header_have = <uint32_t>left
        cursor.used = cursor.size
        return INPUT_MORE
    frame_read(at, &cursor.frame)
    cursor.fault = frame_check(
        at, &cursor.frame, slot.name, slot.name_size, slot.frame_size_max
    )
    if cursor.fault != FRAME_OK:
        return INPUT_FAULT
    cdef uint64_t size = frame_size(&cursor.frame)
    if left < size:
        return input_begin(sessions, slot, cursor, size, now_ns)
    cursor.frame_at = at
    cursor.used += <size_t>size
    return INPUT_FRAME


cdef InputStatus input_header(
    Sessions* sessions, Slot* slot, Input* cursor, int64_t now_ns
) noexcept nogil:
    """Complete a header that came in parts, then reserve its frame."""
    cdef size_t part = min(
        cursor.size - cursor.used, <size_t>(FRAME_HEADER_SIZE - slot.header_have)
    )
    memcpy(slot.header + slot.header_have, cursor.data + cursor.used, part)
    slot.header_have += <uint32_t>part
    cursor.used += part
    if slot.header_have < FRAME_HEADER_SIZE:
        return INPUT_MORE
    frame_read(slot.header, &cursor.frame)
    cursor.fault = frame_check(
        slot.header, &cursor.frame, slot.name, slot.name_size, slot.frame_size_max
    )
    if cursor.fault != FRAME_OK:
        return INPUT_FAULT
    return input_begin(sessions, slot, cursor, frame_size(&cursor.frame), now_ns)


cdef InputStatus input_begin(
    Sessions* sessions, Slot* slot, Input* cursor, uint64_t size, int64_t now_ns
) noexcept nogil:
    """Reserve room for a frame that is cut, and go on with it."""
    if sessions.inbound_bytes + size > sessions.limits.inbound_bytes_max:
        return INPUT_WAIT
    slot.partial = <uint8_t*>malloc(size)
    if slot.partial == NULL:
        return INPUT_WAIT
    sessions.inbound_bytes += size
    slot.partial_size = size
    slot.partial_have = slot.header_have
    memcpy(slot.partial, slot.header, slot.header_have)
    slot.header_have = 0
    slot.started_ns = now_ns
    return input_continue(sessions, slot, cursor)


cdef InputStatus input_continue(Sessions* sessions, Slot* slot, Input* cursor) noexcept nogil:
    """Add to the frame that is cut; show it when it is whole."""
    cdef size_t part = min(
        cursor.size - cursor.used, <size_t>(slot.partial_size - slot.partial_have)
    )
    if part > 0:
        memcpy(slot.partial + slot.partial_have, cursor.data + cursor.used, part)
        slot.partial_have += part
    cursor.used += part
    if slot.partial_have < slot.partial_size:
        return INPUT_MORE
    frame_read(slot.partial, &cursor.frame)
    cursor.frame_at = slot.partial
    return INPUT_FRAME


cdef void input_release(Sessions* sessions, Slot* slot) noexcept nogil:
    """Give back the room of a whole frame that has been used."""
    if slot.partial != NULL and slot.partial_have == slot.partial_size:
        sessions.inbound_bytes -= slot.partial_size
        free(slot.partial)
        slot.partial = NULL


cdef int slot_stash(
    Sessions* sessions, Slot* slot, const uint8_t* data, size_t size, bint is_deferred
) noexcept nogil:
    check(slot.stash == NULL, "a waiting slot is not read")
    slot.stash = <uint8_t*>malloc(max(size, <size_t>1))
    if slot.stash == NULL:
        return -1
    memcpy(slot.stash, data, size)
    slot.stash_size = size
    slot.is_waiting = True
    slot.is_deferred = is_deferred
    sessions.stash_bytes += size
    sessions.waiting += not is_deferred
    sessions.deferred += is_deferred
    return 0


cdef uint8_t* stash_take(Sessions* sessions, Slot* slot, size_t* size) noexcept nogil:
    cdef uint8_t* stash = slot.stash
    check(slot.is_waiting, "bytes are kept for a slot that waits")
    size[0] = slot.stash_size
    sessions.stash_bytes -= slot.stash_size
    sessions.waiting -= not slot.is_deferred
    sessions.deferred -= slot.is_deferred
    slot.stash = NULL
    slot.stash_size = 0
    slot.is_waiting = False
    return stash


cdef bint slot_is_over(Sessions* sessions, const Slot* slot) noexcept nogil:
    if slot.queued_messages < sessions.limits.messages_max:
        return False
    if sessions.limits.is_exact:
        return True
    return (
        slot.queued_messages > sessions.limits.messages_max
        and slot.queued_bytes > sessions.limits.bytes_max
    )


cdef int grow_queue(Slot* slot) noexcept nogil:
    """Double the queue; -1 when the system has no memory."""
    cdef uint32_t capacity = max(<uint32_t>QUEUE_FIRST, 2 * slot.queue_capacity)
    cdef QueueSlice* grown = <QueueSlice*>malloc(capacity * sizeof(QueueSlice))
    cdef uint32_t index
    if grown == NULL:
        return -1
    for index in range(slot.queue_count):
        grown[index] = queue_at(slot, index)[0]
    free(slot.queue)
    slot.queue = grown
    slot.queue_capacity = capacity
    slot.queue_first = 0
    return 0


cdef bint append_copy(Sessions* sessions, Slot* slot, const QueueSlice* slice) noexcept nogil:
    """Queue a copy of a slice, and release the slice; False when the system has no memory."""
    cdef Buffer* own = NULL
    cdef QueueSlice* last = NULL
    cdef bint is_behind_copy = False
    if slot.queue_count > 0:
        last = queue_at(slot, slot.queue_count - 1)
        is_behind_copy = last.is_copy != 0
    cdef bint is_extended = (
        is_behind_copy and last.buffer.capacity - last.buffer.size >= slice.size
    )
    if is_extended:
        own = last.buffer
    else:
        # A lone copy must not hold much either; the second of a run tells that more will come.
        own = buffer_acquire(
            sessions.pool, BUFFER_MEDIUM if is_behind_copy else class_for(slice.size)
        )
        if own == NULL:
            return False
    memcpy(own.data + own.size, slice.buffer.data + slice.offset, slice.size)
    if is_extended and not sessions.limits.is_exact:
        last.size += slice.size
        last.messages += slice.messages
    else:
        if is_extended:
            buffer_share(own)
        slot.queue_count += 1
        queue_at(slot, slot.queue_count - 1)[0] = QueueSlice(
            own, own.size, slice.size, slice.messages, True
        )
    own.size += slice.size
    buffer_release(sessions.pool, slice.buffer)
    return True


cdef void copy_last(Sessions* sessions, Slot* slot) noexcept nogil:
    """Copy the slices of the last buffer of a long queue, when they use little of it.

    To be called when the buffer gets no further slice. Those without memory stay as they are.
    """
    cdef uint32_t end = slot.queue_count
    cdef uint32_t first = end
    cdef Buffer* buffer = queue_at(slot, end - 1).buffer
    cdef uint64_t used = 0
    cdef uint32_t index
    cdef QueueSlice slice
    if queue_at(slot, end - 1).is_copy:
        return
    while first > SLICES_SHARED_MAX and queue_at(slot, first - 1).buffer == buffer:
        first -= 1
        used += queue_at(slot, first).size
        if used * SHARE_MIN >= buffer.capacity:
            return
    slot.queue_count = first
    for index in range(first, end):
        slice = queue_at(slot, index)[0]
        if not append_copy(sessions, slot, &slice):
            slot.queue_count += 1
            queue_at(slot, slot.queue_count - 1)[0] = slice


cdef int slot_enqueue(
    Sessions* sessions, uint32_t index, Buffer* buffer, uint32_t offset, uint32_t size,
    bint ends_message,
) noexcept nogil:
    cdef Slot* slot = &sessions.slots[index]
    cdef QueueSlice* last
    cdef bint is_merged = False
    if slot.is_mute:
        return 0
    if slot.queue_count > 0 and not sessions.limits.is_exact:
        last = queue_at(slot, slot.queue_count - 1)
        if last.buffer == buffer and last.offset + last.size == offset:
            last.size += size
            last.messages += ends_message
            is_merged = True
    if not is_merged:
        if (
            slot.queue_count > SLICES_SHARED_MAX
            and queue_at(slot, slot.queue_count - 1).buffer != buffer
        ):
            copy_last(sessions, slot)
        if slot.queue_count == slot.queue_capacity and grow_queue(slot) < 0:
            return -1
        buffer_share(buffer)
        slot.queue_count += 1
        queue_at(slot, slot.queue_count - 1)[0] = QueueSlice(
            buffer, offset, size, ends_message, False
        )
    slot.queued_bytes += size
    slot.queued_messages += ends_message
    sessions.queued_bytes += size
    sessions.queued_messages += ends_message
    if not slot.is_dirty:
        check(sessions.dirty_count < sessions.slot_count, "a slot is dirty once")
        slot.is_dirty = True
        sessions.dirty[sessions.dirty_count] = index
        sessions.dirty_count += 1
    return 0


cdef uint32_t dirty_take(Sessions* sessions) noexcept nogil:
    check(sessions.dirty_count > 0, "a slot is taken out of a list that has one")
    sessions.dirty_count -= 1
    cdef uint32_t index = sessions.dirty[sessions.dirty_count]
    sessions.slots[index].is_dirty = False
    return index


cdef void slot_mute(Sessions* sessions, Slot* slot) noexcept nogil:
    drop_output(sessions, slot)
    slot.is_mute = True


cdef void slot_sent(Sessions* sessions, Slot* slot, size_t size) noexcept nogil:
    check(size <= slot.queued_bytes, "no more is sent than is queued")
    cdef QueueSlice* first
    cdef uint32_t left
    slot.queued_bytes -= size
    sessions.queued_bytes -= size
    while size > 0:
        first = queue_at(slot, 0)
        left = first.size - slot.head_sent
        if size < left:
            slot.head_sent += <uint32_t>size
            return
        size -= left
        slot.queued_messages -= first.messages
        sessions.queued_messages -= first.messages
        buffer_release(sessions.pool, first.buffer)
        slot.head_sent = 0
        slot.queue_first = (slot.queue_first + 1) & (slot.queue_capacity - 1)
        slot.queue_count -= 1
    if slot.queue_count == 0 and slot.queue_capacity > QUEUE_KEPT_MAX:
        free(slot.queue)
        slot.queue = NULL
        slot.queue_capacity = 0
        slot.queue_first = 0


cdef uint64_t held_bytes(const Slot* slot) noexcept nogil:
    """Memory that ending the session would free, by its share of each buffer it refers to."""
    cdef uint64_t held = 0
    cdef uint32_t index
    for index in range(slot.queue_count):
        held += queue_at(slot, index).buffer.capacity // queue_at(slot, index).buffer.references
    return held


cdef uint32_t slot_largest(const Sessions* sessions) noexcept nogil:
    cdef uint32_t index
    cdef uint32_t found = NO_SLOT
    cdef uint64_t largest = 0
    cdef uint64_t held
    for index in range(sessions.slot_count):
        held = held_bytes(&sessions.slots[index])
        if held > largest:
            largest = held
            found = index
    return found


cdef uint32_t slot_longest_stalled(const Sessions* sessions, int64_t now_ns) noexcept nogil:
    cdef uint32_t index
    cdef uint32_t found = NO_SLOT
    cdef int64_t oldest = now_ns
    cdef int64_t milliseconds
    cdef const Slot* slot
    for index in range(sessions.slot_count):
        slot = &sessions.slots[index]
        if slot.partial == NULL or slot.started_ns >= oldest:
            continue
        milliseconds = (now_ns - slot.started_ns) // 1000000 - STALL_GRACE_MS
        if milliseconds > 0 and slot.partial_have < <uint64_t>milliseconds * STALL_BYTES_PER_MS:
            oldest = slot.started_ns
            found = index
    return found
