"""Names to local session slots; the contract stands in `_routes.pxd`."""

from cython cimport final
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy, memmove, memset

from spread._check cimport check
from spread._frames cimport name_size as size_of_name

cdef enum:
    # Entries of the index; above them, the number of a route plus INDEX_FIRST.
    INDEX_FREE = 0
    INDEX_DELETED = 1
    INDEX_FIRST = 2
    NO_ROUTE = 0xFFFFFFFF
    CAPACITY_MIN = 64      # Entries; a quiet daemon has a dozen names.
    ROUTES_FIRST = 16


cdef uint32_t hash_name(const Routes* routes, const uint8_t* name, size_t size) noexcept nogil:
    """Mix the name, 8 bytes at a time, with the seed."""
    cdef uint64_t hash = routes.seed ^ (size * <uint64_t>0x9E3779B97F4A7C15)
    cdef uint64_t word
    cdef size_t at = 0
    cdef size_t part
    while at < size:
        part = min(size - at, <size_t>8)
        word = 0
        memcpy(&word, name + at, part)
        hash = (hash ^ word) * <uint64_t>0xFF51AFD7ED558CCD
        hash ^= hash >> 32
        at += part
    # A product carries upwards only: this brings the last characters of a name down, too.
    hash *= <uint64_t>0xC4CEB9FE1A85EC53
    return <uint32_t>(hash >> 32)


cdef bint is_route_of(
    const Route* route, const uint8_t* name, size_t size, uint32_t hash
) noexcept nogil:
    return (
        route.hash == hash and memcmp(route.name, name, size) == 0
        and (size == GROUP_NAME_SIZE or route.name[size] == 0)
    )


cdef uint32_t* probe(
    const Routes* routes, const uint8_t* name, size_t size, uint32_t hash
) noexcept nogil:
    """Return the index entry of `name`, or NULL."""
    cdef uint64_t mask = routes.capacity - 1
    cdef uint64_t at = hash & mask
    cdef uint32_t entry
    while True:
        entry = routes.index[at]
        if entry == INDEX_FREE:
            return NULL
        if entry >= INDEX_FIRST and is_route_of(
            &routes.routes[entry - INDEX_FIRST], name, size, hash
        ):
            return &routes.index[at]
        at = (at + 1) & mask


cdef uint32_t* free_entry(Routes* routes, uint32_t hash) noexcept nogil:
    """Return the first index entry for `hash` that names no route."""
    cdef uint64_t mask = routes.capacity - 1
    cdef uint64_t at = hash & mask
    while routes.index[at] >= INDEX_FIRST:
        at = (at + 1) & mask
    return &routes.index[at]


cdef int rebuild(Routes* routes) noexcept nogil:
    """Make room in the index for one more entry; -1 when the system has no memory."""
    cdef uint64_t capacity = CAPACITY_MIN
    while capacity < 2 * (routes.used + 1):
        capacity *= 2
    cdef uint32_t* index = <uint32_t*>calloc(capacity, sizeof(uint32_t))
    cdef uint32_t number
    if index == NULL:
        return -1
    free(routes.index)
    routes.index = index
    routes.capacity = capacity
    routes.deleted = 0
    close_gaps(routes)
    for number in range(routes.route_count):
        free_entry(routes, routes.routes[number].hash)[0] = number + INDEX_FIRST
    return 0


cdef void close_gaps(Routes* routes) noexcept nogil:
    """Move routes together, and give memory back if there is much."""
    cdef uint32_t kept = 0
    cdef uint32_t number
    cdef void* smaller
    for number in range(routes.route_count):
        if routes.routes[number].slot_count > 0:
            routes.routes[kept] = routes.routes[number]
            kept += 1
    routes.route_count = kept
    routes.free_route = NO_ROUTE
    if routes.route_capacity > 4 * max(kept, <uint32_t>ROUTES_FIRST):
        smaller = realloc(routes.routes, 2 * max(kept, <uint32_t>ROUTES_FIRST) * sizeof(Route))
        if smaller != NULL:
            routes.routes = <Route*>smaller
            routes.route_capacity = 2 * max(kept, <uint32_t>ROUTES_FIRST)


cdef int routes_open(Routes* routes, uint64_t seed) noexcept nogil:
    memset(routes, 0, sizeof(Routes))
    routes.seed = seed
    routes.free_route = NO_ROUTE
    return rebuild(routes)


cdef void routes_close(Routes* routes) noexcept nogil:
    cdef uint32_t number
    for number in range(routes.route_count):
        free(routes.routes[number].slots)
    free(routes.routes)
    free(routes.index)
    memset(routes, 0, sizeof(Routes))


cdef uint32_t take_route(Routes* routes) noexcept nogil:
    """Return the number of a route that is not in use, or NO_ROUTE without memory."""
    cdef uint32_t number = routes.free_route
    cdef uint32_t capacity
    cdef void* grown
    if number != NO_ROUTE:
        routes.free_route = routes.routes[number].slot
        return number
    if routes.route_count == routes.route_capacity:
        capacity = max(<uint32_t>ROUTES_FIRST, 2 * routes.route_capacity)
        grown = realloc(routes.routes, capacity * sizeof(Route))
        if grown == NULL:
            return NO_ROUTE
        routes.routes = <Route*>grown
        routes.route_capacity = capacity
    routes.route_count += 1
    return routes.route_count - 1


