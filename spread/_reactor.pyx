"""Sockets and the poll loop around a `Node`; the contract stands in `_reactor.pxd`."""

from cython cimport final
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

from spread._node cimport NODE_WRITE, NodeStatus
from spread._packets cimport packet_is_monitor
from spread._poller cimport (
    POLLER_EVENTS_MAX, READY_BROKEN, READY_READ, READY_WRITE, poller_add, poller_change,
    poller_close, poller_defer, poller_open, poller_remove, poller_wait,
)
from spread._sessions cimport (
    END_KILL, END_LOST, END_REFUSED, END_SHUTDOWN, SLOT_ENDED, SLOT_OPEN, QueueSlice, Slot,
    dirty_take, ended_clear, queue_at,
)
from spread._sys cimport (
    SYS_ENOBUFS, SYS_HAS_EPOLL, sys_address, sys_address_ipv4, sys_address_port, sys_buffer,
    sys_buffer_set, sys_close, sys_error, sys_ignore_refusals, sys_message, sys_message_set,
    sys_message_size, sys_now_ns, sys_readv, sys_receive, sys_shutdown_send, sys_trim_memory,
    sys_was_interrupted, sys_would_block, sys_writev, sys_yield,
)

from spread.errors import MisuseError

cdef enum:
    BUFFER_SIZE = 256 * 1024
    TRIM_BYTES_MIN = 64 * 1024 * 1024  # A burst worth the milliseconds that giving back takes.
    AHEAD_BYTES_MAX = 64 * 1024        # Read from clients while the token may wait,
    AHEAD_EVENTS_MAX = 16              # and from so many of them.
    EPOCH_MASK = 0x1FFFFFFF   # Bits of a slot's epoch in its token.

# A clock that is asked too rarely is no reason to sleep for days.
cdef int64_t WAIT_MAX_NS = 60000000000
cdef int64_t DRAIN_WAIT_MAX_NS = 100000000

cdef uint64_t WATCHED = <uint64_t>1 << 63     # Marks tokens of watched descriptors.
cdef uint64_t DATAGRAMS = <uint64_t>1 << 62   # Marks tokens of UDP sockets of a ring of one.
cdef uint64_t RING = <uint64_t>1 << 61        # Marks tokens of UDP sockets of a larger one.
# A session's token has none of these: its epoch ends below them.


cdef inline uint64_t token_of(uint32_t index, uint32_t epoch) noexcept nogil:
    return (<uint64_t>(epoch & EPOCH_MASK) << 32) | index


