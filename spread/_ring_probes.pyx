"""Parts of the ring's core by themselves, and what only drivers see, for tests."""

from cython cimport final
from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t

from spread._buffers cimport Buffer, Pool, buffer_release, pool_close, pool_open
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
