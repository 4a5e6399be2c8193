"""Closed-loop load on a set of open sessions: send within a window, verify and time what arrives.

One thread drives all sessions with one poll per turn. A turn reads each readable socket once into
one large buffer and cuts frames in place; what a session's last frame lacks waits in `rest`. Then
each sender stamps as many frames as its window allows and hands them to the kernel in one call.

Frames to send are laid out once: a sender's ring holds `slot_count` whole frames, and slot k looks
like template k % template_count. Only the stamp is written per message:

    payload    0          8                    16
               | sent_ns  | sender << 48 | seq | the same filler in every message ...

A payload shorter than the stamp travels without it; then the private group in the header tells the
sender and the place in the stream tells the sequence number. Seqs count from 0 per sender.

With an interval a sender sends at fixed times, as far as its window allows, and the stamp is the
time at which the message was due: a late sender does not hide latency.

Invariants: delivered by a stream = sum of its row of `expected`;
`written / message_size <= stamped <= written / message_size + slot_count`;
`stamped <= acknowledged + window`.

Errors are values here: a turn returns FAULT_NONE or the fault that ends the run; `bench.load` turns
it into an exception. Times are CLOCK_MONOTONIC in ns.
"""

cimport cython
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int32_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset
from posix.time cimport timespec

from bench._histogram cimport BUCKET_COUNT, Histogram, record
from bench._wire cimport (
    HEADER_SIZE, MSG_DONTWAIT, MSG_NOSIGNAL, NAME_SIZE, POLLIN, POLLOUT, TYPE_REJECT, TYPE_SERVICES,
    frame_mess_type, frame_prefix_size, frame_size, frame_type, iovec, is_native_order,
    monotonic_ns, msghdr, pollfd, ppoll, read_u64, recv, sendmsg, write_u64,
)

cdef enum:
    STAMP_SIZE = 16
    SEQ_BITS = 48
    READ_SIZE = 1 << 18             # more than a socket buffer of 200 KiB holds; fits level 2 cache
    REST_SIZE = 1 << 20             # longest frame that is skipped: a view of 30,000 members
    HISTORY_SIZE = 1 << 17          # send times kept per sender, for payloads without a stamp
    FILLER_ALWAYS = 512             # filler compared in every message; a longer one in every 16th
    MESS_TYPE_BARRIER = 0x7FFE      # a session's message to itself: its join has been ordered
    MESS_TYPE_ACKNOWLEDGEMENT = 0x7FFD   # a receiver elsewhere tells how many messages it has had

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

cdef struct Stream:
    int fd                          # borrowed from the Python socket
    int sender                      # index of the sender that writes here, or -1
    bint receives                   # messages are expected here
    uint8_t* rest                   # owned, REST_SIZE bytes
    size_t rest_size
    uint64_t delivered              # messages of all senders
    uint64_t delivered_begin        # the same when measuring began
    uint64_t delivered_end          # and when it ended

cdef struct Sender:
    int stream
    uint8_t* ring                   # owned, slot_count frames
    uint64_t* sent_ns               # owned, HISTORY_SIZE times by seq
    uint64_t stamped                # messages handed to the ring; the next seq
    uint64_t written                # bytes handed to the kernel
    uint64_t acknowledged           # messages that no longer count against the window
    uint64_t due_ns                 # when the next message is due, with an interval
    bint blocked                    # the socket was full; wait until it is writable


