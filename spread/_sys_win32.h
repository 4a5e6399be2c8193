/* The system calls of the reactor under names of our own: Windows. Names only, no logic. */
#ifndef SPREAD_SYS_WIN32_H
#define SPREAD_SYS_WIN32_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <windows.h>
#include <stdint.h>

typedef SOCKET sys_socket;
typedef WSABUF sys_buffer;
typedef WSAPOLLFD sys_pollfd;

#define SYS_NO_SOCKET INVALID_SOCKET
#define SYS_POLLIN POLLRDNORM /* WSAPoll refuses the priority band that POLLIN includes. */
#define SYS_POLLOUT POLLWRNORM

#define sys_buffer_set(buffer, data, size) \
    ((buffer)->buf = (CHAR *)(data), (buffer)->len = (ULONG)(size))
#define sys_close(socket) closesocket(socket)
#define sys_shutdown_send(socket) shutdown(socket, SD_SEND)
#define sys_poll(entries, count, timeout_ms) WSAPoll(entries, (ULONG)(count), timeout_ms)
#define sys_would_block() (WSAGetLastError() == WSAEWOULDBLOCK)
#define sys_was_interrupted() (WSAGetLastError() == WSAEINTR)
#define sys_trim_memory() ((void)0)

static __inline int64_t sys_readv(sys_socket socket, sys_buffer *buffers, size_t count)
{
    DWORD received = 0, flags = 0;
    int result = WSARecv(socket, buffers, (DWORD)count, &received, &flags, NULL, NULL);
    return result == 0 ? (int64_t)received : -1;
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

#include "_sys_no_epoll.h"

#endif
