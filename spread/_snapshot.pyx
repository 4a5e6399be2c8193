"""Numbers of a node for those who watch; the contract stands in `_snapshot.pxd`."""

from cython cimport final, no_gc
from libc.string cimport memcpy, memmove

from spread._flow cimport SCALE_ONE
from spread._meters cimport BUCKETS, Histogram, sample_settle
from spread._sessions cimport SLOT_OPEN, Slot

from spread.counters import ARRIVALS, DEPARTURES, NODE

cdef tuple NODE_NAMES = tuple([figure.name for figure in NODE])
cdef tuple ARRIVAL_NAMES = tuple([figure.name for figure in ARRIVALS])
cdef tuple DEPARTURE_NAMES = tuple([figure.name for figure in DEPARTURES])
del NODE, ARRIVALS, DEPARTURES


cdef tuple counts_of(const Histogram* histogram):
    cdef uint32_t bucket
    return tuple([histogram.counts[bucket] for bucket in range(<uint32_t>BUCKETS)])


@final
@no_gc
cdef class Figures:
    """Numbers of one moment; made by `Snapshots.take`, read by any thread."""

    def counters(self):
        """Return every counter of node and datagrams by its name."""
        cdef uint32_t number
        cdef dict result = {}
        for number in range(<uint32_t>STAT_COUNT):
            result[NODE_NAMES[number]] = self.counts[number]
        if self.has_datagrams:
            for number in range(<uint32_t>COUNT_COUNT):
                result[ARRIVAL_NAMES[number]] = self.arrivals[number]
            for number in range(<uint32_t>SENDER_COUNT):
                result[DEPARTURE_NAMES[number]] = self.departures[number]
        result["outbox_dropped"] = self.outbox_dropped
        return result

    def gauges(self):
        """Return what is in use, and where the ring stands, by the names of the gauges."""
        return {
            "sessions": self.sessions, "queued_messages": self.queued_messages,
            "queued_bytes": self.queued_bytes, "inbound_bytes": self.inbound_bytes,
            "buffer_bytes": self.buffer_bytes, "buffer_bytes_peak": self.buffer_bytes_peak,
            "packets": self.packets, "seq": self.seq, "aru": self.aru, "stable": self.stable,
            "tok_no": self.tok_no, "round": self.round, "is_parked": int(self.is_parked),
            "rotation_us": self.rotation_ns // 1000, "scale": self.scale,
            "pending_packets": self.pending_packets, "datagram_size": self.datagram_size,
        }

    def histograms(self):
        """Return four tuples of counts: latency of AGREED and SAFE, rotation, lateness."""
        return (
            counts_of(&self.meters.agreed), counts_of(&self.meters.safe),
            counts_of(&self.meters.rotation), counts_of(&self.meters.lateness),
        )

    def peers(self):
        """Return packets received, packets asked for again and when it was heard, by daemon."""
        cdef uint32_t number
        return [
            (
                self.meters.peers[number].received, self.meters.peers[number].missed,
                self.meters.peers[number].heard_ns,
            )
            for number in range(self.daemon_count)
        ]

    def windows(self):
        """Return window, personal and accelerated window as they begin and at most.

        Then whether the ring is accelerated, and the scale of the last token in percent.
        """
        cdef RingLimits* limits = &self.limits
        return (
            (limits.window, limits.personal_window, limits.accelerated_window),
            (limits.window_max, limits.personal_window_max, limits.accelerated_window_max),
            bool(limits.is_accelerated), (self.scale or SCALE_ONE) * 100 // SCALE_ONE,
        )

    def partition(self):
        """Return the component of each daemon while a partition is in force, else ()."""
        cdef uint32_t number
        if not self.is_partitioned:
            return ()
        return tuple([self.components[number] for number in range(self.daemon_count)])

    def slowest(self):
        """Return private group, messages and bytes of the sessions for which most bytes wait."""
        cdef uint32_t number
        cdef SlowSlot* slow
        result = []
        for number in range(self.slow_count):
            slow = &self.slow[number]
            name = (<const char*>slow.name)[:GROUP_NAME_SIZE].rstrip(b"\0")
            result.append((name, slow.messages, slow.bytes))
        return result


