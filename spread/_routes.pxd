"""Names to local session slots: the compiled half of the group state.

A route is one name with the slots that get what is sent to it: the local members of a group, or
the one session of a private group. Only Python changes routes, at ordered control messages, so a
message that follows a join in the order already sees it.

Routes lie one behind the other; an index of their numbers, open addressing with linear probing,
finds them by name. So a hundred thousand groups take the memory of so many routes, however empty
the index is. The hash is seeded, because clients choose the names. Receivers of a message are
collected without duplicates by stamping slots.

Invariants
    used + deleted < capacity * 3 / 4
    used <= route_count <= route_capacity
    a route has at least one slot; its slots are distinct
    watcher_count of a route is the number of its slots that were added as watchers
    `version` changes with every change of any route
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from spread._frames cimport GROUP_NAME_SIZE


cdef struct Route:
    uint8_t name[GROUP_NAME_SIZE]   # NUL padded; the key.
    uint32_t hash
    uint32_t slot_count             # 0 marks a free route.
    uint32_t watcher_count          # Slots that want membership messages.
    uint32_t slot                   # The only one, while `slots` is NULL; link of a free route.
    uint32_t* slots                 # Owned; as long as the next power of two at least.


cdef struct Routes:
    Route* routes         # Owned.
    uint32_t route_count  # Those in use, and free ones between them.
    uint32_t route_capacity
    uint32_t free_route   # The first of a list, or NO_ROUTE.
    uint32_t* index       # Owned; see INDEX_FREE in `_routes.pyx`.
    uint64_t capacity     # Of the index, a power of two.
    uint64_t used
    uint64_t deleted
    uint64_t seed
    uint64_t version


cdef int routes_open(Routes* routes, uint64_t seed) noexcept nogil
# Make an empty table; -1 when the system has no memory.

cdef void routes_close(Routes* routes) noexcept nogil

cdef int routes_add(
    Routes* routes, const uint8_t* name, size_t name_size, uint32_t slot, bint is_watcher
) noexcept nogil
# Add `slot` to the route of `name`, once. Returns 0, or -1 when the system has no memory.

cdef void routes_remove(
    Routes* routes, const uint8_t* name, size_t name_size, uint32_t slot, bint is_watcher
) noexcept nogil
# Take `slot` out of the route of `name`, as what it was added; the last takes the route with it.

cdef const Route* routes_find(const Routes* routes, const uint8_t* field) noexcept nogil
# Find the route of a 32-byte field whose name ends at its first NUL; NULL when there is none.
# Good until the next change of any route.


cdef inline const uint32_t* route_slots(const Route* route) noexcept nogil:
    """The slots of a route, `slot_count` of them."""
    return &route.slot if route.slots == NULL else route.slots
