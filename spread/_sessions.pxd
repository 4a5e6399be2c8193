"""Session slots: frames in, queues of slices out, and the bounds of both.

    FREE -> HANDSHAKE -> OPEN -> ENDED -> FREE
                 \\________________________/

A slot is ENDED from the moment its session is over until its departure has been ordered and the
driver has closed the connection: until then its name stays taken and nothing is queued for it.

In: the driver reads into one shared buffer; whole frames are used where they lie. Only the frame
that is cut by the end of the data is kept, in a buffer of exactly its size, which is reserved from
a common budget before its bytes are read.

Out: a queue of slices of shared buffers. Neighbouring slices of one buffer are merged, so that a
burst of small messages is one entry of a gather-write. What a slow session is owed must not hold
buffers that are mostly of others: behind the first SLICES_SHARED_MAX slices, those that use less
than a quarter of their buffer are copied, one behind the other, into buffers of the slot's own.
So a queue holds at most 66 buffers of 64 KiB, and eight bytes for each that it owes.

Invariants
    a slot is dirty exactly while it is in the list, once
    queued_bytes   == sum of the sizes of all slices, less what has been sent of the first
    queue_messages == sum of the messages that end in the slices
    inbound_bytes  == sum of the partial buffers of all slots <= inbound_bytes_max
    a slice that is partly sent is not moved
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool
from spread._frames cimport FRAME_HEADER_SIZE, GROUP_NAME_SIZE, Frame, FrameFault

cdef enum SlotState:
    SLOT_FREE = 0
    SLOT_HANDSHAKE = 1
    SLOT_OPEN = 2
    SLOT_ENDED = 3

cdef enum EndReason:
    # Why a session is over. The text for the log stands in `_sessions.pyx`.
    END_NONE = 0
    END_KILL = 1             # The client asked for it.
    END_LOST = 2             # The connection is gone.
    END_BAD_FRAME = 3        # A header that no client may send.
    END_SLOW = 4             # Too much waits for it.
    END_MEMORY = 5           # The queues of all sessions together are full; it had the longest.
    END_STALLED = 6          # Held memory for a frame that does not arrive while others wait.
    END_REFUSED = 7          # The handshake refused it, or was not finished in time.
    END_SHUTDOWN = 8         # The daemon stops.

cdef enum:
    END_REASONS = 9
    NO_SLOT = 0xFFFFFFFF
    SLICES_SHARED_MAX = 64   # A queue with more of them is a slow one.
    SHARE_MIN = 4            # Slices are copied when they use less than such a part of a buffer.


cdef struct QueueSlice:
    Buffer* buffer           # One reference.
    uint32_t offset
    uint32_t size
    uint32_t messages        # Messages whose last byte lies in the slice.
    uint32_t is_copy         # The buffer is the slot's own: only its slices refer to it.


cdef struct Slot:
    SlotState state
    EndReason reason
    FrameFault fault         # What was wrong with the header, with END_BAD_FRAME.
    uint32_t undelivered     # Messages that were queued when it ended.
    uint32_t epoch           # Grows with each use of the slot; tells sessions of a slot apart.
    uint8_t name[GROUP_NAME_SIZE]  # Private group, NUL padded.
    uint32_t name_size
    uint64_t frame_size_max  # Bytes of group list and body together.
    # In.
    uint8_t header[FRAME_HEADER_SIZE]  # Of the frame that is cut; header_have bytes.
    uint32_t header_have
    uint8_t* partial         # Owned; NULL or partial_size bytes, partial_have of them filled.
    uint64_t partial_size
    uint64_t partial_have
    int64_t started_ns       # When the partial frame began.
    uint8_t* stash           # Owned; bytes read that wait for the common budget.
    size_t stash_size
    bint is_waiting          # For the common budget or its next turn: nothing more is read.
    bint is_deferred         # It waits for its next turn only.
    # Out.
    QueueSlice* queue        # Owned ring of queue_capacity entries, a power of two or 0.
    uint32_t queue_capacity
    uint32_t queue_first
    uint32_t queue_count
    uint32_t head_sent       # Bytes of the first slice that are sent.
    uint64_t queued_bytes
    uint32_t queued_messages
    bint is_blocked          # The last write found the connection full.
    bint is_dirty            # In the list of slots with output.
    bint is_mute             # Its connection takes nothing any more: nothing is queued.
    uint64_t stamp           # Number of the last message routed here.
    # Life.
    bint asks_policy         # Every message needs the policy's consent.
    bint wants_membership    # It gets views and signals of its groups.
    bint is_closing          # Ends as soon as its output has been offered once.
    bint is_departed         # Its departure has been ordered, or it never had a name.
    bint is_closed           # The driver has closed the connection.
    bint owes_departure      # Its departure could not be submitted for lack of memory.


cdef struct Limits:
    uint32_t messages_max    # MaxSessionMessages, or the default.
    uint64_t bytes_max       # Bytes that must wait as well; 0 when the file sets the messages.
    bint is_exact            # Count messages exactly: MaxSessionMessages is set.
    uint64_t inbound_bytes_max  # All partial frames together.


cdef struct Sessions:
    Slot* slots              # Owned.
    uint32_t slot_count      # Entries of the table; grows.
    uint32_t used
    Pool* pool               # Borrowed.
    Limits limits
    uint64_t inbound_bytes   # Of partial frames.
    uint64_t stash_bytes     # Read, and waiting for the budget or their turn.
    uint32_t waiting         # Slots that wait for the common budget.
    uint32_t deferred        # Slots that wait for their next turn.
    uint32_t* dirty          # Owned list of slots with output, as long as the table.
    uint32_t dirty_count
    uint32_t* ended          # Owned list of slots whose connection the driver must close.
    uint32_t ended_count
    uint32_t ended_reported  # The first so many are known to Python.
    uint32_t* free_slots     # Owned stack, as long as the table.
    uint32_t free_count
    uint64_t queued_messages
    uint64_t queued_bytes

cdef enum InputStatus:
    INPUT_FRAME = 0          # A whole frame is shown.
    INPUT_MORE = 1           # All bytes are used; the frame goes on in the next ones.
    INPUT_FAULT = 2          # A header that ends the session.
    INPUT_WAIT = 3           # No budget for the frame's bytes; what is left must be stashed.


cdef struct Input:
    # Cursor over bytes that were read from one slot.
    uint8_t* data            # Borrowed; frames are rewritten in place.
    size_t size
    size_t used
    uint8_t* frame_at        # The shown frame, contiguous; valid until the next call.
    Frame frame
    FrameFault fault


cdef int sessions_open(Sessions* sessions, Pool* pool, Limits limits) noexcept nogil
cdef void sessions_close(Sessions* sessions) noexcept nogil

cdef uint32_t slot_take(Sessions* sessions) noexcept nogil
# Take a free slot into HANDSHAKE; NO_SLOT when the system has no memory.

cdef void slot_end(Sessions* sessions, uint32_t index, EndReason reason) noexcept nogil
# End a session: its queue and its partial frame are given up. Does nothing when it has ended.

cdef void ended_clear(Sessions* sessions) noexcept nogil
# The driver has taken the reported ones from the list of ended slots.

cdef void slot_give_back(Sessions* sessions, uint32_t index) noexcept nogil
# ENDED -> FREE.

cdef InputStatus input_next(
    Sessions* sessions, Slot* slot, Input* cursor, int64_t now_ns
) noexcept nogil
# Cut the next frame out of the bytes.

cdef void input_release(Sessions* sessions, Slot* slot) noexcept nogil
# The shown frame has been used; its room goes back to the common budget.

cdef int slot_stash(
    Sessions* sessions, Slot* slot, const uint8_t* data, size_t size, bint is_deferred
) noexcept nogil
# Keep bytes that wait, for the common budget or for the next turn; -1 without memory.

cdef uint8_t* stash_take(Sessions* sessions, Slot* slot, size_t* size) noexcept nogil
# Take the kept bytes back; the caller frees them.

cdef bint slot_is_over(Sessions* sessions, const Slot* slot) noexcept nogil
# Tell whether one more message would go beyond the slot's bound.

cdef int slot_enqueue(
    Sessions* sessions, uint32_t index, Buffer* buffer, uint32_t offset, uint32_t size,
    bint ends_message,
) noexcept nogil
# Queue one slice and mark the slot dirty; -1 when the system has no memory.

cdef uint32_t dirty_take(Sessions* sessions) noexcept nogil
# Take a slot out of the list of those with output, which must not be empty.

cdef void slot_mute(Sessions* sessions, Slot* slot) noexcept nogil
# Give up the queue, and queue nothing any more.

cdef void slot_sent(Sessions* sessions, Slot* slot, size_t size) noexcept nogil
# Take `size` sent bytes off the queue.

cdef uint32_t slot_largest(const Sessions* sessions) noexcept nogil
# The slot whose queue holds the most memory, or NO_SLOT.

cdef uint32_t slot_longest_stalled(const Sessions* sessions, int64_t now_ns) noexcept nogil
# The oldest slot whose partial frame comes in too slowly to hold memory, or NO_SLOT.

cdef inline bint has_cut_frame(const Slot* slot) noexcept nogil:
    """Tell whether a frame may go on without further bytes: it has its header and reserved room."""
    return slot.partial != NULL or slot.header_have == FRAME_HEADER_SIZE


cdef inline QueueSlice* queue_at(const Slot* slot, uint32_t index) noexcept nogil:
    """Return the slice `index` places behind the first."""
    return &slot.queue[(slot.queue_first + index) & (slot.queue_capacity - 1)]
