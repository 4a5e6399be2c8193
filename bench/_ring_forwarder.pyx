"""The limit of a cell with several hosts: what a ring of daemons does, without its protocol.

Frames of the local clients go to all other hosts in bursts; what arrives from them goes to the
clients that have joined; own frames come back once every other host has acknowledged them. There is
no order between hosts, no token, no recovery, no table of groups.

A host's datagrams, put end to end, are a stream of bursts. A burst is handed to the kernel whole
and cut there (or here, without offload) into datagrams of `segment_size` bytes:

     0       4        5       6       8      12      16         24          24 + 8 n
    | magic | origin | flags | hosts | size |       | number   | acks ...  | frames ... | number
      u32     u8       u8      u16     u32            u64        n * u64     size bytes   u64

`number` counts the bursts of a host, so a missing datagram shows as one that does not fit, and ends
the run. `acks` are, per host, the datagrams that have arrived from it; the window bounds those
under way, so that they fit into the socket buffers of the slowest host. A burst holds whole frames;
only a frame that is longer than a burst is cut (FLAG_PART) and put together before it is delivered.

A turn reads once from the network and from each client, sends what the window allows with one call,
and hands each client with one call all that is due to it. What a client's full socket does not take
is queued; while a queue is above QUEUE_SIZE_MAX nothing is read.

Invariants: returned <= sent <= made <= returned + BURSTS_MAX;
units_acked <= units_sent <= units_acked + window;
a block lives while a session reads into it or a burst of it is under way.
"""

cimport cython
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset
from posix.unistd cimport close

from bench._byte_queue cimport ByteQueue, enqueue, flush, queued
from bench._udp cimport (
    AF_INET, DATAGRAM_SIZE_MAX, htonl, htons, mmsghdr, recvmmsg, sendmmsg, sockaddr_in,
    udp_message,
)
from bench._wire cimport (
    HEADER_SIZE, MSG_DONTWAIT, MSG_NOSIGNAL, POLLIN, POLLOUT, TYPE_JOIN, TYPE_KILL, TYPE_REQUESTS,
    frame_size, frame_type, iovec, msghdr, poll, pollfd, read_u32, read_u64, recv, sendmsg,
    write_u64,
)

cdef enum:
    HOSTS_MAX = 16
    SESSIONS_MAX = 1024
    FIRST_SESSION = 2               # in `polled`: listener, network, sessions
    BLOCK_SIZE = 1 << 18            # what one read may bring: more than a socket buffer of 200 KiB
    READ_SIZE_MIN = 1 << 15         # free space below which a new block is taken
    FRAME_SIZE_MAX = 1 << 24
    QUEUE_SIZE_MAX = 1 << 22
    BURSTS_MAX = 1 << 14            # a power of two
    BURSTS_READ_MAX = 1 << 13       # above it clients wait; one read makes fewer than the rest
    BURST_SIZE_MAX = 64800          # 45 segments of 1,440 bytes; a datagram has 65,507 at most
    BURST_HEADER_SIZE = 24          # and 8 per host
    BURST_TRAILER_SIZE = 8
    FLAG_PART = 1                   # the frame goes on in the next burst
    SEND_BATCH = 8                  # bursts per call; the window is rarely wider
    SEGMENTS_MAX = BURST_SIZE_MAX // 512    # of a burst, cut here
    READ_BATCH = 32                 # datagrams per call, coalesced or not
    PARTS_MAX = 1024                # the kernel's UIO_MAXIOV
    SILENCE_MS = 5000               # longer than any pause that a fault cell makes

cdef uint32_t MAGIC = 0x52494E47

cdef enum Fault:
    FAULT_NONE = 0
    FAULT_LOST = 1
    FAULT_SILENT = 2
    FAULT_SEND = 3
    FAULT_MEMORY = 4

cdef struct Block:
    uint8_t* data                   # owned
    size_t capacity
    size_t fill                     # bytes read
    size_t cut                      # bytes of whole frames, all in bursts or done with
    int uses                        # bursts under way, and the session that reads into it
    Block* next                     # in the list of free ones

