"""Who gets a message; the contract stands in `_receivers.pxd`."""

from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memset

from spread._check cimport check
from spread._routes cimport Route, route_slots, routes_find


cdef int receivers_reserve(Receivers* receivers, uint32_t capacity) noexcept nogil:
    if capacity <= receivers.slot_capacity:
        return 0
    cdef void* grown = realloc(receivers.slots, capacity * sizeof(uint32_t))
    if grown == NULL:
        return -1
    receivers.slots = <uint32_t*>grown
    receivers.slot_capacity = capacity
    return 0


cdef void receivers_close(Receivers* receivers) noexcept nogil:
    free(receivers.slots)
    memset(receivers, 0, sizeof(Receivers))


cdef void receivers_find(
    Receivers* receivers, const Routes* routes, Sessions* sessions,
    const uint8_t* groups, uint32_t group_count,
) noexcept nogil:
    cdef uint32_t group
    if (
        group_count != receivers.group_count or receivers.routes_version != routes.version
        or memcmp(groups, receivers.groups, group_count * GROUP_NAME_SIZE) != 0
    ):
        receivers.stamp += 1
        receivers.slot_count = 0
        receivers.group_count = group_count
        receivers.routes_version = routes.version
        memcpy(receivers.groups, groups, group_count * GROUP_NAME_SIZE)
        for group in range(group_count):
            add_route(receivers, routes_find(routes, groups + group * GROUP_NAME_SIZE), sessions)


cdef void add_route(Receivers* receivers, const Route* route, Sessions* sessions) noexcept nogil:
    """Add the slots of one name that are not in the list yet."""
    cdef uint32_t member, index
    if route == NULL:
        return
    for member in range(route.slot_count):
        index = route_slots(route)[member]
        if sessions.slots[index].stamp == receivers.stamp:
            continue
        check(receivers.slot_count < receivers.slot_capacity, "every slot fits the list once")
        sessions.slots[index].stamp = receivers.stamp
        receivers.slots[receivers.slot_count] = index
        receivers.slot_count += 1
