"""Datagrams that wait for the driver, in the order in which they are to be sent.

Invariants
    each entry holds one reference to its buffer
    data entries <= OUTBOX_MAX: what comes on top is dropped like a datagram that the network loses
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool

cdef enum:
    # A visit answers 320 requests and sends 160 packets at most, to 127 daemons by unicast.
    OUTBOX_MAX = 65536
    OUTBOX_TOKENS_MAX = 64   # As many tokens more: the ring waits for them.
    TARGET_SEGMENT = 256     # One multicast in the own segment; else the target is a daemon number.
    CHANNEL_DATA = 0
    CHANNEL_TOKEN = 1


cdef struct Outgoing:
    Buffer* buffer     # Shared.
    uint32_t offset
    uint32_t size      # Bytes of the datagram, header included.
    uint16_t target
    uint8_t channel


cdef struct Outbox:
    Outgoing* entries  # Owned.
    uint32_t count
    uint32_t capacity
    uint64_t dropped


cdef void outbox_open(Outbox* outbox) noexcept nogil

cdef void outbox_close(Outbox* outbox, Pool* pool) noexcept nogil

cdef void outbox_add(
    Outbox* outbox, Buffer* buffer, uint32_t offset, uint32_t size, uint32_t target,
    uint32_t channel,
) noexcept nogil
# Queue a datagram; takes a reference of its own.

cdef void outbox_clear(Outbox* outbox, Pool* pool) noexcept nogil
# The driver has sent everything.
