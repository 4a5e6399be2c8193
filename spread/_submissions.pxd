"""What this daemon submits: whole frames become packets, packets wait for their numbers.

Submitted frames form one byte stream, cut into packets: small frames are packed, large ones
fragmented, and the bytes on the ring are the bytes the clients get.

    append()  -> open packet -> seal() -> pending packets -> take() -> the ring's window
                                                          <- rewind(): the ring broke in a frame

A message that was sent in part when its ring broke is sent again from its first byte in the next
one, because receivers forget the incomplete part. So packets that carry the beginning of a frame
whose end has not been taken are kept in `begun`.

Invariants
    pending packets are sealed, in the order of submission, and not yet numbered
    a packet has room for its header in front of the payload
    a frame's head (header and group list) lies in one packet whenever it fits into one
    `begun` is empty, or begins with the packet in which the unfinished frame begins
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from spread._buffers cimport BUFFER_LARGE_SIZE, Buffer, Pool
from spread._packets cimport PACKET_HEADER_SIZE

cdef enum:
    PAYLOAD_SIZE_MAX = BUFFER_LARGE_SIZE - PACKET_HEADER_SIZE  # Bytes of frames in one packet.

cdef enum SubmitStatus:
    SUBMIT_OK = 0
    SUBMIT_NO_MEMORY = -1   # Nothing of the frame was taken.


cdef struct Mark:
    # Where the stream ended before a submission, to return to when memory runs out.
    Buffer* open_packet
    uint32_t open_size
    uint16_t first_frame
    uint16_t open_frame
    bint ends_whole
    Buffer* pending_tail
    uint64_t pending_bytes
    uint32_t pending_count


cdef class Submissions:
    cdef Pool* pool                # Borrowed from the node.
    cdef uint32_t payload_max      # Bytes of frames in one packet.
    cdef bint is_held              # Nothing is taken but what a begun frame still needs.
    cdef Buffer* open_packet       # Owned; NULL when nothing waits to be sealed.
    cdef Buffer* pending_head      # Owned list, oldest first.
    cdef Buffer* pending_tail
    cdef uint64_t pending_bytes    # Sealed and not numbered.
    cdef uint32_t pending_count    # Packets of them.
    cdef Buffer** begun            # Owned list; each holds a reference.
    cdef uint32_t begun_count
    cdef uint32_t begun_capacity
    cdef uint64_t filled           # Packets that were ended because they were full.
    cdef bint owes_rewind          # `begun` is to be pending again before anything is taken.

    cdef SubmitStatus append(
        self, const uint8_t* frame, size_t head_size, size_t size
    ) noexcept nogil
    # Submit one whole frame of `size` bytes whose first `head_size` are header and group list.

    cdef void seal(self) noexcept nogil
    # End the open packet.

    cdef Buffer* take(self) noexcept nogil
    # Take the oldest pending packet with its reference; NULL when there is none or it is held.

    cdef void resize(self, uint32_t payload_max) noexcept nogil
    # From here on packets have another size.

    cdef void rewind(self) noexcept nogil
    # The ring is another one: what of an unfinished frame was taken is pending again.

    cdef void clear(self) noexcept nogil
    # Forget everything.

    cdef bint is_inside(self) noexcept nogil
    # Whether what was taken last ends in the middle of a frame: the rest of it must come next.

    cdef bint has_pending(self) noexcept nogil
    # Whether anything could be taken now, the open packet included.

    cdef void invariants(self) noexcept nogil

    # Private.
    cdef Buffer* open_next(self) noexcept nogil
    cdef void seal_open(self) noexcept nogil
    cdef void roll_back(self, Mark mark) noexcept nogil
    cdef bint keep_begun(self, Buffer* packet) noexcept nogil
    cdef void forget_begun(self) noexcept nogil
    cdef bint put_back_begun(self) noexcept nogil
    cdef void put_back(self, Buffer* packet) noexcept nogil


cdef Submissions submissions_open(Pool* pool, uint32_t payload_max)
# Make an empty stream whose buffers come from `pool`.
