"""A driver of a `Node` without sockets: bytes in and out by Python calls.

The simulator and the tests of sessions, groups and limits drive the daemon's own object code with
it, one call per event, on a clock of their own.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cython cimport final

from spread._buffers cimport (
    BUFFER_LARGE, BUFFER_LARGE_SIZE, Buffer, Pool, buffer_acquire, buffer_release, class_for,
)
from spread._check cimport check
from spread._node cimport NODE_WRITE, Node
from spread._outbox cimport Outbox, Outgoing, outbox_clear
from spread._sessions cimport Slot, dirty_take, ended_clear, queue_at

from spread.errors import MisuseError


@final
cdef class MemoryDriver:
    """Drives one node; the connections are the slots it hands out."""

    cdef Node node

    def __init__(self, Node node not None):
        self.node = node

    def receive(self, uint32_t index, bytes data not None, int64_t now_ns):
        """Hand in bytes of a connection; False when the session is not read now."""
        self.node.slot_at(index)
        if not self.node.wants_input(index):
            return False
        cdef bytearray copy = bytearray(data)
        cdef uint8_t[::1] view = copy
        cdef uint8_t* room_at = NULL
        cdef size_t direct = min(<size_t>len(copy), self.node.input_room(index, &room_at))
        if len(copy) > 0:
            # As the reactor does: first into the frame that is cut.
            memcpy(room_at, &view[0], direct)
            self.node.input_filled(index, direct)
            self.node.input(index, &view[0] + direct, len(copy) - direct, now_ns)
        self.node.raise_failure()
        return True

    def receive_end(self, uint32_t index):
        """The client closed its side of the connection."""
        self.node.slot_at(index)
        self.node.input_end(index)

    def step(self, int64_t now_ns):
        """Run a turn; True when dirty sessions must be written to before it can go on."""
        cdef bint wants_write = self.node.turn(now_ns) == NODE_WRITE
        self.node.raise_failure()
        self.check_invariants()
        return wants_write

    def deadline(self):
        """Return the monotonic time of the next deadline in nanoseconds, 0 for none."""
        return self.node.next_deadline()

    def take_output(self, uint32_t index, size_t size_max):
        """Take up to `size_max` queued bytes; what is left finds the connection full."""
        cdef Slot* slot = self.node.slot_at(index)
        cdef size_t taken = 0
        cdef size_t part
        cdef uint32_t number, skip
        cdef const uint8_t* data
        parts = []
        for number in range(slot.queue_count):
            skip = slot.head_sent if number == 0 else 0
            part = min(size_max - taken, <size_t>(queue_at(slot, number).size - skip))
            data = queue_at(slot, number).buffer.data + queue_at(slot, number).offset + skip
            parts.append((<const char*>data)[:part])
            taken += part
        self.node.output_sent(index, taken)
        if slot.queue_count > 0:
            self.node.output_full(index)
        self.node.output_offered(index)
        return b"".join(parts)

    def take_dirty(self):
        """Return the slots that got output since the last call."""
        result = []
        while self.node.sessions.dirty_count > 0:
            result.append(dirty_take(&self.node.sessions))
        return result[::-1]

    def take_ended(self):
        """Return the slots that have ended; their connections count as closed from here on."""
        result = [
            self.node.sessions.ended[number]
            for number in range(self.node.sessions.ended_reported)
        ]
        ended_clear(&self.node.sessions)
        for index in result:
            self.node.connection_closed(index)
        return result

    def receive_datagram(self, bytes data not None, uint32_t source, int64_t now_ns):
        """Hand in a datagram that came from this IPv4 address."""
        cdef Buffer* buffer = buffer_with(&self.node.pool, data, class_for(len(data)))
        self.node.datagram(buffer, 0, buffer.size, source, now_ns)
        buffer_release(&self.node.pool, buffer)
        self.node.raise_failure()

    def receive_joint(self, list datagrams not None, uint32_t source, int64_t now_ns):
        """Hand in datagrams that the system has joined: they come in one buffer."""
        cdef Buffer* buffer = buffer_with(&self.node.pool, b"".join(datagrams), BUFFER_LARGE)
        cdef uint32_t offset = 0
        for each in datagrams:
            self.node.datagram(buffer, offset, <uint32_t>len(each), source, now_ns)
            offset += <uint32_t>len(each)
        buffer_release(&self.node.pool, buffer)
        self.node.raise_failure()

    def take_datagrams(self):
        """Take what is to be sent: (daemon number or 256 for the segment, channel, bytes)."""
        cdef Outbox* outbox = &self.node.outbox
        cdef const Outgoing* each
        cdef uint32_t number
        result = []
        for number in range(outbox.count):
            each = &outbox.entries[number]
            data = (<const char*>(each.buffer.data + each.offset))[:each.size]
            result.append((each.target, each.channel, data))
        outbox_clear(outbox, &self.node.pool)
        return result

    def unreachable(self, uint32_t daemon, int64_t now_ns):
        """The host of a daemon answered that nobody listens there."""
        self.node.unreachable(daemon, now_ns)
        self.node.raise_failure()

    cdef void check_invariants(self) noexcept nogil:
        """Check what must hold between two calls, in every part of the node."""
        cdef uint64_t queued = 0
        cdef uint32_t index
        self.node.ring.invariants()
        self.node.active.invariants()
        self.node.station.clients.invariants()
        check(
            self.node.sessions.dirty_count <= self.node.sessions.slot_count, "a slot is dirty once"
        )
        check(self.node.sessions.ended_count <= self.node.sessions.slot_count, "a slot ends once")
        for index in range(self.node.sessions.slot_count):
            queued += self.node.sessions.slots[index].queued_bytes
        check(queued == self.node.sessions.queued_bytes, "queued bytes add up")


cdef Buffer* buffer_with(Pool* pool, bytes data, uint32_t size_class) except NULL:
    """Return a buffer of this class with these bytes, and its reference."""
    if len(data) > BUFFER_LARGE_SIZE:
        raise MisuseError(f"a datagram of {len(data)} bytes does not exist")
    cdef Buffer* buffer = buffer_acquire(pool, size_class)
    if buffer == NULL:
        raise MemoryError("no memory for a datagram")
    memcpy(buffer.data, <const char*>data, len(data))
    buffer.size = <uint32_t>len(data)
    return buffer
