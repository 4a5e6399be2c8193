"""Load on a set of open sessions: send by window or schedule, verify and time what arrives.

One thread drives all sessions. A turn waits once for all of them, reads each readable one once, and
then lets each sender that may send stamp its frames and hand them to the kernel in one call. A turn
costs what happens in it, not what could happen: senders that wait are not looked at.

Frames to send are laid out once: a sender's ring holds `slot_count` whole frames, and slot k looks
like template k % template_count. Only the stamp is written per message:

    payload    0          8                    16
               | sent_ns  | sender << 48 | seq | the same filler in every message ...

A payload shorter than the stamp travels without it; then the private group in the header tells the
sender and the place in the stream tells the sequence number. Seqs count from 0 per sender.

With a schedule a sender sends when a message is due, as far as its window allows, and the stamp is
the time at which it was due: a late sender, or a daemon that does not take it, hides no latency.

Invariants: delivered by a stream = sum of its row of `expected`;
`written / message_size <= stamped <= written / message_size + slot_count`;
`stamped <= acknowledged + window`;
a sender that may send is in `ready`, has a time in `wake_ns`, or waits for its socket.

Errors are values here: a turn returns FAULT_NONE or the fault that ends the run; `bench.load` turns
it into an exception. Times are CLOCK_MONOTONIC in ns.
"""

cimport cython
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int32_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset
from posix.time cimport timespec
from posix.unistd cimport close

from bench._epoll cimport (
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLLIN, EPOLLOUT, PR_GET_TIMERSLACK,
    PR_SET_TIMERSLACK, epoll_create1, epoll_ctl, epoll_event, prctl, wait_epoll,
)
from bench._histogram cimport BUCKET_COUNT, Histogram, record
from bench._inbound cimport (
    CUT_GARBAGE, CUT_MORE, CUT_NO_MEMORY, FRAME_SIZE_MAX, SCRATCH_SIZE, Arrived, Cut,
    Inbound, cut_frame, read_inbound,
)
from bench._schedule cimport Schedule, advance_schedule, begin_schedule
from bench._wire cimport (
    HEADER_SIZE, MSG_DONTWAIT, MSG_NOSIGNAL, NAME_SIZE, TYPE_REJECT, TYPE_SERVICES,
    frame_mess_type, frame_prefix_size, frame_type, iovec, monotonic_ns, msghdr, read_u64, sendmsg,
    write_u64,
)

cdef enum:
    STAMP_SIZE = 16
    SEQ_BITS = 48
    EVENT_COUNT = 256               # sessions read in one turn; the kernel gives them in turn
    HISTORY_SIZE_MAX = 1 << 17      # send times kept per sender, for payloads without a stamp
    FILLER_ALWAYS = 512             # filler compared in every message; a longer one in every 16th
    MATRIX_SIZE_MAX = 1 << 27       # seqs, 1 GiB
    MESS_TYPE_BARRIER = 0x7FFE      # a session's message to itself: its join has been ordered
    MESS_TYPE_ACKNOWLEDGEMENT = 0x7FFD   # a receiver elsewhere tells how many messages it has had

cdef uint64_t NEVER = <uint64_t>-1

cdef enum Pace:                     # whose deliveries move the window on
    PACE_OWN = 0
    PACE_SLOWEST = 1
    PACE_ACKNOWLEDGED = 2

cdef enum Phase:
    PHASE_WARM_UP = 0
    PHASE_MEASURE = 1
    PHASE_DRAIN = 2
    PHASE_DONE = 3

cdef enum Fault:
    FAULT_NONE = 0
    FAULT_CLOSED = 1
    FAULT_SOCKET = 2
    FAULT_FRAME = 3
    FAULT_REJECTED = 4
    FAULT_UNEXPECTED = 5
    FAULT_SENDER = 6
    FAULT_SEQ = 7
    FAULT_CHANGED = 8
    FAULT_MEMORY = 9
    FAULT_WAIT = 10

