/* The system calls of the reactor under names of our own: POSIX. */
#ifndef SPREAD_SYS_POSIX_H
#define SPREAD_SYS_POSIX_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
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
#define SYS_POLLHUP POLLHUP

#define sys_buffer_set(buffer, data, size) ((buffer)->iov_base = (data), (buffer)->iov_len = (size))
#define sys_close(socket) close(socket)
#define sys_pause() ((void)poll(NULL, 0, 20))
#define sys_yield() ((void)sched_yield())
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

/* Waits of poll are counted in milliseconds, and end when their time is over. */
typedef struct {
    int nothing;
} sys_waits;

#define sys_waits_open(waits) ((void)(waits), 0)
#define sys_waits_close(waits) ((void)(waits))
#define sys_waits_watch(waits, entry) ((void)(waits), (void)(entry))
#define sys_waits_forget(waits, socket) ((void)(waits), (void)(socket))
#define sys_poll_exactly(waits, entries, count, timeout_ns) ((void)(waits), -1)

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

/* Datagrams. A message is one datagram with its address; calls take several of them. */

typedef struct sockaddr_in sys_address;

#define SYS_EMSGSIZE EMSGSIZE
#define SYS_EINVAL EINVAL
#define SYS_EIO EIO
#define SYS_ENOBUFS ENOBUFS
#define SYS_ENOMEM ENOMEM
#define SYS_EACCES EACCES
#define SYS_EPERM EPERM
#define SYS_ENETUNREACH ENETUNREACH
#define SYS_EHOSTUNREACH EHOSTUNREACH
#define SYS_ENETDOWN ENETDOWN
#define SYS_EHOSTDOWN EHOSTDOWN
#define SYS_EADDRNOTAVAIL EADDRNOTAVAIL
#define sys_error() (errno)
#define sys_was_refused() (errno == ECONNREFUSED)

static inline void sys_address_set(sys_address *address, uint32_t ipv4, uint16_t port)
{
    *address = (sys_address){.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(ipv4)};
}

#define sys_address_ipv4(address) ((uint32_t)ntohl((address)->sin_addr.s_addr))
#define sys_address_port(address) ((uint16_t)ntohs((address)->sin_port))
#define sys_bind(socket, address) bind(socket, (struct sockaddr *)(address), sizeof(sys_address))
#define sys_connect(socket, address) \
    connect(socket, (struct sockaddr *)(address), sizeof(sys_address))

#define sys_ignore_refusals(socket) ((void)0) /* Unconnected sockets are not told of them. */

#ifdef __linux__
typedef struct mmsghdr sys_message;
#define SYS_BATCH_MAX 32 /* Larger ones gain nothing any more. */
#define sys_datagram_open() socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
#define sys_receive(socket, messages, count) recvmmsg(socket, messages, count, 0, NULL)
#define sys_send(socket, messages, count) sendmmsg(socket, messages, count, MSG_NOSIGNAL)
#else
typedef struct {
    struct msghdr msg_hdr;
    unsigned int msg_len;
} sys_message;
#define SYS_BATCH_MAX 1

static inline sys_socket sys_datagram_open(void)
{
    sys_socket opened = socket(AF_INET, SOCK_DGRAM, 0);
    if (opened >= 0) {
        fcntl(opened, F_SETFD, FD_CLOEXEC);
        fcntl(opened, F_SETFL, O_NONBLOCK);
    }
    return opened;
}

static inline int sys_receive(sys_socket socket, sys_message *messages, unsigned int count)
{
    ssize_t size = recvmsg(socket, &messages[0].msg_hdr, 0);
    (void)count;
    messages[0].msg_len = size < 0 ? 0 : (unsigned int)size;
    return size < 0 ? -1 : 1;
}

static inline int sys_send(sys_socket socket, sys_message *messages, unsigned int count)
{
    (void)count;
    return sendmsg(socket, &messages[0].msg_hdr, MSG_NOSIGNAL) < 0 ? -1 : 1;
}
#endif

