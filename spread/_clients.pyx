"""What clients send and get; the contract stands in `_clients.pxd`.

Source: client protocol, sections 3 to 8.
"""

from cython cimport no_gc_clear
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from spread._buffers cimport (
    BUFFER_LARGE_SIZE, Buffer, buffer_acquire, buffer_release, class_for,
)
from spread._defects cimport DEFECT_DROP_WHEN_HELD, has_defect
from spread._frames cimport (
    FRAME_HEADER_SIZE, GROUP_NAME_SIZE, TYPE_KILL, TYPE_REQUEST, TYPE_SAFE, TYPE_SELF_DISCARD,
    frame_normalise, frame_size, frame_write, name_size, reject_size, reject_write,
)
from spread._meters cimport sample_submitted
from spread._sessions cimport (
    END_BAD_FRAME, END_KILL, END_LOST, END_MEMORY, END_REFUSED, END_SLOW, END_STALLED, INPUT_FAULT,
    INPUT_FRAME, INPUT_WAIT, NO_SLOT, SLOT_ENDED, SLOT_FREE, SLOT_HANDSHAKE, SLOT_OPEN,
    Input, InputStatus, Limits, has_cut_frame, input_next, input_release, sessions_close, slot_end,
    slot_enqueue, slot_give_back, slot_is_over, slot_largest, slot_longest_stalled, slot_mute,
    slot_sent, slot_stash, stash_take,
)
from spread._stats cimport (
    STAT_BYTES_IN, STAT_BYTES_OUT, STAT_CONGESTIONS, STAT_ENDED_KILL, STAT_FRAMES_IN, STAT_NOTICES,
    STAT_READS, STAT_REJECTS, STAT_WRITES,
)
from spread._submissions cimport SUBMIT_OK

cdef enum:
    INPUT_SIZE_MAX = 256 * 1024    # Bytes of one read.
    INPUT_SIZE_SHORT = 4096        # The same while memory for partial frames is short.
    REQUESTS_MAX = 64              # Joins and leaves of one session per turn: each calls Python.
    # Submitted and not in the order: senders wait. A ring of one orders all of it in a turn; in a
    # ring of several, what comes behind it (a join, say) waits for the token as often as
    # 512 KiB / (20 packets of 1.4 KB), 18 times.
    PENDING_BYTES_MAX = 8 * 1024 * 1024
    PENDING_BYTES_RING = 512 * 1024
    RELIEF_NS = 100000000          # Congestion that lasts longer ends the largest queues.


