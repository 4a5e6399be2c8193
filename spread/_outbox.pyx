"""Datagrams that wait for the driver; the contract stands in `_outbox.pxd`."""

from libc.stdlib cimport free, realloc
from libc.string cimport memset

from spread._buffers cimport buffer_release, buffer_share


cdef void outbox_open(Outbox* outbox) noexcept nogil:
    memset(outbox, 0, sizeof(Outbox))


cdef void outbox_close(Outbox* outbox, Pool* pool) noexcept nogil:
    outbox_clear(outbox, pool)
    free(outbox.entries)
    memset(outbox, 0, sizeof(Outbox))


cdef void outbox_add(
    Outbox* outbox, Buffer* buffer, uint32_t offset, uint32_t size, uint32_t target,
    uint32_t channel,
) noexcept nogil:
    cdef uint32_t capacity
    cdef Outgoing* grown
    if channel != CHANNEL_TOKEN and outbox.count >= OUTBOX_MAX:
        outbox.dropped += 1
        return
    if outbox.count == outbox.capacity:
        capacity = min(max(64, 2 * outbox.capacity), <uint32_t>OUTBOX_MAX)
        if channel == CHANNEL_TOKEN and outbox.capacity >= OUTBOX_MAX:
            capacity = OUTBOX_MAX + OUTBOX_TOKENS_MAX
        grown = NULL
        if capacity > outbox.capacity:
            grown = <Outgoing*>realloc(outbox.entries, capacity * sizeof(Outgoing))
        if grown == NULL:
            outbox.dropped += 1
            return
        outbox.entries = grown
        outbox.capacity = capacity
    buffer_share(buffer)
    outbox.entries[outbox.count] = Outgoing(
        buffer, offset, size, <uint16_t>target, <uint8_t>channel
    )
    outbox.count += 1


cdef void outbox_clear(Outbox* outbox, Pool* pool) noexcept nogil:
    cdef uint32_t number
    for number in range(outbox.count):
        buffer_release(pool, outbox.entries[number].buffer)
    outbox.count = 0
