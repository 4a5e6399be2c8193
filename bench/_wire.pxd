"""Client frame layout and the few system calls of the compiled loops.

The layout is written down apart from the package on purpose: the generator measures and checks any
daemon that speaks the client protocol, so it must not share a mistake with one of them.

    0       4                36           40     44         48          48 + 32 n
    | type  | private group  | num_groups | hint | data_len | group list | data ...
      u32     32 bytes, NUL    i32          u32    i32        n * 32

Words are in the writer's byte order; the compiled loops speak little-endian only, which every
machine that they run on is. The marker bits in `type` tell whether that holds for what arrives.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

cdef extern from "<poll.h>" nogil:
    struct pollfd:
        int fd
        short events
        short revents
    int POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL
    int poll(pollfd* descriptors, unsigned long count, int timeout_ms)
    int ppoll(pollfd* descriptors, unsigned long count, const timespec* timeout, const void* mask)

cdef extern from "<sys/socket.h>" nogil:
    int MSG_DONTWAIT, MSG_NOSIGNAL
    ssize_t recv(int fd, void* data, size_t size, int flags)
    ssize_t send(int fd, const void* data, size_t size, int flags)
    struct iovec:
        void* iov_base
        size_t iov_len
    struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen
    ssize_t sendmsg(int fd, const msghdr* message, int flags)

cdef enum:
    HEADER_SIZE = 48
    NAME_SIZE = 32
    GROUPS_MAX = 1 << 16            # more names than any view: the stream is garbage
    TYPE_SERVICES = 0x3F
    TYPE_JOIN = 0x10000
    TYPE_LEAVE = 0x20000
    TYPE_KILL = 0x40000
    TYPE_REQUESTS = 0x70000
    TYPE_REJECT = 0x400000

cdef inline uint32_t read_u32(const uint8_t* data) noexcept nogil:
    cdef uint32_t value
    memcpy(&value, data, 4)
    return value

cdef inline uint64_t read_u64(const uint8_t* data) noexcept nogil:
    cdef uint64_t value
    memcpy(&value, data, 8)
    return value

cdef inline void write_u64(uint8_t* data, uint64_t value) noexcept nogil:
    memcpy(data, &value, 8)

cdef inline bint is_native_order(const uint8_t* frame) noexcept nogil:
    """Whether the header's numbers are in this machine's byte order."""
    return read_u32(frame) & 0x80000080U == 0x80000080U

cdef inline uint32_t frame_type(const uint8_t* frame) noexcept nogil:
    """Service, request or membership bits, without the byte order marker."""
    return read_u32(frame) & 0x7FFFFF7FU

cdef inline int32_t frame_mess_type(const uint8_t* frame) noexcept nogil:
    return <int32_t>((read_u32(frame + 40) >> 8) & 0xFFFF)

cdef inline size_t frame_prefix_size(const uint8_t* frame) noexcept nogil:
    """Bytes of header and group list; the caller has seen a sound `frame_size`."""
    return HEADER_SIZE + NAME_SIZE * <size_t>read_u32(frame + 36)

cdef inline size_t frame_size(const uint8_t* frame) noexcept nogil:
    """Bytes of the whole frame by its header, or 0 if the counts cannot be meant."""
    cdef uint32_t group_count = read_u32(frame + 36)
    cdef uint32_t data_size = read_u32(frame + 44)
    if group_count > GROUPS_MAX or data_size > 0x7FFFFFFF:
        return 0
    return HEADER_SIZE + NAME_SIZE * <size_t>group_count + data_size

cdef inline uint64_t monotonic_ns() noexcept nogil:
    """The clock of Python's time.monotonic_ns()."""
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <uint64_t>now.tv_sec * 1000000000ULL + <uint64_t>now.tv_nsec
