"""The limit of the path: cut frames and write them back to every session that has joined a group.

No group table, no order, no queue bound per session, no views. What lies between the rates of this
loop and those of a daemon is the price of the daemon's protocol and code.

Python accepts and does the handshake (`bench.forwarder`); the pump owns the descriptors from then
on. One read and, per receiver, one write for each run of frames. What a full socket does not take
waits in the receiver's queue; while one queue is above QUEUE_SIZE_MAX nothing is read.
"""

cimport cython
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint8_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset
from posix.unistd cimport close

from bench._byte_queue cimport ByteQueue, enqueue, flush, queued
from bench._wire cimport (
    HEADER_SIZE, MSG_DONTWAIT, MSG_NOSIGNAL, POLLIN, POLLOUT, TYPE_JOIN, TYPE_KILL, TYPE_REQUESTS,
    frame_size, frame_type, poll, pollfd, recv, send,
)

cdef enum:
    READ_SIZE = 1 << 18             # more than a socket buffer of 200 KiB holds; fits level 2 cache
    FRAME_SIZE_MAX = 1 << 24
    QUEUE_SIZE_MAX = 1 << 26
    SESSIONS_MAX = 1024             # the pump polls them all at each turn; more would measure that
    LISTENERS_MAX = 2

cdef struct Session:
    bint joined                     # gets every frame
    uint8_t* rest                   # owned, READ_SIZE or a frame: what the last read left cut
    size_t rest_size
    size_t rest_capacity
    ByteQueue queue