static inline void sys_message_set(sys_message *message, sys_buffer *buffers, size_t count,
                                   sys_address *address)
{
    *message = (sys_message){.msg_hdr = {.msg_name = address,
                                         .msg_namelen = sizeof(sys_address),
                                         .msg_iov = buffers,
                                         .msg_iovlen = count}};
}

/* Several datagrams in one message: the system cuts it (GSO), or has joined them (GRO). */

typedef union {
    struct cmsghdr header; /* Aligns the space. */
    char space[CMSG_SPACE(sizeof(int))];
} sys_control;

#ifdef __linux__
#ifndef UDP_SEGMENT /* Newer than some C libraries. */
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif
#define SYS_SEGMENTS_MAX 64 /* A message that more are cut from is refused by older systems. */

static inline int sys_can_segment(sys_socket socket)
{
    int size;
    socklen_t length = sizeof size;
    return getsockopt(socket, IPPROTO_UDP, UDP_SEGMENT, &size, &length) == 0;
}

static inline int sys_coalesce(sys_socket socket, int is_on)
{
    return setsockopt(socket, IPPROTO_UDP, UDP_GRO, &is_on, sizeof is_on) == 0;
}

static inline void sys_message_segment(sys_message *message, sys_control *control, uint16_t size)
{
    message->msg_hdr.msg_control = control;
    message->msg_hdr.msg_controllen = CMSG_SPACE(sizeof size);
    control->header.cmsg_level = IPPROTO_UDP;
    control->header.cmsg_type = UDP_SEGMENT;
    control->header.cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(&control->header), &size, sizeof size);
}

static inline void sys_message_expect_segments(sys_message *message, sys_control *control)
{
    message->msg_hdr.msg_control = control;
    message->msg_hdr.msg_controllen = sizeof *control;
}

static inline uint32_t sys_message_segment_size(sys_message *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(&message->msg_hdr);
    int size = 0;
    if (header && header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO)
        memcpy(&size, CMSG_DATA(header), sizeof size);
    return size > 0 ? (uint32_t)size : (uint32_t)message->msg_len;
}
#else
#define SYS_SEGMENTS_MAX 1
#define sys_can_segment(socket) 0
#define sys_coalesce(socket, is_on) 0
#define sys_message_segment(message, control, size) ((void)0)
#define sys_message_expect_segments(message, control) ((void)0)
#define sys_message_segment_size(message) ((uint32_t)(message)->msg_len)
#endif

#define sys_message_size(message) ((uint32_t)(message)->msg_len)
#define sys_message_is_cut(message) (((message)->msg_hdr.msg_flags & MSG_TRUNC) != 0)

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/syscall.h>
#define SYS_HAS_EPOLL 1
#define sys_epoll_open() epoll_create1(EPOLL_CLOEXEC)
#define sys_epoll_add(poller, socket, event) epoll_ctl(poller, EPOLL_CTL_ADD, socket, event)
#define sys_epoll_change(poller, socket, event) epoll_ctl(poller, EPOLL_CTL_MOD, socket, event)
#define sys_epoll_remove(poller, socket) epoll_ctl(poller, EPOLL_CTL_DEL, socket, NULL)
#define sys_epoll_wait(poller, events, count, timeout_ms) \
    epoll_wait(poller, events, (int)(count), timeout_ms)
typedef struct epoll_event sys_epoll_event;

/* Newer than some C libraries and some kernels; the latter answer with -1. */
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
static inline int sys_epoll_wait_ns(int poller, sys_epoll_event *events, size_t count,
                                    int64_t timeout_ns)
{
    struct {
        int64_t seconds, nanoseconds;
    } timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    return (int)syscall(SYS_epoll_pwait2, poller, events, (int)count, &timeout, NULL, 0);
}
#else
#include "_sys_no_epoll.h"
#endif

#endif
