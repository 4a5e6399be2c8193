"""What a daemon sends to the others of its ring; the contract stands in `_sender.pxd`."""

from cython cimport final, no_gc_clear
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

from spread._buffers cimport buffer_release, buffer_share
from spread._outbox cimport CHANNEL_DATA, CHANNEL_TOKEN, TARGET_SEGMENT, outbox_clear
from spread._packets cimport KIND_MEASURE, KIND_PING, KIND_WANT, PACKET_HEADER_SIZE
from spread._poller cimport READY_READ, READY_WRITE, poller_add, poller_change, poller_remove
from spread._sys cimport (
    SYS_BATCH_MAX, SYS_EACCES, SYS_EADDRNOTAVAIL, SYS_EHOSTDOWN, SYS_EHOSTUNREACH, SYS_EINVAL,
    SYS_EIO, SYS_EMSGSIZE, SYS_ENETDOWN, SYS_ENETUNREACH, SYS_ENOBUFS, SYS_ENOMEM, SYS_EPERM,
    SYS_NO_SOCKET, SYS_SEGMENTS_MAX, sys_address_set, sys_bind, sys_buffer, sys_buffer_set,
    sys_can_segment, sys_close, sys_connect, sys_control, sys_datagram_open, sys_error,
    sys_message, sys_message_segment, sys_message_set, sys_readv, sys_send, sys_was_interrupted,
    sys_was_refused, sys_would_block, sys_writev,
)

from spread.counters import DEPARTURES, names_of
from spread.errors import MisuseError

cdef enum:
    OFFSET_KIND = 3                # Of the packet header.

cdef int64_t REPORT_INTERVAL_NS = 60000000000
cdef int64_t LIMIT_NS = 60000000000

COUNTERS = names_of(DEPARTURES)
"""Name and meaning of each counter, in the order of `_sender.pxd`."""

if len(COUNTERS) != SENDER_COUNT:
    raise AssertionError("every counter has a name and a meaning")


cdef uint32_t cause_of(int error) noexcept nogil:
    """Return the counter of a send error."""
    if error in (SYS_ENETUNREACH, SYS_EHOSTUNREACH, SYS_ENETDOWN, SYS_EHOSTDOWN,
                 SYS_EADDRNOTAVAIL):
        return COUNT_UNSENT_UNREACHABLE
    if error == SYS_EPERM or error == SYS_EACCES:
        return COUNT_UNSENT_DENIED
    if error == SYS_EMSGSIZE:
        return COUNT_UNSENT_SIZE
    if error == SYS_ENOBUFS or error == SYS_ENOMEM:
        return COUNT_UNSENT_MEMORY
    return COUNT_UNSENT_OTHER


cdef bint is_probe(const Outgoing* outgoing) noexcept nogil:
    """Tell whether an answer that nobody listens is wanted."""
    if outgoing.target == TARGET_SEGMENT or outgoing.channel != CHANNEL_DATA:
        return False
    if outgoing.size < PACKET_HEADER_SIZE:
        return False
    return outgoing.buffer.data[outgoing.offset + OFFSET_KIND] in (KIND_PING, KIND_WANT)


cdef int set_place(sys_address* address, place) except -1:
    cdef uint32_t number = 0
    ipv4, port = place
    for octet in ipv4.split("."):
        number = number << 8 | <uint32_t>int(octet)
    sys_address_set(address, number, <uint16_t>port)
    return 0


cdef inline bint is_measure(const Outgoing* outgoing) noexcept nogil:
    """Whether it shows what the way takes; joined, some ways take what they drop when it is cut."""
    return outgoing.buffer.data[outgoing.offset + OFFSET_KIND] == KIND_MEASURE


