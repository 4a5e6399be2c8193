"""Wait for many sockets until an exact time: Linux 5.11 or later.

The kernel lets a thread sleep up to 50 us longer than it asked, to save wake-ups. A generator that
sent that much late would add it to every latency of a schedule, so it asks for none of that.
"""

from libc.stdint cimport uint32_t
from posix.time cimport timespec

cdef extern from *:
    """
    #include <sys/epoll.h>
    #include <sys/prctl.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    #ifndef SYS_epoll_pwait2
    #define SYS_epoll_pwait2 441    /* the same on every architecture */
    #endif
    /* The C library has a function for it since glibc 2.35 only. */
    static inline int wait_epoll(int epoll, struct epoll_event *events, int count,
                                 const struct timespec *timeout) {
        return (int)syscall(SYS_epoll_pwait2, epoll, events, count, timeout, (void *)0, 0);
    }
    """
    ctypedef union epoll_data_t:
        uint32_t u32
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int PR_GET_TIMERSLACK, PR_SET_TIMERSLACK
    int prctl(int option, unsigned long value) nogil
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD
    uint32_t EPOLLIN, EPOLLOUT
    int epoll_create1(int flags) nogil
    int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) nogil
    int wait_epoll(int epoll, epoll_event* events, int count, const timespec* timeout) nogil
