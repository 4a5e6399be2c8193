"""How many datagrams of monitors Python gets to see in a second, judged by where they come from.

    known source     SHARE of each in any case; up to SOURCE_MAX of each, as long as what is beyond
                     the shares is not more than COMMON_MAX of all
    any other one    STRANGERS_MAX of all, so that the log can name who asks in vain

Whoever is not known cannot use up what known sources may send, and no known source another one's
share: a source that others forge, or that sends too much, shuts nobody else out.

Sources are counted by a hash of their addresses with 10 bits, another one in each second: two
sources that are counted as one in this second hardly are in the next. So at most 1024 * SHARE +
COMMON_MAX datagrams of known sources pass in a second, and so many only if a thousand known
addresses send at once.

Invariants
    0 <= network_count <= NETWORKS_MAX
    0 <= beyond <= COMMON_MAX
"""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

cdef enum:
    NETWORKS_MAX = 1024
    SOURCES_BITS = 10
    SHARE = 8
    SOURCE_MAX = 500               # Probes of one daemon for `spread doctor` are the most of it.
    COMMON_MAX = 2000
    STRANGERS_MAX = 100
    GATE_NS = 1000000000


cdef struct Network:
    uint32_t address
    uint32_t mask


cdef struct Gate:
    int64_t since_ns               # When this second began.
    uint32_t beyond                # What passed in it of known sources, beyond their shares,
    uint32_t strangers             # and what came of others,
    uint32_t sources[1 << SOURCES_BITS]   # and of known ones.
    uint32_t network_count
    Network networks[NETWORKS_MAX]


cdef inline bint gate_knows(const Gate* gate, uint32_t source) noexcept nogil:
    cdef uint32_t index
    for index in range(gate.network_count):
        if (source & gate.networks[index].mask) == gate.networks[index].address:
            return True
    return False


cdef inline uint32_t gate_hash(const Gate* gate, uint32_t source) noexcept nogil:
    """Return which counter an address has in this second."""
    cdef uint32_t mixed = source ^ <uint32_t>gate.since_ns ^ <uint32_t>(gate.since_ns >> 32)
    mixed = (mixed ^ (mixed >> 16)) * <uint32_t>0x85EBCA6B
    mixed = (mixed ^ (mixed >> 13)) * <uint32_t>0xC2B2AE35
    return mixed >> (32 - SOURCES_BITS)


cdef inline bint gate_pass(Gate* gate, uint32_t source, int64_t now_ns) noexcept nogil:
    """Whether one more of this IPv4 address may pass in this second."""
    cdef uint32_t* count
    if now_ns - gate.since_ns >= GATE_NS:
        gate.since_ns = now_ns
        gate.beyond = gate.strangers = 0
        memset(gate.sources, 0, sizeof(gate.sources))
    if not gate_knows(gate, source):
        gate.strangers += 1
        return gate.strangers <= STRANGERS_MAX
    count = &gate.sources[gate_hash(gate, source)]
    count[0] += 1
    if count[0] <= SHARE:
        return True
    if count[0] > SOURCE_MAX or gate.beyond >= COMMON_MAX:
        return False
    gate.beyond += 1
    return True
