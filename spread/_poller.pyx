"""Which sockets are ready; the contract stands in `_poller.pxd`."""

from libc.stdlib cimport free, realloc
from libc.string cimport memset

from spread._check cimport check
from spread._sys cimport (
    EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, SYS_HAS_EPOLL, SYS_POLLHUP, SYS_POLLIN, SYS_POLLOUT,
    sys_close, sys_epoll_add, sys_epoll_change, sys_epoll_event, sys_epoll_open, sys_epoll_remove,
    sys_epoll_wait, sys_epoll_wait_ns, sys_is_aborted, sys_pause, sys_poll, sys_poll_exactly,
    sys_waits_close, sys_waits_forget, sys_waits_open, sys_waits_watch, sys_was_interrupted,
)

cdef enum:
    NS_PER_MS = 1000000
    TIMEOUT_MAX_MS = 60000        # Longer waits end early; nobody counts on them.
    EXACT_MAX_NS = 50000000       # Longer waits may end a tick of any system late.
    ASIDE_NS = 20000000           # What is set aside is looked at so often.
    FAILURES_MAX = 100            # So many refused waits in a row, with pauses, are 2 s.


cdef int poller_open(Poller* poller) noexcept nogil:
    memset(poller, 0, sizeof(Poller))
    poller.epoll = sys_epoll_open()
    if SYS_HAS_EPOLL and poller.epoll < 0:
        return -1
    poller.is_coarse = not SYS_HAS_EPOLL and not sys_waits_open(&poller.waits)
    poller.is_open = True
    return 0


cdef void poller_close(Poller* poller) noexcept nogil:
    if poller.epoll >= 0:
        sys_close(<sys_socket>poller.epoll)
    if poller.is_open and not SYS_HAS_EPOLL:
        sys_waits_close(&poller.waits)
    free(poller.entries)
    free(poller.tokens)
    memset(poller, 0, sizeof(Poller))
    poller.epoll = -1


cdef sys_epoll_event epoll_event(uint64_t token, uint32_t interest) noexcept nogil:
    cdef sys_epoll_event event
    event.events = 0
    if interest & READY_READ:
        event.events |= EPOLLIN
    if interest & READY_WRITE:
        event.events |= EPOLLOUT
    event.data.u64 = token
    return event


cdef short poll_events(uint32_t interest) noexcept nogil:
    cdef short events = 0
    if interest & READY_READ:
        events |= SYS_POLLIN
    if interest & READY_WRITE:
        events |= SYS_POLLOUT
    return events


cdef size_t find(const Poller* poller, sys_socket socket) noexcept nogil:
    cdef size_t index
    for index in range(poller.count):
        if poller.entries[index].fd == socket:
            return index
    return poller.count


cdef void exchange(Poller* poller, size_t one, size_t other) noexcept nogil:
    cdef sys_pollfd entry = poller.entries[one]
    cdef uint64_t token = poller.tokens[one]
    poller.entries[one] = poller.entries[other]
    poller.tokens[one] = poller.tokens[other]
    poller.entries[other] = entry
    poller.tokens[other] = token


cdef void set_aside(Poller* poller, size_t index) noexcept nogil:
    poller.polled -= 1
    exchange(poller, index, poller.polled)


cdef void take_back(Poller* poller, size_t index) noexcept nogil:
    exchange(poller, index, poller.polled)
    poller.polled += 1


cdef int poller_add(
    Poller* poller, sys_socket socket, uint64_t token, uint32_t interest
) noexcept nogil:
    cdef sys_epoll_event event
    cdef size_t capacity
    cdef void* grown
    if SYS_HAS_EPOLL:
        event = epoll_event(token, interest)
        return sys_epoll_add(poller.epoll, socket, &event)
    if poller.count == poller.capacity:
        capacity = max(<size_t>64, 2 * poller.capacity)
        grown = realloc(poller.entries, capacity * sizeof(sys_pollfd))
        if grown == NULL:
            return -1
        poller.entries = <sys_pollfd*>grown
        grown = realloc(poller.tokens, capacity * sizeof(uint64_t))
        if grown == NULL:
            return -1
        poller.tokens = <uint64_t*>grown
        poller.capacity = capacity
    poller.entries[poller.count].fd = socket
    poller.entries[poller.count].events = poll_events(interest)
    poller.entries[poller.count].revents = 0
    poller.tokens[poller.count] = token
    sys_waits_watch(&poller.waits, &poller.entries[poller.count])
    poller.count += 1
    take_back(poller, poller.count - 1)
    return 0


cdef int poller_change(
    Poller* poller, sys_socket socket, uint64_t token, uint32_t interest
) noexcept nogil:
    cdef sys_epoll_event event
    cdef size_t index
    if SYS_HAS_EPOLL:
        event = epoll_event(token, interest)
        return sys_epoll_change(poller.epoll, socket, &event)
    index = find(poller, socket)
    check(index < poller.count, "a changed socket is watched")
    poller.entries[index].events = poll_events(interest)
    poller.tokens[index] = token
    sys_waits_watch(&poller.waits, &poller.entries[index])
    if index >= poller.polled:
        take_back(poller, index)
    return 0


cdef void poller_remove(Poller* poller, sys_socket socket) noexcept nogil:
    cdef size_t index
    if SYS_HAS_EPOLL:
        sys_epoll_remove(poller.epoll, socket)
        return
    index = find(poller, socket)
    if index < poller.count:
        if index < poller.polled:
            set_aside(poller, index)
            index = poller.polled
        poller.count -= 1
        exchange(poller, index, poller.count)
        sys_waits_forget(&poller.waits, socket)


