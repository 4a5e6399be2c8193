"""The UDP sockets of one daemon of a ring; the contract stands in `_datagrams.pxd`."""

from cython cimport final, no_gc_clear
from libc.string cimport memcmp

from spread._buffers cimport BUFFER_LARGE, buffer_acquire, buffer_release
from spread._faults cimport Held
from spread._packets cimport (
    PACKET_HEADER_SIZE, PACKET_OK, Packet, packet_is_monitor, packet_is_query, packet_read,
)
from spread._poller cimport READY_READ, READY_WRITE, poller_add
from spread._sender cimport PROBE_NUMBER
from spread._stats cimport STAT_DROPPED_DAMAGED
from spread._sys cimport (
    SYS_BATCH_MAX, sys_address, sys_address_ipv4, sys_address_port, sys_buffer, sys_buffer_set,
    sys_coalesce, sys_control, sys_ignore_refusals, sys_message, sys_message_expect_segments,
    sys_message_is_cut, sys_message_segment_size, sys_message_set, sys_message_size, sys_readv,
    sys_receive, sys_was_refused, sys_would_block,
)

from spread._sender import COUNTERS as SENDER_COUNTERS
from spread.counters import ARRIVALS as FIGURES_OF_ARRIVALS
from spread.counters import names_of
from spread.errors import MisuseError

ARRIVALS = names_of(FIGURES_OF_ARRIVALS)
"""Name and meaning of the counters here, in the order of `_datagrams.pxd`."""

if len(ARRIVALS) != COUNT_COUNT:
    raise AssertionError("every counter has a name and a meaning")

COUNTERS = ARRIVALS + SENDER_COUNTERS
"""Name and meaning of each counter."""