# Its buffers belong to the node's pool, so the node must outlive it whoever collects them.
@final
@no_gc_clear
cdef class Sender:
    """One socket for nearly everything, a queue in front of it, and the probes."""

    def __cinit__(self, Node node not None, sockets, report, bint offload):
        self.node = node
        self.report = report
        self.socket = sockets.sender
        self.set_places(sockets)
        self.can_segment = offload and sys_can_segment(self.socket)

    def __dealloc__(self):
        cdef uint32_t number
        for number in range(self.queue_sent, self.queue_count):
            buffer_release(&self.node.pool, self.queue[number].buffer)
        free(self.queue)
        for number in range(<uint32_t>DAEMONS_MAX):
            if self.probes[number].is_open:
                sys_close(self.probes[number].socket)

    cdef int set_places(self, sockets) except -1:
        cdef uint32_t number
        self.daemon_count = <uint32_t>len(sockets.data_places)
        if self.daemon_count > DAEMONS_MAX:
            raise MisuseError(f"{self.daemon_count} daemons; at most {DAEMONS_MAX}")
        for number in range(self.daemon_count):
            set_place(&self.places[CHANNEL_DATA][number], sockets.data_places[number])
            set_place(&self.places[CHANNEL_TOKEN][number], sockets.token_places[number])
        set_place(&self.source, (sockets.source, 0))
        if sockets.segment is not None:
            self.has_segment = True
            set_place(&self.segment, sockets.segment)
        for neighbour in sockets.neighbours:
            self.neighbours[self.neighbour_count] = neighbour
            self.neighbour_count += 1
        return 0

    cdef int renumber(self, sockets) except -1:
        cdef uint32_t number
        for number in range(self.queue_sent, self.queue_count):
            buffer_release(&self.node.pool, self.queue[number].buffer)
        self.queue_count = 0
        self.queue_sent = 0
        self.waiting_bytes = 0
        self.doubted = NULL
        self.doubted_error = 0
        for number in range(<uint32_t>DAEMONS_MAX):
            if self.probes[number].is_open:
                self.close_probe(number)
            self.probes[number].is_refused = False
        self.refused_count = 0
        memset(&self.limits, 0, sizeof(self.limits))
        self.has_segment = False
        self.neighbour_count = 0
        return self.set_places(sockets)

    cdef void attach(self, Poller* poller, uint64_t mark, uint32_t number) noexcept nogil:
        self.poller = poller
        self.mark = mark
        self.number = number

    cdef void writable(self, int64_t now_ns) noexcept nogil:
        self.now_ns = now_ns
        self.drop_old()
        self.set_full(False)

    cdef bint has_work(self) noexcept nogil:
        # Python may have sent something while the loop did not run.
        return self.refused_count > 0 or self.owes_report or self.node.outbox.count > 0

    cdef void flush(self, int64_t now_ns) noexcept nogil:
        self.now_ns = now_ns
        if self.is_full:
            self.drop_old()
        if self.node.outbox.count > 0:
            self.collect()
        if self.queue_count > 0 and not self.is_full:
            self.send_queue()

    cdef void collect(self) noexcept nogil:
        """Move the node's outbox to the end of the queue."""
        cdef const Outgoing* entries = self.node.outbox.entries
        cdef uint32_t number = 0
        cdef uint32_t last
        while number < self.node.outbox.count:
            last = self.run_end(number)
            if last == number + 1 and entries[number].target != TARGET_SEGMENT:
                self.append(&entries[number], entries[number].target)
            elif entries[number].target != TARGET_SEGMENT:
                self.collect_singles(number, last)
            elif self.has_segment:
                self.append(&entries[number], TARGET_SEGMENT)
            else:
                self.collect_for_neighbours(number, last)
            number = last
        outbox_clear(&self.node.outbox, &self.node.pool)

    cdef uint32_t run_end(self, uint32_t first) noexcept nogil:
        """Return the end of the entries, from this one on, whose order may be changed.

        Single daemons do not see how what they get stands to what others get.
        """
        cdef const Outgoing* entries = self.node.outbox.entries
        cdef bint is_segment = entries[first].target == TARGET_SEGMENT
        cdef uint32_t last = first + 1
        if entries[first].channel != CHANNEL_DATA or is_probe(&entries[first]):
            return last
        if is_segment and self.has_segment:
            return last
        while (
            last < self.node.outbox.count and last - first < COLLECT_MAX
            and (entries[last].target == TARGET_SEGMENT) == is_segment
            and entries[last].channel == CHANNEL_DATA and not is_probe(&entries[last])
        ):
            last += 1
        return last

    cdef void collect_singles(self, uint32_t first, uint32_t last) noexcept nogil:
        """Append what goes to one daemon after what goes to the other, so that it can be joined."""
        cdef uint32_t following[COLLECT_MAX]    # Of each entry, the next one to the same daemon.
        cdef uint32_t heads[DAEMONS_MAX]
        cdef uint32_t tails[DAEMONS_MAX]
        cdef const Outgoing* entries = self.node.outbox.entries
        cdef uint32_t number, target
        for target in range(self.daemon_count):
            heads[target] = last
        for number in range(first, last):
            target = entries[number].target
            if heads[target] == last:
                heads[target] = number
            else:
                following[tails[target] - first] = number
            tails[target] = number
            following[number - first] = last
        for target in range(self.daemon_count):
            number = heads[target]
            while number < last:
                self.append(&entries[number], target)
                number = following[number - first]

    cdef void collect_for_neighbours(self, uint32_t first, uint32_t last) noexcept nogil:
        """Append to each neighbour what a segment without an address of its own is to get."""
        cdef uint32_t number, neighbour
        for neighbour in range(self.neighbour_count):
            for number in range(first, last):
                self.append(&self.node.outbox.entries[number], self.neighbours[neighbour])

    cdef void append(self, const Outgoing* outgoing, uint32_t target) noexcept nogil:
        cdef Outgoing entry = outgoing[0]
        entry.target = <uint16_t>target
        cdef bint is_over = (
            self.is_full and self.waiting_bytes + entry.size > WAITING_BYTES_MAX
        )
        if is_over or self.reserve() < 0:
            self.note(COUNT_UNSENT_OVERFLOW, 0, target)
            return
        buffer_share(entry.buffer)
        self.queue[self.queue_count] = entry
        self.queue_count += 1
        self.waiting_bytes += entry.size

    cdef int reserve(self) noexcept nogil:
        """Make room for one more entry; -1 without memory or at the bound."""
        cdef uint32_t capacity = self.queue_capacity
        if self.queue_count < capacity:
            return 0
        capacity = max(<uint32_t>64, 2 * capacity)
        if capacity > QUEUE_MAX:
            return -1
        cdef Outgoing* grown = <Outgoing*>realloc(self.queue, capacity * sizeof(Outgoing))
        if grown == NULL:
            return -1
        self.queue = grown
        self.queue_capacity = capacity
        return 0

    cdef void send_queue(self) noexcept nogil:
        """Send until nothing is left or the socket is full."""
        cdef const Outgoing* outgoing
        while self.queue_sent < self.queue_count and not self.is_full:
            outgoing = &self.queue[self.queue_sent]
            if is_probe(outgoing):
                self.send_probe(outgoing)
                self.sent(1, False)
            else:
                self.send_run()
        self.queue_count -= self.queue_sent
        memmove(self.queue, &self.queue[self.queue_sent], self.queue_count * sizeof(Outgoing))
        self.queue_sent = 0
        if self.is_full:
            self.drop_newest(WAITING_BYTES_MAX)

    cdef void send_run(self) noexcept nogil:
        """Send with one call what stands before the next probe."""
        cdef sys_message messages[RUN_MAX]
        cdef sys_control controls[RUN_MAX]
        cdef sys_buffer buffers[PIECES_MAX]
        cdef uint32_t joined[RUN_MAX]        # Datagrams of each message.
        cdef uint32_t count_max = min(<uint32_t>RUN_MAX, SYS_BATCH_MAX)
        cdef uint32_t count = 0
        cdef uint32_t pieces = 0
        cdef uint32_t number
        cdef const Outgoing* outgoing
        while count < count_max and self.queue_sent + pieces < self.queue_count:
            outgoing = &self.queue[self.queue_sent + pieces]
            if (count > 0 and is_probe(outgoing)) or pieces == PIECES_MAX:
                break
            joined[count] = self.joinable(self.queue_sent + pieces, PIECES_MAX - pieces)
            sys_message_set(
                &messages[count], &buffers[pieces], joined[count],
                &self.segment if outgoing.target == TARGET_SEGMENT
                else &self.places[outgoing.channel][outgoing.target],
            )
            if joined[count] > 1:
                sys_message_segment(&messages[count], &controls[count], <uint16_t>outgoing.size)
            for _ in range(joined[count]):
                outgoing = &self.queue[self.queue_sent + pieces]
                sys_buffer_set(
                    &buffers[pieces], outgoing.buffer.data + outgoing.offset, outgoing.size
                )
                pieces += 1
            count += 1
        cdef int result = sys_send(self.socket, messages, count)
        if result <= 0:
            self.not_sent(joined[0])
            return
        self.counters[COUNT_SENDS] += 1
        if self.is_doubted(&self.queue[self.queue_sent]):
            self.forgo_segments()
        for number in range(<uint32_t>result):
            self.counters[COUNT_SEGMENTED] += joined[number] > 1
            self.counters[COUNT_OUT] += joined[number]
            self.sent(joined[number], True)

    cdef uint32_t joinable(self, uint32_t first, uint32_t count_max) noexcept nogil:
        """Return how many entries, from this one on, one message can hold."""
        cdef const Outgoing* head = &self.queue[first]
        cdef const Outgoing* outgoing
        cdef uint32_t bytes_joined = head.size
        cdef uint32_t count = 1
        cdef const Limit* limit = &self.limits[head.target]
        if (
            not self.can_segment or head.channel != CHANNEL_DATA or is_measure(head)
            or (head.size > limit.size and self.now_ns < limit.until_ns)
            or (first == self.queue_sent and self.is_doubted(head))
        ):
            return 1
        count_max = min(count_max, min(SYS_SEGMENTS_MAX, self.queue_count - first))
        while count < count_max:
            outgoing = &self.queue[first + count]
            bytes_joined += outgoing.size
            if (
                outgoing.target != head.target or outgoing.channel != CHANNEL_DATA
                or outgoing.size > head.size or bytes_joined > MESSAGE_SIZE_MAX
                or is_probe(outgoing) or is_measure(outgoing)
            ):
                break
            count += 1
            if outgoing.size < head.size:
                # Only the last one may be shorter.
                break
        return count

    cdef void not_sent(self, uint32_t joined) noexcept nogil:
        """Judge the error of the first message; the others are tried again."""
        cdef int error = sys_error()
        cdef const Outgoing* head = &self.queue[self.queue_sent]
        if sys_would_block():
            self.counters[COUNT_FULL] += 1
            self.set_full(True)
        elif sys_was_interrupted():
            return
        elif joined > 1 and error in (SYS_EINVAL, SYS_EMSGSIZE, SYS_EIO):
            # Its place may be what is refused: the first datagram alone will tell.
            self.doubted_error = error
            self.doubted = head.buffer
        else:
            self.note(cause_of(error), error, head.target)
            self.doubted_error = 0
            self.sent(1, False)

    cdef bint is_doubted(self, const Outgoing* outgoing) noexcept nogil:
        """Whether this datagram is to tell what was wrong; it may have been given up meanwhile."""
        return self.doubted_error != 0 and outgoing.buffer == self.doubted

    cdef void forgo_segments(self) noexcept nogil:
        """A datagram has left alone that could not leave with others."""
        cdef const Outgoing* head = &self.queue[self.queue_sent]
        # What the way does not take whole cannot be cut from a larger message either.
        self.limits[head.target] = Limit(
            self.now_ns + LIMIT_NS, 0 if self.doubted_error == SYS_EIO else head.size - 1
        )
        self.note(COUNT_UNSEGMENTED, self.doubted_error, head.target)
        self.doubted_error = 0

    cdef void sent(self, uint32_t count, bint has_left) noexcept nogil:
        """Give up the first entries that wait."""
        cdef uint32_t number
        for number in range(self.queue_sent, self.queue_sent + count):
            self.waiting_bytes -= self.queue[number].size
            if has_left:
                self.counters[COUNT_BYTES_OUT] += self.queue[number].size
            buffer_release(&self.node.pool, self.queue[number].buffer)
        self.queue_sent += count

    cdef void set_full(self, bint is_full) noexcept nogil:
        """Watch the socket for writing exactly while it is full."""
        cdef uint32_t interest = READY_READ | READY_WRITE if is_full else READY_READ
        self.is_full = is_full
        self.full_ns = self.now_ns
        poller_change(self.poller, self.socket, self.mark | self.number, interest)

    cdef void drop_old(self) noexcept nogil:
        """Give up what has waited for too long."""
        if self.now_ns - self.full_ns > FULL_NS_MAX:
            self.full_ns = self.now_ns
            self.drop_newest(0)

    cdef void drop_newest(self, uint64_t bytes_max) noexcept nogil:
        """Keep no more than so many bytes waiting."""
        cdef const Outgoing* outgoing
        while self.waiting_bytes > bytes_max:
            self.queue_count -= 1
            outgoing = &self.queue[self.queue_count]
            self.waiting_bytes -= outgoing.size
            self.note(COUNT_UNSENT_OVERFLOW, 0, outgoing.target)
            buffer_release(&self.node.pool, outgoing.buffer)

    # -- Probes -----------------------------------------------------------------------------------

    cdef void send_probe(self, const Outgoing* outgoing) noexcept nogil:
        """Send through the connected socket; what it cannot take is lost like any datagram."""
        cdef uint32_t target = outgoing.target
        cdef sys_buffer buffer
        if not self.open_probe(target):
            return
        sys_buffer_set(&buffer, outgoing.buffer.data + outgoing.offset, outgoing.size)
        cdef int64_t size = sys_writev(self.probes[target].socket, &buffer, 1)
        if size < 0 and sys_was_refused():
            # That was the answer to the one before, and this one has not left.
            self.refused(target)
            size = sys_writev(self.probes[target].socket, &buffer, 1)
        if size >= 0:
            self.counters[COUNT_SENDS] += 1
            self.counters[COUNT_OUT] += 1
            self.counters[COUNT_BYTES_OUT] += outgoing.size
        elif sys_was_refused():
            self.refused(target)
        elif sys_would_block():
            self.counters[COUNT_FULL] += 1
        else:
            self.note(cause_of(sys_error()), sys_error(), target)
            # Its own address may be gone: the next one is made anew.
            self.close_probe(target)

    cdef bint open_probe(self, uint32_t target) noexcept nogil:
        """Make sure that there is a socket connected to the daemon."""
        cdef Probe* probe = &self.probes[target]
        if probe.is_open:
            return True
        probe.socket = sys_datagram_open()
        if probe.socket == SYS_NO_SOCKET:
            self.note(cause_of(sys_error()), sys_error(), target)
            return False
        probe.is_open = True
        if (
            sys_bind(probe.socket, &self.source) < 0
            or sys_connect(probe.socket, &self.places[CHANNEL_DATA][target]) < 0
            or poller_add(
                self.poller, probe.socket, self.mark | (PROBE_NUMBER + target), READY_READ
            ) < 0
        ):
            self.note(cause_of(sys_error()), sys_error(), target)
            self.close_probe(target)
        return probe.is_open

    cdef void close_probe(self, uint32_t target) noexcept nogil:
        poller_remove(self.poller, self.probes[target].socket)
        sys_close(self.probes[target].socket)
        self.probes[target].is_open = False

    cdef void read_probe(self, uint32_t target, int64_t now_ns) noexcept nogil:
        """Nobody sends to a probe: what it has to tell is that nobody listens."""
        cdef uint8_t scratch[64]
        cdef sys_buffer buffer
        cdef uint32_t reads = 0
        cdef int64_t size = 0
        self.now_ns = now_ns
        if not self.probes[target].is_open:
            return
        sys_buffer_set(&buffer, scratch, sizeof(scratch))
        while size >= 0 and reads < PROBE_READS_MAX:
            size = sys_readv(self.probes[target].socket, &buffer, 1)
            reads += 1
        if size < 0 and sys_was_refused():
            self.refused(target)

    cdef void tell_refusals(self, int64_t now_ns) noexcept nogil:
        cdef uint32_t target
        self.refused_count = 0
        for target in range(self.daemon_count):
            if self.probes[target].is_refused:
                self.probes[target].is_refused = False
                self.node.unreachable(target, now_ns)

    cdef void refused(self, uint32_t target) noexcept nogil:
        """Note it; the node is told when nothing else is going on."""
        self.counters[COUNT_REFUSALS] += 1
        self.refused_count += 1
        self.probes[target].is_refused = True

    # -- Problems ---------------------------------------------------------------------------------

    cdef void note(self, uint32_t cause, int error, uint32_t target) noexcept nogil:
        cdef Problem* problem = &self.problems[cause - CAUSE_FIRST]
        self.counters[cause] += 1
        problem.count += 1
        problem.error = error
        problem.target = target
        if problem.told_ns == 0 or self.now_ns - problem.told_ns >= REPORT_INTERVAL_NS:
            self.owes_report = True

    cdef int tell_problems(self) except -1:
        cdef uint32_t number
        cdef Problem problem
        self.owes_report = False
        for number in range(CAUSE_COUNT):
            problem = self.problems[number]
            if problem.count == 0:
                continue
            if problem.told_ns == 0 or self.now_ns - problem.told_ns >= REPORT_INTERVAL_NS:
                self.problems[number].count = 0
                self.problems[number].told_ns = self.now_ns
                name = COUNTERS[CAUSE_FIRST + number][0]
                self.report(name, problem.count, problem.error, problem.target)
        return 0

    # -- Face for `Datagrams` ---------------------------------------------------------------------

    def statistics(self):
        """Return the counters, by the names of COUNTERS."""
        cdef uint32_t number
        return {
            COUNTERS[number][0]: self.counters[number] for number in range(<uint32_t>SENDER_COUNT)
        }
