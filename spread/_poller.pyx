"""Which sockets are ready; the contract stands in `_poller.pxd`."""

from libc.stdlib cimport free, realloc
from libc.string cimport memset

from spread._check cimport check
from spread._sys cimport (
    EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, SYS_HAS_EPOLL, SYS_POLLIN, SYS_POLLOUT, sys_close,
    sys_epoll_add, sys_epoll_change, sys_epoll_event, sys_epoll_open, sys_epoll_remove,
    sys_epoll_wait, sys_epoll_wait_ns, sys_poll, sys_poll_exactly, sys_waits_close,
    sys_waits_forget, sys_waits_open, sys_waits_watch, sys_was_interrupted,
)

cdef enum:
    NS_PER_MS = 1000000
    TIMEOUT_MAX_MS = 60000        # Longer waits end early; nobody counts on them.
    EXACT_MAX_NS = 50000000       # Longer waits may end a tick of any system late.


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
    return 0


cdef void poller_remove(Poller* poller, sys_socket socket) noexcept nogil:
    cdef size_t index
    if SYS_HAS_EPOLL:
        sys_epoll_remove(poller.epoll, socket)
        return
    index = find(poller, socket)
    if index < poller.count:
        poller.count -= 1
        poller.entries[index] = poller.entries[poller.count]
        poller.tokens[index] = poller.tokens[poller.count]
        sys_waits_forget(&poller.waits, socket)


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
    return max(count, 0)


cdef int wait_poll(Poller* poller, Event* events, int64_t timeout_ns) noexcept nogil:
    cdef int count = 0
    cdef size_t step, index
    cdef int result
    if poller.is_coarse or timeout_ns == 0 or timeout_ns > EXACT_MAX_NS:
        result = sys_poll(poller.entries, poller.count, in_ms(timeout_ns))
    else:
        result = sys_poll_exactly(&poller.waits, poller.entries, poller.count, timeout_ns)
    if result <= 0:
        return 0
    for step in range(poller.count):
        index = (poller.first + step) % poller.count
        if poller.entries[index].revents == 0:
            continue
        events[count].token = poller.tokens[index]
        events[count].ready = 0
        if poller.entries[index].revents & SYS_POLLIN:
            events[count].ready |= READY_READ
        if poller.entries[index].revents & SYS_POLLOUT:
            events[count].ready |= READY_WRITE
        if poller.entries[index].revents & ~(SYS_POLLIN | SYS_POLLOUT):
            events[count].ready |= READY_BROKEN
        count += 1
        if count == POLLER_EVENTS_MAX:
            poller.first = index + 1
            break
    return count


cdef int poller_wait(Poller* poller, Event* events, int64_t timeout_ns) noexcept nogil:
    if SYS_HAS_EPOLL:
        return wait_epoll(poller, events, timeout_ns)
    return wait_poll(poller, events, timeout_ns)