@cython.final
cdef class Load:
    """The run of one workload over sessions that are open, joined and quiet."""

    cdef Stream* streams
    cdef Sender* senders
    cdef pollfd* polled
    cdef uint64_t* expected         # next seq, by stream * sender_count + sender
    cdef uint8_t* scratch           # REST_SIZE + READ_SIZE bytes: what the current read works on
    cdef Histogram own              # latency of a sender's own messages
    cdef Histogram other            # latency at sessions that did not send the message
    cdef int stream_count
    cdef int sender_count
    cdef int session_capacity
    cdef size_t message_size
    cdef size_t prefix_size
    cdef uint64_t template_count
    cdef uint64_t slot_count
    cdef uint64_t window
    cdef uint64_t interval_ns       # between messages of a sender, 0 for as fast as the window
    cdef bint ordered               # the service promises order per sender
    cdef bint paced_by_own          # the window advances with own deliveries, not the slowest ones
    cdef bint paced_by_acknowledgements
    cdef Phase phase
    cdef uint64_t start_ns, begin_ns, end_ns
    cdef uint64_t warm_up_ns, duration_ns
    cdef uint64_t warm_up_count, count
    cdef uint64_t begin_progress    # messages at the slowest receiver when measuring began
    cdef uint64_t foreign           # frames that are no measured message: views, barriers
    cdef uint64_t reordered
    cdef Fault fault
    cdef int fault_stream, fault_sender
    cdef uint64_t fault_expected, fault_found

    def __cinit__(
        self, int session_capacity, *, size_t message_size, size_t prefix_size, int template_count,
        int slot_count, int window, uint64_t interval_ns, bint ordered, bint paced_by_own,
        bint paced_by_acknowledgements,
    ):
        """Prepare for up to `session_capacity` sessions and frames of `message_size`."""
        if not HEADER_SIZE <= prefix_size <= message_size < REST_SIZE:
            raise ValueError(f"messages of {message_size} bytes cannot be generated")
        if slot_count % template_count:
            raise ValueError("the ring must hold whole rounds of the templates")
        self.message_size = message_size
        self.prefix_size = prefix_size
        self.template_count = template_count
        self.slot_count = slot_count
        self.window = window
        self.interval_ns = interval_ns
        self.ordered = ordered
        self.paced_by_own = paced_by_own
        self.paced_by_acknowledgements = paced_by_acknowledgements
        self.session_capacity = session_capacity
        self.streams = <Stream*>calloc(session_capacity, sizeof(Stream))
        self.senders = <Sender*>calloc(session_capacity, sizeof(Sender))
        self.polled = <pollfd*>calloc(session_capacity, sizeof(pollfd))
        self.expected = <uint64_t*>calloc(session_capacity * session_capacity, sizeof(uint64_t))
        self.scratch = <uint8_t*>malloc(REST_SIZE + READ_SIZE)
        if not (self.streams and self.senders and self.polled and self.expected and self.scratch):
            raise MemoryError

    def __dealloc__(self):
        for i in range(self.stream_count):
            free(self.streams[i].rest)
        for i in range(self.sender_count):
            free(self.senders[i].ring)
            free(self.senders[i].sent_ns)
        free(self.streams)
        free(self.senders)
        free(self.polled)
        free(self.expected)
        free(self.scratch)

    # The turn, from reading to writing.

    cdef Fault _turn(self, uint64_t until_ns) noexcept nogil:
        """Wait until `until_ns` at most, then read, change phase and write once."""
        cdef timespec timeout = self._timeout(until_ns)
        cdef Fault fault
        cdef int i
        for i in range(self.stream_count):
            self.polled[i].events = <short>POLLIN
        for i in range(self.sender_count):
            if self.senders[i].blocked:
                self.polled[self.senders[i].stream].events = <short>(POLLIN | POLLOUT)
        if ppoll(self.polled, self.stream_count, &timeout, NULL) > 0:
            for i in range(self.stream_count):
                if self.polled[i].revents & ~POLLOUT:
                    fault = self._read(i)
                    if fault != FAULT_NONE:
                        return fault
        self._acknowledge()
        self._change_phase(monotonic_ns())
        for i in range(self.sender_count):
            fault = self._write(i)
            if fault != FAULT_NONE:
                return fault
        return FAULT_NONE

    cdef timespec _timeout(self, uint64_t until_ns) noexcept nogil:
        """Return the time until `until_ns`, or until a message is due if that is earlier."""
        cdef uint64_t now = monotonic_ns()
        cdef timespec timeout
        cdef int i
        if self.interval_ns and self.phase < PHASE_DRAIN:
            for i in range(self.sender_count):
                until_ns = min(until_ns, self.senders[i].due_ns)
        until_ns = max(until_ns, now)
        timeout.tv_sec = (until_ns - now) // 1000000000
        timeout.tv_nsec = (until_ns - now) % 1000000000
        return timeout

    cdef Fault _read(self, int index) noexcept nogil:
        """Read once from one session and take every whole frame."""
        cdef Stream* stream = &self.streams[index]
        cdef size_t size = stream.rest_size
        cdef size_t at = 0
        cdef size_t length
        cdef ssize_t received
        cdef uint64_t now, reason
        cdef Fault fault
        memcpy(self.scratch, stream.rest, size)
        received = recv(stream.fd, self.scratch + size, READ_SIZE, MSG_DONTWAIT)
        if received <= 0:
            if received < 0 and errno in (EAGAIN, EINTR):
                return FAULT_NONE
            reason = errno if received < 0 else 0
            return self._fail(FAULT_CLOSED, index, -1, 0, reason)
        now = monotonic_ns()
        size += received
        while size - at >= HEADER_SIZE:
            length = frame_size(self.scratch + at)
            if not is_native_order(self.scratch + at) or not 0 < length < REST_SIZE:
                return self._fail(FAULT_FRAME, index, -1, 0, length)
            if size - at < length:
                break
            fault = self._take(index, self.scratch + at, length, now)
            if fault != FAULT_NONE:
                return fault
            at += length
        stream.rest_size = size - at
        memcpy(stream.rest, self.scratch + at, stream.rest_size)
        return FAULT_NONE

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
        if self.paced_by_acknowledgements:
            self.senders[sender].acknowledged = read_u64(frame + prefix_size)
        return FAULT_NONE

    cdef Fault _deliver(
        self, int index, const uint8_t* frame, size_t length, uint64_t now
    ) noexcept nogil:
        """Verify, count and time one measured message."""
        cdef Stream* stream = &self.streams[index]
        cdef int sender = self._sender_of(frame, length)
        cdef uint64_t* expected
        cdef uint64_t seq, sent_ns
        cdef bint stamped = self.message_size - self.prefix_size >= STAMP_SIZE
        if sender < 0:
            return self._fail(FAULT_SENDER, index, -1, self.message_size, length)
        expected = &self.expected[index * self.sender_count + sender]
        seq = expected[0]
        if stamped:
            seq = read_u64(frame + self.prefix_size + 8) & ((1ULL << SEQ_BITS) - 1)
        if seq != expected[0]:
            if self.ordered:
                return self._fail(FAULT_SEQ, index, sender, expected[0], seq)
            self.reordered += 1
        if not self._is_unchanged(sender, seq, frame):
            return self._fail(FAULT_CHANGED, index, sender, seq, seq)
        expected[0] += 1
        stream.delivered += 1
        if self.phase == PHASE_MEASURE:
            if stamped:
                sent_ns = read_u64(frame + self.prefix_size)
            elif self.senders[sender].stamped - seq <= HISTORY_SIZE:
                sent_ns = self.senders[sender].sent_ns[seq % HISTORY_SIZE]
            else:
                return FAULT_NONE
            record(&self.own if stream.sender == sender else &self.other, now - sent_ns)
        return FAULT_NONE

    cdef int _sender_of(self, const uint8_t* frame, size_t length) noexcept nogil:
        """Index of the sender, or -1 when the frame is of another size or nobody's."""
        cdef int sender
        if length != self.message_size or frame_prefix_size(frame) != self.prefix_size:
            return -1
        if self.message_size - self.prefix_size >= STAMP_SIZE:
            sender = <int>(read_u64(frame + self.prefix_size + 8) >> SEQ_BITS)
            return sender if sender < self.sender_count else -1
        for sender in range(self.sender_count):
            if memcmp(frame + 4, self.senders[sender].ring + 4, NAME_SIZE) == 0:
                return sender
        return -1

    cdef bint _is_unchanged(self, int sender, uint64_t seq, const uint8_t* frame) noexcept nogil:
        """Compare header, groups and filler with what was sent; long filler by sample."""
        cdef const uint8_t* sent = (
            self.senders[sender].ring + (seq % self.template_count) * self.message_size
        )
        cdef size_t filler = self.prefix_size
        if memcmp(frame, sent, self.prefix_size) != 0:
            return False
        if self.message_size - self.prefix_size >= STAMP_SIZE:
            filler += STAMP_SIZE
        if self.message_size - filler > FILLER_ALWAYS and seq % 16 != 0:
            return True
        return memcmp(frame + filler, sent + filler, self.message_size - filler) == 0

    cdef void _acknowledge(self) noexcept nogil:
        """Move each sender's window up to what the pacing receivers have."""
        cdef uint64_t slowest
        cdef int sender, i
        if self.paced_by_acknowledgements:
            return
        for sender in range(self.sender_count):
            if self.paced_by_own:
                i = self.senders[sender].stream
                slowest = self.expected[i * self.sender_count + sender]
            else:
                slowest = self.senders[sender].stamped
                for i in range(self.stream_count):
                    if self.streams[i].receives:
                        slowest = min(slowest, self.expected[i * self.sender_count + sender])
            self.senders[sender].acknowledged = slowest

    cdef uint64_t _progress(self) noexcept nogil:
        """Messages that the slowest receiver has had since the sessions were added."""
        cdef uint64_t slowest = <uint64_t>-1
        cdef int i
        if self.paced_by_acknowledgements:
            return self.senders[0].acknowledged
        for i in range(self.stream_count):
            if self.streams[i].receives:
                slowest = min(slowest, self.streams[i].delivered)
        return slowest

    cdef void _change_phase(self, uint64_t now) noexcept nogil:
        cdef uint64_t progress = self._progress()
        cdef int i
        if self.phase == PHASE_WARM_UP:
            if progress >= self.warm_up_count and now - self.start_ns >= self.warm_up_ns:
                self.phase = PHASE_MEASURE
                self.begin_ns = now
                self.begin_progress = progress
                memset(&self.own, 0, sizeof(Histogram))
                memset(&self.other, 0, sizeof(Histogram))
                for i in range(self.stream_count):
                    self.streams[i].delivered_begin = self.streams[i].delivered
        elif self.phase == PHASE_MEASURE:
            if (
                progress - self.begin_progress >= self.count
                and now - self.begin_ns >= self.duration_ns
            ):
                self.phase = PHASE_DRAIN
                self.end_ns = now
                for i in range(self.stream_count):
                    self.streams[i].delivered_end = self.streams[i].delivered
        elif self.phase == PHASE_DRAIN and self._is_drained():
            self.phase = PHASE_DONE

    cdef bint _is_drained(self) noexcept nogil:
        """Whether all that was sent has arrived at every receiver of this process."""
        cdef int sender, i
        for sender in range(self.sender_count):
            if self.senders[sender].written != self.senders[sender].stamped * self.message_size:
                return False
            for i in range(self.stream_count):
                if self.streams[i].receives and (
                    self.expected[i * self.sender_count + sender] != self.senders[sender].stamped
                ):
                    return False
        return True

    cdef Fault _write(self, int index) noexcept nogil:
        """Stamp what the window allows and write until the window or the socket is full."""
        cdef Sender* sender = &self.senders[index]
        cdef uint64_t ring_size = self.slot_count * self.message_size
        cdef uint64_t offset, size
        cdef ssize_t sent
        cdef iovec[2] parts
        cdef msghdr message
        memset(&message, 0, sizeof(msghdr))
        message.msg_iov = parts
        sender.blocked = False
        while True:
            self._stamp(index)
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
                    sender.blocked = True
                    return FAULT_NONE
                return self._fail(FAULT_SOCKET, sender.stream, index, 0, errno)
            sender.written += sent

    cdef void _stamp(self, int index) noexcept nogil:
        """Put messages into the ring as far as window and ring allow; none after measuring."""
        cdef Sender* sender = &self.senders[index]
        cdef uint64_t limit = min(
            sender.acknowledged + self.window, sender.written // self.message_size + self.slot_count
        )
        cdef uint64_t now, stamp
        cdef uint8_t* payload
        if self.phase >= PHASE_DRAIN or sender.stamped >= limit:
            return
        now = monotonic_ns()
        while sender.stamped < limit:
            stamp = now
            if self.interval_ns:
                if sender.due_ns > now:
                    return
                stamp = sender.due_ns
                sender.due_ns += self.interval_ns
            if self.message_size - self.prefix_size >= STAMP_SIZE:
                payload = (
                    sender.ring + (sender.stamped % self.slot_count) * self.message_size
                    + self.prefix_size
                )
                write_u64(payload, stamp)
                write_u64(payload + 8, (<uint64_t>index << SEQ_BITS) | sender.stamped)
            sender.sent_ns[sender.stamped % HISTORY_SIZE] = stamp
            sender.stamped += 1

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

    def add_session(self, int fd, bint receives, const uint8_t[::1] frames=None):
        """Add a session; with `frames` (template_count whole frames) it is a sender, too."""
        cdef Stream* stream = &self.streams[self.stream_count]
        if self.stream_count == self.session_capacity or self.start_ns:
            raise ValueError("sessions are added before the start, as many as were announced")
        stream.rest = <uint8_t*>malloc(REST_SIZE)
        if not stream.rest:
            raise MemoryError
        stream.fd = fd
        stream.receives = receives
        stream.sender = -1
        self.polled[self.stream_count].fd = fd
        self.stream_count += 1
        if frames is not None:
            self._add_sender(self.stream_count - 1, frames)

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
        sender.sent_ns = <uint64_t*>calloc(HISTORY_SIZE, sizeof(uint64_t))
        if not sender.ring or not sender.sent_ns:
            raise MemoryError
        for slot in range(0, self.slot_count, self.template_count):
            memcpy(sender.ring + slot * self.message_size, &frames[0], size)

    def start(
        self, *, uint64_t warm_up_count, uint64_t warm_up_ns, uint64_t count, uint64_t duration_ns
    ):
        """Begin to warm up; measuring starts after both bounds, and ends after both of its own."""
        if self.sender_count == 0 or self.start_ns:
            raise ValueError("a run is started once, with at least one sender")
        self.warm_up_count = warm_up_count
        self.warm_up_ns = warm_up_ns
        self.count = count
        self.duration_ns = duration_ns
        self.start_ns = monotonic_ns()
        for i in range(self.sender_count):
            self.senders[i].due_ns = self.start_ns

    def advance(self, int slice_ms):
        """Run until the phase changes, something is wrong, or `slice_ms` have passed.

        Returns the phase: 0 warming up, 1 measuring, 2 draining, 3 done. After a fault it returns
        at once; ask `fault` when in doubt.
        """
        cdef Phase phase = self.phase
        cdef uint64_t until_ns = monotonic_ns() + <uint64_t>slice_ms * 1000000
        with nogil:
            while self.fault == FAULT_NONE and self.phase == phase and self.phase != PHASE_DONE:
                if self._turn(until_ns) != FAULT_NONE or monotonic_ns() >= until_ns:
                    break
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
        """Latency at all other receivers: bucket counts, native u64, and maximum in ns."""
        return (<uint8_t*>&self.other.buckets[0])[:BUCKET_COUNT * 8], self.other.max_ns
