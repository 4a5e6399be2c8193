"""Numbers of a node for those who watch; the contract stands in `_snapshot.pxd`."""

from cython cimport final
from libc.stdint cimport uint64_t

from spread._flow cimport SCALE_ONE
from spread._meters cimport BUCKETS, Histogram, Meters, sample_settle
from spread._sessions cimport SLOT_OPEN, Slot

HISTOGRAMS = (
    ("latency_agreed", "own messages, from submission to delivery here"),
    ("latency_safe", "own SAFE messages, from submission to delivery here"),
    ("rotation", "times between two visits of a token that did not rest"),
    ("lateness", "how much later than its deadline a turn of the event loop came"),
)
"""Name and meaning of each histogram: bucket i counts times below 2 ** i microseconds."""


cdef tuple counts_of(const Histogram* histogram):
    cdef uint32_t bucket
    return tuple([histogram.counts[bucket] for bucket in range(<uint32_t>BUCKETS)])


@final
cdef class Snapshots:
    """Reads what a node has measured; use it in the thread that drives the node."""

    def __cinit__(self, Node node not None):
        self.node = node

    cdef void scan(self) noexcept nogil:
        cdef uint32_t before[SLOWEST_MAX]
        cdef uint32_t count = self.slowest_count
        cdef uint32_t number
        cdef uint32_t total = self.node.sessions.slot_count
        for number in range(count):
            before[number] = self.slowest[number]
        self.slowest_count = 0
        if self.node.sessions.queued_messages == 0:
            return
        for number in range(count):
            self.consider(before[number])
        for number in range(min(total, <uint32_t>SCAN_MAX)):
            self.cursor = (self.cursor + 1) % total
            self.consider(self.cursor)

    cdef void consider(self, uint32_t index) noexcept nogil:
        cdef const Slot* slot = &self.node.sessions.slots[index]
        cdef uint32_t place = self.slowest_count
        cdef uint32_t number
        if slot.state != SLOT_OPEN or slot.queued_messages == 0:
            return
        for number in range(self.slowest_count):
            if self.slowest[number] == index:
                return
        if place == SLOWEST_MAX:
            place -= 1
            if slot.queued_bytes <= self.node.sessions.slots[self.slowest[place]].queued_bytes:
                return
        else:
            self.slowest_count += 1
        while place > 0 and (
            self.node.sessions.slots[self.slowest[place - 1]].queued_bytes < slot.queued_bytes
        ):
            self.slowest[place] = self.slowest[place - 1]
            place -= 1
        self.slowest[place] = index

    cdef void settle(self) noexcept nogil:
        cdef uint64_t high = self.node.ring.own_high
        if (
            self.node.station.clients.pending_head == NULL
            and self.node.station.clients.open_packet == NULL
            and not self.node.has_message and self.node.delivery.seq > high
        ):
            sample_settle(&self.node.station.meters.sample)

    # -- Face for Python --------------------------------------------------------------------------

    def histograms(self):
        """Return the counts of each histogram, in the order of HISTOGRAMS."""
        cdef Meters* meters = &self.node.station.meters
        self.settle()
        return (
            counts_of(&meters.agreed), counts_of(&meters.safe), counts_of(&meters.rotation),
            counts_of(&meters.lateness),
        )

    def peers(self):
        """Return packets received, packets asked for again and when it was heard, by daemon."""
        cdef Meters* meters = &self.node.station.meters
        cdef uint32_t number
        return [
            (
                meters.peers[number].received, meters.peers[number].missed,
                meters.peers[number].heard_ns,
            )
            for number in range(self.node.station.daemon_count)
        ]

    def slowest_sessions(self):
        """Return slot, messages and bytes of the sessions for which most bytes wait."""
        cdef uint32_t number
        cdef const Slot* slots
        with nogil:
            self.scan()
        slots = self.node.sessions.slots
        return [
            (
                self.slowest[number], slots[self.slowest[number]].queued_messages,
                slots[self.slowest[number]].queued_bytes,
            )
            for number in range(self.slowest_count)
        ]

    def windows(self):
        """Return window, personal and accelerated window as they begin and at most, and the scale.

        The scale is that of the last token, in percent.
        """
        limits = self.node.station.limits
        return (
            (limits.window, limits.personal_window, limits.accelerated_window),
            (limits.window_max, limits.personal_window_max, limits.accelerated_window_max),
            bool(limits.is_accelerated),
            (self.node.active.token.scale or SCALE_ONE) * 100 // SCALE_ONE,
        )

    def partition(self):
        """Return the component of each daemon while a partition is in force, else ()."""
        cdef uint32_t number
        if self.node.station.partition_ns == 0:
            return ()
        self.node.station.is_apart(self.node.station.me)
        if self.node.station.partition_ns == 0:
            return ()
        return tuple([
            self.node.station.components[number]
            for number in range(self.node.station.daemon_count)
        ])
