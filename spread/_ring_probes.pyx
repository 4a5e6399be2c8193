"""Parts of the ring's core by themselves, and what only drivers see, for tests."""

from cython cimport final
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool, buffer_release, pool_close, pool_open
from spread._flow cimport Rotation, flow_next_scale, flow_room, flow_scaled, flow_share
from spread._member cimport Member
from spread._packets cimport PACKET_HEADER_SIZE
from spread._submissions cimport SUBMIT_OK, Submissions, submissions_open


@final
cdef class SubmissionsProbe:
    """The stream of what a daemon submits, for model tests."""

    cdef Pool pool
    cdef Submissions submissions

    def __cinit__(self, uint32_t payload_max):
        pool_open(&self.pool)
        self.submissions = submissions_open(&self.pool, payload_max)

    def __dealloc__(self):
        # It gives its buffers back before the pool closes.
        self.submissions = None
        pool_close(&self.pool)

    def append(self, bytes frame not None, size_t head_size) -> None:
        """Submit a frame whose first `head_size` bytes are header and group list."""
        if self.submissions.append(
            <const uint8_t*><const char*>frame, head_size, len(frame)
        ) != SUBMIT_OK:
            raise MemoryError("no memory for a frame")
        self.submissions.invariants()

    def seal(self) -> None:
        """End the open packet."""
        self.submissions.seal()
        self.submissions.invariants()

    def take(self) -> tuple[bytes, int] | None:
        """Take a packet; returns its payload and where its first frame begins, None for none."""
        cdef Buffer* packet = self.submissions.take()
        self.submissions.invariants()
        if packet == NULL:
            return None
        payload = (<const char*>packet.data)[PACKET_HEADER_SIZE:packet.size]
        first = packet.first_frame
        buffer_release(&self.pool, packet)
        return payload, first

    def hold(self, bint is_held) -> None:
        """Let nothing be taken, or let it again."""
        self.submissions.is_held = is_held

    def rewind(self) -> None:
        """The ring is another one."""
        self.submissions.rewind()

    def clear(self) -> None:
        """Forget everything."""
        self.submissions.clear()
        self.submissions.invariants()

    def has_pending(self) -> bool:
        """Whether anything could be taken."""
        return self.submissions.has_pending()

    def state(self) -> tuple[int, int, int]:
        """Return packets and bytes that are pending, headers included, and buffers in use."""
        return (
            self.submissions.pending_count, self.submissions.pending_bytes,
            self.pool.buffers_in_use,
        )


def prefers_token(Member member not None) -> bool:
    """Whether the driver is to read the token before more data."""
    return member.prefers_token


def scaled(uint32_t base, uint32_t most, uint32_t scale) -> int:
    """Return a window at this scale."""
    return flow_scaled(base, most, scale)


def next_scale(
    uint32_t scale, uint32_t most, *, uint32_t packets, uint32_t lost, uint32_t backlog,
    int64_t duration_ns,
) -> int:
    """Return the scale after a rotation."""
    cdef Rotation rotation = Rotation(packets, lost, backlog, duration_ns)
    return flow_next_scale(scale, most, &rotation)


def share(uint32_t window, uint32_t mine, uint32_t others) -> int:
    """Return the own part of a window."""
    return flow_share(window, mine, others)


def room(
    uint32_t window, uint32_t personal, uint32_t gap, *, uint32_t fcc, uint64_t stable,
    uint64_t high, uint32_t retransmitted,
) -> int:
    """Return how many new packets a visit may send."""
    return flow_room(window, personal, gap, fcc, stable, high, retransmitted)
