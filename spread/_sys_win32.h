/* The system calls of the reactor under names of our own: Windows. Names only, no logic. */
#ifndef SPREAD_SYS_WIN32_H
#define SPREAD_SYS_WIN32_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <windows.h>
#include <stdint.h>
#include <string.h>

typedef SOCKET sys_socket;
typedef WSABUF sys_buffer;
typedef WSAPOLLFD sys_pollfd;

#define SYS_NO_SOCKET INVALID_SOCKET
#define SYS_POLLIN POLLRDNORM /* WSAPoll refuses the priority band that POLLIN includes. */
#define SYS_POLLOUT POLLWRNORM

#define sys_buffer_set(buffer, data, size) \
    ((buffer)->buf = (CHAR *)(data), (buffer)->len = (ULONG)(size))
#define sys_close(socket) closesocket(socket)
#define sys_yield() ((void)SwitchToThread())
#define sys_shutdown_send(socket) shutdown(socket, SD_SEND)
#define sys_poll(entries, count, timeout_ms) WSAPoll(entries, (ULONG)(count), timeout_ms)
#define sys_would_block() (WSAGetLastError() == WSAEWOULDBLOCK)
#define sys_was_interrupted() (WSAGetLastError() == WSAEINTR)
#define sys_trim_memory() ((void)0)

static __inline int64_t sys_readv(sys_socket socket, sys_buffer *buffers, size_t count)
{
    DWORD received = 0, flags = 0;
    int result = WSARecv(socket, buffers, (DWORD)count, &received, &flags, NULL, NULL);
    /* A datagram that is longer than the buffers is cut, as elsewhere. */
    return result == 0 || WSAGetLastError() == WSAEMSGSIZE ? (int64_t)received : -1;
}

static __inline int64_t sys_writev(sys_socket socket, sys_buffer *buffers, size_t count)
{
    DWORD sent = 0;
    int result = WSASend(socket, buffers, (DWORD)count, &sent, 0, NULL, NULL);
    return result == 0 ? (int64_t)sent : -1;
}

static __inline int64_t sys_now_ns(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (int64_t)(count.QuadPart / frequency.QuadPart) * 1000000000
         + (int64_t)(count.QuadPart % frequency.QuadPart) * 1000000000 / frequency.QuadPart;
}

/* Datagrams. A message is one datagram with its address; calls take one of them. */

typedef struct sockaddr_in sys_address;

typedef struct {
    WSABUF *buffers;
    DWORD count;
    sys_address *address;
    DWORD size;
    BOOL is_cut;
} sys_message;
#define SYS_BATCH_MAX 1

#define SYS_EMSGSIZE WSAEMSGSIZE
#define SYS_EINVAL WSAEINVAL
#define SYS_EIO WSAEOPNOTSUPP /* What an interface without a service answers. */
#define SYS_ENOBUFS WSAENOBUFS
#define SYS_ENOMEM WSA_NOT_ENOUGH_MEMORY
#define SYS_EACCES WSAEACCES
#define SYS_EPERM WSAEACCES
#define SYS_ENETUNREACH WSAENETUNREACH
#define SYS_EHOSTUNREACH WSAEHOSTUNREACH
#define SYS_ENETDOWN WSAENETDOWN
#define SYS_EHOSTDOWN WSAEHOSTDOWN
#define SYS_EADDRNOTAVAIL WSAEADDRNOTAVAIL
#define sys_error() WSAGetLastError()
#define sys_was_refused() \
    (WSAGetLastError() == WSAECONNRESET || WSAGetLastError() == WSAECONNREFUSED)

static __inline void sys_address_set(sys_address *address, uint32_t ipv4, uint16_t port)
{
    memset(address, 0, sizeof(sys_address));
    address->sin_family = AF_INET;
    address->sin_port = htons(port);
    address->sin_addr.s_addr = htonl(ipv4);
}

#define sys_address_ipv4(address) ((uint32_t)ntohl((address)->sin_addr.s_addr))
#define sys_address_port(address) ((uint16_t)ntohs((address)->sin_port))
#define sys_bind(socket, address) \
    bind(socket, (const struct sockaddr *)(address), sizeof(sys_address))
#define sys_connect(socket, address) \
    connect(socket, (const struct sockaddr *)(address), sizeof(sys_address))

static __inline sys_socket sys_datagram_open(void)
{
    u_long is_nonblocking = 1;
    sys_socket opened = WSASocketW(AF_INET, SOCK_DGRAM, 0, NULL, 0,
                                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (opened != INVALID_SOCKET)
        ioctlsocket(opened, FIONBIO, &is_nonblocking);
    return opened;
}

#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif

static __inline void sys_ignore_refusals(sys_socket socket)
{
    BOOL is_told = FALSE;
    DWORD size = 0;
    WSAIoctl(socket, SIO_UDP_CONNRESET, &is_told, sizeof is_told, NULL, 0, &size, NULL, NULL);
}

static __inline void sys_message_set(sys_message *message, sys_buffer *buffers, size_t count,
                                     sys_address *address)
{
    message->buffers = buffers;
    message->count = (DWORD)count;
    message->address = address;
    message->size = 0;
    message->is_cut = FALSE;
}

#define sys_message_size(message) ((uint32_t)(message)->size)
#define sys_message_is_cut(message) ((message)->is_cut)

/* One datagram a message. */
typedef int sys_control;
#define SYS_SEGMENTS_MAX 1
#define sys_can_segment(socket) 0
#define sys_coalesce(socket, is_on) 0
#define sys_message_segment(message, control, size) ((void)0)
#define sys_message_expect_segments(message, control) ((void)0)
#define sys_message_segment_size(message) ((uint32_t)(message)->size)

static __inline int sys_receive(sys_socket socket, sys_message *messages, unsigned int count)
{
    DWORD flags = 0;
    INT address_size = sizeof(sys_address);
    int result = WSARecvFrom(socket, messages->buffers, messages->count, &messages->size, &flags,
                             (struct sockaddr *)messages->address, &address_size, NULL, NULL);
    (void)count;
    messages->is_cut = result != 0 && WSAGetLastError() == WSAEMSGSIZE;
    return result == 0 || messages->is_cut ? 1 : -1;
}

static __inline int sys_send(sys_socket socket, sys_message *messages, unsigned int count)
{
    (void)count;
    return WSASendTo(socket, messages->buffers, messages->count, &messages->size, 0,
                     (const struct sockaddr *)messages->address, sizeof(sys_address), NULL, NULL)
               == 0
             ? 1
             : -1;
}

#include "_sys_no_epoll.h"

#endif
