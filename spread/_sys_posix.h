/* The system calls of the reactor under names of our own: POSIX. Names only, no logic. */
#ifndef SPREAD_SYS_POSIX_H
#define SPREAD_SYS_POSIX_H

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

typedef int sys_socket;
typedef struct iovec sys_buffer;
typedef struct pollfd sys_pollfd;

#define SYS_NO_SOCKET (-1)
#define SYS_POLLIN POLLIN
#define SYS_POLLOUT POLLOUT

#define sys_buffer_set(buffer, data, size) ((buffer)->iov_base = (data), (buffer)->iov_len = (size))
#define sys_close(socket) close(socket)
#define sys_shutdown_send(socket) shutdown(socket, SHUT_WR)
#define sys_poll(entries, count, timeout_ms) poll(entries, (nfds_t)(count), timeout_ms)
#define sys_would_block() (errno == EAGAIN || errno == EWOULDBLOCK)
#define sys_was_interrupted() (errno == EINTR)
#define sys_readv(socket, buffers, count) ((int64_t)readv(socket, buffers, (int)(count)))

#ifdef __GLIBC__
#include <malloc.h>
#define sys_trim_memory() ((void)malloc_trim(0))
#else
#define sys_trim_memory() ((void)0)
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* Such systems rely on SIGPIPE being ignored, which Python does. */
#endif

static inline int64_t sys_writev(sys_socket socket, sys_buffer *buffers, size_t count)
{
    struct msghdr message = {.msg_iov = buffers, .msg_iovlen = count};
    return (int64_t)sendmsg(socket, &message, MSG_NOSIGNAL);
}

static inline int64_t sys_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#ifdef __linux__
#include <sys/epoll.h>
#define SYS_HAS_EPOLL 1
#define sys_epoll_open() epoll_create1(EPOLL_CLOEXEC)
#define sys_epoll_add(poller, socket, event) epoll_ctl(poller, EPOLL_CTL_ADD, socket, event)
#define sys_epoll_change(poller, socket, event) epoll_ctl(poller, EPOLL_CTL_MOD, socket, event)
#define sys_epoll_remove(poller, socket) epoll_ctl(poller, EPOLL_CTL_DEL, socket, NULL)
#define sys_epoll_wait(poller, events, count, timeout_ms) \
    epoll_wait(poller, events, (int)(count), timeout_ms)
typedef struct epoll_event sys_epoll_event;
#else
#include "_sys_no_epoll.h"
#endif

#endif
