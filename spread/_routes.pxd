"""Names to local session slots: the compiled half of the group state.

A route is one name with the slots that get what is sent to it: the local members of a group, or
the one session of a private group. Only Python changes routes, at ordered control messages, so a
message that follows a join in the order already sees it.

The table is open addressing with linear probing; the hash is seeded, because clients choose the
names. Receivers of a message are collected without duplicates by stamping slots.

Invariants
    used + deleted < capacity * 3 / 4
    a route has at least one slot; its slots are distinct
    `version` changes with every change of any route
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from spread._frames cimport GROUP_NAME_SIZE


cdef struct Route:
    uint8_t name[GROUP_NAME_SIZE]   # NUL padded; the key.
    uint64_t hash                   # 0 marks a free entry, 1 a deleted one.
    uint32_t* slots                 # Owned.
    uint32_t slot_count
    uint32_t slot_capacity


cdef struct Routes:
    Route* entries        # Owned.
    uint64_t capacity     # Power of two.
    uint64_t used
    uint64_t deleted
    uint64_t seed
    uint64_t version


cdef int routes_open(Routes* routes, uint64_t seed) noexcept nogil
# Make an empty table; -1 when the system has no memory.

cdef void routes_close(Routes* routes) noexcept nogil

cdef int routes_add(
    Routes* routes, const uint8_t* name, size_t name_size, uint32_t slot
) noexcept nogil
# Add `slot` to the route of `name`, once. Returns 0, or -1 when the system has no memory.

cdef void routes_remove(
    Routes* routes, const uint8_t* name, size_t name_size, uint32_t slot
) noexcept nogil
# Take `slot` out of the route of `name`; the last one takes the route with it.

cdef const Route* routes_find(const Routes* routes, const uint8_t* field) noexcept nogil
# Find the route of a 32-byte field whose name ends at its first NUL; NULL when there is none.