cdef struct Stream:
    int fd                          # borrowed from the Python socket
    int sender                      # index of the sender that writes here, or -1
    int host                        # number of the daemon that it is connected to
    bint receives                   # messages are expected here
    Inbound inbound
    uint64_t* expected              # next seq by sender; a row of the matrix, NULL: receives none
    uint64_t delivered              # messages of all senders
    uint64_t delivered_begin        # the same when measuring began
    uint64_t delivered_end          # and when it ended

cdef struct Sender:
    int stream
    bint is_ready                   # it is in `ready`
    bint is_blocked                 # the socket was full; wait until it is writable
    uint8_t* ring                   # owned, slot_count frames
    uint64_t* sent_ns               # owned, history_size times by seq; NULL with stamps
    uint64_t stamped                # messages handed to the ring; the next seq
    uint64_t written                # bytes handed to the kernel
    uint64_t acknowledged           # messages that no longer count against the window
    int laggard_count               # receivers that have had no more; for PACE_SLOWEST
    Schedule schedule
    uint64_t delivered_begin        # its messages at the first receiver when measuring began
    uint64_t delivered_end


@cython.final
cdef class Load:
    """The run of one workload over sessions that are open, joined and quiet."""

    cdef Stream* streams
    cdef Sender* senders
    cdef int* ready                 # senders to let write at the end of the turn
    cdef uint64_t* wake_ns          # by sender: when its next message is due, or NEVER
    cdef uint64_t* matrix           # next seqs, a row per receiver, made at the start
    cdef uint8_t* scratch           # SCRATCH_SIZE bytes: what the current read works on
    cdef epoll_event[256] events    # EVENT_COUNT
    cdef Histogram own              # latency of a sender's own messages
    cdef Histogram other            # latency at sessions of other hosts than the sender's
    cdef int epoll
    cdef int stream_count
    cdef int sender_count
    cdef int ready_count
    cdef int session_capacity
    cdef size_t message_size
    cdef size_t prefix_size
    cdef uint64_t template_count
    cdef uint64_t slot_count
    cdef uint64_t history_size      # a power of two
    cdef uint64_t window
    cdef bint is_stamped            # payloads have room for the stamp
    cdef bint is_scheduled          # at least one sender has a schedule
    cdef bint is_one_host           # then other sessions stand for those of other hosts
    cdef bint ordered               # the service promises order per sender
    cdef Pace pace
    cdef Phase phase
    cdef uint64_t start_ns, begin_ns, end_ns
    cdef uint64_t warm_up_ns, duration_ns
    cdef uint64_t warm_up_count, count
    cdef uint64_t begin_progress    # messages at the slowest receiver when measuring began
    cdef uint64_t late_ns           # how far senders were behind their schedule at the end
    cdef uint64_t foreign           # frames that are no measured message: views, barriers
    cdef uint64_t reordered
    cdef Fault fault
    cdef int fault_stream, fault_sender
    cdef uint64_t fault_expected, fault_found

    def __cinit__(
        self, int session_capacity, *, size_t message_size, size_t prefix_size, int template_count,
        int slot_count, uint64_t window, int pace, bint ordered,
    ):
        """Prepare for up to `session_capacity` sessions and frames of `message_size`."""
        self.epoll = -1
        if not HEADER_SIZE <= prefix_size <= message_size <= FRAME_SIZE_MAX:
            raise ValueError(f"messages of {message_size} bytes cannot be generated")
        if slot_count % template_count:
            raise ValueError("the ring must hold whole rounds of the templates")
        self.message_size = message_size
        self.prefix_size = prefix_size
        self.template_count = template_count
        self.slot_count = slot_count
        self.window = window
        self.pace = <Pace>pace
        self.ordered = ordered
        self.is_one_host = True
        self.is_stamped = message_size - prefix_size >= STAMP_SIZE
        self.history_size = 1024
        while self.history_size < HISTORY_SIZE_MAX and self.history_size < 2 * window:
            self.history_size *= 2
        self.session_capacity = session_capacity
        self.streams = <Stream*>calloc(session_capacity, sizeof(Stream))
        self.senders = <Sender*>calloc(session_capacity, sizeof(Sender))
        self.ready = <int*>calloc(session_capacity, sizeof(int))
        self.wake_ns = <uint64_t*>calloc(session_capacity, sizeof(uint64_t))
        self.scratch = <uint8_t*>malloc(SCRATCH_SIZE)
        if not (self.streams and self.senders and self.ready and self.wake_ns and self.scratch):
            raise MemoryError
        self.epoll = epoll_create1(EPOLL_CLOEXEC)
        if self.epoll < 0:
            raise OSError(errno, "no epoll instance could be made")

    def __dealloc__(self):
        for i in range(self.stream_count):
            free(self.streams[i].inbound.rest)
        for i in range(self.sender_count):
            free(self.senders[i].ring)
            free(self.senders[i].sent_ns)
        free(self.streams)
        free(self.senders)
        free(self.ready)
        free(self.wake_ns)
        free(self.matrix)
        free(self.scratch)
        if self.epoll >= 0:
            close(self.epoll)

    # The turn, from reading to writing.

    cdef Fault _turn(self, uint64_t until_ns) noexcept nogil:
        """Wait until `until_ns` at most, then read, change phase and write once."""
        cdef timespec timeout = self._timeout(until_ns)
        cdef Fault fault
        cdef int i, index
        cdef int count = wait_epoll(self.epoll, self.events, EVENT_COUNT, &timeout)
        if count < 0 and errno != EINTR:
            return self._fail(FAULT_WAIT, -1, -1, 0, errno)
        for i in range(count):
            index = <int>self.events[i].data.u32
            if self.events[i].events & EPOLLOUT:
                self._unblock(self.streams[index].sender)
            if self.events[i].events & ~EPOLLOUT:
                fault = self._read(index)
                if fault != FAULT_NONE:
                    return fault
        return self._write_ready(monotonic_ns())

    cdef timespec _timeout(self, uint64_t until_ns) noexcept nogil:
        """Return the time until `until_ns`, or until a message is due if that is earlier."""
        cdef uint64_t now = monotonic_ns()
        cdef timespec timeout
        cdef int i
        if self.is_scheduled:
            for i in range(self.sender_count):
                until_ns = min(until_ns, self.wake_ns[i])
        until_ns = max(until_ns, now)
        timeout.tv_sec = (until_ns - now) // 1000000000
        timeout.tv_nsec = (until_ns - now) % 1000000000
        return timeout

    cdef Fault _write_ready(self, uint64_t now) noexcept nogil:
        """Change phase if it is time, then let every sender write that may."""
        cdef Fault fault
        cdef int i
        self._change_phase(now)
        if self.is_scheduled:
            for i in range(self.sender_count):
                if self.wake_ns[i] <= now:
                    self._make_ready(i)
        for i in range(self.ready_count):
            self.senders[self.ready[i]].is_ready = False
            fault = self._write(self.ready[i], now)
            if fault != FAULT_NONE:
                return fault
        self.ready_count = 0
        return FAULT_NONE

    cdef void _make_ready(self, int sender) noexcept nogil:
        if not self.senders[sender].is_ready:
            self.senders[sender].is_ready = True
            self.ready[self.ready_count] = sender
            self.ready_count += 1

    # What arrives.

    cdef Fault _read(self, int index) noexcept nogil:
        """Read once from one session and take every whole frame."""
        cdef Stream* stream = &self.streams[index]
        cdef Arrived arrived
        cdef Cut cut
        cdef const uint8_t* frame
        cdef size_t length
        cdef uint64_t now
        cdef Fault fault
        cdef int reason
        cdef ssize_t received = read_inbound(&stream.inbound, stream.fd, self.scratch, &arrived)
        if received <= 0:
            reason = errno if received < 0 else 0
            if reason in (EAGAIN, EINTR):
                return FAULT_NONE
            return self._fail(FAULT_CLOSED, index, -1, 0, reason)
        now = monotonic_ns()
        while True:
            cut = cut_frame(&stream.inbound, &arrived, &frame, &length)
            if cut == CUT_MORE:
                return FAULT_NONE
            if cut == CUT_NO_MEMORY:
                return self._fail(FAULT_MEMORY, index, -1, 0, length)
            if cut == CUT_GARBAGE:
                return self._fail(FAULT_FRAME, index, -1, 0, length)
            fault = self._take(index, frame, length, now)
            if fault != FAULT_NONE:
                return fault

    cdef Fault _take(
        self, int index, const uint8_t* frame, size_t length, uint64_t now
    ) noexcept nogil:
        """Sort one whole frame: a measured message, an acknowledgement, or none of our business."""
        cdef int32_t mess_type = frame_mess_type(frame)
        if frame_type(frame) & TYPE_REJECT:
            return self._fail(FAULT_REJECTED, index, -1, 0, 0)
        if frame_type(frame) & TYPE_SERVICES == 0 or mess_type == MESS_TYPE_BARRIER:
            self.foreign += 1
            return FAULT_NONE
        if mess_type == MESS_TYPE_ACKNOWLEDGEMENT:
            return self._take_acknowledgement(index, frame, length)
        if not self.streams[index].receives:
            return self._fail(FAULT_UNEXPECTED, index, -1, 0, 0)
        return self._deliver(index, frame, length, now)

    cdef Fault _take_acknowledgement(
        self, int index, const uint8_t* frame, size_t length
    ) noexcept nogil:
        cdef size_t prefix_size = frame_prefix_size(frame)
        cdef int sender = self.streams[index].sender
        if sender < 0 or length < prefix_size + 8:
            return self._fail(FAULT_UNEXPECTED, index, -1, 0, 0)
        if self.pace == PACE_ACKNOWLEDGED:
            self.senders[sender].acknowledged = read_u64(frame + prefix_size)
            self._make_ready(sender)
        return FAULT_NONE

    cdef Fault _deliver(
        self, int index, const uint8_t* frame, size_t length, uint64_t now
    ) noexcept nogil:
        """Verify, count and time one measured message."""
        cdef Stream* stream = &self.streams[index]
        cdef int sender = self._sender_of(frame, length)
        cdef uint64_t due, seq
        if sender < 0:
            return self._fail(FAULT_SENDER, index, -1, self.message_size, length)
        due = stream.expected[sender]
        seq = due
        if self.is_stamped:
            seq = read_u64(frame + self.prefix_size + 8) & ((1ULL << SEQ_BITS) - 1)
        if seq != due:
            if self.ordered:
                return self._fail(FAULT_SEQ, index, sender, due, seq)
            self.reordered += 1
        if not self._is_unchanged(sender, seq, frame):
            return self._fail(FAULT_CHANGED, index, sender, seq, seq)
        stream.expected[sender] = due + 1
        stream.delivered += 1
        self._acknowledge(stream, sender, due)
        if self.phase == PHASE_MEASURE:
            self._time(stream, sender, seq, frame, now)
        return FAULT_NONE

    cdef int _sender_of(self, const uint8_t* frame, size_t length) noexcept nogil:
        """Index of the sender, or -1 when the frame is of another size or nobody's."""
        cdef int sender
        if length != self.message_size or frame_prefix_size(frame) != self.prefix_size:
            return -1
        if self.is_stamped:
            sender = <int>(read_u64(frame + self.prefix_size + 8) >> SEQ_BITS)
            return sender if sender < self.sender_count else -1
        for sender in range(self.sender_count):
            if memcmp(frame + 4, self.senders[sender].ring + 4, NAME_SIZE) == 0:
                return sender
        return -1

    cdef bint _is_unchanged(self, int sender, uint64_t seq, const uint8_t* frame) noexcept nogil:
        """Compare header, groups and filler with what was sent; long filler by sample."""
        cdef const uint8_t* sent = self.senders[sender].ring
        cdef size_t filler = self.prefix_size
        if self.template_count > 1:
            sent += (seq % self.template_count) * self.message_size
        if memcmp(frame, sent, self.prefix_size) != 0:
            return False
        if self.is_stamped:
            filler += STAMP_SIZE
        if self.message_size - filler > FILLER_ALWAYS and seq % 16 != 0:
            return True
        return memcmp(frame + filler, sent + filler, self.message_size - filler) == 0

    cdef void _acknowledge(self, Stream* stream, int index, uint64_t due) noexcept nogil:
        """Move the sender's window on if it waited for this delivery of message `due`."""
        cdef Sender* sender = &self.senders[index]
        if self.pace == PACE_OWN:
            if stream.sender == index:
                sender.acknowledged = due + 1
                self._make_ready(index)
        elif self.pace == PACE_SLOWEST and due == sender.acknowledged:
            sender.laggard_count -= 1
            if sender.laggard_count == 0:
                self._make_ready(index)

    cdef void _find_slowest(self, int index) noexcept nogil:
        """Count anew what the slowest receiver has had, after the last one moved on."""
        cdef Sender* sender = &self.senders[index]
        cdef uint64_t slowest = NEVER
        cdef uint64_t* row
        cdef int i
        for i in range(self.stream_count):
            row = self.streams[i].expected
            if row and row[index] <= slowest:
                sender.laggard_count = sender.laggard_count + 1 if row[index] == slowest else 1
                slowest = row[index]
        sender.acknowledged = slowest

    cdef void _time(
        self, Stream* stream, int sender, uint64_t seq, const uint8_t* frame, uint64_t now
    ) noexcept nogil:
        """Count the latency of one message; without a stamp, if its send time is still known."""
        cdef uint64_t sent_ns
        if self.is_stamped:
            sent_ns = read_u64(frame + self.prefix_size)
        elif self.senders[sender].stamped - seq <= self.history_size:
            sent_ns = self.senders[sender].sent_ns[seq & (self.history_size - 1)]
        else:
            return
        if stream.sender == sender:
            record(&self.own, now - sent_ns)
        elif self.is_one_host or stream.host != self.streams[self.senders[sender].stream].host:
            record(&self.other, now - sent_ns)

    # Phases.

    cdef void _change_phase(self, uint64_t now) noexcept nogil:
        """Go on to the next phase once both its time and its count are reached."""
        if self.phase == PHASE_WARM_UP:
            if now - self.start_ns >= self.warm_up_ns:
                if self._progress() >= self.warm_up_count:
                    self._begin(now)
        elif self.phase == PHASE_MEASURE:
            if now - self.begin_ns >= self.duration_ns:
                if self._progress() - self.begin_progress >= self.count:
                    self._end(now)
        elif self.phase == PHASE_DRAIN and self._is_drained():
            self.phase = PHASE_DONE

    cdef void _begin(self, uint64_t now) noexcept nogil:
        cdef int i
        self.phase = PHASE_MEASURE
        self.begin_ns = now
        self.begin_progress = self._progress()
        memset(&self.own, 0, sizeof(Histogram))
        memset(&self.other, 0, sizeof(Histogram))
        for i in range(self.stream_count):
            self.streams[i].delivered_begin = self.streams[i].delivered
        for i in range(self.sender_count):
            self.senders[i].delivered_begin = self._delivered_of(i)

    cdef void _end(self, uint64_t now) noexcept nogil:
        cdef int i
        self.phase = PHASE_DRAIN
        self.end_ns = now
        for i in range(self.stream_count):
            self.streams[i].delivered_end = self.streams[i].delivered
        for i in range(self.sender_count):
            self.senders[i].delivered_end = self._delivered_of(i)
            self.wake_ns[i] = NEVER
            if self.senders[i].schedule.interval_ns and self.senders[i].schedule.due_ns < now:
                self.late_ns = max(self.late_ns, now - self.senders[i].schedule.due_ns)

    cdef uint64_t _delivered_of(self, int sender) noexcept nogil:
        """Messages of one sender so far, at the first receiver or as acknowledged."""
        return self.matrix[sender] if self.matrix else self.senders[sender].acknowledged

    cdef uint64_t _progress(self) noexcept nogil:
        """Messages that the slowest receiver has had since the sessions were added."""
        cdef uint64_t slowest = NEVER
        cdef int i
        if self.pace == PACE_ACKNOWLEDGED:
            return self.senders[0].acknowledged
        for i in range(self.stream_count):
            if self.streams[i].receives:
                slowest = min(slowest, self.streams[i].delivered)
        return slowest

    cdef bint _is_drained(self) noexcept nogil:
        """Whether all that was sent has arrived at every receiver of this process."""
        cdef uint64_t stamped = 0
        cdef int sender, i
        for sender in range(self.sender_count):
            if self.senders[sender].written != self.senders[sender].stamped * self.message_size:
                return False
            stamped += self.senders[sender].stamped
        for i in range(self.stream_count):
            if self.streams[i].receives and self.streams[i].delivered != stamped:
                return False
        for i in range(self.stream_count):
            for sender in range(self.sender_count):
                if self.streams[i].expected and (
                    self.streams[i].expected[sender] != self.senders[sender].stamped
                ):
                    return False
        return True

    # What is sent.

    cdef Fault _write(self, int index, uint64_t now) noexcept nogil:
        """Stamp what may be sent and write until nothing is left or the socket is full."""
        cdef Sender* sender = &self.senders[index]
        cdef uint64_t ring_size = self.slot_count * self.message_size
        cdef uint64_t offset, size
        cdef ssize_t sent
        cdef iovec[2] parts
        cdef msghdr message
        if self.pace == PACE_SLOWEST and sender.laggard_count == 0:
            self._find_slowest(index)
        if sender.is_blocked:
            return FAULT_NONE
        memset(&message, 0, sizeof(msghdr))
        message.msg_iov = parts
        while True:
            self._stamp(index, now)
            size = sender.stamped * self.message_size - sender.written
            if size == 0:
                return FAULT_NONE
            offset = sender.written % ring_size
            parts[0].iov_base = sender.ring + offset
            parts[0].iov_len = min(size, ring_size - offset)
            parts[1].iov_base = sender.ring
            parts[1].iov_len = size - parts[0].iov_len
            message.msg_iovlen = 2 if parts[1].iov_len else 1
            sent = sendmsg(self.streams[sender.stream].fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
            if sent < 0:
                if errno in (EAGAIN, EINTR):
                    return self._block(index)
                return self._fail(FAULT_SOCKET, sender.stream, index, 0, errno)
            sender.written += sent

    cdef void _stamp(self, int index, uint64_t now) noexcept nogil:
        """Put messages into the ring as far as window, ring and schedule allow."""
        cdef Sender* sender = &self.senders[index]
        cdef Schedule* schedule = &sender.schedule
        cdef uint64_t slot_limit = sender.written // self.message_size + self.slot_count
        cdef uint64_t limit = min(sender.acknowledged + self.window, slot_limit)
        cdef uint64_t stamp
        self.wake_ns[index] = NEVER
        if self.phase >= PHASE_DRAIN or sender.stamped >= limit:
            return
        stamp = monotonic_ns()
        while sender.stamped < limit:
            if schedule.interval_ns:
                stamp = schedule.due_ns
                if stamp > now:
                    self.wake_ns[index] = stamp
                    return
                advance_schedule(schedule)
            self._put_stamp(sender, index, stamp)
            sender.stamped += 1

    cdef void _put_stamp(self, Sender* sender, int index, uint64_t stamp) noexcept nogil:
        """Write time, sender and seq where the receiver looks for them."""
        cdef uint8_t* payload
        if self.is_stamped:
            payload = (
                sender.ring + (sender.stamped % self.slot_count) * self.message_size
                + self.prefix_size
            )
            write_u64(payload, stamp)
            write_u64(payload + 8, (<uint64_t>index << SEQ_BITS) | sender.stamped)
        else:
            sender.sent_ns[sender.stamped & (self.history_size - 1)] = stamp

    cdef Fault _block(self, int index) noexcept nogil:
        """Let the sender wait until its socket takes more."""
        self.senders[index].is_blocked = True
        self.wake_ns[index] = NEVER
        return self._watch(self.senders[index].stream, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD)

    cdef void _unblock(self, int index) noexcept nogil:
        self.senders[index].is_blocked = False
        self._watch(self.senders[index].stream, EPOLLIN, EPOLL_CTL_MOD)
        self._make_ready(index)

    cdef Fault _watch(self, int stream, int events, int operation) noexcept nogil:
        cdef epoll_event event
        event.events = events
        event.data.u32 = stream
        if epoll_ctl(self.epoll, operation, self.streams[stream].fd, &event) < 0:
            return self._fail(FAULT_WAIT, stream, -1, 0, errno)
        return FAULT_NONE

    cdef Fault _fail(
        self, Fault fault, int stream, int sender, uint64_t expected, uint64_t found
    ) noexcept nogil:
        self.fault = fault
        self.fault_stream = stream
        self.fault_sender = sender
        self.fault_expected = expected
        self.fault_found = found
        return fault

    # Python face.

    def add_session(
        self, int fd, bint receives, const uint8_t[::1] frames=None, *, uint64_t interval_ns=0,
        seed=None, int host=0,
    ):
        """Add a session; with `frames` (template_count whole frames) it is a sender, too.

        With `interval_ns` the sender has a schedule, with `seed` that of a Poisson process.
        """
        cdef int index = self.stream_count
        if index == self.session_capacity or self.start_ns:
            raise ValueError("sessions are added before the start, as many as were announced")
        self.streams[index].fd = fd
        self.streams[index].receives = receives
        self.streams[index].sender = -1
        self.streams[index].host = host
        self.is_one_host &= host == self.streams[0].host
        if self._watch(index, EPOLLIN, EPOLL_CTL_ADD) != FAULT_NONE:
            raise OSError(self.fault_found, f"descriptor {fd} cannot be waited for")
        self.stream_count += 1
        if frames is not None:
            self._add_sender(index, frames)
            set_schedule(&self.senders[self.sender_count - 1].schedule, interval_ns, seed)
            self.is_scheduled |= interval_ns != 0

    cdef _add_sender(self, int stream, const uint8_t[::1] frames):
        """Fill the ring of a new sender with its templates."""
        cdef Sender* sender = &self.senders[self.sender_count]
        cdef size_t size = self.template_count * self.message_size
        cdef uint64_t slot
        if <size_t>frames.shape[0] != size:
            raise ValueError(f"{size} bytes of frames are needed, not {frames.shape[0]}")
        self.streams[stream].sender = self.sender_count
        self.sender_count += 1
        sender.stream = stream
        sender.ring = <uint8_t*>malloc(self.slot_count * self.message_size)
        if not self.is_stamped:
            sender.sent_ns = <uint64_t*>calloc(self.history_size, sizeof(uint64_t))
        if not sender.ring or not (sender.sent_ns or self.is_stamped):
            raise MemoryError
        for slot in range(0, self.slot_count, self.template_count):
            memcpy(sender.ring + slot * self.message_size, &frames[0], size)

    def start(
        self, *, uint64_t warm_up_count, uint64_t warm_up_ns, uint64_t count, uint64_t duration_ns
    ):
        """Begin to warm up; measuring starts after both bounds, and ends after both of its own."""
        if self.sender_count == 0 or self.start_ns:
            raise ValueError("a run is started once, with at least one sender")
        self._make_matrix()
        self.warm_up_count = warm_up_count
        self.warm_up_ns = warm_up_ns
        self.count = count
        self.duration_ns = duration_ns
        self.start_ns = monotonic_ns()
        for i in range(self.sender_count):
            begin_schedule(&self.senders[i].schedule, self.start_ns)
            self._make_ready(i)

    cdef _make_matrix(self):
        """Give every receiver its row of next seqs."""
        cdef size_t row = 0
        for i in range(self.stream_count):
            row += self.streams[i].receives
        if row * self.sender_count > MATRIX_SIZE_MAX:
            raise ValueError(
                f"{self.sender_count} senders to {row} receivers: more than "
                f"{MATRIX_SIZE_MAX} pairs cannot be verified, take fewer"
            )
        if row == 0 and self.pace != PACE_ACKNOWLEDGED:
            raise ValueError("a run needs a session that receives")
        if row == 0:
            return
        self.matrix = <uint64_t*>calloc(row * self.sender_count, sizeof(uint64_t))
        if not self.matrix:
            raise MemoryError
        for i in reversed(range(self.stream_count)):
            if self.streams[i].receives:
                row -= 1
                self.streams[i].expected = self.matrix + row * self.sender_count

    def advance(self, int slice_ms):
        """Run until the phase changes, something is wrong, or `slice_ms` have passed.

        Returns the phase: 0 warming up, 1 measuring, 2 draining, 3 done. After a fault it returns
        at once; ask `fault` when in doubt.
        """
        cdef Phase phase = self.phase
        cdef uint64_t until_ns = monotonic_ns() + <uint64_t>slice_ms * 1000000
        # Set for the time of the slice only: processes that Python starts would inherit it.
        cdef int slack_ns = prctl(PR_GET_TIMERSLACK, 0)
        prctl(PR_SET_TIMERSLACK, 1)
        with nogil:
            while self.fault == FAULT_NONE and self.phase == phase and self.phase != PHASE_DONE:
                if self._turn(until_ns) != FAULT_NONE or monotonic_ns() >= until_ns:
                    break
        prctl(PR_SET_TIMERSLACK, slack_ns)
        return <int>self.phase

    @property
    def problem(self):
        """What went wrong as (fault, session, sender, expected, found), or None."""
        if self.fault == FAULT_NONE:
            return None
        return (
            <int>self.fault, self.fault_stream, self.fault_sender,
            self.fault_expected, self.fault_found,
        )

    @property
    def progress(self):
        """Messages that the slowest receiver has had so far."""
        return self._progress()

    @property
    def measured_ns(self):
        """Length of the measured part."""
        return self.end_ns - self.begin_ns

    @property
    def behind_ns(self):
        """How far the latest sender was behind its schedule when measuring ended."""
        return self.late_ns

    @property
    def sent(self):
        """Messages handed to the kernel or waiting for it, warm-up and drain included."""
        return sum(self.senders[i].stamped for i in range(self.sender_count))

    @property
    def delivered(self):
        """Messages of the measured part at each receiver, in the order of adding."""
        return [
            self.streams[i].delivered_end - self.streams[i].delivered_begin
            for i in range(self.stream_count) if self.streams[i].receives
        ]

    @property
    def delivered_by_sender(self):
        """Messages of each sender in the measured part, at the first receiver."""
        return [
            self.senders[i].delivered_end - self.senders[i].delivered_begin
            for i in range(self.sender_count)
        ]

    @property
    def foreign_frames(self):
        """Frames that were no measured message: views and barriers."""
        return self.foreign

    @property
    def reordered_messages(self):
        """Messages off their sender's order under a service that does not promise it."""
        return self.reordered

    @property
    def latency_own(self):
        """Latency of own messages at their sender: bucket counts, native u64, and maximum in ns."""
        return (<uint8_t*>&self.own.buckets[0])[:BUCKET_COUNT * 8], self.own.max_ns

    @property
    def latency_other(self):
        """The same at receivers of other hosts; with one host, at its other receivers."""
        return (<uint8_t*>&self.other.buckets[0])[:BUCKET_COUNT * 8], self.other.max_ns


cdef set_schedule(Schedule* schedule, uint64_t interval_ns, seed):
    schedule.interval_ns = interval_ns
    schedule.is_random = seed is not None and interval_ns > 0
    schedule.state = 0 if seed is None else seed


def due_times(uint64_t interval_ns, seed, int count):
    """Return the first `count` due times of a schedule in ns after its start; see `add_session`."""
    cdef Schedule schedule
    set_schedule(&schedule, interval_ns, seed)
    begin_schedule(&schedule, 0)
    times = []
    for _ in range(count):
        times.append(schedule.due_ns)
        advance_schedule(&schedule)
    return times