cdef struct Burst:
    Block* block
    size_t begin                    # of its frames, in the block
    size_t size
    bint is_part
    uint64_t units_end              # datagrams of this host up to its end

cdef struct Session:
    bint joined                     # gets every frame
    Block* block                    # what it reads into, NULL for none
    ByteQueue queue

cdef struct Host:
    sockaddr_in address
    uint64_t number                 # of the next burst
    uint64_t units                  # datagrams that have arrived
    uint64_t acked                  # own datagrams that it has
    uint8_t* assembly               # owned, BURST_SIZE_MAX: a burst that came in pieces
    size_t assembled
    ByteQueue frame                 # parts of a long frame


@cython.final
cdef class RingPump:
    """One host's forwarder: its clients after their handshake, and the socket to the others."""

    cdef Session[SESSIONS_MAX] sessions     # by place in `polled`, FIRST_SESSION places before
    cdef pollfd[FIRST_SESSION + SESSIONS_MAX] polled
    cdef int session_count
    cdef Host[HOSTS_MAX] hosts
    cdef int host_count
    cdef int own                            # index of this host
    cdef int fd                             # borrowed: the bound UDP socket
    cdef sockaddr_in[HOSTS_MAX] targets     # the group, or each other host
    cdef int target_count
    cdef size_t segment_size
    cdef bint has_offload                   # the kernel cuts
    cdef uint64_t window                    # datagrams under way
    cdef size_t header_size
    cdef size_t payload_max                 # bytes of frames in a burst
    cdef Burst[BURSTS_MAX] bursts
    cdef uint64_t made, sent, returned      # bursts with frames, counted
    cdef uint64_t number                    # of the next burst, those with nothing but acks too
    cdef uint64_t units_sent
    cdef bint ack_due
    cdef Block* free_blocks
    cdef uint8_t* received                  # owned, READ_BATCH * DATAGRAM_SIZE_MAX
    cdef mmsghdr[READ_BATCH] incoming
    cdef iovec[READ_BATCH] incoming_parts
    cdef sockaddr_in[READ_BATCH] incoming_sources
    cdef uint8_t* cutting                   # owned, BURST_SIZE_MAX: a burst to be cut here
    cdef uint8_t* headers                   # owned, SEND_BATCH headers
    cdef iovec[PARTS_MAX] output            # what each joined client is to get at this turn's end
    cdef int output_count
    cdef uint64_t given_back                # bursts whose frames stand in `output` at most
    cdef Fault fault
    cdef int fault_host
    cdef int fault_errno

    def __cinit__(
        self, int listener, int fd, *, hosts, int own, targets, int segment_size, bint has_offload,
        int window,
    ):
        """Borrow a listener and a UDP socket; `hosts` and `targets` are (address, port) as ints."""
        cdef int i
        if not 0 <= own < len(hosts) <= HOSTS_MAX or len(targets) > HOSTS_MAX:
            raise ValueError(f"1 to {HOSTS_MAX} hosts, not {len(hosts)}")
        if not 512 <= segment_size <= BURST_SIZE_MAX or window < 1:
            raise ValueError(f"segments of {segment_size} bytes, window {window}: cannot be")
        self.fd = fd
        self.own = own
        self.host_count = len(hosts)
        self.target_count = len(targets)
        self.segment_size = segment_size
        self.has_offload = has_offload
        self.window = window
        self.header_size = BURST_HEADER_SIZE + 8 * self.host_count
        self.payload_max = (
            min(<size_t>BURST_SIZE_MAX, self.window * self.segment_size)
            - self.header_size - BURST_TRAILER_SIZE
        )
        for i, (ipv4, port) in enumerate(hosts):
            _set_address(&self.hosts[i].address, ipv4, port)
            self.hosts[i].assembly = <uint8_t*>malloc(BURST_SIZE_MAX)
            if not self.hosts[i].assembly:
                raise MemoryError
        for i, (ipv4, port) in enumerate(targets):
            _set_address(&self.targets[i], ipv4, port)
        self.received = <uint8_t*>malloc(READ_BATCH * DATAGRAM_SIZE_MAX)
        self.cutting = <uint8_t*>malloc(BURST_SIZE_MAX)
        self.headers = <uint8_t*>calloc(SEND_BATCH, self.header_size)
        if not (self.received and self.cutting and self.headers):
            raise MemoryError
        for i in range(READ_BATCH):
            self.incoming_parts[i].iov_base = self.received + <size_t>i * DATAGRAM_SIZE_MAX
            self.incoming_parts[i].iov_len = DATAGRAM_SIZE_MAX
        self.polled[0].fd = listener
        self.polled[1].fd = fd

    def __dealloc__(self):
        cdef Block* block
        cdef int i
        while self.session_count:
            self._end(self.session_count - 1)
        while self.returned < self.made:
            self._release(self.bursts[self.returned % BURSTS_MAX].block)
            self.returned += 1
        while self.free_blocks:
            block = self.free_blocks
            self.free_blocks = block.next
            free(block.data)
            free(block)
        for i in range(self.host_count):
            free(self.hosts[i].assembly)
            free(self.hosts[i].frame.data)
        free(self.received)
        free(self.cutting)
        free(self.headers)

    # A turn.

    cdef bint _turn(self) noexcept nogil:
        """Wait, then serve what is ready once; True when a client is to be accepted."""
        cdef bint reading = True
        cdef bint taking = self.sent == self.made and self.made - self.returned < BURSTS_READ_MAX
        cdef int timeout_ms = -1
        cdef int count, i
        cdef short ready
        for i in range(self.session_count):
            if queued(&self.sessions[i].queue) > QUEUE_SIZE_MAX:
                reading = False
        for i in range(self.session_count):
            self.polled[FIRST_SESSION + i].events = <short>(
                (POLLIN if reading and taking else 0)
                | (POLLOUT if queued(&self.sessions[i].queue) else 0)
            )
        self.polled[0].events = <short>POLLIN
        self.polled[1].events = <short>(POLLIN if reading else 0)
        if reading and self.sent > self.returned:
            timeout_ms = SILENCE_MS
        count = poll(self.polled, FIRST_SESSION + self.session_count, timeout_ms)
        if count < 0:
            return False
        if count == 0:
            self._fail(FAULT_SILENT, self._slowest(), 0)
            return False
        if self.polled[1].revents:
            self._receive()
        # Downwards: a session that ends is replaced by the last one, which has been served then.
        for i in range(self.session_count - 1, -1, -1):
            ready = self.polled[FIRST_SESSION + i].revents
            if ready & POLLOUT and not flush(
                &self.sessions[i].queue, self.polled[FIRST_SESSION + i].fd
            ):
                self._end(i)
            elif ready & ~POLLOUT and not self._read(i):
                self._end(i)
        self._send()
        self._return_own()
        self._deliver()
        return self.polled[0].revents != 0

    # From the clients.

    cdef bint _read(self, int index) noexcept nogil:
        """Read once, make bursts of every whole frame; False when the session is over."""
        cdef Block* block = self._readable_block(&self.sessions[index])
        cdef ssize_t received
        if not block:
            return False
        received = recv(
            self.polled[FIRST_SESSION + index].fd, block.data + block.fill,
            block.capacity - block.fill, MSG_DONTWAIT,
        )
        if received <= 0:
            return received < 0 and errno in (EAGAIN, EINTR)
        block.fill += received
        return self._cut(index, block)

    cdef Block* _readable_block(self, Session* session) noexcept nogil:
        """Return the session's block with room to read; the rest of a cut frame is in front."""
        cdef Block* old = session.block
        cdef Block* block
        cdef size_t rest
        cdef size_t wanted = HEADER_SIZE
        if not old:
            session.block = self._acquire(BLOCK_SIZE)
            return session.block
        rest = old.fill - old.cut
        if old.uses == 1 and rest == 0:
            old.fill = old.cut = 0      # All of it has been returned: memory that is still cached.
            return old
        if rest >= HEADER_SIZE:
            wanted = frame_size(old.data + old.cut)
        if old.capacity - old.cut >= wanted and old.capacity - old.fill >= READ_SIZE_MIN:
            return old
        block = self._acquire(max(<size_t>BLOCK_SIZE, wanted + READ_SIZE_MIN))
        if block:
            memcpy(block.data, old.data + old.cut, rest)
            block.fill = rest
        self._release(old)
        session.block = block
        return block

    cdef bint _cut(self, int index, Block* block) noexcept nogil:
        """Walk over the frames that have been read; False: the session is over."""
        cdef size_t payload_max = self.payload_max
        cdef size_t run = block.cut
        cdef size_t at = block.cut
        cdef size_t length
        cdef uint32_t type_bits
        while block.fill - at >= HEADER_SIZE:
            length = frame_size(block.data + at)
            type_bits = frame_type(block.data + at)
            if not 0 < length < FRAME_SIZE_MAX:
                return False
            if block.fill - at < length:
                break
            if type_bits & TYPE_REQUESTS or at + length - run > payload_max:
                self._make(block, run, at - run, False)
                run = at
            at += length
            if type_bits & TYPE_KILL:
                return False
            if type_bits & TYPE_REQUESTS:
                self.sessions[index].joined |= type_bits & TYPE_JOIN != 0
                run = at
            while at - run > payload_max:
                self._make(block, run, payload_max, True)
                run += payload_max
        self._make(block, run, at - run, False)
        block.cut = at
        return True

    cdef void _make(self, Block* block, size_t begin, size_t size, bint is_part) noexcept nogil:
        """Append a burst to those that are to be sent."""
        cdef Burst* burst = &self.bursts[self.made % BURSTS_MAX]
        if size == 0:
            return
        burst.block = block
        burst.begin = begin
        burst.size = size
        burst.is_part = is_part
        block.uses += 1
        self.made += 1

    # To and from the other hosts.

    cdef void _send(self) noexcept nogil:
        """Send bursts as far as the window allows, or acknowledgements alone if they are due."""
        cdef mmsghdr[SEND_BATCH] messages
        cdef iovec[3 * SEND_BATCH] parts
        cdef Burst* burst
        cdef uint64_t under_way, units
        cdef int count = 0
        memset(messages, 0, sizeof(messages))
        while True:
            burst = NULL
            if self.sent < self.made:
                burst = &self.bursts[self.sent % BURSTS_MAX]
                units = self._units(burst.size)
                under_way = self.units_sent - self._acked()
                if under_way and under_way + units > self.window:
                    burst = NULL
            if not burst and not (self.ack_due and count == 0):
                break
            self._lay_out(&messages[count], parts + 3 * count, count, burst)
            count += 1
            self.ack_due = False
            if burst:
                self.units_sent += units
                burst.units_end = self.units_sent
                self.sent += 1
            if count == SEND_BATCH:
                self._transmit(messages, count)
                count = 0
        self._transmit(messages, count)

    cdef void _lay_out(
        self, mmsghdr* message, iovec* parts, int place, const Burst* burst
    ) noexcept nogil:
        """Write a burst's header and point at its parts; without a burst it only acknowledges."""
        cdef uint8_t* header = self.headers + <size_t>place * self.header_size
        cdef uint32_t size = burst.size if burst else 0
        cdef uint16_t host_count = self.host_count
        cdef int i
        memcpy(header, &MAGIC, 4)
        header[4] = self.own
        header[5] = FLAG_PART if burst and burst.is_part else 0
        memcpy(header + 6, &host_count, 2)
        memcpy(header + 8, &size, 4)
        write_u64(header + 16, self.number)
        for i in range(self.host_count):
            write_u64(header + BURST_HEADER_SIZE + 8 * i, self.hosts[i].units)
        self.number += 1
        parts[0].iov_base = header
        parts[0].iov_len = self.header_size
        parts[1].iov_base = burst.block.data + burst.begin if burst else NULL
        parts[1].iov_len = size
        parts[2].iov_base = header + 16
        parts[2].iov_len = BURST_TRAILER_SIZE
        message.msg_hdr.msg_iov = parts
        message.msg_hdr.msg_iovlen = 3

    cdef void _transmit(self, mmsghdr* messages, int count) noexcept nogil:
        """Send messages to every target; the kernel may make us wait, it must not refuse."""
        cdef int target, i
        for target in range(self.target_count):
            for i in range(count):
                messages[i].msg_hdr.msg_name = &self.targets[target]
                messages[i].msg_hdr.msg_namelen = sizeof(sockaddr_in)
            if self.has_offload:
                self._send_all(messages, count)
                continue
            for i in range(count):
                self._send_cut(&messages[i].msg_hdr)

    cdef void _send_all(self, mmsghdr* messages, int count) noexcept nogil:
        cdef int done
        while count > 0:
            done = sendmmsg(self.fd, messages, count, 0)
            if done < 0:
                if errno == EINTR:
                    continue
                self._fail(FAULT_SEND, self.own, errno)
                return
            messages += done
            count -= done

    cdef void _send_cut(self, const udp_message* burst) noexcept nogil:
        """Send one burst as datagrams that are cut here."""
        cdef mmsghdr[SEGMENTS_MAX + 1] messages
        cdef iovec[SEGMENTS_MAX + 1] parts
        cdef size_t size = 0
        cdef size_t at = 0
        cdef int count = 0
        cdef size_t i
        for i in range(burst.msg_iovlen):
            memcpy(self.cutting + size, burst.msg_iov[i].iov_base, burst.msg_iov[i].iov_len)
            size += burst.msg_iov[i].iov_len
        memset(messages, 0, sizeof(messages))
        while at < size:
            parts[count].iov_base = self.cutting + at
            parts[count].iov_len = min(self.segment_size, size - at)
            messages[count].msg_hdr = burst[0]
            messages[count].msg_hdr.msg_iov = &parts[count]
            messages[count].msg_hdr.msg_iovlen = 1
            at += parts[count].iov_len
            count += 1
        self._send_all(messages, count)

    cdef void _receive(self) noexcept nogil:
        """Read what has arrived once; frames go to the output, acknowledgements are noted."""
        cdef int count, host, i
        for i in range(READ_BATCH):
            self.incoming[i].msg_hdr.msg_name = &self.incoming_sources[i]
            self.incoming[i].msg_hdr.msg_namelen = sizeof(sockaddr_in)
            self.incoming[i].msg_hdr.msg_iov = &self.incoming_parts[i]
            self.incoming[i].msg_hdr.msg_iovlen = 1
        count = recvmmsg(self.fd, self.incoming, READ_BATCH, MSG_DONTWAIT, NULL)
        for i in range(count):
            host = self._host_of(&self.incoming_sources[i])
            if host >= 0 and not self._feed(
                host, <const uint8_t*>self.incoming_parts[i].iov_base, self.incoming[i].msg_len
            ):
                return

    cdef int _host_of(self, const sockaddr_in* source) noexcept nogil:
        """Index of another host, or -1: own datagrams that are looped back, and strangers."""
        cdef int i
        for i in range(self.host_count):
            if self.hosts[i].address.sin_addr.s_addr == source.sin_addr.s_addr:
                if self.hosts[i].address.sin_port == source.sin_port:
                    return i if i != self.own else -1
        return -1

    cdef bint _feed(self, int index, const uint8_t* data, size_t size) noexcept nogil:
        """Take the next bytes of a host's stream; False when something of it is missing."""
        cdef Host* host = &self.hosts[index]
        cdef size_t total, wanted
        while size:
            if host.assembled == 0 and size >= self.header_size:
                total = self._burst_size(data)
                if total <= size:
                    if not self._take(index, data, total):
                        return False
                    data += total
                    size -= total
                    continue
            total = self.header_size
            if host.assembled >= self.header_size:
                total = self._burst_size(host.assembly)
            if not host.assembled < total <= BURST_SIZE_MAX:
                return self._fail(FAULT_LOST, index, 0)
            wanted = min(total - host.assembled, size)
            memcpy(host.assembly + host.assembled, data, wanted)
            host.assembled += wanted
            data += wanted
            size -= wanted
            if host.assembled == total and total > self.header_size:
                host.assembled = 0
                if not self._take(index, host.assembly, total):
                    return False
                self._deliver()         # Before the assembly is written again.
        return True

    cdef size_t _burst_size(self, const uint8_t* header) noexcept nogil:
        """Bytes of a burst by its header; too many for any if it is none."""
        if read_u32(header) != MAGIC:
            return <size_t>-1
        return self.header_size + <size_t>read_u32(header + 8) + BURST_TRAILER_SIZE

    cdef bint _take(self, int index, const uint8_t* burst, size_t total) noexcept nogil:
        """Take one whole burst; False when another one was due."""
        cdef Host* host = &self.hosts[index]
        cdef size_t size = total - self.header_size - BURST_TRAILER_SIZE
        cdef const uint8_t* frames = burst + self.header_size
        if (
            burst[4] != index
            or read_u64(burst + 16) != host.number
            or read_u64(burst + total - BURST_TRAILER_SIZE) != host.number
        ):
            return self._fail(FAULT_LOST, index, 0)
        host.number += 1
        host.acked = read_u64(burst + BURST_HEADER_SIZE + 8 * self.own)
        if size == 0:
            return True
        host.units += self._units(size)
        self.ack_due = True
        if burst[5] & FLAG_PART or queued(&host.frame):
            if not enqueue(&host.frame, frames, size):
                return self._fail(FAULT_MEMORY, index, 0)
            if not burst[5] & FLAG_PART:
                self._put_out(host.frame.data, queued(&host.frame))
                self._deliver()         # Before the frame's memory is used again.
                host.frame.begin = host.frame.end = 0
        else:
            self._put_out(frames, size)
        return True

    cdef uint64_t _units(self, size_t size) noexcept nogil:
        """Datagrams of a burst with `size` bytes of frames."""
        cdef size_t total = self.header_size + size + BURST_TRAILER_SIZE
        return (total + self.segment_size - 1) // self.segment_size

    cdef int _slowest(self) noexcept nogil:
        """The host that has acknowledged least; oneself if there is no other."""
        cdef int slowest = self.own
        cdef int i
        for i in range(self.host_count):
            if i != self.own and (
                slowest == self.own or self.hosts[i].acked < self.hosts[slowest].acked
            ):
                slowest = i
        return slowest

    cdef uint64_t _acked(self) noexcept nogil:
        """Own datagrams that all other hosts have."""
        cdef int slowest = self._slowest()
        return self.units_sent if slowest == self.own else self.hosts[slowest].acked

    # To the clients.

    cdef void _return_own(self) noexcept nogil:
        """Put out the own frames that all other hosts have; those in parts when they have all."""
        cdef uint64_t acked = self._acked()
        cdef uint64_t end = self.given_back
        cdef Burst* burst
        while end < self.sent:
            burst = &self.bursts[end % BURSTS_MAX]
            end += 1
            if burst.is_part:
                continue
            if burst.units_end > acked:
                return
            while self.given_back < end:
                burst = &self.bursts[self.given_back % BURSTS_MAX]
                self._put_out(burst.block.data + burst.begin, burst.size)
                self.given_back += 1

    cdef void _put_out(self, const uint8_t* data, size_t size) noexcept nogil:
        """Have `size` bytes delivered; they stay valid until then."""
        if self.output_count == PARTS_MAX:
            self._deliver()
        self.output[self.output_count].iov_base = <void*>data
        self.output[self.output_count].iov_len = size
        self.output_count += 1

    cdef void _deliver(self) noexcept nogil:
        """Write the output to all who have joined; a broken socket shows at its next poll."""
        cdef Session* session
        cdef ssize_t sent
        cdef msghdr message
        cdef int i
        if self.output_count == 0:
            return
        memset(&message, 0, sizeof(msghdr))
        message.msg_iov = self.output
        message.msg_iovlen = self.output_count
        for i in range(self.session_count):
            session = &self.sessions[i]
            if not session.joined:
                continue
            sent = 0
            if queued(&session.queue) == 0:
                sent = sendmsg(
                    self.polled[FIRST_SESSION + i].fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL
                )
            self._keep_rest(session, max(sent, 0))
        self.output_count = 0
        while self.returned < self.given_back:
            self._release(self.bursts[self.returned % BURSTS_MAX].block)
            self.returned += 1

    cdef void _keep_rest(self, Session* session, size_t sent) noexcept nogil:
        """Queue the output behind its first `sent` bytes."""
        cdef int i
        for i in range(self.output_count):
            if sent >= self.output[i].iov_len:
                sent -= self.output[i].iov_len
                continue
            if not enqueue(
                &session.queue, <uint8_t*>self.output[i].iov_base + sent,
                self.output[i].iov_len - sent,
            ):
                self._fail(FAULT_MEMORY, self.own, 0)
            sent = 0

    # Sessions, blocks, faults.

    cdef void _end(self, int index) noexcept nogil:
        """Close one session and move the last one into its place."""
        cdef int last = self.session_count - 1
        close(self.polled[FIRST_SESSION + index].fd)
        if self.sessions[index].block:
            self._release(self.sessions[index].block)
        free(self.sessions[index].queue.data)
        self.sessions[index] = self.sessions[last]
        self.polled[FIRST_SESSION + index] = self.polled[FIRST_SESSION + last]
        self.session_count = last

    cdef Block* _acquire(self, size_t capacity) noexcept nogil:
        """Return an empty block with one use; the one that was released last is still cached."""
        cdef Block* block = self.free_blocks
        if block and capacity <= BLOCK_SIZE:
            self.free_blocks = block.next
        else:
            block = <Block*>malloc(sizeof(Block))
            if not block:
                return NULL
            block.data = <uint8_t*>malloc(capacity)
            if not block.data:
                free(block)
                return NULL
            block.capacity = capacity
        block.fill = block.cut = 0
        block.uses = 1
        return block

    cdef void _release(self, Block* block) noexcept nogil:
        """Drop one use; the last one frees a long block and keeps an ordinary one for the next."""
        block.uses -= 1
        if block.uses:
            return
        if block.capacity == BLOCK_SIZE:
            block.next = self.free_blocks
            self.free_blocks = block
        else:
            free(block.data)
            free(block)

    cdef bint _fail(self, Fault fault, int host, int number) noexcept nogil:
        """Note the first fault, which ends the run; returns False."""
        if self.fault == FAULT_NONE:
            self.fault = fault
            self.fault_host = host
            self.fault_errno = number
        return False

    # Python face.

    def add(self, int fd):
        """Take over a session after its handshake; the pump closes `fd`."""
        if self.session_count == SESSIONS_MAX:
            close(fd)
            raise ValueError(f"the forwarder serves at most {SESSIONS_MAX} sessions")
        memset(&self.sessions[self.session_count], 0, sizeof(Session))
        self.polled[FIRST_SESSION + self.session_count].fd = fd
        self.polled[FIRST_SESSION + self.session_count].revents = 0
        self.session_count += 1

    def run(self):
        """Forward until a client is to be accepted, or until something is wrong: see `problem`."""
        with nogil:
            while self.fault == FAULT_NONE and not self._turn():
                pass

    @property
    def problem(self):
        """What went wrong as (fault, index of a host, error number), or None."""
        if self.fault == FAULT_NONE:
            return None
        return <int>self.fault, self.fault_host, self.fault_errno


cdef void _set_address(sockaddr_in* address, uint32_t ipv4, uint16_t port) noexcept:
    memset(address, 0, sizeof(sockaddr_in))
    address.sin_family = AF_INET
    address.sin_addr.s_addr = htonl(ipv4)
    address.sin_port = htons(port)
