"""What the kernel moves between two ends that do nothing else: datagrams and bytes of a stream.

Each end is a loop in a thread of its own, without the interpreter. The sender floods; only what the
receiver gets in its measured part counts. A receiver waits at most as long as its socket's timeout,
so that it ends when the sender has.
"""

from libc.errno cimport EAGAIN, EINTR, ENOBUFS, errno
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from bench._udp cimport (
    AF_INET, DATAGRAM_SIZE_MAX, MSG_WAITFORONE, htonl, htons, mmsghdr, recvmmsg, sendmmsg,
    sockaddr_in,
)
from bench._wire cimport MSG_NOSIGNAL, iovec, monotonic_ns, recv, send

cdef extern from "<sys/socket.h>" nogil:
    ssize_t sendto(
        int fd, const void* data, size_t size, int flags, const sockaddr_in* target,
        unsigned int target_size,
    )

cdef enum:
    BATCH_MAX = 64
    STREAM_READ_SIZE = 1 << 18      # as the daemons' and the generator's reads


cdef struct Count:
    uint64_t messages
    uint64_t bytes
    uint64_t begin_ns
    uint64_t end_ns
    int error


cdef bint is_passing(int number) noexcept nogil:
    """Whether a call may be made again: a wait that was cut short, or queues that are full."""
    return number == EAGAIN or number == EINTR or number == ENOBUFS


cdef int flood(
    int fd, const sockaddr_in* target, uint8_t* data, size_t size, int batch, uint64_t end_ns
) noexcept nogil:
    """Send datagrams until `end_ns`; returns 0 or an error number."""
    cdef mmsghdr[BATCH_MAX] messages
    cdef iovec part
    cdef ssize_t done
    cdef int i
    memset(messages, 0, sizeof(messages))
    part.iov_base = data
    part.iov_len = size
    for i in range(batch):
        messages[i].msg_hdr.msg_name = <void*>target
        messages[i].msg_hdr.msg_namelen = sizeof(sockaddr_in)
        messages[i].msg_hdr.msg_iov = &part
        messages[i].msg_hdr.msg_iovlen = 1
    while monotonic_ns() < end_ns:
        if batch == 1:
            done = sendto(fd, data, size, 0, target, sizeof(sockaddr_in))
        else:
            done = sendmmsg(fd, messages, batch, 0)
        if done < 0 and not is_passing(errno):
            return errno
    return 0


cdef void gather(
    int fd, uint8_t* data, int batch, uint64_t begin_ns, uint64_t end_ns, Count* count
) noexcept nogil:
    """Read datagrams until `end_ns`, count those behind `begin_ns`."""
    cdef mmsghdr[BATCH_MAX] messages
    cdef iovec[BATCH_MAX] parts
    cdef ssize_t size
    cdef uint64_t bytes = 0
    cdef uint64_t now
    cdef int done = 1
    cdef int i
    memset(messages, 0, sizeof(messages))
    for i in range(batch):
        parts[i].iov_base = data + <size_t>i * DATAGRAM_SIZE_MAX
        parts[i].iov_len = DATAGRAM_SIZE_MAX
        messages[i].msg_hdr.msg_iov = &parts[i]
        messages[i].msg_hdr.msg_iovlen = 1
    while True:
        if batch == 1:
            size = bytes = recv(fd, data, DATAGRAM_SIZE_MAX, 0)
        else:
            size = done = recvmmsg(fd, messages, batch, MSG_WAITFORONE, NULL)
            bytes = 0
            for i in range(done):
                bytes += messages[i].msg_len
        now = monotonic_ns()
        if now >= end_ns:
            return
        if size < 0:
            if is_passing(errno):
                continue
            count.error = errno
            return
        add(count, done, bytes, now, begin_ns)