@final
cdef class Snapshots:
    """Reads what a node has measured; use it in the thread that drives the node."""

    def __cinit__(self, Node node not None, Datagrams datagrams=None):
        self.node = node
        self.datagrams = datagrams
        self.has_datagrams = datagrams is not None

    def take(self):
        """Return the numbers of this moment. Raises MemoryError."""
        cdef Figures figures = Figures.__new__(Figures)
        with nogil:
            self.fill(figures)
        return figures

    cdef void fill(self, Figures figures) noexcept nogil:
        self.settle()
        figures.now_ns = self.node.now_ns
        figures.daemon_count = self.node.station.daemon_count
        figures.has_datagrams = self.has_datagrams
        figures.meters = self.node.station.meters
        figures.limits = self.node.station.limits
        figures.is_partitioned = self.node.station.is_parted()
        memcpy(
            figures.components, self.node.station.components, sizeof(figures.components)
        )
        memcpy(figures.counts, self.node.counters, sizeof(figures.counts))
        if self.has_datagrams:
            memcpy(figures.arrivals, self.datagrams.counters, sizeof(figures.arrivals))
            memcpy(
                figures.departures, self.datagrams.sender.counters, sizeof(figures.departures)
            )
        self.fill_gauges(figures)
        self.scan()
        self.fill_slowest(figures)

    cdef void fill_gauges(self, Figures figures) noexcept nogil:
        figures.sessions = self.node.sessions.used
        figures.queued_messages = self.node.sessions.queued_messages
        figures.queued_bytes = self.node.sessions.queued_bytes
        figures.inbound_bytes = (
            self.node.sessions.inbound_bytes + self.node.sessions.stash_bytes
        )
        figures.buffer_bytes = self.node.pool.bytes_in_use
        figures.buffer_bytes_peak = self.node.pool.bytes_peak
        figures.packets = self.node.ring.window.highest
        figures.seq = self.node.active.high
        figures.aru = self.node.active.window.aru
        figures.stable = self.node.active.stable
        figures.tok_no = self.node.active.tok_no
        figures.round = self.node.active.token.round
        figures.scale = self.node.active.token.scale
        figures.is_parked = self.node.active.is_parked
        figures.rotation_ns = self.node.active.rotation_ns
        figures.pending_packets = self.node.station.clients.pending_count
        figures.outbox_dropped = self.node.outbox.dropped
        figures.datagram_size = self.node.station.path.size

    cdef void fill_slowest(self, Figures figures) noexcept nogil:
        cdef uint32_t number
        cdef const Slot* slot
        figures.slow_count = self.slowest_count
        for number in range(self.slowest_count):
            slot = &self.node.sessions.slots[self.slowest[number]]
            memcpy(figures.slow[number].name, slot.name, sizeof(slot.name))
            figures.slow[number].messages = slot.queued_messages
            figures.slow[number].bytes = slot.queued_bytes

    cdef void scan(self) noexcept nogil:
        cdef uint32_t before[SLOWEST_MAX]
        cdef uint32_t count = self.slowest_count
        cdef uint32_t number
        cdef uint32_t total = self.node.sessions.slot_count
        self.slowest_count = 0
        if self.node.sessions.queued_messages == 0:
            return
        if total > SCAN_MAX:
            memcpy(before, self.slowest, sizeof(before))
            for number in range(count):
                self.consider(before[number])
        for _ in range(min(total, <uint32_t>SCAN_MAX)):
            self.cursor = (self.cursor + 1) % total
            self.consider(self.cursor)

    cdef void consider(self, uint32_t index) noexcept nogil:
        cdef const Slot* slots = self.node.sessions.slots
        cdef const Slot* slot = &slots[index]
        cdef uint32_t low = 0
        cdef uint32_t high = self.slowest_count
        cdef uint32_t middle
        if slot.state != SLOT_OPEN or slot.queued_messages == 0:
            return
        if high == SLOWEST_MAX and slot.queued_bytes <= slots[self.slowest[high - 1]].queued_bytes:
            return
        for middle in range(high):
            if self.slowest[middle] == index:
                return
        while low < high:
            middle = (low + high) // 2
            if slots[self.slowest[middle]].queued_bytes >= slot.queued_bytes:
                low = middle + 1
            else:
                high = middle
        self.slowest_count = min(self.slowest_count + 1, <uint32_t>SLOWEST_MAX)
        memmove(
            &self.slowest[low + 1], &self.slowest[low],
            (self.slowest_count - 1 - low) * sizeof(uint32_t),
        )
        self.slowest[low] = index

    cdef void settle(self) noexcept nogil:
        cdef uint64_t high = self.node.ring.own_high
        if (
            self.node.station.clients.pending_head == NULL
            and self.node.station.clients.open_packet == NULL
            and not self.node.has_message and self.node.delivery.seq > high
        ):
            sample_settle(&self.node.station.meters.sample)
