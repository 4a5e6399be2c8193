"""Who gets a message: the sessions of all its groups, each once.

Clients send bursts to the same groups, so the receivers of the last group list are remembered and
stay good as long as the list is the same and no route has changed.

Invariants
    slots are distinct, in the order of the groups and, within one, of the joins
    slot_count <= slot_capacity, which is at least the length of the session table
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from spread._frames cimport FRAME_GROUPS_MAX, GROUP_NAME_SIZE
from spread._routes cimport Routes
from spread._sessions cimport Sessions


cdef struct Receivers:
    uint32_t* slots          # Owned.
    uint32_t slot_count
    uint32_t slot_capacity
    uint64_t stamp           # Marks the slots of this list; grows with each one.
    uint64_t routes_version  # Of the routes that the list was made from.
    uint32_t group_count
    uint8_t groups[FRAME_GROUPS_MAX * GROUP_NAME_SIZE]


cdef int receivers_reserve(Receivers* receivers, uint32_t capacity) noexcept nogil
# Make room for so many slots; -1 when the system has no memory.

cdef void receivers_close(Receivers* receivers) noexcept nogil

cdef void receivers_find(
    Receivers* receivers, const Routes* routes, Sessions* sessions,
    const uint8_t* groups, uint32_t group_count,
) noexcept nogil
# Collect the receivers for a list of 32-byte names.