cdef inline void add(
    Count* count, uint64_t messages, uint64_t bytes, uint64_t now, uint64_t begin_ns
) noexcept nogil:
    """Count an arrival; the first one behind `begin_ns` only starts the clock."""
    if now < begin_ns:
        return
    if count.begin_ns == 0:
        count.begin_ns = now
    else:
        count.messages += messages
        count.bytes += bytes
    count.end_ns = now


def send_datagrams(int fd, uint32_t ipv4, uint16_t port, size_t size, int batch, double seconds):
    """Flood a target with datagrams of `size` bytes, `batch` per call, for so long.

    Raises OSError for what the kernel refuses.
    """
    cdef sockaddr_in target
    cdef uint64_t end_ns = monotonic_ns() + <uint64_t>(seconds * 1e9)
    cdef uint8_t* data
    cdef int error
    if not 1 <= batch <= BATCH_MAX or size > DATAGRAM_SIZE_MAX:
        raise ValueError(f"{batch} datagrams of {size} bytes cannot be sent in one call")
    memset(&target, 0, sizeof(target))
    target.sin_family = AF_INET
    target.sin_addr.s_addr = htonl(ipv4)
    target.sin_port = htons(port)
    data = <uint8_t*>calloc(DATAGRAM_SIZE_MAX, 1)
    if not data:
        raise MemoryError
    with nogil:
        error = flood(fd, &target, data, size, batch, end_ns)
        free(data)
    if error:
        raise OSError(error, f"datagrams of {size} bytes cannot be sent")


def receive_datagrams(int fd, int batch, double warm_up_s, double seconds):
    """Return (reads, bytes, seconds) of what arrives in the measured part, `batch` per call."""
    cdef uint64_t begin_ns = monotonic_ns() + <uint64_t>(warm_up_s * 1e9)
    cdef uint64_t end_ns = begin_ns + <uint64_t>(seconds * 1e9)
    cdef Count count
    cdef uint8_t* data
    if not 1 <= batch <= BATCH_MAX:
        raise ValueError(f"{batch} datagrams cannot be read in one call")
    memset(&count, 0, sizeof(count))
    data = <uint8_t*>calloc(batch, DATAGRAM_SIZE_MAX)
    if not data:
        raise MemoryError
    with nogil:
        gather(fd, data, batch, begin_ns, end_ns, &count)
        free(data)
    return result(count)


def write_stream(int fd, size_t size, double seconds):
    """Write to a stream, `size` bytes per call, for so long or until the other end is closed."""
    cdef uint64_t end_ns = monotonic_ns() + <uint64_t>(seconds * 1e9)
    cdef uint8_t* data = <uint8_t*>calloc(size, 1)
    if not data:
        raise MemoryError
    with nogil:
        while monotonic_ns() < end_ns:
            if send(fd, data, size, MSG_NOSIGNAL) < 0 and not is_passing(errno):
                break
        free(data)


def read_stream(int fd, double warm_up_s, double seconds):
    """Return (reads, bytes, seconds) of what arrives on a stream in the measured part."""
    cdef uint64_t begin_ns = monotonic_ns() + <uint64_t>(warm_up_s * 1e9)
    cdef uint64_t end_ns = begin_ns + <uint64_t>(seconds * 1e9)
    cdef uint8_t* data = <uint8_t*>calloc(STREAM_READ_SIZE, 1)
    cdef uint64_t now
    cdef ssize_t received
    cdef Count count
    if not data:
        raise MemoryError
    memset(&count, 0, sizeof(count))
    with nogil:
        while True:
            received = recv(fd, data, STREAM_READ_SIZE, 0)
            now = monotonic_ns()
            if received == 0 or now >= end_ns:
                break
            if received > 0:
                add(&count, 1, received, now, begin_ns)
            elif not is_passing(errno):
                count.error = errno
                break
        free(data)
    return result(count)


cdef object result(Count count):
    if count.error:
        raise OSError(count.error, "the receiving end cannot be read")
    return count.messages, count.bytes, (count.end_ns - count.begin_ns) / 1e9
