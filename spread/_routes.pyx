"""Names to local session slots; the contract stands in `_routes.pxd`."""

from cython cimport final
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy, memset

from spread._check cimport check
from spread._frames cimport name_size as size_of_name

cdef enum:
    HASH_FREE = 0
    HASH_DELETED = 1
    CAPACITY_MIN = 64      # Entries; a quiet daemon has a dozen names.


cdef uint64_t hash_name(const Routes* routes, const uint8_t* name, size_t size) noexcept nogil:
    """Mix the name, 8 bytes at a time, with the seed; never 0 or 1."""
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
    return hash | 2


cdef Route* probe(
    const Routes* routes, const uint8_t* name, size_t size, uint64_t hash
) noexcept nogil:
    """Return the entry of `name`, or NULL."""
    cdef uint64_t mask = routes.capacity - 1
    cdef uint64_t index = (hash >> 8) & mask
    cdef Route* entry
    while True:
        entry = &routes.entries[index]
        if entry.hash == HASH_FREE:
            return NULL
        if (
            entry.hash == hash and memcmp(entry.name, name, size) == 0
            and (size == GROUP_NAME_SIZE or entry.name[size] == 0)
        ):
            return entry
        index = (index + 1) & mask


cdef Route* free_entry(Routes* routes, uint64_t hash) noexcept nogil:
    """Return the first entry for `hash` that holds no route."""
    cdef uint64_t mask = routes.capacity - 1
    cdef uint64_t index = (hash >> 8) & mask
    while routes.entries[index].hash > HASH_DELETED:
        index = (index + 1) & mask
    return &routes.entries[index]


cdef int rebuild(Routes* routes) noexcept nogil:
    """Make room for one more entry; -1 when the system has no memory."""
    cdef uint64_t capacity = CAPACITY_MIN
    while capacity < 4 * (routes.used + 1):
        capacity *= 2
    cdef Routes grown = routes[0]
    cdef uint64_t index
    grown.entries = <Route*>calloc(capacity, sizeof(Route))
    if grown.entries == NULL:
        return -1
    grown.capacity = capacity
    grown.deleted = 0
    for index in range(routes.capacity):
        if routes.entries[index].hash > HASH_DELETED:
            free_entry(&grown, routes.entries[index].hash)[0] = routes.entries[index]
    free(routes.entries)
    routes[0] = grown
    return 0


cdef int routes_open(Routes* routes, uint64_t seed) noexcept nogil:
    memset(routes, 0, sizeof(Routes))
    routes.seed = seed
    return rebuild(routes)


cdef void routes_close(Routes* routes) noexcept nogil:
    cdef uint64_t index
    for index in range(routes.capacity):
        free(routes.entries[index].slots)
    free(routes.entries)
    memset(routes, 0, sizeof(Routes))


cdef int routes_add(
    Routes* routes, const uint8_t* name, size_t name_size, uint32_t slot
) noexcept nogil:
    check(name_size <= GROUP_NAME_SIZE, "a name fits its field")
    cdef uint64_t hash = hash_name(routes, name, name_size)
    cdef Route* route = probe(routes, name, name_size, hash)
    cdef uint32_t index, capacity
    cdef uint32_t* grown
    if route == NULL:
        if 4 * (routes.used + routes.deleted + 1) >= 3 * routes.capacity and rebuild(routes) < 0:
            return -1
        route = free_entry(routes, hash)
        grown = <uint32_t*>calloc(1, sizeof(uint32_t))
        if grown == NULL:
            return -1
        if route.hash == HASH_DELETED:
            routes.deleted -= 1
        memset(route, 0, sizeof(Route))
        memcpy(route.name, name, name_size)
        route.hash = hash
        route.slots = grown
        route.slot_capacity = 1
        routes.used += 1
    for index in range(route.slot_count):
        if route.slots[index] == slot:
            return 0
    if route.slot_count == route.slot_capacity:
        capacity = 2 * route.slot_capacity
        grown = <uint32_t*>realloc(route.slots, capacity * sizeof(uint32_t))
        if grown == NULL:
            return -1
        route.slots = grown
        route.slot_capacity = capacity
    route.slots[route.slot_count] = slot
    route.slot_count += 1
    routes.version += 1
    return 0


cdef void routes_remove(
    Routes* routes, const uint8_t* name, size_t name_size, uint32_t slot
) noexcept nogil:
    cdef Route* route = probe(routes, name, name_size, hash_name(routes, name, name_size))
    cdef uint32_t index
    if route == NULL:
        return
    for index in range(route.slot_count):
        if route.slots[index] != slot:
            continue
        # Keep the order of the others: it is the order in which sessions are served.
        while index + 1 < route.slot_count:
            route.slots[index] = route.slots[index + 1]
            index += 1
        route.slot_count -= 1
        routes.version += 1
        break
    if route.slot_count > 0:
        return
    free(route.slots)
    memset(route, 0, sizeof(Route))
    route.hash = HASH_DELETED
    routes.used -= 1
    routes.deleted += 1


cdef const Route* routes_find(const Routes* routes, const uint8_t* field) noexcept nogil:
    cdef size_t size = size_of_name(field)
    return probe(routes, field, size, hash_name(routes, field, size))


@final
cdef class RoutesProbe:
    """A table of routes by itself, for model tests."""

    cdef Routes routes

    def __cinit__(self, uint64_t seed=0):
        if routes_open(&self.routes, seed) < 0:
            raise MemoryError

    def __dealloc__(self):
        routes_close(&self.routes)

    def add(self, bytes name not None, uint32_t slot) -> None:
        """Add a slot to a route."""
        if routes_add(&self.routes, name, len(name), slot) < 0:
            raise MemoryError

    def remove(self, bytes name not None, uint32_t slot) -> None:
        """Take a slot out of a route."""
        routes_remove(&self.routes, name, len(name), slot)

    def find(self, bytes name not None) -> list[int]:
        """Return the slots of a name, in the order they were added."""
        field = name.ljust(GROUP_NAME_SIZE, b"\0")
        cdef const Route* route = routes_find(&self.routes, field)
        if route == NULL:
            return []
        return [route.slots[index] for index in range(route.slot_count)]

    def size(self) -> tuple[int, int, int]:
        """Return used, deleted and capacity of the table."""
        return self.routes.used, self.routes.deleted, self.routes.capacity
