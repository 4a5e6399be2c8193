"""Flow control as arithmetic: how many new packets a visit of the token may send.

    window      packets of one rotation, of all members, retransmissions included
    personal    packets of one visit
    gap         how far the newest packet may be ahead of the oldest one that somebody misses

Source: ring protocol, section 3.9; Babay and Amir, "Fast total ordering for modern data centers".
"""

from libc.stdint cimport uint32_t, uint64_t

cdef inline uint32_t flow_room(
    uint32_t window, uint32_t personal, uint32_t gap, uint32_t fcc, uint64_t stable, uint64_t high,
    uint32_t retransmitted,
) noexcept nogil:
    """Return the new packets allowed; `fcc` counts the others' packets of the last rotation."""
    cdef uint64_t room = personal
    if fcc >= window or high >= stable + gap:
        return 0
    room = min(room, <uint64_t>(window - fcc))
    room = min(room, stable + gap - high)
    return 0 if room <= retransmitted else <uint32_t>(room - retransmitted)


cdef inline uint32_t flow_less(uint32_t fcc, uint32_t mine) noexcept nogil:
    """Return the count without what this daemon added at its last visit."""
    return 0 if fcc <= mine else fcc - mine
