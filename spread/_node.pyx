"""The daemon without I/O; the contract stands in `_node.pxd`.

Source: client protocol, sections 3 to 8; design of the data path in docs/architecture.md.
"""

from cython cimport final, no_gc_clear
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from spread._defects cimport (
    DEFECT_DROP_FOR_SLOW, DEFECT_DROP_SAFE_IN_WALK, DEFECT_DROP_UNRELIABLE, DEFECT_ONCE_PER_GROUP,
    has_defect,
)
from spread._delivery cimport (
    DELIVERY_MESSAGE, DELIVERY_NO_MEMORY, MODE_TRANSITIONAL, DeliveryStatus, Slice, delivery_open,
)
from spread._frames cimport (
    FRAME_HEADER_SIZE, GROUP_NAME_SIZE, OFFSET_SENDER, TYPE_JOIN, TYPE_KILL, TYPE_REQUEST,
    TYPE_SAFE, TYPE_SELF_DISCARD, TYPE_STATE, TYPE_UNRELIABLE, frame_write, name_size,
)
from spread._member cimport PHASE_NONE, PHASE_TRANSITIONAL
from spread._meters cimport histogram_add, sample_delivered
from spread._monitor_gate cimport NETWORKS_MAX, Network, gate_pass
from spread._outbox cimport outbox_clear
from spread._packets cimport NO_DAEMON
from spread._pieces cimport pieces_open
from spread._receivers cimport receivers_close, receivers_find, receivers_reserve
from spread._recorder cimport Recorder
from spread._ring cimport ring_open
from spread._routes cimport (
    Route, route_slots, routes_add, routes_close, routes_find, routes_open, routes_remove,
)
from spread._sessions cimport (
    END_MEMORY, END_REFUSED, END_SHUTDOWN, END_SLOW, NO_SLOT, SLOT_ENDED, SLOT_HANDSHAKE,
    SLOT_OPEN, Limits, sessions_open, slot_enqueue, slot_give_back, slot_is_over, slot_take,
)
from spread._stats cimport (
    STAT_COUNT, STAT_DELIVERIES, STAT_MESSAGES_DELIVERED, STAT_MONITOR_DROPPED,
    STAT_MONITOR_RECEIVED, STAT_REQUESTS, STAT_SESSIONS_ACCEPTED, STAT_SESSIONS_OPENED,
    STAT_STRANGERS, STAT_TURNS, STAT_UNROUTED,
)
from spread._submissions cimport PAYLOAD_SIZE_MAX, SUBMIT_OK
from spread._survey cimport survey_restart

from spread._stats import COUNTERS
from spread.errors import MisuseError

cdef enum:
    PAYLOAD_SIZE_MIN = 64          # Bytes of frames in one packet.
    STARVED_NS = 1000000           # Until delivery is tried again that found no memory.


cdef inline int64_t earlier(int64_t one_ns, int64_t other_ns) noexcept nogil:
    """The earlier of two deadlines, 0 meaning none."""
    return one_ns + other_ns if one_ns == 0 or other_ns == 0 else min(one_ns, other_ns)


