/* The system calls of the reactor under names of our own: Windows.
 *
 * What one call does elsewhere may take several here; such a function does what the call would.
 */
#ifndef SPREAD_SYS_WIN32_H
#define SPREAD_SYS_WIN32_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <stdint.h>
#include <string.h>
#include "_sys_win32_waits.h"

typedef SOCKET sys_socket;
typedef WSABUF sys_buffer;
typedef WSAPOLLFD sys_pollfd;

#define SYS_NO_SOCKET INVALID_SOCKET
#define SYS_POLLIN POLLRDNORM /* WSAPoll refuses the priority band that POLLIN includes. */
#define SYS_POLLOUT POLLWRNORM
#define SYS_POLLHUP POLLHUP /* Also told when the other end has only sent all it has. */

#define sys_buffer_set(buffer, data, size) \
    ((buffer)->buf = (CHAR *)(data), (buffer)->len = (ULONG)(size))
#define sys_close(socket) closesocket(socket)
#define sys_pause() Sleep(20)
#define sys_yield() ((void)SwitchToThread())
#define sys_shutdown_send(socket) shutdown(socket, SD_SEND)
#define sys_would_block() (WSAGetLastError() == WSAEWOULDBLOCK)
#define sys_was_interrupted() (WSAGetLastError() == WSAEINTR)
#define sys_trim_memory() ((void)0)

static inline int64_t sys_readv(sys_socket socket, sys_buffer *buffers, size_t count)
{
    DWORD received = 0, flags = 0;
    int result = WSARecv(socket, buffers, (DWORD)count, &received, &flags, NULL, NULL);
    /* A datagram that is longer than the buffers is cut, as elsewhere. */
    return result == 0 || WSAGetLastError() == WSAEMSGSIZE ? (int64_t)received : -1;
}

/* All that is handed in at once is held in memory that is never paged, which is scarce at times. */
#define SYS_PIECE_SIZE 16384

static inline int64_t sys_writev(sys_socket socket, sys_buffer *buffers, size_t count)
{
    DWORD sent = 0;
    int result = WSASend(socket, buffers, (DWORD)count, &sent, 0, NULL, NULL);
    if (result != 0 && WSAGetLastError() == WSAENOBUFS) {
        sys_buffer piece = buffers[0];
        if (piece.len > SYS_PIECE_SIZE)
            piece.len = SYS_PIECE_SIZE;
        result = WSASend(socket, &piece, 1, &sent, 0, NULL, NULL);
    }
    return result == 0 ? (int64_t)sent : -1;
}

static inline int sys_poll(WSAPOLLFD *entries, size_t count, int timeout_ms)
{
    if (count > 0)
        return WSAPoll(entries, (ULONG)count, timeout_ms);
    Sleep((DWORD)timeout_ms); /* WSAPoll refuses to wait for nothing. */
    return 0;
}

static inline int64_t sys_now_ns(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (int64_t)(count.QuadPart / frequency.QuadPart) * 1000000000
         + (int64_t)(count.QuadPart % frequency.QuadPart) * 1000000000 / frequency.QuadPart;
}

/* Datagrams. A message is one datagram with its address. No call takes several of them, but several
 * calls in a row keep what they lead to together.
 */

typedef struct sockaddr_in sys_address;

typedef struct {
    WSAMSG header;
    DWORD size;
    int is_cut;
} sys_message;

#define SYS_BATCH_MAX 32 /* As where one call takes them. */

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
    (WSAGetLastError() == WSAECONNRESET || WSAGetLastError() == WSAECONNREFUSED \
     || WSAGetLastError() == WSAENETRESET) /* The last one: it lived too short. */

static inline void sys_address_set(sys_address *address, uint32_t ipv4, uint16_t port)
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

static inline sys_socket sys_datagram_open(void)
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
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif

static inline void sys_ignore_refusals(sys_socket socket)
{
    BOOL is_told = FALSE;
    DWORD size = 0;
    WSAIoctl(socket, SIO_UDP_CONNRESET, &is_told, sizeof is_told, NULL, 0, &size, NULL, NULL);
    WSAIoctl(socket, SIO_UDP_NETRESET, &is_told, sizeof is_told, NULL, 0, &size, NULL, NULL);
}

static inline void sys_message_set(sys_message *message, sys_buffer *buffers, size_t count,
                                   sys_address *address)
{
    memset(message, 0, sizeof *message);
    message->header.name = (struct sockaddr *)address;
    message->header.namelen = sizeof(sys_address);
    message->header.lpBuffers = buffers;
    message->header.dwBufferCount = (DWORD)count;
}

#define sys_message_size(message) ((uint32_t)(message)->size)
#define sys_message_is_cut(message) ((message)->is_cut)