@cython.final
cdef class Pump:
    """Sessions after their handshake, and the listeners to watch beside them."""

    cdef Session[SESSIONS_MAX] sessions     # by place in `polled`, LISTENERS_MAX places before
    cdef pollfd[LISTENERS_MAX + SESSIONS_MAX] polled
    cdef int session_count
    cdef uint8_t* scratch
    cdef size_t scratch_capacity

    def __cinit__(self, listeners):
        cdef int i
        self.scratch = <uint8_t*>malloc(READ_SIZE)
        self.scratch_capacity = READ_SIZE
        if not self.scratch:
            raise MemoryError
        if len(listeners) > LISTENERS_MAX:
            raise ValueError(f"at most {LISTENERS_MAX} listeners")
        for i in range(LISTENERS_MAX):
            self.polled[i].fd = listeners[i] if i < len(listeners) else -1
            self.polled[i].events = <short>POLLIN

    def __dealloc__(self):
        while self.session_count:
            self._end(self.session_count - 1)
        free(self.scratch)

    cdef int _turn(self) noexcept nogil:
        """Wait, then serve every ready session once.

        Returns the index of a listener with a connection to accept, or -1 for none.
        """
        cdef bint reading = True
        cdef int listener = -1
        cdef int i
        cdef short ready
        for i in range(self.session_count):
            if queued(&self.sessions[i].queue) > QUEUE_SIZE_MAX:
                reading = False
        for i in range(self.session_count):
            self.polled[LISTENERS_MAX + i].events = <short>(
                (POLLIN if reading else 0) | (POLLOUT if queued(&self.sessions[i].queue) else 0)
            )
        if poll(self.polled, LISTENERS_MAX + self.session_count, -1) < 0:
            return -1
        # Downwards: a session that ends is replaced by the last one, which has been served then.
        for i in range(self.session_count - 1, -1, -1):
            ready = self.polled[LISTENERS_MAX + i].revents
            if ready & POLLOUT and not flush(
                &self.sessions[i].queue, self.polled[LISTENERS_MAX + i].fd
            ):
                self._end(i)
            elif ready & ~POLLOUT and not self._read(i):
                self._end(i)
        for i in range(LISTENERS_MAX):
            if self.polled[i].revents:
                listener = i
        return listener

    cdef bint _read(self, int index) noexcept nogil:
        """Read once, forward every whole frame; False when the session is over."""
        cdef Session* session = &self.sessions[index]
        cdef size_t size = session.rest_size
        cdef size_t used
        cdef ssize_t received
        if size + READ_SIZE > self.scratch_capacity and not self._grow_scratch(size + READ_SIZE):
            return False
        memcpy(self.scratch, session.rest, size)
        received = recv(self.polled[LISTENERS_MAX + index].fd, self.scratch + size, READ_SIZE,
                        MSG_DONTWAIT)
        if received <= 0:
            return received < 0 and errno in (EAGAIN, EINTR)
        size += received
        if not self._cut(index, size, &used):
            return False
        size -= used
        if size > session.rest_capacity:
            free(session.rest)
            session.rest = <uint8_t*>malloc(2 * size)
            session.rest_capacity = 2 * size
            if not session.rest:
                return False
        memcpy(session.rest, self.scratch + used, size)
        session.rest_size = size
        return True

    cdef bint _cut(self, int index, size_t size, size_t* used) noexcept nogil:
        """Walk over the frames in scratch, forward runs between requests; False: session over."""
        cdef size_t run = 0
        cdef size_t at = 0
        cdef size_t length
        while size - at >= HEADER_SIZE:
            length = frame_size(self.scratch + at)
            if not 0 < length < FRAME_SIZE_MAX:
                return False
            if size - at < length:
                break
            if frame_type(self.scratch + at) & TYPE_REQUESTS:
                self._forward(self.scratch + run, at - run)
                run = at + length
                if frame_type(self.scratch + at) & TYPE_KILL:
                    return False
                self.sessions[index].joined |= frame_type(self.scratch + at) & TYPE_JOIN != 0
            at += length
        self._forward(self.scratch + run, at - run)
        used[0] = at
        return True

    cdef void _forward(self, const uint8_t* data, size_t size) noexcept nogil:
        """Write whole frames to all who have joined; a broken socket shows at its next poll."""
        cdef ssize_t sent
        cdef int i
        if size == 0:
            return
        for i in range(self.session_count):
            if not self.sessions[i].joined:
                continue
            sent = 0
            if queued(&self.sessions[i].queue) == 0:
                sent = send(self.polled[LISTENERS_MAX + i].fd, data, size,
                            MSG_DONTWAIT | MSG_NOSIGNAL)
            sent = max(sent, 0)
            if sent < <ssize_t>size and not enqueue(
                &self.sessions[i].queue, data + sent, size - sent
            ):
                self.sessions[i].joined = False     # Without memory it loses its stream.

    cdef void _end(self, int index) noexcept nogil:
        """Close one session and move the last one into its place."""
        cdef int last = self.session_count - 1
        close(self.polled[LISTENERS_MAX + index].fd)
        free(self.sessions[index].rest)
        free(self.sessions[index].queue.data)
        self.sessions[index] = self.sessions[last]
        self.polled[LISTENERS_MAX + index] = self.polled[LISTENERS_MAX + last]
        self.session_count = last

    cdef bint _grow_scratch(self, size_t size) noexcept nogil:
        cdef uint8_t* scratch = <uint8_t*>realloc(self.scratch, 2 * size)
        if not scratch:
            return False
        self.scratch = scratch
        self.scratch_capacity = 2 * size
        return True

    # Python face.

    def add(self, int fd):
        """Take over a session after its handshake; the pump closes `fd`."""
        cdef Session* session
        if self.session_count == SESSIONS_MAX:
            close(fd)
            raise ValueError(f"the forwarder serves at most {SESSIONS_MAX} sessions")
        session = &self.sessions[self.session_count]
        memset(session, 0, sizeof(Session))
        self.polled[LISTENERS_MAX + self.session_count].fd = fd
        self.session_count += 1

    def run(self):
        """Forward until a listener has a connection; return the listener's index."""
        cdef int listener = -1
        with nogil:
            while listener == -1:
                listener = self._turn()
        return listener
