/* Where the system has no epoll: the same names, never called, because SYS_HAS_EPOLL is 0. */
#ifndef SPREAD_SYS_NO_EPOLL_H
#define SPREAD_SYS_NO_EPOLL_H

#include <stdint.h>

typedef struct {
    uint32_t events;
    union {
        uint64_t u64;
    } data;
} sys_epoll_event;

#define SYS_HAS_EPOLL 0
#define EPOLLIN 1
#define EPOLLOUT 4
#define EPOLLERR 8
#define EPOLLHUP 16
#define sys_epoll_open() (-1)
#define sys_epoll_add(poller, socket, event) ((void)(event), -1)
#define sys_epoll_change(poller, socket, event) ((void)(event), -1)
#define sys_epoll_remove(poller, socket) (-1)
#define sys_epoll_wait(poller, events, count, timeout_ms) (-1)
#define sys_epoll_wait_ns(poller, events, count, timeout_ns) (-1)

#endif