@final
@no_gc_clear
cdef class Node(Clients):
    """One daemon's sessions, groups and ring.

    `upcalls` follows `spread.daemon.upcalls.Upcalls`; `route_seed` is a random 64-bit number that
    keeps clients from choosing names that collide. Limits are those of the configuration, in
    messages and bytes. A daemon with peers gets `ring`, a `RingSettings`; one without has
    packets with up to `payload_max` bytes of frames.
    """

    def __cinit__(
        self, object upcalls, *, uint64_t route_seed, uint32_t session_messages_max,
        uint64_t session_bytes_max, bint session_messages_exact, uint64_t queued_bytes_max,
        uint64_t inbound_bytes_max, uint32_t payload_max=PAYLOAD_SIZE_MAX, object ring=None,
    ):
        if not PAYLOAD_SIZE_MIN <= payload_max <= PAYLOAD_SIZE_MAX:
            raise MisuseError(
                f"packets of {payload_max} bytes; give {PAYLOAD_SIZE_MIN} to {PAYLOAD_SIZE_MAX}"
            )
        if ring is None:
            self.station.clients.payload_max = payload_max
            self.station.control.payload_max = payload_max
        cdef Limits limits = Limits(
            session_messages_max, session_bytes_max, session_messages_exact, inbound_bytes_max
        )
        self.queued_bytes_max = queued_bytes_max
        self.self_slot = NO_SLOT
        if sessions_open(&self.sessions, &self.pool, limits) < 0:
            raise MemoryError("no memory for the session table")
        if routes_open(&self.routes, route_seed) < 0:
            raise MemoryError("no memory for the routes")

    def __dealloc__(self):
        routes_close(&self.routes)
        receivers_close(&self.receivers)

    # -- Order and delivery ---------------------------------------------------------------------

    cdef NodeStatus turn(self, int64_t now_ns) noexcept nogil:
        cdef NodeStatus status = NODE_IDLE
        cdef bint is_told
        self.now_ns = now_ns
        self.station.now_ns = now_ns
        self.counters[STAT_TURNS] += 1
        if self.awaited_ns != 0 and now_ns >= self.awaited_ns:
            histogram_add(&self.station.meters.lateness, now_ns - self.awaited_ns)
        self.awaited_ns = 0
        self.run_ring_timers()
        if self.sessions.waiting + self.sessions.deferred > 0:
            self.resume_waiting()
        if self.owes_departures:
            self.pay_departures()
        while status == NODE_IDLE:
            # Before their departures are delivered: Python still knows the sessions.
            if self.sessions.ended_reported < self.sessions.ended_count:
                self.call_ended()
            status = self.deliver()
            if status != NODE_IDLE:
                break
            if self.is_starved:
                # The rest of the order has to wait, the end of a ring included.
                break
            if self.phase != PHASE_NONE:
                self.install_step()
                continue
            if self.order_pending():
                continue
            self.keep_bounds()
            if self.has_failed:
                return NODE_FAILED
            is_told = self.sessions.ended_reported == self.sessions.ended_count
            # Packets that are left over wait for room in the window, not for another round here.
            if is_told and self.phase == PHASE_NONE and not self.is_ready():
                break
        return NODE_FAILED if self.has_failed else status

    cdef bint is_ready(self) noexcept nogil:
        """Whether something has come up that a ring of one can order at once."""
        return (
            self.active.member_count == 1 and self.is_alive and not self.is_forming
            and not self.station.clients.is_held and self.station.clients.open_packet != NULL
        )

    cdef void keep_bounds(self) noexcept nogil:
        """Do what time and memory ask for once everything is delivered."""
        self.relieve()
        if self.control_deadline_ns != 0 and self.now_ns >= self.control_deadline_ns:
            self.control_deadline_ns = 0
            self.call_deadline()

    cdef NodeStatus deliver(self) noexcept nogil:
        """Deliver until nothing is in order any more or a receiver needs a write."""
        cdef DeliveryStatus shown
        while True:
            if not self.has_message:
                shown = self.delivery.next(&self.message)
                self.is_starved = shown == DELIVERY_NO_MEMORY
                if shown != DELIVERY_MESSAGE:
                    self.delivery.collect()
                    return NODE_IDLE
                self.begin()
            if self.message.frame.type & TYPE_STATE:
                self.call_state()
                if self.has_failed:
                    return NODE_FAILED
            elif self.message.frame.type & TYPE_REQUEST:
                if self.sessions.limits.is_exact and self.sessions.dirty_count > 0:
                    # The bound holds for notices, too: what can be written goes first.
                    return NODE_WRITE
                self.counters[STAT_REQUESTS] += 1
                self.call_ordered()
                if self.has_failed:
                    return NODE_FAILED
            elif not self.fan_out():
                return NODE_WRITE
            self.delivery.done()
            self.has_message = False
            while self.pool.bytes_in_use > self.queued_bytes_max and self.end_largest():
                pass
            if self.wants_write:
                self.wants_write = False
                return NODE_WRITE

    cdef void begin(self) noexcept nogil:
        """Find the receivers of the shown message."""
        cdef const Route* route
        cdef int64_t time_ns
        self.has_message = True
        self.fan_next = 0
        self.self_slot = NO_SLOT
        if self.message.origin == self.station.me and not self.message.frame.type & TYPE_STATE:
            time_ns = sample_delivered(&self.station.meters.sample, self.now_ns)
            if time_ns >= 0:
                histogram_add(
                    &self.station.meters.safe if self.message.frame.type & TYPE_SAFE
                    else &self.station.meters.agreed,
                    time_ns,
                )
        if self.message.frame.type & (TYPE_REQUEST | TYPE_STATE):
            return
        self.counters[STAT_MESSAGES_DELIVERED] += 1
        receivers_find(
            &self.receivers, &self.routes, &self.sessions,
            self.message.head + FRAME_HEADER_SIZE, <uint32_t>self.message.frame.group_count,
        )
        if self.receivers.slot_count == 0:
            self.counters[STAT_UNROUTED] += 1
        if self.message.frame.type & TYPE_SELF_DISCARD:
            # The sender's private group is a route only at the sender's own daemon.
            route = routes_find(&self.routes, self.message.head + OFFSET_SENDER)
            if route != NULL:
                self.self_slot = route_slots(route)[0]

    cdef bint fan_out(self) noexcept nogil:
        """Queue the shown message for its receivers; False when one must be written to first."""
        cdef uint32_t index
        cdef Slot* slot
        while self.fan_next < self.receivers.slot_count:
            index = self.receivers.slots[self.fan_next]
            slot = &self.sessions.slots[index]
            if slot.state == SLOT_OPEN and index != self.self_slot:
                if self.is_dropped_by_defect():
                    pass
                elif slot_is_over(&self.sessions, slot):
                    if slot.queue_count > 0 and not slot.is_blocked:
                        return False
                    if not has_defect(self.station.defects, DEFECT_DROP_FOR_SLOW):
                        self.end_session(index, END_SLOW)
                else:
                    self.queue_message(index)
                    if self.message.frame.group_count > 1 and has_defect(
                        self.station.defects, DEFECT_ONCE_PER_GROUP
                    ):
                        self.queue_message(index)
            self.fan_next += 1
        return True

    cdef bint is_dropped_by_defect(self) noexcept nogil:
        return self.delivery.mode == MODE_TRANSITIONAL and (
            has_defect(self.station.defects, DEFECT_DROP_UNRELIABLE)
            and self.message.frame.type & TYPE_UNRELIABLE != 0
            or has_defect(self.station.defects, DEFECT_DROP_SAFE_IN_WALK)
            and self.message.frame.type & TYPE_SAFE != 0
        )

    cdef void queue_message(self, uint32_t index) noexcept nogil:
        cdef uint32_t part
        cdef const Slice* slice
        for part in range(self.message.slice_count):
            slice = &self.message.slices[part]
            if slot_enqueue(
                &self.sessions, index, slice.buffer, slice.offset, slice.size,
                part + 1 == self.message.slice_count,
            ) < 0:
                self.end_session(index, END_MEMORY)
                return
        self.counters[STAT_DELIVERIES] += 1

    cdef int64_t next_deadline(self) noexcept nogil:
        if self.sessions.deferred > 0:
            return self.now_ns
        if self.is_starved:
            return self.now_ns + STARVED_NS
        cdef int64_t earliest = earlier(self.relief_ns, self.control_deadline_ns)
        self.awaited_ns = earlier(earliest, self.ring_deadline())
        return self.awaited_ns

    cdef void count_strangers(self, uint64_t count) noexcept nogil:
        self.counters[STAT_STRANGERS] += count

    cdef void monitor_datagram(
        self, const uint8_t* data, uint32_t size, uint32_t source, uint32_t port, int64_t now_ns
    ) noexcept nogil:
        self.counters[STAT_MONITOR_RECEIVED] += 1
        if gate_pass(&self.gate, source, now_ns):
            self.call_monitor(data, size, source, port)
        else:
            self.counters[STAT_MONITOR_DROPPED] += 1

    # -- Upcalls: connections, ordered requests, ends and timers; never a data message ----------

    cdef void call_ordered(self) noexcept with gil:
        """Python changes the groups at this point of the order."""
        cdef const uint8_t* head = self.message.head
        cdef const uint8_t* group = head + FRAME_HEADER_SIZE
        try:
            sender = (<const char*>(head + OFFSET_SENDER))[:name_size(head + OFFSET_SENDER)]
            if self.message.frame.type & TYPE_KILL:
                self.upcalls.ordered_end(sender)
                return
            name = (<const char*>group)[:name_size(group)]
            if self.message.frame.type & TYPE_JOIN:
                self.upcalls.ordered_join(sender, name)
            else:
                self.upcalls.ordered_leave(sender, name)
        except BaseException as error:
            self.fail(error)

    cdef void call_state(self) noexcept with gil:
        """Python merges the groups of another daemon at this point of the order."""
        try:
            self.upcalls.ordered_state(self.message.origin, self.body_of())
        except BaseException as error:
            self.fail(error)

    cdef bytes body_of(self):
        """The shown message without its header and group list."""
        cdef uint32_t part
        cdef const Slice* slice
        cdef list parts = []
        for part in range(self.message.slice_count):
            slice = &self.message.slices[part]
            parts.append((<const char*>(slice.buffer.data + slice.offset))[:slice.size])
        return b"".join(parts)[
            FRAME_HEADER_SIZE + GROUP_NAME_SIZE * self.message.frame.group_count:
        ]

    cdef void call_ended(self) noexcept with gil:
        """Python logs why sessions ended and forgets connections that never had a name."""
        cdef uint32_t index
        cdef const Slot* slot
        try:
            while self.sessions.ended_reported < self.sessions.ended_count:
                index = self.sessions.ended[self.sessions.ended_reported]
                self.sessions.ended_reported += 1
                slot = &self.sessions.slots[index]
                self.upcalls.session_ended(index, slot.reason, slot.fault, slot.undelivered)
        except BaseException as error:
            self.fail(error)

    cdef void call_deadline(self) noexcept with gil:
        """Python's timers: handshakes that take too long."""
        try:
            self.upcalls.deadline(self.now_ns)
        except BaseException as error:
            self.fail(error)

    # -- Face for Python: the control plane -----------------------------------------------------

    cdef Slot* slot_at(self, uint32_t index) except NULL:
        if index >= self.sessions.slot_count:
            raise MisuseError(f"session slot {index} does not exist")
        return &self.sessions.slots[index]

    def open_session(self):
        """Take in a connection; returns its slot, in the state of the handshake.

        Raises MemoryError when the table cannot grow.
        """
        cdef uint32_t index = slot_take(&self.sessions)
        if index == NO_SLOT:
            raise MemoryError("no memory for another session")
        if receivers_reserve(&self.receivers, self.sessions.slot_count) < 0:
            self.sessions.slots[index].state = SLOT_ENDED
            slot_give_back(&self.sessions, index)
            raise MemoryError("no memory for another session")
        self.counters[STAT_SESSIONS_OPENED] += 1
        return index

    def accept(
        self, uint32_t index, bytes private_group not None, *, uint64_t frame_size_max,
        bint asks_policy, bint wants_membership=False,
    ):
        """Turn a connection into a session that sends and receives messages.

        `private_group` is 1 to 31 bytes; `frame_size_max` bounds group list and body together.
        """
        cdef Slot* slot = self.slot_at(index)
        cdef size_t size = len(private_group)
        if slot.state != SLOT_HANDSHAKE:
            raise MisuseError(f"session slot {index} is not in its handshake")
        if not 0 < size < GROUP_NAME_SIZE:
            raise MisuseError(f"a private group has 1 to 31 bytes, not {size}")
        if routes_add(&self.routes, private_group, size, index, False) < 0:
            raise MemoryError("no memory for another session")
        memcpy(slot.name, <const char*>private_group, size)
        slot.name_size = <uint32_t>size
        slot.frame_size_max = frame_size_max
        slot.asks_policy = asks_policy
        slot.wants_membership = wants_membership
        slot.state = SLOT_OPEN
        self.counters[STAT_SESSIONS_ACCEPTED] += 1

    def reply(self, uint32_t index, bytes data not None):
        """Queue bytes of the handshake."""
        self.slot_at(index)
        self.queue_bytes(&index, 1, data, len(data), False)

    def refuse(self, uint32_t index):
        """End a connection in its handshake once its output has been offered."""
        cdef Slot* slot = self.slot_at(index)
        if slot.state != SLOT_HANDSHAKE:
            return
        slot.is_closing = True
        if slot.queue_count == 0:
            self.end_session(index, END_REFUSED)

    def end(self, uint32_t index):
        """End a session because the daemon stops."""
        self.slot_at(index)
        self.end_session(index, END_SHUTDOWN)

    def departed(self, uint32_t index):
        """The session's departure has been ordered and its groups are settled."""
        cdef Slot* slot = self.slot_at(index)
        if slot.is_departed:
            raise MisuseError(f"the session of slot {index} departs once")
        routes_remove(&self.routes, slot.name, slot.name_size, index, False)
        slot.is_departed = True
        if slot.is_closed:
            slot_give_back(&self.sessions, index)

    def add_route(self, bytes group not None, uint32_t index):
        """Deliver messages to `group` (at most 32 bytes) to this session too."""
        cdef const Slot* slot = self.slot_at(index)
        if len(group) > GROUP_NAME_SIZE:
            raise MisuseError(f"group name {group!r} is longer than 32 bytes")
        if routes_add(&self.routes, group, len(group), index, slot.wants_membership) < 0:
            raise MemoryError("no memory for another group")

    def remove_route(self, bytes group not None, uint32_t index):
        """Deliver messages to `group` to this session no more."""
        cdef const Slot* slot = self.slot_at(index)
        routes_remove(
            &self.routes, group, min(len(group), GROUP_NAME_SIZE), index, slot.wants_membership
        )

    cdef const Route* route_of(self, bytes group):
        """The route of a group, or NULL."""
        cdef uint8_t field[GROUP_NAME_SIZE]
        memset(field, 0, GROUP_NAME_SIZE)
        memcpy(field, <const char*>group, min(len(group), GROUP_NAME_SIZE))
        return routes_find(&self.routes, field)

    def is_watched(self, bytes group not None):
        """Whether a session to which messages to `group` go wants membership messages."""
        cdef const Route* route = self.route_of(group)
        return route != NULL and route.watcher_count > 0

    def tell(self, bytes group not None, bytes frame not None):
        """Queue a membership message for those sessions, at this point of the order."""
        cdef const Route* route = self.route_of(group)
        cdef uint32_t count = 0
        cdef uint32_t number, index
        if route == NULL or route.watcher_count == 0:
            return
        cdef uint32_t* targets = <uint32_t*>malloc(route.watcher_count * sizeof(uint32_t))
        if targets == NULL:
            raise MemoryError("no memory for the receivers of a notice")
        for number in range(route.slot_count):
            index = route_slots(route)[number]
            if self.sessions.slots[index].wants_membership:
                targets[count] = index
                count += 1
        self.queue_notice(targets, count, frame, len(frame))
        free(targets)

    def send(self, list slots not None, bytes frame not None):
        """Queue one membership message for several sessions at this point of the order."""
        cdef uint32_t count = <uint32_t>len(slots)
        cdef uint32_t* targets = <uint32_t*>malloc(max(count, <uint32_t>1) * sizeof(uint32_t))
        cdef uint32_t number
        if targets == NULL:
            raise MemoryError("no memory for the receivers of a notice")
        try:
            for number in range(count):
                targets[number] = slots[number]
                self.slot_at(targets[number])
            self.queue_notice(targets, count, frame, len(frame))
        finally:
            free(targets)

    def submit_state(self, bytes body not None):
        """Order a message of the group state exchange before all client traffic.

        Raises MemoryError when nothing of it was taken.
        """
        cdef bytearray frame = bytearray(FRAME_HEADER_SIZE) + body
        cdef uint8_t[::1] view = frame
        frame_write(&view[0], TYPE_STATE, NULL, 0, 0, 0, <int32_t>len(body))
        if self.station.control.append(&view[0], FRAME_HEADER_SIZE, len(frame)) != SUBMIT_OK:
            raise MemoryError("no memory for a group state message")

    def hold_requests(self, bint is_held):
        """Keep what clients send out of the order, or let it in again."""
        self.station.clients.is_held = is_held

    def set_monitors(self, list networks not None):
        """Know monitors of these networks, pairs of address and mask: strangers are hardly heard.

        At most 1024 networks are known; whoever is in a later one is a stranger.
        """
        cdef uint32_t count = 0
        for address, mask in networks[:NETWORKS_MAX]:
            self.gate.networks[count] = Network(address & mask, mask)
            count += 1
        self.gate.network_count = count

    def set_partition(self, tuple components not None, int64_t until_ns):
        """Hear no daemon of another component than the own one until then; () hears all again.

        `components` has a number for each configured daemon.
        """
        cdef uint32_t number
        self.station.partition_ns = 0
        if not components:
            return
        if len(components) != self.station.daemon_count:
            raise MisuseError(
                f"{len(components)} components for {self.station.daemon_count} daemons"
            )
        for number in range(self.station.daemon_count):
            self.station.components[number] = components[number]
        self.station.partition_ns = until_ns

    def set_recorder(self, Recorder recorder):
        """Note every datagram there from here on; None for nowhere."""
        self.station.recorder = recorder

    def set_limits(
        self, *, uint32_t session_messages_max, uint64_t session_bytes_max,
        bint session_messages_exact, uint64_t queued_bytes_max, uint64_t inbound_bytes_max,
    ):
        """Change the bounds of queues, as the constructor takes them; nothing queued is dropped."""
        self.sessions.limits = Limits(
            session_messages_max, session_bytes_max, session_messages_exact, inbound_bytes_max
        )
        self.queued_bytes_max = queued_bytes_max

    def set_windows(self, tuple base not None, tuple most not None):
        """Change the windows from the next visit of the token on, as they begin and at most.

        Both are window, personal window and accelerated window in packets.
        """
        self.station.set_windows(base, most)

    def set_accelerated(self, bint is_accelerated):
        """Let the token go on before the last packets of a visit, or behind all of them."""
        self.station.limits.is_accelerated = is_accelerated

    def ring_is_interruptible(self):
        """Whether the ring may be given up now: nothing interrupts its walk to the next one."""
        return self.phase != PHASE_TRANSITIONAL

    def ring_renumber(self, network not None, *, bint multicast):
        """Take other numbers for the daemons, from a `NetworkSettings`, in a ring of one at rest.

        The ring keeps its id and begins again without packets; a message that was ordered in part
        is ordered anew. False, and nothing has happened, if others are in the ring, one is forming,
        or something in it is not delivered.
        """
        if self.phase != PHASE_NONE or self.is_forming or not self.is_alive:
            return False
        if self.ring.member_count != 1 or self.has_message:
            return False
        if self.delivery.seq <= self.ring.window.highest:
            return False
        self.station.renumber(network, multicast)
        outbox_clear(&self.outbox, &self.pool)
        self.pieces = pieces_open(&self.pool)
        self.ring = ring_open(
            self.station, self.ring.leader, self.ring.time, (self.station.me,)
        )
        self.active = self.ring
        self.delivery = delivery_open(self.ring)
        self.station.clients.rewind()
        self.station.control.clear()
        memset(self.obliged, 0, sizeof(self.obliged))
        self.obliged[self.station.me] = True
        memset(self.refused_ns, 0, sizeof(self.refused_ns))
        self.unanswered = NO_DAEMON
        self.is_frozen = False
        self.probes_left = 0
        survey_restart(self.ring)
        return True

    def set_deadline(self, int64_t when_ns):
        """Ask for the upcall `deadline` at this monotonic time in nanoseconds; 0 for never."""
        self.control_deadline_ns = when_ns

    def statistics(self):
        """Return every counter by its name, and what is in use now."""
        result = {COUNTERS[number][0]: self.counters[number] for number in range(STAT_COUNT)}
        result["sessions"] = self.sessions.used
        result["queued_messages"] = self.sessions.queued_messages
        result["queued_bytes"] = self.sessions.queued_bytes
        result["inbound_bytes"] = self.sessions.inbound_bytes + self.sessions.stash_bytes
        result["buffer_bytes"] = self.pool.bytes_in_use
        result["buffer_bytes_peak"] = self.pool.bytes_peak
        result["packets"] = self.ring.window.highest
        return result

    def session_statistics(self, uint32_t index):
        """Return the messages and bytes that wait for a session."""
        return self.slot_at(index).queued_messages, self.slot_at(index).queued_bytes