cdef uint32_t datagrams_in(const Arrival* arrival) noexcept nogil:
    """Return how many came joined; an empty one is one, too."""
    cdef uint32_t segment = max(arrival.segment, <uint32_t>1)
    return max((arrival.size + segment - 1) // segment, <uint32_t>1)


cdef uint32_t second_header(const uint8_t* data, uint32_t size) noexcept nogil:
    """Return where another packet seems to begin, with the magic, version and network of the first.

    `size` if there is none.
    """
    cdef uint32_t offset
    for offset in range(PACKET_HEADER_SIZE, max(size, <uint32_t>PACKET_HEADER_SIZE)):
        if offset + PACKET_HEADER_SIZE > size:
            break
        if (
            data[offset] == data[0] and memcmp(data + offset, data, 3) == 0
            and data[offset + 4] == data[4] and memcmp(data + offset + 8, data + 8, 8) == 0
        ):
            return offset
    return size


# Its buffers belong to the node's pool, so the node must outlive it whoever collects them.
@final
@no_gc_clear
cdef class Datagrams:
    """The sockets, what has arrived, and the sender."""

    def __cinit__(self, Node node not None, sockets, *, uint32_t window, report,
                  Faults faults=None, bint offload=True):
        self.node = node
        self.sender = Sender(node, sockets, report, offload)
        self.faults = faults
        self.has_faults = faults is not None
        self.serve_max = max(2 * window, <uint32_t>BATCH_MAX)
        if sockets.sender not in sockets.data:
            raise MisuseError(f"descriptor {sockets.sender} sends, so it must be a data socket")
        self.set_ports(sockets.data, sockets.token, offload)

    def __dealloc__(self):
        cdef uint32_t number
        for number in range(BATCH_MAX + 1):
            if self.inbox[number].buffer != NULL:
                buffer_release(&self.node.pool, self.inbox[number].buffer)
        if self.has_faults:
            self.faults.clear(&self.node.pool)

    cdef int set_ports(self, data, token, bint offload) except -1:
        cdef uint32_t capacity
        if len(data) + len(token) > SOCKETS_MAX:
            raise MisuseError(f"{len(data) + len(token)} sockets; at most {SOCKETS_MAX}")
        self.data_count = <uint32_t>len(data)
        self.is_coalescing = offload
        for descriptor in data:
            self.is_coalescing &= sys_coalesce(descriptor, offload)
        if not self.is_coalescing:
            # All or none: what one of them joined would be taken for a single datagram.
            for descriptor in data:
                sys_coalesce(descriptor, False)
        for descriptor in (*data, *token):
            capacity = JOINT_BATCH_MAX if self.is_coalescing else BATCH_MAX
            if self.port_count >= self.data_count:
                capacity = 1
            self.ports[self.port_count] = Port(descriptor, min(capacity, SYS_BATCH_MAX), False)
            self.port_count += 1
        return 0

    cdef int attach(self, Poller* poller, uint64_t mark) except -1:
        cdef uint32_t number
        for number in range(self.port_count):
            if self.ports[number].socket == self.sender.socket and number < self.data_count:
                self.sender.attach(poller, mark, number)
            sys_ignore_refusals(self.ports[number].socket)
            if poller_add(poller, self.ports[number].socket, mark | number, READY_READ) < 0:
                raise OSError(f"descriptor {self.ports[number].socket} cannot be watched")
        return 0

    # -- Receiving --------------------------------------------------------------------------------

    cdef void ready(self, uint32_t number, uint32_t ready, int64_t now_ns) noexcept nogil:
        self.now_ns = now_ns
        if number >= PROBE_NUMBER:
            self.sender.read_probe(number - PROBE_NUMBER, now_ns)
            return
        if ready & READY_WRITE:
            self.sender.writable(now_ns)
        if ready != READY_WRITE:
            self.ports[number].is_ready = True

    cdef uint64_t serve(self, int64_t now_ns) noexcept nogil:
        cdef uint32_t handed = 0
        cdef uint64_t bytes_in = 0
        cdef Arrival* arrival
        cdef bint may_ask = True     # The token's socket has not been tried since the last batch.
        self.now_ns = now_ns
        self.node.station.now_ns = now_ns
        if self.node.was_paused():
            self.drop_stale()
        if self.sender.refused_count > 0:
            self.sender.tell_refusals(now_ns)
        if self.has_faults:
            self.release_held()
        while handed < self.serve_max and bytes_in < SERVE_BYTES_MAX:
            if may_ask and self.node.prefers_token:
                may_ask = False
                # Junk at the token's port must not keep data waiting: only the token itself does.
                if self.take_token(True) and not self.node.prefers_token:
                    return bytes_in
            if self.inbox_next == self.inbox_count:
                self.sender.flush(now_ns)
                if not self.refill():
                    break
                may_ask = True
            arrival = &self.inbox[self.inbox_next]
            # Tiny datagrams cost as much each as others, however few bytes they are together.
            handed += datagrams_in(arrival)
            bytes_in += self.open_arrival(arrival)
            self.inbox_next += 1
        self.take_token(False)
        self.sender.flush(now_ns)
        return bytes_in

    cdef bint has_work(self) noexcept nogil:
        return self.inbox_next < self.inbox_count or self.sender.has_work()

    cdef int64_t next_due(self) noexcept nogil:
        return self.faults.next_due() if self.has_faults else 0

    cdef void drop_stale(self) noexcept nogil:
        """Forget what came while this process did not run: others have gone on without it.

        It would follow daemons that looked for each other then, and wait for them now.
        """
        cdef uint32_t number, count
        cdef uint32_t reads = 0
        cdef Port* port
        self.count_stale(self.inbox_next, self.inbox_count)
        for number in range(self.port_count):
            port = &self.ports[number]
            reads = 0
            while reads < STALE_READS_MAX:
                count = self.receive(port, 0, port.capacity)
                self.count_stale(0, count)
                if count == 0:
                    break
                reads += count
        self.inbox_next = self.inbox_count

    cdef void count_stale(self, uint32_t first, uint32_t last) noexcept nogil:
        cdef uint32_t number
        for number in range(first, last):
            self.counters[COUNT_STALE] += datagrams_in(&self.inbox[number])

    cdef bint refill(self) noexcept nogil:
        """Read one batch from the next data socket that has something."""
        cdef uint32_t step
        cdef Port* port
        self.inbox_next = 0
        self.inbox_count = 0
        for step in range(self.data_count):
            port = &self.ports[(self.next_data + step) % self.data_count]
            if port.is_ready:
                self.inbox_count = self.receive(port, 0, port.capacity)
            if self.inbox_count > 0:
                self.next_data = (self.next_data + step + 1) % self.data_count
                return True
        return False

    cdef bint take_token(self, bint is_wanted) noexcept nogil:
        """Read one datagram from the token's sockets and send at once what it gives rise to.

        One that is wanted may have come since the poller was asked.
        """
        cdef uint32_t number
        cdef Port* port
        for number in range(self.data_count, self.port_count):
            port = &self.ports[number]
            if (port.is_ready or is_wanted) and self.receive(port, BATCH_MAX, 1) > 0:
                # The poller tells again if there is another one.
                port.is_ready = False
                self.open_arrival(&self.inbox[BATCH_MAX])
                self.sender.flush(self.now_ns)
                return True
        return False

    cdef uint32_t receive(self, Port* port, uint32_t first, uint32_t count) noexcept nogil:
        """Receive up to `count` datagrams into the inbox from `first` on; returns how many."""
        cdef sys_message messages[BATCH_MAX]
        cdef sys_buffer buffers[BATCH_MAX]
        cdef sys_address sources[BATCH_MAX]
        cdef sys_control controls[BATCH_MAX]
        cdef uint32_t number
        cdef Arrival* arrival
        count = self.provide(first, count)
        if count == 0:
            # What stays in the socket would keep the loop awake.
            self.counters[COUNT_RECEIVE_MEMORY] += self.discard(port, BATCH_MAX)
            return 0
        for number in range(count):
            arrival = &self.inbox[first + number]
            sys_buffer_set(&buffers[number], arrival.buffer.data, arrival.buffer.capacity)
            sys_message_set(&messages[number], &buffers[number], 1, &sources[number])
            if self.is_coalescing:
                sys_message_expect_segments(&messages[number], &controls[number])
        cdef int received = sys_receive(port.socket, messages, count)
        port.is_ready = received == <int>count
        if received < 0:
            # Some systems tell here that a port is closed to which something was sent.
            self.counters[COUNT_RECEIVE_ERRORS] += not (sys_would_block() or sys_was_refused())
            return 0
        self.counters[COUNT_RECEIVES] += 1
        for number in range(<uint32_t>received):
            arrival = &self.inbox[first + number]
            arrival.size = sys_message_size(&messages[number])
            arrival.segment = sys_message_segment_size(&messages[number])
            self.counters[COUNT_JOINED] += arrival.segment < arrival.size
            arrival.source = sys_address_ipv4(&sources[number])
            arrival.port = sys_address_port(&sources[number])
            arrival.is_cut = sys_message_is_cut(&messages[number])
        return <uint32_t>received

    cdef uint32_t provide(self, uint32_t first, uint32_t count) noexcept nogil:
        """Give arrivals the buffers that they lack; returns how many have one."""
        cdef uint32_t number
        for number in range(first, first + count):
            if self.inbox[number].buffer == NULL:
                self.inbox[number].buffer = buffer_acquire(&self.node.pool, BUFFER_LARGE)
                if self.inbox[number].buffer == NULL:
                    return number - first
        return count

    cdef uint32_t discard(self, Port* port, uint32_t reads_max) noexcept nogil:
        """Drop what has arrived, at most so many; returns how many."""
        cdef uint8_t scratch[64]
        cdef sys_buffer buffer
        cdef uint32_t reads = 0
        sys_buffer_set(&buffer, scratch, sizeof(scratch))
        while reads < reads_max and sys_readv(port.socket, &buffer, 1) >= 0:
            reads += 1
        port.is_ready = False
        return reads

    cdef uint64_t open_arrival(self, Arrival* arrival) noexcept nogil:
        """Hand over each datagram that came in one buffer; returns the buffer's bytes."""
        cdef Buffer* buffer = arrival.buffer
        cdef uint64_t damaged = self.node.counters[STAT_DROPPED_DAMAGED]
        if arrival.is_cut:
            self.counters[COUNT_TRUNCATED] += datagrams_in(arrival)
            return 0
        buffer.size = arrival.size
        self.hand_over_each(arrival)
        if (
            self.is_coalescing and arrival.segment >= arrival.size
            and self.node.counters[STAT_DROPPED_DAMAGED] != damaged
        ):
            self.open_unmarked(arrival)
        self.counters[COUNT_BYTES_IN] += arrival.size
        if buffer.references > 1:
            buffer_release(&self.node.pool, buffer)
            arrival.buffer = NULL
        return arrival.size

    cdef void open_unmarked(self, Arrival* arrival) noexcept nogil:
        """Look for several datagrams in what was taken for a damaged one, and let none be joined.

        Some systems join datagrams without telling their size, with some devices only.
        """
        cdef Packet packet
        cdef uint32_t first = second_header(arrival.buffer.data, arrival.size)
        if first == arrival.size or packet_read(
            &packet, arrival.buffer.data, first, self.node.station.network,
            self.node.station.daemon_count,
        ) != PACKET_OK:
            return
        self.counters[COUNT_UNMARKED] += 1
        cdef uint32_t number
        for number in range(self.data_count):
            sys_coalesce(self.ports[number].socket, False)
        arrival.segment = first
        self.hand_over_each(arrival)

    cdef void hand_over_each(self, const Arrival* arrival) noexcept nogil:
        cdef uint32_t offset = 0
        cdef uint32_t size
        # Empty datagrams are counted and handed over too: somebody has sent them.
        while offset < arrival.size or offset == 0:
            size = min(arrival.segment, arrival.size - offset)
            self.counters[COUNT_IN] += 1
            self.hand_over(arrival, offset, size)
            offset += max(size, <uint32_t>1)

    cdef void hand_over(
        self, const Arrival* arrival, uint32_t offset, uint32_t size
    ) noexcept nogil:
        """Hand a datagram to the node; one of a monitor is no part of the ring and its faults."""
        cdef const uint8_t* data = arrival.buffer.data + offset
        cdef bint came_for_token = arrival == &self.inbox[BATCH_MAX]
        if packet_is_query(data, size) or (not came_for_token and packet_is_monitor(data, size)):
            self.node.monitor_datagram(data, size, arrival.source, arrival.port, self.now_ns)
        elif self.has_faults:
            self.distort(arrival.buffer, offset, size, arrival.source)
        else:
            self.node.datagram(arrival.buffer, offset, size, arrival.source, self.now_ns)

    cdef void distort(
        self, Buffer* buffer, uint32_t offset, uint32_t size, uint32_t source
    ) noexcept nogil:
        """Hand over, hold back, copy or lose a datagram, as the faults will have it."""
        cdef int64_t delays_ns[FAULT_COPIES_MAX]
        cdef uint32_t count = self.faults.draw(size, delays_ns)
        cdef uint32_t number
        self.counters[COUNT_FAULTS_LOST] += count == 0
        self.counters[COUNT_FAULTS_COPIED] += count > 1
        for number in range(count):
            if delays_ns[number] == 0:
                self.node.datagram(buffer, offset, size, source, self.now_ns)
                continue
            self.counters[COUNT_FAULTS_DELAYED] += 1
            if self.faults.hold(
                &self.node.pool, buffer, offset, size, source, self.now_ns + delays_ns[number]
            ) < 0:
                self.counters[COUNT_FAULTS_LOST] += 1

    cdef void release_held(self) noexcept nogil:
        cdef Held held
        while self.faults.take(self.now_ns, &held):
            self.node.datagram(held.buffer, 0, held.size, held.source, self.now_ns)
            buffer_release(&self.node.pool, held.buffer)

    # -- Face for Python --------------------------------------------------------------------------

    def renumber(self, sockets):
        """Send to the daemons of another network; the sockets are the same.

        `sockets` are `RingSockets`. What waits to be sent to those before is dropped. Raises
        MisuseError.
        """
        self.sender.renumber(sockets)

    @property
    def segmentation(self):
        """Whether datagrams leave joined, wherever the way takes that."""
        return self.sender.can_segment

    @property
    def coalescing(self):
        """Whether the system joins datagrams that arrive."""
        return self.is_coalescing

    def statistics(self):
        """Return the counters, by the names of COUNTERS."""
        cdef uint32_t number
        own = {
            ARRIVALS[number][0]: self.counters[number] for number in range(<uint32_t>COUNT_COUNT)
        }
        return own | self.sender.statistics()
