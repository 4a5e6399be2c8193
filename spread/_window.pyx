"""Packets of one ring by sequence number; the contract stands in `_window.pxd`."""

from cython cimport final
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from spread._buffers cimport buffer_acquire, buffer_release, pool_close, pool_open
from spread._check cimport check

check(WINDOW_SLOTS & (WINDOW_SLOTS - 1) == 0, "the window's size is a power of two")


cdef inline WindowEntry* slot_of(const Window* window, uint64_t seq) noexcept nogil:
    return &window.entries[seq & (WINDOW_SLOTS - 1)]


cdef int window_open(Window* window, Pool* pool) noexcept nogil:
    memset(window, 0, sizeof(Window))
    window.pool = pool
    window.entries = <WindowEntry*>calloc(WINDOW_SLOTS, sizeof(WindowEntry))
    return 0 if window.entries != NULL else -1


cdef void window_close(Window* window) noexcept nogil:
    cdef size_t index
    if window.entries == NULL:
        return
    for index in range(WINDOW_SLOTS):
        if window.entries[index].buffer != NULL:
            buffer_release(window.pool, window.entries[index].buffer)
    free(window.entries)
    window.entries = NULL


cdef WindowStatus window_insert(
    Window* window, uint64_t seq, const WindowEntry* packet
) noexcept nogil:
    if seq <= window.aru:
        return WINDOW_DUPLICATE
    if seq - window.discarded > WINDOW_SLOTS:
        return WINDOW_OUT_OF_RANGE
    cdef WindowEntry* entry = slot_of(window, seq)
    if entry.buffer != NULL:
        return WINDOW_DUPLICATE
    entry[0] = packet[0]
    if seq > window.highest:
        window.highest = seq
    while window.aru < window.highest and slot_of(window, window.aru + 1).buffer != NULL:
        window.aru += 1
    return WINDOW_INSERTED


cdef WindowEntry* window_at(Window* window, uint64_t seq) noexcept nogil:
    check(window.discarded < seq, "a packet is read before it is discarded")
    check(seq <= window.aru, "a packet is read once all before it are held")
    return slot_of(window, seq)


cdef WindowEntry* window_find(const Window* window, uint64_t seq) noexcept nogil:
    if seq <= window.discarded or seq > window.highest:
        return NULL
    cdef WindowEntry* entry = slot_of(window, seq)
    return NULL if entry.buffer == NULL else entry


cdef void window_discard(Window* window, uint64_t seq) noexcept nogil:
    check(seq <= window.aru, "only received packets are discarded")
    cdef WindowEntry* entry
    while window.discarded < seq:
        window.discarded += 1
        entry = slot_of(window, window.discarded)
        buffer_release(window.pool, entry.buffer)
        entry.buffer = NULL


cdef void window_check(const Window* window) noexcept nogil:
    check(window.discarded <= window.aru, "discarded <= aru")
    check(window.aru <= window.highest, "aru <= highest")
    check(window.highest - window.discarded <= WINDOW_SLOTS, "the window is not overfull")
    if window.aru < window.highest:
        check(slot_of(window, window.aru + 1).buffer == NULL, "aru + 1 is a hole")


@final
cdef class WindowProbe:
    """A window with empty packets, for model tests."""

    cdef Pool pool
    cdef Window window

    def __cinit__(self):
        pool_open(&self.pool)
        if window_open(&self.window, &self.pool) < 0:
            raise MemoryError

    def __dealloc__(self):
        window_close(&self.window)
        pool_close(&self.pool)

    def insert(self, uint64_t seq) -> int:
        """Insert an empty packet; returns the `WindowStatus`."""
        cdef Buffer* buffer = buffer_acquire(&self.pool, 0)
        cdef WindowEntry packet = WindowEntry(buffer, 0, 0, 0, 0)
        cdef WindowStatus status = window_insert(&self.window, seq, &packet)
        if status != WINDOW_INSERTED:
            buffer_release(&self.pool, buffer)
        window_check(&self.window)
        return status

    def discard(self, uint64_t seq) -> None:
        """Give up everything up to `seq` or aru, whichever is lower."""
        window_discard(&self.window, min(seq, self.window.aru))
        window_check(&self.window)

    def state(self) -> tuple[int, int, int, int]:
        """Return discarded, aru, highest and the number of packets held."""
        return (
            self.window.discarded, self.window.aru, self.window.highest,
            self.pool.buffers_in_use,
        )