@no_gc_clear
cdef class Clients(Member):
    """The half of a daemon that faces its clients; use it as a `Node`."""

    def __dealloc__(self):
        sessions_close(&self.sessions)

    # -- Input ----------------------------------------------------------------------------------

    cdef void input(
        self, uint32_t index, uint8_t* data, size_t size, int64_t now_ns
    ) noexcept nogil:
        cdef Slot* slot = &self.sessions.slots[index]
        cdef size_t used = 0
        self.now_ns = now_ns
        self.counters[STAT_READS] += 1
        self.counters[STAT_BYTES_IN] += size
        if slot.state == SLOT_HANDSHAKE:
            used = self.call_handshake(index, data, size)
            slot = &self.sessions.slots[index]
        if slot.state == SLOT_OPEN:
            self.input_frames(index, data + used, size - used)

    cdef size_t input_room(self, uint32_t index, uint8_t** room_at) noexcept nogil:
        cdef Slot* slot = &self.sessions.slots[index]
        if slot.partial == NULL:
            return 0
        room_at[0] = slot.partial + slot.partial_have
        return <size_t>(slot.partial_size - slot.partial_have)

    cdef void input_filled(self, uint32_t index, size_t size) noexcept nogil:
        self.counters[STAT_BYTES_IN] += size
        self.sessions.slots[index].partial_have += size

    cdef void input_frames(self, uint32_t index, uint8_t* data, size_t size) noexcept nogil:
        """Submit every whole frame in the bytes; keep the rest."""
        cdef Slot* slot = &self.sessions.slots[index]
        cdef Input cursor
        cdef InputStatus status = INPUT_FRAME
        cdef uint32_t requests = 0
        cursor.data = data
        cursor.size = size
        cursor.used = 0
        while slot.state == SLOT_OPEN and (cursor.used < size or has_cut_frame(slot)):
            if requests == REQUESTS_MAX:
                status = INPUT_WAIT
                break
            status = input_next(&self.sessions, slot, &cursor, self.now_ns)
            if status != INPUT_FRAME:
                break
            requests += cursor.frame.type & TYPE_REQUEST != 0
            self.submit(index, cursor.frame_at, &cursor.frame)
            slot = &self.sessions.slots[index]
            input_release(&self.sessions, slot)
        if status == INPUT_FAULT:
            slot.fault = cursor.fault
            self.end_session(index, END_BAD_FRAME)
        elif status == INPUT_WAIT and slot_stash(
            &self.sessions, slot, data + cursor.used, size - cursor.used,
            requests == REQUESTS_MAX,
        ) < 0:
            self.end_session(index, END_MEMORY)

    cdef void submit(self, uint32_t index, uint8_t* frame_at, Frame* frame) noexcept nogil:
        """Hand one checked frame to the ring, or answer it with a REJECT."""
        cdef Slot* slot = &self.sessions.slots[index]
        self.counters[STAT_FRAMES_IN] += 1
        if frame.type & TYPE_KILL:
            self.end_session(index, END_KILL)
            return
        if frame.type & TYPE_REQUEST or slot.asks_policy:
            if not self.call_request(index, frame_at, frame):
                self.reject(index, frame_at, frame)
                return
        if frame.type & TYPE_REQUEST:
            # Only the first name counts; further names and data are ignored.
            if frame.group_count == 0:
                return
            frame.group_count = 1
            frame.body_size = 0
        if has_defect(self.station.defects, DEFECT_DROP_WHEN_HELD) and (
            self.station.clients.is_held
        ):
            return
        frame_normalise(frame_at, frame)
        cdef size_t head_size = (
            FRAME_HEADER_SIZE + GROUP_NAME_SIZE * <size_t>frame.group_count
        )
        if self.station.clients.append(
            frame_at, head_size, <size_t>frame_size(frame)
        ) != SUBMIT_OK:
            self.end_session(index, END_MEMORY)
            return
        sample_submitted(
            &self.station.meters.sample, not frame.type & TYPE_REQUEST, self.now_ns
        )

    cdef void reject(self, uint32_t index, const uint8_t* frame_at, Frame* frame) noexcept nogil:
        """Send a refused frame back to its sender: client protocol, section 3.9."""
        self.counters[STAT_REJECTS] += 1
        if frame.type & TYPE_SELF_DISCARD:
            return
        if not self.has_room(index):
            return
        cdef size_t size = reject_size(frame)
        cdef uint8_t* answer = <uint8_t*>malloc(size)
        if answer == NULL:
            self.end_session(index, END_MEMORY)
            return
        reject_write(answer, frame_at, frame, self.sessions.slots[index].name)
        self.queue_bytes(&index, 1, answer, size, True)
        free(answer)

    cdef void input_end(self, uint32_t index) noexcept nogil:
        cdef Slot* slot = &self.sessions.slots[index]
        if slot.state == SLOT_HANDSHAKE and not slot.is_closing:
            # A client that ends its side in the handshake still gets its answer.
            self.call_handshake(index, NULL, 0)
            if self.sessions.slots[index].is_closing:
                return
        while slot.is_waiting and slot.is_deferred:
            self.resume(index)
        self.end_session(index, END_LOST)

    cdef bint wants_input(self, uint32_t index) noexcept nogil:
        cdef const Slot* slot = &self.sessions.slots[index]
        if slot.state == SLOT_HANDSHAKE:
            return not slot.is_closing
        return (
            slot.state == SLOT_OPEN and not slot.is_waiting and not self.is_congested
            and self.station.clients.pending_bytes < self.pending_bytes_max()
        )

    cdef uint64_t pending_bytes_max(self) noexcept nogil:
        return PENDING_BYTES_MAX if self.station.daemon_count == 1 else PENDING_BYTES_RING

    cdef size_t input_size_max(self) noexcept nogil:
        cdef uint64_t bytes_held = self.sessions.inbound_bytes + self.sessions.stash_bytes
        if 4 * bytes_held > 3 * self.sessions.limits.inbound_bytes_max:
            return INPUT_SIZE_SHORT
        return INPUT_SIZE_MAX

    # -- Notices --------------------------------------------------------------------------------

    cdef void queue_bytes(
        self, const uint32_t* slots, uint32_t count, const uint8_t* data, size_t size,
        bint is_message,
    ) noexcept nogil:
        """Queue bytes of our own for several sessions, in shared buffers."""
        cdef size_t at = 0
        cdef size_t part
        cdef Buffer* buffer
        cdef uint32_t target, index
        while at < size:
            part = min(size - at, <size_t>BUFFER_LARGE_SIZE)
            buffer = buffer_acquire(&self.pool, class_for(part))
            if buffer != NULL:
                memcpy(buffer.data, data + at, part)
                buffer.size = <uint32_t>part
            for target in range(count):
                index = slots[target]
                if self.sessions.slots[index].state == SLOT_ENDED:
                    continue
                if buffer == NULL:
                    self.end_session(index, END_MEMORY)
                    continue
                if slot_enqueue(
                    &self.sessions, index, buffer, 0, <uint32_t>part,
                    is_message and at + part == size,
                ) < 0:
                    self.end_session(index, END_MEMORY)
            if buffer != NULL:
                buffer_release(&self.pool, buffer)
            at += part

    cdef void queue_notice(
        self, const uint32_t* slots, uint32_t count, const uint8_t* data, size_t size
    ) noexcept nogil:
        """Queue a membership message; receivers at their bound are ended or offered a write."""
        for target in range(count):
            self.has_room(slots[target])
        self.counters[STAT_NOTICES] += count
        self.queue_bytes(slots, count, data, size, True)

    cdef bint has_room(self, uint32_t index) noexcept nogil:
        """Whether a session may get a message of our own; one that is over its bound is ended."""
        cdef const Slot* slot = &self.sessions.slots[index]
        if slot.state == SLOT_OPEN and slot_is_over(&self.sessions, slot):
            if slot.is_blocked or slot.queue_count == 0:
                self.end_session(index, END_SLOW)
            else:
                self.wants_write = True
        return slot.state == SLOT_OPEN

    # -- Output ---------------------------------------------------------------------------------

    cdef void output_sent(self, uint32_t index, size_t size) noexcept nogil:
        self.counters[STAT_WRITES] += 1
        self.counters[STAT_BYTES_OUT] += size
        slot_sent(&self.sessions, &self.sessions.slots[index], size)
        self.sessions.slots[index].is_blocked = False

    cdef void output_full(self, uint32_t index) noexcept nogil:
        cdef Slot* slot = &self.sessions.slots[index]
        cdef const Limits* limits = &self.sessions.limits
        slot.is_blocked = True
        # Several notices of one departure come without a write in between.
        if limits.is_exact and slot.queued_messages > limits.messages_max:
            self.end_session(index, END_SLOW)

    cdef void output_broken(self, uint32_t index) noexcept nogil:
        cdef Slot* slot = &self.sessions.slots[index]
        slot_mute(&self.sessions, slot)
        if slot.state == SLOT_HANDSHAKE:
            # Nobody is left to be answered.
            self.end_session(index, END_LOST)

    cdef void output_offered(self, uint32_t index) noexcept nogil:
        if self.sessions.slots[index].is_closing:
            self.end_session(index, END_REFUSED)

    # -- End of sessions ------------------------------------------------------------------------

    cdef void end_session(self, uint32_t index, EndReason reason) noexcept nogil:
        cdef Slot* slot = &self.sessions.slots[index]
        if slot.state == SLOT_ENDED or slot.state == SLOT_FREE:
            return
        cdef bint had_name = slot.state == SLOT_OPEN
        slot_end(&self.sessions, index, reason)
        self.counters[STAT_ENDED_KILL + <int>reason - 1] += 1
        if had_name:
            self.submit_departure(slot)
        else:
            slot.is_departed = True

    cdef void submit_departure(self, Slot* slot) noexcept nogil:
        """Order the end of a session; a lost connection is ordered like SAFE."""
        cdef uint8_t frame[FRAME_HEADER_SIZE]
        cdef uint32_t type_bits = TYPE_KILL if slot.reason == END_KILL else TYPE_KILL | TYPE_SAFE
        frame_write(frame, type_bits, slot.name, slot.name_size, 0, 0, 0)
        slot.owes_departure = (
            self.station.clients.append(frame, FRAME_HEADER_SIZE, FRAME_HEADER_SIZE)
            != SUBMIT_OK
        )
        if not slot.owes_departure:
            sample_submitted(&self.station.meters.sample, False, self.now_ns)
        self.owes_departures |= slot.owes_departure

    cdef void pay_departures(self) noexcept nogil:
        """Submit the departures that found no memory."""
        cdef uint32_t index
        self.owes_departures = False
        for index in range(self.sessions.slot_count):
            if self.sessions.slots[index].owes_departure:
                self.submit_departure(&self.sessions.slots[index])

    cdef void connection_closed(self, uint32_t index) noexcept nogil:
        cdef Slot* slot = &self.sessions.slots[index]
        slot.is_closed = True
        if slot.is_departed:
            slot_give_back(&self.sessions, index)

    # -- Memory ---------------------------------------------------------------------------------

    cdef bint end_largest(self) noexcept nogil:
        """End the session with the longest queue; False when nothing is queued."""
        cdef uint32_t index = slot_largest(&self.sessions)
        if index != NO_SLOT:
            self.end_session(index, END_MEMORY)
        return index != NO_SLOT

    cdef void relieve(self) noexcept nogil:
        """Pause and resume reading by the memory in use; end who holds it too long."""
        if 4 * self.pool.bytes_in_use <= 3 * self.queued_bytes_max:
            self.is_congested = False
        elif 8 * self.pool.bytes_in_use > 7 * self.queued_bytes_max and not self.is_congested:
            self.is_congested = True
            self.counters[STAT_CONGESTIONS] += 1
        cdef bint is_short = self.is_congested or self.sessions.waiting > 0
        if not is_short:
            self.relief_ns = 0
            return
        if self.relief_ns == 0:
            self.relief_ns = self.now_ns + RELIEF_NS
            return
        if self.now_ns < self.relief_ns:
            return
        self.relief_ns = self.now_ns + RELIEF_NS
        while self.is_congested and 4 * self.pool.bytes_in_use > 3 * self.queued_bytes_max:
            self.is_congested = self.end_largest()
        cdef uint32_t index = slot_longest_stalled(&self.sessions, self.now_ns)
        if self.sessions.waiting > 0 and index != NO_SLOT:
            self.end_session(index, END_STALLED)
            self.resume_waiting()

    cdef void resume_waiting(self) noexcept nogil:
        """Go on with sessions that waited for their turn, or for memory as far as there is some."""
        cdef uint32_t index
        for index in range(self.sessions.slot_count):
            if self.sessions.slots[index].is_waiting:
                self.resume(index)

    cdef void resume(self, uint32_t index) noexcept nogil:
        """Go on with the bytes that are kept for a session."""
        cdef size_t size = 0
        cdef uint8_t* stash = stash_take(&self.sessions, &self.sessions.slots[index], &size)
        self.input_frames(index, stash, size)
        free(stash)

    # -- Upcalls ----------------------------------------------------------------------------------

    cdef size_t call_handshake(
        self, uint32_t index, const uint8_t* data, size_t size
    ) noexcept with gil:
        """Python decides about a connection; returns the bytes that belong to the handshake."""
        try:
            left = self.upcalls.handshake(index, b"" if size == 0 else (<const char*>data)[:size])
            return size - min(size, <size_t>left)
        except BaseException as error:
            self.fail(error)
            return size

    cdef bint call_request(
        self, uint32_t index, const uint8_t* frame_at, const Frame* frame
    ) noexcept with gil:
        """Python admits or refuses a join or leave, or what the session's policy asks for."""
        cdef const uint8_t* field = frame_at + FRAME_HEADER_SIZE
        cdef int32_t _number
        try:
            groups = []
            for _number in range(frame.group_count):
                groups.append((<const char*>field)[:name_size(field)])
                field += GROUP_NAME_SIZE
            return self.upcalls.request(
                index, frame.type, groups, (frame.hint >> 8) & 0xFFFF
            )
        except BaseException as error:
            self.fail(error)
            return False