cdef int add_route(
    Routes* routes, const uint8_t* name, size_t name_size, uint32_t hash, uint32_t slot,
    bint is_watcher,
) noexcept nogil:
    """Make a route with its first slot; -1 when the system has no memory."""
    cdef uint32_t* entry
    cdef Route* route
    if 4 * (routes.used + routes.deleted + 1) >= 3 * routes.capacity and rebuild(routes) < 0:
        return -1
    cdef uint32_t number = take_route(routes)
    if number == NO_ROUTE:
        return -1
    entry = free_entry(routes, hash)
    routes.deleted -= entry[0] == INDEX_DELETED
    entry[0] = number + INDEX_FIRST
    route = &routes.routes[number]
    memset(route, 0, sizeof(Route))
    memcpy(route.name, name, name_size)
    route.hash = hash
    route.slot = slot
    route.slot_count = 1
    route.watcher_count = is_watcher
    routes.used += 1
    routes.version += 1
    return 0


cdef int routes_add(
    Routes* routes, const uint8_t* name, size_t name_size, uint32_t slot, bint is_watcher
) noexcept nogil:
    check(name_size <= GROUP_NAME_SIZE, "a name fits its field")
    cdef uint32_t hash = hash_name(routes, name, name_size)
    cdef const uint32_t* entry = probe(routes, name, name_size, hash)
    cdef Route* route
    cdef uint32_t at, count
    cdef uint32_t* grown
    if entry == NULL:
        return add_route(routes, name, name_size, hash, slot, is_watcher)
    route = &routes.routes[entry[0] - INDEX_FIRST]
    count = route.slot_count
    for at in range(count):
        if route_slots(route)[at] == slot:
            return 0
    if count & (count - 1) == 0:
        # As many as a power of two: there may be no room for another.
        grown = <uint32_t*>realloc(route.slots, 2 * count * sizeof(uint32_t))
        if grown == NULL:
            return -1
        if route.slots == NULL:
            grown[0] = route.slot
        route.slots = grown
    route.slots[count] = slot
    route.slot_count += 1
    route.watcher_count += is_watcher
    routes.version += 1
    return 0


cdef void routes_remove(
    Routes* routes, const uint8_t* name, size_t name_size, uint32_t slot, bint is_watcher
) noexcept nogil:
    cdef uint32_t* entry = probe(routes, name, name_size, hash_name(routes, name, name_size))
    if entry == NULL:
        return
    cdef uint32_t number = entry[0] - INDEX_FIRST
    cdef Route* route = &routes.routes[number]
    cdef uint32_t at = 0
    while at < route.slot_count and route_slots(route)[at] != slot:
        at += 1
    if at == route.slot_count:
        return
    route.slot_count -= 1
    route.watcher_count -= is_watcher
    routes.version += 1
    if route.slot_count > 0:
        # Keep the order of the others: it is the order in which sessions are served.
        memmove(
            &route.slots[at], &route.slots[at + 1], (route.slot_count - at) * sizeof(uint32_t)
        )
        return
    free(route.slots)
    route.slots = NULL
    route.slot = routes.free_route
    routes.free_route = number
    entry[0] = INDEX_DELETED
    routes.used -= 1
    routes.deleted += 1


cdef const Route* routes_find(const Routes* routes, const uint8_t* field) noexcept nogil:
    cdef size_t size = size_of_name(field)
    cdef const uint32_t* entry = probe(routes, field, size, hash_name(routes, field, size))
    return NULL if entry == NULL else &routes.routes[entry[0] - INDEX_FIRST]


@final
cdef class RoutesProbe:
    """A table of routes by itself, for model tests."""

    cdef Routes routes

    def __cinit__(self, uint64_t seed=0):
        if routes_open(&self.routes, seed) < 0:
            raise MemoryError

    def __dealloc__(self):
        routes_close(&self.routes)

    def add(self, bytes name not None, uint32_t slot, bint is_watcher=False) -> None:
        """Add a slot to a route."""
        if routes_add(&self.routes, name, len(name), slot, is_watcher) < 0:
            raise MemoryError

    def remove(self, bytes name not None, uint32_t slot, bint is_watcher=False) -> None:
        """Take a slot out of a route."""
        routes_remove(&self.routes, name, len(name), slot, is_watcher)

    def find(self, bytes name not None) -> list[int]:
        """Return the slots of a name, in the order they were added."""
        field = name.ljust(GROUP_NAME_SIZE, b"\0")
        cdef const Route* route = routes_find(&self.routes, field)
        if route == NULL:
            return []
        return [route_slots(route)[index] for index in range(route.slot_count)]

    def watchers(self, bytes name not None) -> int:
        """Return how many slots of a name were added as watchers."""
        field = name.ljust(GROUP_NAME_SIZE, b"\0")
        cdef const Route* route = routes_find(&self.routes, field)
        return 0 if route == NULL else route.watcher_count

    def size(self) -> tuple[int, int, int]:
        """Return used, deleted and capacity of the table."""
        return self.routes.used, self.routes.deleted, self.routes.capacity