cdef void poller_defer(Poller* poller, sys_socket socket) noexcept nogil:
    cdef size_t index
    if SYS_HAS_EPOLL:
        return
    index = find(poller, socket)
    if index < poller.polled:
        set_aside(poller, index)


cdef int in_ms(int64_t timeout_ns) noexcept nogil:
    return <int>min((timeout_ns + NS_PER_MS - 1) // NS_PER_MS, <int64_t>TIMEOUT_MAX_MS)


cdef int wait_epoll(Poller* poller, Event* events, int64_t timeout_ns) noexcept nogil:
    cdef sys_epoll_event ready[POLLER_EVENTS_MAX]
    cdef int count = -1
    cdef int index
    if not poller.is_coarse:
        count = sys_epoll_wait_ns(poller.epoll, ready, POLLER_EVENTS_MAX, timeout_ns)
        # Kernels before 5.11 do not know the call, and filters of containers may forbid it.
        poller.is_coarse = count < 0 and not sys_was_interrupted()
    if poller.is_coarse:
        count = sys_epoll_wait(poller.epoll, ready, POLLER_EVENTS_MAX, in_ms(timeout_ns))
    for index in range(count):
        events[index].token = ready[index].data.u64
        events[index].ready = 0
        if ready[index].events & EPOLLIN:
            events[index].ready |= READY_READ
        if ready[index].events & EPOLLOUT:
            events[index].ready |= READY_WRITE
        if ready[index].events & (EPOLLERR | EPOLLHUP):
            events[index].ready |= READY_BROKEN
    return count


cdef uint32_t ready_of(const sys_pollfd* entry) noexcept nogil:
    """Return what poll has told of an entry, as epoll tells it.

    Some systems call it a hang-up, asked for or not, when the other end has no more to send; it may
    still receive. That is an end to be read, and nothing to whom does not read.
    """
    cdef uint32_t ready = 0
    cdef bint is_read = entry.events & SYS_POLLIN
    if is_read and entry.revents & (SYS_POLLIN | SYS_POLLHUP):
        ready |= READY_READ
    if entry.revents & SYS_POLLOUT:
        ready |= READY_WRITE
    if entry.revents & ~(SYS_POLLIN | SYS_POLLOUT | SYS_POLLHUP):
        ready |= READY_BROKEN
    elif entry.revents & SYS_POLLHUP and not is_read and sys_is_aborted(entry.fd):
        ready |= READY_BROKEN
    return ready


cdef int take_ready(Poller* poller, Event* events) noexcept nogil:
    """Return the events of a wait that has ended; set aside what would end each wait in vain."""
    cdef int count = 0
    cdef bint is_vain = False
    cdef uint32_t ready
    cdef size_t step
    cdef size_t index
    for step in range(poller.polled):
        index = (poller.first + step) % poller.polled
        if poller.entries[index].revents == 0:
            continue
        ready = ready_of(&poller.entries[index])
        if ready == 0:
            is_vain = True
            continue
        events[count].token = poller.tokens[index]
        events[count].ready = ready
        count += 1
        if count == POLLER_EVENTS_MAX:
            poller.first = index + 1
            break
    index = poller.polled if is_vain else 0
    while index > 0:
        index -= 1
        if poller.entries[index].revents != 0 and ready_of(&poller.entries[index]) == 0:
            set_aside(poller, index)
    return count


cdef int take_aside(Poller* poller, Event* events, int count) noexcept nogil:
    """Look at what is set aside, and take back what is ready; returns how many events there are."""
    cdef size_t index = poller.polled
    cdef uint32_t ready
    if sys_poll(&poller.entries[index], poller.count - index, 0) <= 0:
        return count
    while index < poller.count and count < POLLER_EVENTS_MAX:
        ready = ready_of(&poller.entries[index]) if poller.entries[index].revents != 0 else 0
        if ready != 0:
            events[count].token = poller.tokens[index]
            events[count].ready = ready
            count += 1
            take_back(poller, index)
        index += 1
    return count


cdef int wait_poll(Poller* poller, Event* events, int64_t timeout_ns) noexcept nogil:
    cdef bint has_aside = poller.polled < poller.count
    cdef int64_t wait_ns = min(timeout_ns, <int64_t>ASIDE_NS) if has_aside else timeout_ns
    cdef int count
    if poller.is_coarse or wait_ns == 0 or wait_ns > EXACT_MAX_NS:
        count = sys_poll(poller.entries, poller.polled, in_ms(wait_ns))
    else:
        count = sys_poll_exactly(&poller.waits, poller.entries, poller.polled, wait_ns)
    if count < 0:
        return -1
    if count > 0:
        count = take_ready(poller, events)
    if has_aside:
        count = take_aside(poller, events, count)
    return count


cdef int poller_wait(Poller* poller, Event* events, int64_t timeout_ns) noexcept nogil:
    cdef int count
    if SYS_HAS_EPOLL:
        count = wait_epoll(poller, events, timeout_ns)
    else:
        count = wait_poll(poller, events, timeout_ns)
    if count >= 0 or sys_was_interrupted():
        poller.failures = 0
        return max(count, 0)
    poller.failures += 1
    if poller.failures < FAILURES_MAX:
        # It may lack memory for a while; without a pause the loop would take all of a core.
        sys_pause()
        return 0
    poller.failures = 0
    return -1