/* Several datagrams in one message: the system cuts it (USO), or has joined them (URO). */

#ifndef UDP_SEND_MSG_SIZE /* Newer than some headers; Windows 10 of 2020 has them. */
#define UDP_SEND_MSG_SIZE 2
#define UDP_RECV_MAX_COALESCED_SIZE 3
#endif
#ifndef UDP_COALESCED_INFO
#define UDP_COALESCED_INFO 3
#endif
#define SYS_SEGMENTS_MAX 64 /* As elsewhere. */
#define SYS_COALESCED_MAX 65507 /* What one datagram can carry. */

typedef union {
    WSACMSGHDR header; /* Aligns the space. */
    char space[WSA_CMSG_SPACE(sizeof(DWORD))];
} sys_control;

static inline int sys_can_segment(sys_socket socket)
{
    DWORD size = 0;
    int length = sizeof size;
    return getsockopt(socket, IPPROTO_UDP, UDP_SEND_MSG_SIZE, (char *)&size, &length) == 0;
}

/* No function of a library: the socket's provider tells where it is. */
static LPFN_WSARECVMSG sys_receive_with_control;

static inline int sys_coalesce(sys_socket socket, int is_on)
{
    GUID name = WSAID_WSARECVMSG;
    DWORD size = 0;
    DWORD joined_max = is_on ? SYS_COALESCED_MAX : 0;
    if (WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name,
                 &sys_receive_with_control, sizeof sys_receive_with_control, &size, NULL, NULL)
        != 0)
        return 0;
    return setsockopt(socket, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE,
                      (const char *)&joined_max, sizeof joined_max) == 0;
}

static inline void sys_message_segment(sys_message *message, sys_control *control, uint16_t size)
{
    DWORD wide = size;
    message->header.Control.buf = control->space;
    message->header.Control.len = WSA_CMSG_SPACE(sizeof wide);
    control->header.cmsg_level = IPPROTO_UDP;
    control->header.cmsg_type = UDP_SEND_MSG_SIZE;
    control->header.cmsg_len = WSA_CMSG_LEN(sizeof wide);
    memcpy(WSA_CMSG_DATA(&control->header), &wide, sizeof wide);
}

static inline void sys_message_expect_segments(sys_message *message, sys_control *control)
{
    message->header.Control.buf = control->space;
    message->header.Control.len = sizeof *control;
}

static inline uint32_t sys_message_segment_size(sys_message *message)
{
    WSACMSGHDR *header = WSA_CMSG_FIRSTHDR(&message->header);
    DWORD size = 0;
    if (header && header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_COALESCED_INFO)
        memcpy(&size, WSA_CMSG_DATA(header), sizeof size);
    return size > 0 ? (uint32_t)size : (uint32_t)message->size;
}

static inline int sys_receive_one(sys_socket socket, sys_message *message)
{
    WSAMSG *header = &message->header;
    ULONG room = header->Control.len;
    int result = room > 0
        ? sys_receive_with_control(socket, header, &message->size, NULL, NULL)
        : WSARecvFrom(socket, header->lpBuffers, header->dwBufferCount, &message->size,
                      &header->dwFlags, header->name, &header->namelen, NULL, NULL);
    message->is_cut = result == 0 ? (header->dwFlags & MSG_TRUNC) != 0
                                  : WSAGetLastError() == WSAEMSGSIZE;
    if (result == 0 || message->is_cut)
        return 1;
    header->Control.len = room; /* As it was, for another try. */
    header->namelen = sizeof(sys_address);
    header->dwFlags = 0;
    return 0;
}

/* A port that was closed to some datagram is told in front of the datagrams that have come. */
static inline int sys_receive(sys_socket socket, sys_message *messages, unsigned int count)
{
    unsigned int done = 0, tries;
    for (tries = 0; done < count && tries < 2 * count; tries++) {
        if (sys_receive_one(socket, &messages[done]))
            done++;
        else if (!sys_was_refused())
            break;
    }
    return done > 0 ? (int)done : -1;
}

static inline int sys_send_one(sys_socket socket, sys_message *message)
{
    WSAMSG *header = &message->header;
    int result = header->Control.len > 0
        ? WSASendMsg(socket, header, 0, &message->size, NULL, NULL)
        : WSASendTo(socket, header->lpBuffers, header->dwBufferCount, &message->size, 0,
                    header->name, header->namelen, NULL, NULL);
    return result == 0;
}

static inline int sys_send(sys_socket socket, sys_message *messages, unsigned int count)
{
    unsigned int done = 0;
    while (done < count && sys_send_one(socket, &messages[done]))
        done++;
    return done > 0 ? (int)done : -1;
}

#include "_sys_no_epoll.h"

#endif
