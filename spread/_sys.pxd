"""The operating system as the reactor sees it; names only. Everything here is per thread-safe call.

Sockets are non-blocking. `sys_readv` and `sys_writev` return bytes, 0 for the end of a stream, or
-1; then `sys_would_block`, `sys_was_interrupted` and `sys_error` tell why, asked right after the
call.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

cdef extern from "_sys.h" nogil:
    ctypedef size_t sys_socket        # An integer that holds a descriptor or handle.
    sys_socket SYS_NO_SOCKET
    ctypedef struct sys_buffer:
        pass
    ctypedef struct sys_pollfd:
        sys_socket fd
        short events
        short revents
    short SYS_POLLIN
    short SYS_POLLOUT
    short SYS_POLLHUP

    void sys_buffer_set(sys_buffer* buffer, void* data, size_t size)
    int sys_close(sys_socket socket)
    int sys_shutdown_send(sys_socket socket)
    int64_t sys_readv(sys_socket socket, sys_buffer* buffers, size_t count)
    int64_t sys_writev(sys_socket socket, sys_buffer* buffers, size_t count)
    bint sys_would_block()
    bint sys_was_interrupted()
    bint sys_is_aborted(sys_socket socket)      # Of a connection that has hung up: in disorder.
    void sys_pause()                  # Let 20 ms pass.
    void sys_yield()                  # Let another thread run on this core, if one wants to.
    int64_t sys_now_ns()              # Monotonic clock, nanoseconds.
    void sys_trim_memory()            # Give freed memory back to the system where it can be.
    int sys_poll(sys_pollfd* entries, size_t count, int timeout_ms)

    # What short waits of poll need: to know its entries, and each change of one.
    ctypedef struct sys_waits:
        pass
    bint sys_waits_open(sys_waits* waits)   # Tells whether there is `sys_poll_exactly`.
    void sys_waits_close(sys_waits* waits)
    void sys_waits_watch(sys_waits* waits, const sys_pollfd* entry)
    void sys_waits_forget(sys_waits* waits, sys_socket socket)
    # As `sys_poll`; costs more, ends less than a millisecond late, and may end early.
    int sys_poll_exactly(
        sys_waits* waits, sys_pollfd* entries, size_t count, int64_t timeout_ns
    )

    # Datagrams. A message is one of them: its buffer, and where it goes to or came from.
    ctypedef struct sys_address:
        pass
    ctypedef struct sys_message:
        pass
    ctypedef struct sys_control:      # What a message of several datagrams needs beside it.
        pass
    int SYS_EMSGSIZE
    int SYS_EINVAL
    int SYS_EIO
    int SYS_ENOBUFS
    int SYS_ENOMEM
    int SYS_EACCES
    int SYS_EPERM
    int SYS_ENETUNREACH
    int SYS_EHOSTUNREACH
    int SYS_ENETDOWN
    int SYS_EHOSTDOWN
    int SYS_EADDRNOTAVAIL
    int sys_error()                   # Number of the last call's error.
    bint sys_was_refused()            # The port at the other end is closed.
    void sys_address_set(sys_address* address, uint32_t ipv4, uint16_t port)  # In host order.
    uint32_t sys_address_ipv4(const sys_address* address)
    uint16_t sys_address_port(const sys_address* address)
    sys_socket sys_datagram_open()    # Non-blocking, not inherited; SYS_NO_SOCKET if there is none.
    int sys_bind(sys_socket socket, const sys_address* address)
    int sys_connect(sys_socket socket, const sys_address* address)
    void sys_message_set(
        sys_message* message, sys_buffer* buffers, size_t count, sys_address* address
    )
    uint32_t sys_message_size(const sys_message* message)
    bint sys_message_is_cut(const sys_message* message)
    void sys_ignore_refusals(sys_socket socket)  # One closed port must not end reading from others.
    # Several datagrams in one message, all of one size but the last, which may be shorter.
    unsigned int SYS_SEGMENTS_MAX     # So many at most; 1 where the system cannot.
    bint sys_can_segment(sys_socket socket)     # The system cuts what is sent, if the device can.
    bint sys_coalesce(sys_socket socket, bint is_on)   # Join what arrives; tells whether it does.
    void sys_message_segment(sys_message* message, sys_control* control, uint16_t size)
    void sys_message_expect_segments(sys_message* message, sys_control* control)
    uint32_t sys_message_segment_size(sys_message* message)   # Of one that was received.
    # How many of the messages were received or sent, at least one; or -1.
    unsigned int SYS_BATCH_MAX        # So many messages a call moves at most; 1 on some systems.
    int sys_receive(sys_socket socket, sys_message* messages, unsigned int count)
    int sys_send(sys_socket socket, sys_message* messages, unsigned int count)

    # Only where SYS_HAS_EPOLL is 1.
    ctypedef union sys_epoll_data "epoll_data_t":
        uint64_t u64
    ctypedef struct sys_epoll_event:
        uint32_t events
        sys_epoll_data data
    bint SYS_HAS_EPOLL
    uint32_t EPOLLIN
    uint32_t EPOLLOUT
    uint32_t EPOLLERR
    uint32_t EPOLLHUP
    int sys_epoll_open()
    int sys_epoll_add(int poller, sys_socket socket, sys_epoll_event* event)
    int sys_epoll_change(int poller, sys_socket socket, sys_epoll_event* event)
    int sys_epoll_remove(int poller, sys_socket socket)
    int sys_epoll_wait(int poller, sys_epoll_event* events, size_t count, int timeout_ms)
    int sys_epoll_wait_ns(int poller, sys_epoll_event* events, size_t count, int64_t timeout_ns)
