"""How many datagrams of monitors Python gets to see in a second, judged by where they come from.

    known source     SOURCE_MAX of each, KNOWN_MAX of all
    any other one    STRANGERS_MAX of all, so that the log can name who asks in vain

Whoever is not known cannot use up what known sources may send, and no known source what another
one may. Sources share 256 counters by a hash of their addresses.

Invariants
    0 <= network_count <= NETWORKS_MAX
"""

from libc.stdint cimport int64_t, uint32_t

cdef enum:
    NETWORKS_MAX = 1024
    SOURCES_BITS = 8
    SOURCE_MAX = 500               # Probes of one daemon for `spread doctor` are the most of it.
    KNOWN_MAX = 2000
    STRANGERS_MAX = 100
    GATE_NS = 1000000000


cdef struct Network:
    uint32_t address
    uint32_t mask


cdef struct Gate:
    int64_t since_ns               # When this second began.
    uint32_t known                 # What passed in it,
    uint32_t strangers
    uint32_t sources[1 << SOURCES_BITS]   # and what came.
    uint32_t network_count
    Network networks[NETWORKS_MAX]


cdef inline bint gate_knows(const Gate* gate, uint32_t source) noexcept nogil:
    cdef uint32_t index
    for index in range(gate.network_count):
        if (source & gate.networks[index].mask) == gate.networks[index].address:
            return True
    return False


cdef inline bint gate_pass(Gate* gate, uint32_t source, int64_t now_ns) noexcept nogil:
    """Whether one more of this IPv4 address may pass in this second."""
    cdef uint32_t index
    if now_ns - gate.since_ns >= GATE_NS:
        gate.since_ns = now_ns
        gate.known = gate.strangers = 0
        for index in range(1 << SOURCES_BITS):
            gate.sources[index] = 0
    if not gate_knows(gate, source):
        gate.strangers += 1
        return gate.strangers <= STRANGERS_MAX
    index = <uint32_t>(source * <uint32_t>2654435761) >> (32 - SOURCES_BITS)
    gate.sources[index] += 1
    if gate.sources[index] > SOURCE_MAX or gate.known >= KNOWN_MAX:
        return False
    gate.known += 1
    return True