@final
cdef class Reactor:
    """The loop of one daemon, run by one thread.

    Hand in non-blocking connections with `adopt` and other sockets with `watch`. `run` returns
    after `stop`, and raises what an upcall or a callback let escape.
    """

    def __cinit__(self, Node node not None):
        self.node = node
        self.watched = {}
        self.poller.epoll = -1
        if poller_open(&self.poller) < 0:
            raise OSError("the system has no poller left for the event loop")
        self.input_buffer = <uint8_t*>malloc(BUFFER_SIZE)
        if self.input_buffer == NULL:
            raise MemoryError("no memory for the input buffer")

    def __dealloc__(self):
        cdef uint32_t index
        for index in range(self.connection_count):
            if self.connections[index].is_open:
                sys_close(self.connections[index].socket)
        poller_close(&self.poller)
        free(self.connections)
        free(self.paused)
        free(self.input_buffer)

    # -- Face for Python --------------------------------------------------------------------------

    def watch(self, sys_socket descriptor, callback):
        """Call `callback()` whenever the descriptor is readable. The caller owns the descriptor."""
        if poller_add(&self.poller, descriptor, WATCHED | descriptor, READY_READ) < 0:
            raise OSError(f"descriptor {descriptor} cannot be watched")
        self.watched[descriptor] = callback

    def watch_datagrams(self, sys_socket descriptor):
        """Take what monitors send to a UDP socket; a ring of one has no peers, the rest is counted.

        The caller owns the descriptor.
        """
        sys_ignore_refusals(descriptor)
        if poller_add(&self.poller, descriptor, DATAGRAMS | descriptor, READY_READ) < 0:
            raise OSError(f"descriptor {descriptor} cannot be watched")

    def attach_ring(self, Datagrams datagrams not None):
        """Serve the UDP sockets of a ring of several daemons; before `run`, and once.

        Do not give those sockets to `watch_datagrams`. Raises OSError.
        """
        if self.has_ring:
            raise MisuseError("this reactor serves a ring already")
        if datagrams.node is not self.node:
            raise MisuseError("these datagrams belong to another node")
        datagrams.attach(&self.poller, RING)
        self.datagrams = datagrams
        self.has_ring = True

    def set_busy_poll(self, int64_t time_ns):
        """Do not sleep for so many nanoseconds after each event; 0, as at first, sleeps at once."""
        if time_ns < 0:
            raise MisuseError(f"nobody can poll for {time_ns} ns")
        self.busy_ns = time_ns

    def unwatch(self, sys_socket descriptor):
        """Watch a descriptor no more; call it before the descriptor is closed."""
        if self.watched.pop(descriptor, None) is not None:
            poller_remove(&self.poller, descriptor)

    def adopt(self, sys_socket descriptor):
        """Take over a connected non-blocking socket; returns its session slot.

        The descriptor belongs to the reactor from here on. Raises OSError or MemoryError, and then
        it still belongs to the caller.
        """
        # The table may only grow in the node's call, and a slot that was taken must not be lost.
        self.grow(2 * max(self.node.sessions.slot_count, <uint32_t>1))
        cdef uint32_t index = self.node.open_session()
        cdef Connection* connection = &self.connections[index]
        connection.epoch = self.node.sessions.slots[index].epoch
        connection.is_detached = False
        connection.interest = READY_READ
        connection.socket = descriptor
        if poller_add(
            &self.poller, descriptor, token_of(index, connection.epoch), READY_READ
        ) < 0:
            self.node.end_session(index, END_LOST)
            raise OSError("the connection cannot be watched")
        connection.is_open = True
        return index

    cdef int grow(self, uint32_t count) except -1:
        """Make the tables as long as the node's."""
        if count <= self.connection_count:
            return 0
        cdef void* grown = realloc(self.connections, count * sizeof(Connection))
        if grown == NULL:
            raise MemoryError("no memory for another connection")
        self.connections = <Connection*>grown
        grown = realloc(self.paused, count * sizeof(uint32_t))
        if grown == NULL:
            raise MemoryError("no memory for another connection")
        self.paused = <uint32_t*>grown
        memset(
            &self.connections[self.connection_count], 0,
            (count - self.connection_count) * sizeof(Connection),
        )
        self.connection_count = count
        return 0

    def run(self):
        """Serve until `stop` is called from a callback or an upcall."""
        self.is_stopping = False
        self.now_ns = sys_now_ns()
        with nogil:
            self.loop()
        self.node.raise_failure()
        if self.failure is not None:
            raise self.failure

    def stop(self):
        """Let `run` return after the current turn."""
        self.is_stopping = True

    def drain(self, int64_t timeout_ns):
        """Write what is queued for sessions, for at most so long; nothing is read meanwhile."""
        cdef int64_t end_ns = sys_now_ns() + timeout_ns
        self.is_draining = True
        with nogil:
            self.now_ns = sys_now_ns()
            self.finish_turn()
            while self.node.sessions.queued_bytes > 0 and self.now_ns < end_ns:
                self.wait(min(end_ns - self.now_ns, min(self.timeout_ns(), DRAIN_WAIT_MAX_NS)))
        self.is_draining = False

    def settle_ring(self, int64_t timeout_ns):
        """Serve the ring until all daemons have what clients sent, for at most so long.

        Nothing is read from clients meanwhile.
        """
        cdef int64_t end_ns = sys_now_ns() + timeout_ns
        self.is_draining = True
        self.settle()
        while not self.node.ring_settled() and self.now_ns < end_ns:
            with nogil:
                self.wait(min(end_ns - self.now_ns, min(self.timeout_ns(), DRAIN_WAIT_MAX_NS)))
            self.node.raise_failure()
        self.is_draining = False

    def settle(self):
        """Order and deliver what was submitted and close what has ended, without waiting."""
        with nogil:
            self.now_ns = sys_now_ns()
            self.finish_turn()
        self.node.raise_failure()

    def now(self):
        """Return the monotonic clock of the loop, in nanoseconds."""
        return sys_now_ns()

    @property
    def has_exact_waits(self):
        """Whether short waits end when their time is over, not only with a tick of the system."""
        return not self.poller.is_coarse

    # -- One turn ---------------------------------------------------------------------------------

    cdef void loop(self) noexcept nogil:
        while not (self.is_stopping or self.node.has_failed):
            self.wait(self.timeout_ns())

    cdef void wait(self, int64_t timeout_ns) noexcept nogil:
        """Wait for events and serve them."""
        cdef Event events[POLLER_EVENTS_MAX]
        cdef int count
        cdef int index = 0
        if self.busy_ns == 0:
            count = poller_wait(&self.poller, events, timeout_ns)
        else:
            count = self.poll_busily(events, timeout_ns)
        if count < 0:
            self.call_failed_waits(sys_error())
            count = 0
        self.now_ns = sys_now_ns()
        if self.has_ring:
            index = self.read_ahead(events, count)
            self.serve_ring(events, count)
        for index in range(index, count):
            self.dispatch(&events[index])
            if self.turn_bytes >= TURN_BYTES_MAX:
                self.finish_turn()
        self.finish_turn()

    cdef int poll_busily(self, Event* events, int64_t timeout_ns) noexcept nogil:
        """Wait for events, awake at first: a core that sleeps takes its time to wake up.

        Whoever else wants the core gets it between two looks.
        """
        cdef int64_t now_ns = sys_now_ns()
        cdef int64_t end_ns = now_ns + timeout_ns
        cdef int64_t awake_ns = min(self.event_ns + self.busy_ns, end_ns)
        cdef int count = 0
        while count == 0 and now_ns < awake_ns:
            count = poller_wait(&self.poller, events, 0)
            if count == 0:
                sys_yield()
                now_ns = sys_now_ns()
        if count == 0:
            count = poller_wait(&self.poller, events, max(end_ns - now_ns, <int64_t>0))
        if count > 0:
            self.event_ns = sys_now_ns()
        return count

    cdef int64_t timeout_ns(self) noexcept nogil:
        cdef int64_t deadline_ns = self.node.next_deadline()
        cdef int64_t due_ns
        if self.has_ring:
            if self.datagrams.has_work():
                return 0
            due_ns = self.datagrams.next_due()
            if due_ns != 0 and (deadline_ns == 0 or due_ns < deadline_ns):
                deadline_ns = due_ns
        if deadline_ns == 0:
            return WAIT_MAX_NS
        # The turn has taken its time, and the ring's deadlines may be shorter than a long one.
        return min(max(deadline_ns - sys_now_ns(), <int64_t>0), WAIT_MAX_NS)

    cdef int read_ahead(self, const Event* events, int count) noexcept nogil:
        """Read clients until there is a packet for the token, which may be here; returns how many
        events are done.

        What they have sent would else wait until the token has been round once more.
        """
        cdef int index
        for index in range(min(count, <int>AHEAD_EVENTS_MAX)):
            if (
                self.node.station.clients.pending_head != NULL
                or self.turn_bytes >= AHEAD_BYTES_MAX
                or events[index].token & WATCHED
            ):
                return index
            self.dispatch(&events[index])
        return min(count, <int>AHEAD_EVENTS_MAX)

    cdef void serve_ring(self, const Event* events, int count) noexcept nogil:
        """Datagrams go first: all daemons wait for the token, a client only for its own."""
        cdef int index
        for index in range(count):
            if events[index].token & RING:
                self.datagrams.ready(
                    <uint32_t>events[index].token, events[index].ready, self.now_ns
                )
        self.turn_bytes += self.datagrams.serve(self.now_ns)
        if self.datagrams.sender.owes_report:
            self.call_report()

    cdef void dispatch(self, const Event* event) noexcept nogil:
        cdef uint32_t index = <uint32_t>event.token
        if event.token & WATCHED:
            if not self.is_draining:
                self.call_watched(event.token & ~WATCHED)
            return
        if event.token & RING:
            return
        if event.token & DATAGRAMS:
            self.take_datagrams(<sys_socket>(event.token & ~DATAGRAMS))
            return
        cdef Connection* connection = &self.connections[index]
        if not connection.is_open or token_of(index, connection.epoch) != event.token:
            return
        if event.ready & READY_WRITE:
            self.write(index)
        if event.ready & (READY_READ | READY_BROKEN):
            self.dispatch_input(index, event.ready & READY_BROKEN != 0)

    cdef void dispatch_input(self, uint32_t index, bint is_broken) noexcept nogil:
        """Read, unless nothing is to be read now; a connection that is gone cannot be paused."""
        if not is_broken:
            if self.is_draining:
                self.pause(index)
            else:
                self.read(index)
        elif self.is_draining:
            self.node.input_end(index)
        elif self.node.wants_input(index):
            self.read(index)
        else:
            # What it had sent is read later; until then its hang-up must not be told again.
            self.connections[index].is_detached = True
            poller_remove(&self.poller, self.connections[index].socket)
            self.pause(index)

    # -- Reading ----------------------------------------------------------------------------------

    cdef void read(self, uint32_t index) noexcept nogil:
        cdef int64_t size
        if self.node.sessions.slots[index].state == SLOT_ENDED:
            return
        if not self.node.wants_input(index):
            self.pause(index)
            return
        size = self.read_once(index)
        if size == 0 or (size < 0 and not (sys_would_block() or sys_was_interrupted())):
            self.node.input_end(index)

    cdef int64_t read_once(self, uint32_t index) noexcept nogil:
        """Read once, first into the frame that is cut, and hand the bytes to the node."""
        cdef sys_buffer buffers[2]
        cdef uint8_t* room_at = NULL
        cdef size_t room = self.node.input_room(index, &room_at)
        sys_buffer_set(&buffers[0], room_at, room)
        sys_buffer_set(&buffers[1], self.input_buffer, self.node.input_size_max())
        cdef int64_t size
        if room > 0:
            size = sys_readv(self.connections[index].socket, buffers, 2)
        else:
            size = sys_readv(self.connections[index].socket, &buffers[1], 1)
        if size <= 0:
            return size
        self.turn_bytes += <uint64_t>size
        cdef size_t direct = min(<size_t>size, room)
        self.node.input_filled(index, direct)
        self.node.input(index, self.input_buffer, <size_t>size - direct, self.now_ns)
        return size

    cdef void pause(self, uint32_t index) noexcept nogil:
        """Do not watch for input until the node wants it again."""
        cdef Connection* connection = &self.connections[index]
        if not connection.is_paused:
            connection.is_paused = True
            self.paused[self.paused_count] = index
            self.paused_count += 1
        self.watch_for(index, connection.interest & ~<uint32_t>READY_READ)

    cdef void resume_paused(self) noexcept nogil:
        """Watch again for the input that the node wants now."""
        cdef uint32_t kept = 0
        cdef uint32_t number, index
        for number in range(self.paused_count):
            index = self.paused[number]
            if not self.connections[index].is_open:
                self.connections[index].is_paused = False
            elif self.node.wants_input(index) and not self.is_draining:
                self.connections[index].is_paused = False
                self.attach(index)
                self.watch_for(index, self.connections[index].interest | READY_READ)
            else:
                self.paused[kept] = index
                kept += 1
        self.paused_count = kept

    cdef void attach(self, uint32_t index) noexcept nogil:
        """Watch again a connection that was gone before the node wanted its input."""
        cdef Connection* connection = &self.connections[index]
        if not connection.is_detached:
            return
        connection.is_detached = False
        if poller_add(
            &self.poller, connection.socket, token_of(index, connection.epoch),
            connection.interest,
        ) < 0:
            self.node.input_end(index)

    cdef void take_datagrams(self, sys_socket descriptor) noexcept nogil:
        """Monitors only may send to a ring of one; a flood must not keep clients waiting."""
        cdef sys_buffer buffer
        cdef sys_message message
        cdef sys_address source
        cdef int reads = 0
        sys_buffer_set(&buffer, self.input_buffer, BUFFER_SIZE)
        sys_message_set(&message, &buffer, 1, &source)
        while reads < DRAIN_READS_MAX and sys_receive(descriptor, &message, 1) > 0:
            reads += 1
            if packet_is_monitor(self.input_buffer, sys_message_size(&message)):
                self.node.monitor_datagram(
                    self.input_buffer, sys_message_size(&message), sys_address_ipv4(&source),
                    sys_address_port(&source), self.now_ns,
                )
            else:
                self.node.count_strangers(1)

    # -- Writing ----------------------------------------------------------------------------------

    cdef void finish_turn(self) noexcept nogil:
        """Let the node order and deliver, write what came of it, close what has ended."""
        cdef NodeStatus status = NODE_WRITE
        self.turn_bytes = 0
        while (
            status == NODE_WRITE
            or self.node.sessions.ended_reported < self.node.sessions.ended_count
        ):
            status = self.node.turn(self.now_ns)
            if self.node.has_failed:
                return
            if self.has_ring:
                self.datagrams.sender.flush(self.now_ns)
            self.write_dirty()
        self.close_ended()
        if self.paused_count > 0:
            self.resume_paused()
        self.trim_memory()

    cdef void trim_memory(self) noexcept nogil:
        """Give back to the system what a burst took, once most of it is free again."""
        cdef uint64_t bytes_in_use = self.node.pool.bytes_in_use
        if bytes_in_use > self.memory_mark:
            self.memory_mark = bytes_in_use
        elif self.memory_mark > TRIM_BYTES_MIN and 4 * bytes_in_use < self.memory_mark:
            self.memory_mark = bytes_in_use
            sys_trim_memory()

    cdef void write_dirty(self) noexcept nogil:
        cdef uint32_t index
        # A write that fails may queue an answer: the list is taken from its end until it is empty.
        while self.node.sessions.dirty_count > 0:
            index = dirty_take(&self.node.sessions)
            if self.connections[index].is_open and not self.node.sessions.slots[index].is_blocked:
                self.write(index)

    cdef void write(self, uint32_t index) noexcept nogil:
        """Write until the queue is empty or the connection is full."""
        cdef Slot* slot = &self.node.sessions.slots[index]
        cdef Connection* connection = &self.connections[index]
        cdef bint lacks_memory = False
        while slot.queue_count > 0:
            if self.write_once(index) >= 0:
                continue
            lacks_memory = not SYS_HAS_EPOLL and sys_error() == SYS_ENOBUFS
            if lacks_memory or sys_would_block():
                break
            if not sys_was_interrupted():
                self.connection_broken(index)
                return
        if slot.queue_count > 0:
            self.node.output_full(index)
            self.watch_for(index, connection.interest | READY_WRITE)
            if lacks_memory:
                # The system has none, while the connection may have room: it is tried again later.
                poller_defer(&self.poller, connection.socket)
        elif connection.interest & READY_WRITE:
            self.watch_for(index, connection.interest & ~<uint32_t>READY_WRITE)
        self.node.output_offered(index)

    cdef int64_t write_once(self, uint32_t index) noexcept nogil:
        """Write the first slices of the queue with one call."""
        cdef const Slot* slot = &self.node.sessions.slots[index]
        cdef sys_buffer buffers[WRITE_SLICES_MAX]
        cdef uint32_t count = min(slot.queue_count, <uint32_t>WRITE_SLICES_MAX)
        cdef uint32_t number
        cdef uint32_t skip = slot.head_sent
        cdef const QueueSlice* slice
        for number in range(count):
            slice = queue_at(slot, number)
            sys_buffer_set(
                &buffers[number], slice.buffer.data + slice.offset + skip, slice.size - skip
            )
            skip = 0
        cdef int64_t size = sys_writev(self.connections[index].socket, buffers, count)
        if size > 0:
            self.node.output_sent(index, <size_t>size)
        return size

    cdef void connection_broken(self, uint32_t index) noexcept nogil:
        """Write no more; what the client had sent before it went is still taken."""
        cdef const Slot* slot = &self.node.sessions.slots[index]
        cdef int reads = 0
        self.node.output_broken(index)
        while slot.state == SLOT_OPEN and reads < DRAIN_READS_MAX and self.node.wants_input(index):
            if self.read_once(index) <= 0:
                self.node.input_end(index)
                return
            reads += 1

    # -- Closing ----------------------------------------------------------------------------------

    cdef void close_ended(self) noexcept nogil:
        cdef uint32_t number
        for number in range(self.node.sessions.ended_reported):
            self.close_connection(self.node.sessions.ended[number])
        ended_clear(&self.node.sessions)

    cdef void close_connection(self, uint32_t index) noexcept nogil:
        """Close; a client that is let go in order must not lose our last bytes to a reset."""
        cdef Connection* connection = &self.connections[index]
        cdef sys_buffer buffer
        cdef int reads = 0
        if connection.is_open:
            if self.node.sessions.slots[index].reason in (END_KILL, END_REFUSED, END_SHUTDOWN):
                sys_shutdown_send(connection.socket)
                sys_buffer_set(&buffer, self.input_buffer, BUFFER_SIZE)
                while reads < DRAIN_READS_MAX and sys_readv(connection.socket, &buffer, 1) > 0:
                    reads += 1
            poller_remove(&self.poller, connection.socket)
            sys_close(connection.socket)
            connection.is_open = False
        self.node.connection_closed(index)

    cdef void watch_for(self, uint32_t index, uint32_t interest) noexcept nogil:
        cdef Connection* connection = &self.connections[index]
        if connection.interest != interest:
            connection.interest = interest
            if connection.is_detached:
                return
            poller_change(
                &self.poller, connection.socket, token_of(index, connection.epoch), interest
            )

    # -- Callbacks of the control plane: listeners, signals, timers of other threads --------------

    cdef void call_watched(self, uint64_t token) noexcept with gil:
        """Python accepts connections and answers signals."""
        callback = self.watched.get(token)
        if callback is None:
            return
        try:
            callback()
        except BaseException as error:
            self.fail(error)

    cdef void call_failed_waits(self, int error) noexcept with gil:
        """A loop that learns nothing of its sockets serves nobody."""
        self.fail(OSError(error, "the system refuses to wait for sockets: the event loop ends"))

    cdef void call_report(self) noexcept with gil:
        """Python writes the log."""
        try:
            self.datagrams.sender.tell_problems()
        except BaseException as error:
            self.fail(error)

    cdef void fail(self, object error) noexcept:
        if self.failure is None:
            self.failure = error
        self.is_stopping = True
