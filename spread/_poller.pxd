"""Which sockets are ready: epoll where there is one, else poll. Level-triggered.

Invariants
    a socket is watched at most once; its token comes back with each of its events
    with poll, `entries` and `tokens` are parallel and dense; a wait is for the first `polled` of
    them, the others are looked at when it is over
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t

from spread._sys cimport sys_pollfd, sys_socket, sys_waits

cdef enum:
    READY_READ = 1
    READY_WRITE = 2
    READY_BROKEN = 4       # Both directions are over; reading tells how.
    POLLER_EVENTS_MAX = 256


cdef struct Event:
    uint64_t token
    uint32_t ready


cdef struct Poller:
    bint is_open
    int epoll              # Descriptor, or -1 where poll serves.
    bint is_coarse         # The system waits for whole milliseconds only.
    sys_waits waits        # For poll.
    sys_pollfd* entries    # Owned; for poll.
    uint64_t* tokens       # Owned; for poll.
    size_t count
    size_t polled          # So many of them can end a wait; the others are set aside.
    size_t capacity
    size_t first           # Where the next search for ready entries begins, so that all get a turn.
    int failures           # So many waits in a row were refused.


cdef int poller_open(Poller* poller) noexcept nogil
cdef void poller_close(Poller* poller) noexcept nogil

cdef int poller_add(
    Poller* poller, sys_socket socket, uint64_t token, uint32_t interest
) noexcept nogil
# Watch a socket; -1 when the system refuses.

cdef int poller_change(
    Poller* poller, sys_socket socket, uint64_t token, uint32_t interest
) noexcept nogil
# Change what a watched socket is watched for.

cdef void poller_remove(Poller* poller, sys_socket socket) noexcept nogil
# Watch a socket no more; before it is closed.

cdef void poller_defer(Poller* poller, sys_socket socket) noexcept nogil
# With poll, let a watched socket end no wait until it is changed or found ready after one. For a
# socket that is told to be ready, but fails for want of memory.

cdef int poller_wait(Poller* poller, Event* events, int64_t timeout_ns) noexcept nogil
# Wait for at most POLLER_EVENTS_MAX events; 0 when the time is over or a signal came, and possibly
# earlier; -1, with `sys_error`, when the system has refused to wait again and again.
