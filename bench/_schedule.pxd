"""When a sender's next message is due: at fixed intervals, or as a Poisson process.

Times are drawn beforehand and never depend on what the daemon does, so a message that waits for a
slow daemon is late by its own schedule (no coordinated omission). A seed gives the same times
again.
"""

from libc.math cimport log1p
from libc.stdint cimport uint64_t

cdef struct Schedule:
    uint64_t due_ns             # when the next message is due
    uint64_t interval_ns        # mean time between messages; 0: there is no schedule
    bint is_random              # exponential intervals instead of equal ones
    uint64_t state              # of the random numbers

cdef inline uint64_t next_random(Schedule* schedule) noexcept nogil:
    """splitmix64 (Steele, Lea, Flood 2014): 64 even bits a step from a counter."""
    cdef uint64_t z
    schedule.state += 0x9E3779B97F4A7C15ULL
    z = schedule.state
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL
    return z ^ (z >> 31)

cdef inline void advance_schedule(Schedule* schedule) noexcept nogil:
    """Move on to the message after the one that was due."""
    cdef double even
    if schedule.is_random:
        even = <double>(next_random(schedule) >> 11) / <double>(1ULL << 53)     # 0 <= even < 1
        schedule.due_ns += <uint64_t>(-log1p(-even) * <double>schedule.interval_ns + 0.5)
    else:
        schedule.due_ns += schedule.interval_ns

cdef inline void begin_schedule(Schedule* schedule, uint64_t now_ns) noexcept nogil:
    """Set the first time: at once, or a random interval from now."""
    schedule.due_ns = now_ns
    if schedule.is_random:
        advance_schedule(schedule)
