"""This daemon as a member of rings; the contract stands in `_member.pxd`.

Source: ring protocol, sections 3, 6 and 8; Amir, "Replication using group communication over a
partitioned network" (1995), for the transitional configuration.
"""

from cython cimport no_gc_clear
from libc.string cimport memcpy, memset

from spread._buffers cimport buffer_release, pool_close, pool_open
from spread._check cimport check
from spread._defects cimport (
    DEFECT_FORGET_COMMIT, DEFECT_KEEP_HALVES, DEFECT_NO_REWIND,
    DEFECT_REPEAT_WALK, DEFECT_SAFE_IN_OLD_RING, DEFECT_SIGNAL_LATE, HAS_DEFECTS, has_defect,
)
from spread._delivery cimport (
    MODE_CLOSED, MODE_OPEN, MODE_STABLE, MODE_TRANSITIONAL, delivery_open,
)
from spread._outbox cimport (
    CHANNEL_DATA, CHANNEL_TOKEN, TARGET_SEGMENT, outbox_close, outbox_open,
)
from spread._packets cimport (
    FLAG_POST, FLAG_RECOVERY, FLAG_RETRANS, KIND_CONTROL, KIND_COUNT, KIND_DATA, KIND_FORM1,
    KIND_FORM2, KIND_MEASURE, KIND_MEASURED, KIND_PIECE, KIND_PING, KIND_TOKEN, KIND_TOKEN_ACK,
    KIND_WANT, NO_DAEMON, PACKET_HEADER_SIZE, PACKET_MALFORMED, PACKET_OK, PACKET_SIZE_MAX,
    PacketFault, packet_kind, packet_read,
)
from spread._pieces cimport pieces_open
from spread._recorder cimport FAULT_PARTITIONED, FAULT_TWIN
from spread._recovery cimport recovery_open
from spread._ring cimport DATA_NEW, ring_open
from spread._station cimport station_open
from spread._stats cimport (
    STAT_CONTROL_RECEIVED, STAT_CONTROL_SENT, STAT_DROPPED_NOT_OURS, STAT_FOREIGN, STAT_INSTALLS,
    STAT_JOINED, STAT_LATE, STAT_PARTITIONED, STAT_STRANGERS, STAT_TOKEN_LOSSES, STAT_WANTS,
)
from spread._survey cimport (
    survey_deadline, survey_joined, survey_packet, survey_restart, survey_run, survey_stop,
    survey_watch,
)
from spread._window cimport WINDOW_SLOTS, window_find

from spread.errors import MisuseError

cdef enum:
    FOREIGN_INTERVAL_NS = 100000000
    STRANGER_INTERVAL_NS = 100000000  # Python keeps senders apart, and must not be flooded.
    REFUSAL_GAP_NS = 5000000      # Between the two answers that prove that nobody listens.
    PROBES = 3                    # Of each member of a lost ring: one more than what proves it.
    REFUSAL_LIFE_NS = 500000000   # A refusal that is older proves nothing.
    MISSED_TELLING = 100          # Packets in a row: no loss that chance explains.
    RESENDS_TELLING = 3           # Copies of a token without an answer that tell of a dead end.
    BODY_MAX = PACKET_SIZE_MAX - PACKET_HEADER_SIZE


@no_gc_clear
cdef class Member(Teller):
    """The ring half of a daemon; use it as a `Node`."""

    def __cinit__(self, object upcalls, *, object ring=None, **rest):
        pool_open(&self.pool)
        outbox_open(&self.outbox)
        self.upcalls = upcalls
        self.station = station_open(&self.pool, self.counters, &self.outbox, ring)
        self.pieces = pieces_open(&self.pool)
        cdef uint32_t leader = 0
        cdef uint32_t time = 0
        if ring is not None:
            leader = self.station.ids[self.station.me]
            time = ring.ring_time
        self.ring = ring_open(self.station, leader, time, (self.station.me,))
        self.active = self.ring
        self.delivery = delivery_open(self.ring)
        self.obliged[self.station.me] = True
        self.is_alive = True
        self.unanswered = NO_DAEMON

    def __dealloc__(self):
        # Everything gives its buffers back before the pool closes.
        self.recovery = None
        self.delivery = None
        self.forming_delivery = None
        self.active = None
        self.forming = None
        self.ring = None
        self.pieces = None
        self.station = None
        outbox_close(&self.outbox, &self.pool)
        pool_close(&self.pool)

    # -- Datagrams --------------------------------------------------------------------------------

    cdef void datagram(
        self, Buffer* buffer, uint32_t offset, uint32_t size, uint32_t source, int64_t now_ns
    ) noexcept nogil:
        cdef Packet packet
        cdef uint8_t* data = buffer.data + offset
        self.station.now_ns = now_ns
        cdef PacketFault fault = packet_read(
            &packet, data, size, self.station.network, self.station.daemon_count
        )
        if fault != PACKET_OK:
            self.station.note(data, size, fault)
            self.drop(fault, source)
            return
        if packet.transmitter == self.station.me:
            # Our own multicast comes back; another daemon under our number is membership's matter.
            if packet.kind >= KIND_CONTROL and packet.second != self.station.incarnation:
                self.station.note(data, size, FAULT_TWIN)
                self.call_control(
                    &packet, data + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE, source
                )
            return
        if self.station.is_apart(packet.transmitter):
            self.counters[STAT_PARTITIONED] += 1
            self.station.note(data, size, FAULT_PARTITIONED)
            return
        self.station.note(data, size, 0)
        self.refused_ns[packet.transmitter] = 0
        self.station.meters.peers[packet.transmitter].heard_ns = now_ns
        if self.was_paused():
            self.lose(LOST_PAUSE)
        if packet.kind == KIND_DATA:
            self.on_data(
                &packet, buffer, offset + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE
            )
        elif packet.kind == KIND_TOKEN:
            self.on_token(&packet, data, size)
        elif packet.kind == KIND_TOKEN_ACK:
            if self.is_alive and self.is_of(&packet):
                self.active.progress(packet.number)
        elif packet.kind == KIND_WANT:
            if self.is_alive and self.is_of(&packet) and self.active.is_leader():
                if self.active.is_member[packet.transmitter] and not self.is_forming:
                    self.on_want(packet.transmitter)
        elif packet.kind == KIND_PIECE:
            self.on_piece(&packet, data + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE, source)
        elif packet.kind == KIND_MEASURE or packet.kind == KIND_MEASURED:
            if self.is_alive and self.is_of(&packet):
                survey_packet(self.active, &packet, buffer, offset, size)
                self.tell_path()
        elif packet.kind >= KIND_CONTROL:
            self.counters[STAT_CONTROL_RECEIVED] += 1
            self.call_control(
                &packet, data + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE, source
            )

    cdef void drop(self, uint32_t fault, uint32_t source) noexcept nogil:
        """Count what is not for us, and tell of it now and then."""
        self.counters[STAT_STRANGERS] += 1
        self.counters[STAT_DROPPED_NOT_OURS + fault - 1] += 1
        if self.station.now_ns >= self.stranger_ns[fault]:
            self.stranger_ns[fault] = self.station.now_ns + STRANGER_INTERVAL_NS
            self.call_stranger(fault, source)

    cdef bint is_of(self, const Packet* packet) noexcept nogil:
        return packet.leader == self.active.leader and packet.time == self.active.time

    cdef void foreign(self, const Packet* packet) noexcept nogil:
        """Traffic of another ring: a late packet of one we left, or daemons to merge with."""
        if packet.time <= self.active.time and self.active.is_member[packet.transmitter]:
            self.counters[STAT_LATE] += 1
            return
        self.counters[STAT_FOREIGN] += 1
        if self.is_alive and not self.is_forming and self.station.now_ns >= self.foreign_ns:
            self.foreign_ns = self.station.now_ns + FOREIGN_INTERVAL_NS
            self.call_foreign(packet)

    cdef void on_data(
        self, Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil:
        cdef uint8_t transmitter = packet.transmitter
        if packet.flags & FLAG_RECOVERY:
            self.on_recovery(packet, buffer, offset, size)
            return
        if not self.is_of(packet):
            self.foreign(packet)
            return
        if not self.is_forming and self.is_frozen:
            # What was reported missing must stay missing until recovery brings it.
            self.counters[STAT_LATE] += 1
            return
        if not self.active.is_member[packet.origin] or not self.active.is_member[transmitter]:
            self.counters[STAT_FOREIGN] += 1
            return
        self.active.progress(packet.second)
        if self.station.came_in_pieces:
            survey_joined(self.active, packet)
        if (
            transmitter == self.active.predecessor and packet.flags & FLAG_POST
            and not packet.flags & FLAG_RETRANS and packet.second >= self.active.tok_no
        ):
            self.prefers_token = True
        self.active.send_on(packet, buffer, offset, size)
        # A packet that is held already may have been recorded and sent again by anybody.
        if self.active.data(packet, buffer, offset, size) == DATA_NEW and self.is_alive:
            self.loss_ns = self.station.now_ns + self.station.limits.token_timeout_ns
            self.watch_multicast(packet)
        self.active.update_stable()

    cdef void watch_multicast(self, const Packet* packet) noexcept nogil:
        """Notice when a neighbour's packets come one by one only: the ring works, but slowly."""
        cdef uint8_t origin = packet.origin
        cdef uint32_t* missed = &self.active.missed[origin]
        if not self.station.has_multicast or self.station.came_in_pieces:
            return
        if self.station.segments[origin] != self.station.segments[self.station.me]:
            return
        if not packet.flags & FLAG_RETRANS:
            missed[0] = 0
            return
        missed[0] += 1
        if missed[0] == MISSED_TELLING:
            missed[0] = 0
            self.call_multicast_missed(origin)

    cdef void on_recovery(
        self, Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil:
        if not self.is_forming or not self.is_of(packet):
            self.counters[STAT_LATE] += 1
            return
        self.station.forward(
            buffer, offset, size, packet, self.active.members, self.active.member_count
        )
        if self.recovery.packet(packet, buffer, offset, size):
            self.loss_ns = self.station.now_ns + self.station.limits.token_timeout_ns

    cdef void on_piece(
        self, const Packet* packet, const uint8_t* body, uint32_t size, uint32_t source
    ) noexcept nogil:
        """Keep it, or go on with the packet that it completes."""
        cdef Buffer* whole = self.pieces.add(packet, body, size)
        if whole == NULL:
            return
        # Nothing else is ever cut: it is nobody's.
        if packet_kind(whole.data) == KIND_DATA or packet_kind(whole.data) >= KIND_CONTROL:
            self.counters[STAT_JOINED] += 1
            self.station.came_in_pieces = True
            self.datagram(whole, 0, whole.size, source, self.station.now_ns)
            self.station.came_in_pieces = False
        else:
            self.drop(PACKET_MALFORMED, source)
        buffer_release(&self.pool, whole)

    # -- The token --------------------------------------------------------------------------------

    cdef void on_token(
        self, const Packet* packet, const uint8_t* data, uint32_t size
    ) noexcept nogil:
        if not self.is_of(packet):
            self.foreign(packet)
            return
        if not self.is_alive or self.is_token_held:
            self.counters[STAT_LATE] += 1
            return
        if not self.active.accept_token(packet, data, size):
            return
        self.want_ns = 0
        self.prefers_token = False
        self.visit()

    cdef void visit(self) noexcept nogil:
        """Do what the token in hand allows."""
        cdef bint is_everybody_done
        if self.is_forming:
            is_everybody_done = self.recovery.section()
            if self.recovery.is_done and not has_defect(
                self.station.defects, DEFECT_FORGET_COMMIT
            ):
                # From here on others may install and deliver by this attempt's obligations.
                memcpy(self.obliged, self.recovery.obliged, sizeof(self.obliged))
            if is_everybody_done:
                self.is_token_held = True
                self.begin_install()
                return
            self.active.visit(False, True)
        else:
            if self.active.is_leader():
                # Everybody has seen it complete for a rotation.
                self.active.token.has_recovery = False
                self.active.token.old_count = 0
            self.active.visit(False, False)
        self.after_visit()

    cdef void on_want(self, uint8_t who) noexcept nogil:
        cdef bint was_parked = self.active.is_parked
        self.active.wanted(who)
        if was_parked:
            self.after_visit()

    cdef void release(self) noexcept nogil:
        """Pass on the token that rests here, with a visit of our own first."""
        self.active.visit(True, False)
        self.after_visit()

    cdef void after_visit(self) noexcept nogil:
        cdef int64_t pause_ns = min(
            self.station.limits.hurry_timeout_ns, self.station.limits.token_timeout_ns // 3
        )
        self.loss_ns = self.station.now_ns + self.station.limits.token_timeout_ns
        self.keepalive_ns = self.station.now_ns + pause_ns if self.active.is_parked else 0
        self.watch_progress()
        if not self.is_forming:
            survey_watch(self.active)

    cdef void watch_progress(self) noexcept nogil:
        """Give up a ring in which a packet stays missing though the token goes round.

        Nobody has it, then: only the next ring can say so and go on.
        """
        cdef uint64_t aru = self.active.window.aru
        if self.is_forming or aru >= self.active.high or aru != self.stuck_aru:
            self.stuck_aru = aru
            self.stuck_ns = self.station.now_ns
        elif self.station.now_ns - self.stuck_ns > 2 * self.station.limits.token_timeout_ns:
            self.stuck_ns = self.station.now_ns
            self.lose(LOST_STALLED)

    cdef bint order_pending(self) noexcept nogil:
        if not self.is_alive or self.is_forming:
            return False
        if self.active.member_count == 1:
            self.station.control.seal()
            self.station.clients.seal()
            return self.active.visit_alone()
        if not (self.station.control.has_pending() or self.station.clients.has_pending()):
            return False
        if self.active.is_parked:
            self.release()
            return True
        if self.want_ns == 0 and not self.active.is_leader() and self.active.believes_parked():
            self.send_want()
        return False

    cdef void send_want(self) noexcept nogil:
        """Ask the leader for the token."""
        cdef Packet packet = self.active.header(KIND_WANT, self.active.tok_no)
        self.counters[STAT_WANTS] += 1
        self.want_ns = self.station.now_ns + self.station.limits.want_retry_ns
        self.station.send_header(&packet, self.active.members[0])

    # -- Time -------------------------------------------------------------------------------------

    cdef bint was_paused(self) noexcept nogil:
        """Whether a deadline is so late that the others have formed a ring without us."""
        return (
            self.is_alive and self.loss_ns != 0 and self.active.member_count > 1
            and self.station.now_ns > self.loss_ns + self.station.limits.token_timeout_ns
        )

    cdef void run_ring_timers(self) noexcept nogil:
        cdef int64_t now_ns = self.station.now_ns
        if self.probes_left > 0 and now_ns >= self.probe_ns:
            self.probe_members()
        if not self.is_alive or self.active.member_count == 1 or self.phase != PHASE_NONE:
            return
        if self.loss_ns != 0 and now_ns >= self.loss_ns:
            self.lose(LOST_PAUSE if self.was_paused() else LOST_TOKEN)
            return
        if self.is_forming and now_ns >= self.recovery.progress_ns:
            self.lose(LOST_STALLED)
            return
        if self.active.resend_ns != 0 and now_ns >= self.active.resend_ns:
            self.active.resend_token()
        if self.keepalive_ns != 0 and now_ns >= self.keepalive_ns:
            self.release()
        if self.want_ns != 0 and now_ns >= self.want_ns:
            self.send_want()
        if survey_deadline(self.active) != 0 and now_ns >= survey_deadline(self.active):
            survey_run(self.active)
            self.tell_path()
        if now_ns >= self.heartbeat_ns:
            self.heartbeat_ns = now_ns + self.station.limits.heartbeat_ns
            self.send_pings()

    cdef int64_t ring_deadline(self) noexcept nogil:
        cdef int64_t earliest = self.heartbeat_ns
        if not self.is_alive or self.active.member_count == 1:
            return max(self.probe_ns, <int64_t>1) if self.probes_left > 0 else 0
        if self.probes_left > 0:
            earliest = min(earliest, self.probe_ns)
        if self.loss_ns != 0:
            earliest = min(earliest, self.loss_ns)
        if self.is_forming:
            earliest = min(earliest, self.recovery.progress_ns)
        if self.active.resend_ns != 0:
            earliest = min(earliest, self.active.resend_ns)
        if self.keepalive_ns != 0:
            earliest = min(earliest, self.keepalive_ns)
        if self.want_ns != 0:
            earliest = min(earliest, self.want_ns)
        if survey_deadline(self.active) != 0:
            earliest = min(earliest, survey_deadline(self.active))
        return max(earliest, <int64_t>1)

    cdef void tell_path(self) noexcept nogil:
        """Say whom which datagrams do not reach, and which reach all, when that is known."""
        cdef uint32_t number, size
        for number in range(self.active.member_count):
            size = self.station.path.next_limit(self.active.members[number])
            while size != 0:
                if size == self.station.path.safe_size():
                    self.call_path_unanswered(self.active.members[number])
                else:
                    self.call_path_limited(
                        self.active.members[number], size, self.station.path.size
                    )
                size = self.station.path.next_limit(self.active.members[number])
        if self.station.path.is_news:
            self.station.path.is_news = False
            self.call_path_found(self.station.path.size)

    cdef void lose(self, LossReason reason) noexcept nogil:
        self.is_alive = False
        self.unanswered = NO_DAEMON
        if self.active.resends >= RESENDS_TELLING:
            self.unanswered = <uint8_t>self.active.sent_target
        self.counters[STAT_TOKEN_LOSSES] += 1
        self.call_lost(reason)

    cdef void send_pings(self) noexcept nogil:
        """Make the host of a killed daemon tell that nobody listens."""
        if self.active.successor != self.station.me:
            self.send_ping(self.active.successor)
        if self.active.members[0] not in (self.station.me, self.active.successor):
            self.send_ping(self.active.members[0])

    cdef void probe_members(self) noexcept nogil:
        """Ask everybody of the lost ring who is still there: several may have been killed."""
        cdef uint32_t number
        self.probes_left -= 1
        self.probe_ns = self.station.now_ns + REFUSAL_GAP_NS
        for number in range(self.ring.member_count):
            if self.ring.members[number] != self.station.me:
                self.send_ping(self.ring.members[number])

    cdef void send_ping(self, uint8_t daemon) noexcept nogil:
        cdef Packet packet = self.active.header(KIND_PING, 0)
        self.station.send_header(&packet, daemon)

    cdef void unreachable(self, uint32_t daemon, int64_t now_ns) noexcept nogil:
        self.station.now_ns = now_ns
        if daemon >= self.station.daemon_count or daemon == self.station.me:
            return
        if not self.active.is_member[daemon] and not self.ring.is_member[daemon]:
            return
        cdef int64_t first_ns = self.refused_ns[daemon]
        if first_ns == 0 or now_ns - first_ns > REFUSAL_LIFE_NS:
            self.refused_ns[daemon] = now_ns
            self.heartbeat_ns = min(self.heartbeat_ns, now_ns + REFUSAL_GAP_NS)
        elif now_ns - first_ns >= REFUSAL_GAP_NS * 4 // 5:
            self.refused_ns[daemon] = 0
            self.call_unreachable(daemon)

    # -- Installation -----------------------------------------------------------------------------

    cdef void begin_install(self) noexcept nogil:
        self.phase = PHASE_REGULAR
        self.delivery.mode = MODE_OPEN
        if has_defect(self.station.defects, DEFECT_SAFE_IN_OLD_RING):
            self.ring.stable = self.ring.window.aru
        if has_defect(self.station.defects, DEFECT_SIGNAL_LATE):
            self.begin_transitional()
            self.phase = PHASE_REGULAR

    cdef void install_step(self) noexcept nogil:
        if self.phase == PHASE_REGULAR:
            self.call_transitional()
            self.begin_transitional()
        else:
            self.call_installed()

    cdef void begin_transitional(self) noexcept nogil:
        self.phase = PHASE_TRANSITIONAL
        memcpy(
            self.delivery.together, self.recovery.transitional, sizeof(self.delivery.together)
        )
        memcpy(self.delivery.obliged, self.obliged, sizeof(self.delivery.obliged))
        self.delivery.last = self.recovery.high
        self.delivery.mode = MODE_TRANSITIONAL

    cdef void call_installed(self) noexcept with gil:
        """The forming ring is the installed one; Python learns of it, then the token goes on."""
        cdef bint had_token = self.is_token_held
        if has_defect(self.station.defects, DEFECT_NO_REWIND):
            self.station.clients.forget_begun()
        if has_defect(self.station.defects, DEFECT_KEEP_HALVES):
            self.delivery.streams, self.forming_delivery.streams = (
                self.forming_delivery.streams, self.delivery.streams
            )
        self.station.clients.rewind()
        self.station.control.clear()
        self.ring = self.forming
        self.delivery = self.forming_delivery
        self.drop_forming()
        self.delivery.mode = MODE_OPEN
        memset(self.obliged, 0, sizeof(self.obliged))
        self.obliged[self.station.me] = True
        self.is_frozen = False
        self.probes_left = 0
        self.is_token_held = False
        self.phase = PHASE_NONE
        self.is_alive = True
        self.heartbeat_ns = self.station.now_ns + self.station.limits.heartbeat_ns
        self.counters[STAT_INSTALLS] += 1
        survey_restart(self.ring)
        try:
            self.upcalls.ring_regular()
        except BaseException as error:
            self.fail(error)
        if had_token and self.is_alive:
            self.visit()

    cdef void drop_forming(self):
        self.forming = None
        self.forming_delivery = None
        self.recovery = None
        self.active = self.ring
        self.is_forming = False

    cdef void stop_ring(self) noexcept nogil:
        """The token must not be accepted or passed on; nothing is delivered."""
        # Packets that came in one batch with the last token may end a ring before its walk begins.
        check(self.phase != PHASE_TRANSITIONAL, "nothing interrupts an installation")
        self.phase = PHASE_NONE
        self.is_alive = False
        self.is_token_held = False
        self.delivery.mode = MODE_CLOSED
        self.active.is_parked = False
        self.active.resend_ns = 0
        self.loss_ns = 0
        self.keepalive_ns = 0
        self.want_ns = 0
        survey_stop(self.active)
        memset(self.refused_ns, 0, sizeof(self.refused_ns))

    # -- Face for Python: what membership asks of the ring ----------------------------------------

    def ring_lost(self):
        """Stop the token and close delivery; give up a forming ring."""
        if self.probes_left == 0 and self.ring.member_count > 1:
            self.probes_left = PROBES
            self.probe_ns = self.station.now_ns
        self.stop_ring()
        self.is_frozen = False
        if self.is_forming:
            self.drop_forming()

    def ring_freeze(self):
        """Report (stable, highest seq held) of the installed ring and hold still."""
        self.stop_ring()
        if self.is_forming:
            self.drop_forming()
        self.is_frozen = True
        # What was claimed and nobody holds is no hole that matters: nothing stands behind it.
        return self.ring.stable, self.ring.window.highest

    def ring_held(self, uint64_t after, uint64_t last):
        """Return which packets in (after, last] are held, as bits, least first."""
        cdef uint64_t seq
        if last > after and last - after > WINDOW_SLOTS:
            raise MisuseError(f"packets {after} to {last} are more than a window holds")
        cdef bytearray bits = bytearray((max(last, after) - after + 7) // 8)
        for seq in range(after + 1, last + 1):
            if seq <= self.ring.window.discarded or window_find(&self.ring.window, seq) != NULL:
                bits[(seq - after - 1) // 8] |= 1 << ((seq - after - 1) % 8)
        return bytes(bits)

    def ring_obligations(self):
        """Return whose packets must be delivered even behind a lost one."""
        return [number for number in range(DAEMONS_MAX) if self.obliged[number]]

    def ring_commit(
        self, tuple ring not None, list members not None, *, uint64_t stable, uint64_t high,
        bytes have not None, list transitional not None, list obligations not None,
    ):
        """Take a FORM2: recover in the forming ring; False when it cannot be true of ours."""
        if not self.is_frozen or self.is_forming or self.station.me not in members:
            return False
        if not all(0 <= each < self.station.daemon_count for each in [*members, *transitional]):
            return False
        if sorted(set(members)) != members or not set(transitional) <= set(members):
            return False
        if not all(0 <= each < self.station.daemon_count for each in obligations):
            return False
        try:
            forming = ring_open(self.station, ring[0], ring[1], members)
            delivery = delivery_open(forming)
            self.recovery = recovery_open(
                self.ring, forming, stable, high, have, transitional, obligations
            )
        except (ValueError, MemoryError):
            # The attempt fails, and the next one may find memory.
            return False
        self.forming_delivery = delivery
        self.forming = forming
        self.probes_left = 0
        self.active = forming
        self.is_forming = True
        self.is_alive = True
        self.ring.stable = max(self.ring.stable, stable)
        self.delivery.mode = MODE_STABLE
        if has_defect(self.station.defects, DEFECT_REPEAT_WALK):
            self.delivery.seq = min(self.delivery.seq, self.ring.window.discarded + 1)
        self.loss_ns = self.station.now_ns + self.station.limits.token_timeout_ns
        self.heartbeat_ns = self.station.now_ns + self.station.limits.heartbeat_ns
        if len(members) == 1:
            memcpy(self.obliged, self.recovery.obliged, sizeof(self.obliged))
            self.begin_install()
        return True

    def ring_start(self):
        """Make the forming ring's first token and send it to its first member."""
        if not self.is_forming or self.active.member_count == 1:
            raise MisuseError("only a forming ring of several daemons has a first token")
        self.active.start()

    def ring_unanswered(self):
        """Number of the daemon that did not take the token which was lost last, or None."""
        return None if self.unanswered == NO_DAEMON else self.unanswered

    def ring_settled(self):
        """Whether nothing waits to be sent and all packets of this daemon are stable."""
        return (
            self.station.clients.pending_head == NULL and self.station.clients.open_packet == NULL
            and self.ring.own_high <= self.ring.stable
        )

    def ring_wake(self):
        """Ask for the token if it is parked."""
        if not self.is_alive or self.is_forming or self.active.member_count == 1:
            return
        if self.active.is_parked:
            self.release()
        elif not self.active.is_leader() and self.active.believes_parked():
            self.send_want()

    def set_incarnation(self, uint64_t incarnation):
        """Go on under another incarnation: the clock of an earlier run was ahead of ours."""
        self.station.incarnation = incarnation

    def send_control(self, uint8_t kind, uint32_t target, bytes body not None):
        """Send a control packet to a daemon, or to all configured ones of the own segment."""
        if not KIND_CONTROL <= kind < KIND_COUNT or len(body) > BODY_MAX:
            raise MisuseError(f"kind {kind} with {len(body)} bytes is no control packet")
        if target != TARGET_SEGMENT and target >= self.station.daemon_count:
            raise MisuseError(f"there is no daemon number {target}")
        self.station.control_count += 1
        cdef Packet packet = self.ring.header(kind, self.station.control_count)
        packet.second = self.station.incarnation
        self.counters[STAT_CONTROL_SENT] += 1
        # A daemon that the tokens of a ring cannot reach must not get into one.
        self.station.send_body(
            &packet, <const uint8_t*><const char*>body, <uint32_t>len(body), target,
            CHANNEL_TOKEN if kind in (KIND_FORM1, KIND_FORM2) else CHANNEL_DATA,
        )

    def set_defects(self, uint32_t defects):
        """Switch rules off (bits of `_defects.pxd`); only a test build knows how.

        Raises MisuseError in every other build.
        """
        if not HAS_DEFECTS:
            raise MisuseError("this build keeps all rules; build with SPREAD_DEFECTS=1")
        self.station.defects = defects

    def ring_statistics(self):
        """Return what monitors show of the ring, by name."""
        return {
            "seq": self.active.high, "aru": self.active.window.aru, "stable": self.active.stable,
            "tok_no": self.active.tok_no, "round": self.active.token.round,
            "is_parked": self.active.is_parked, "rotation_ns": self.active.rotation_ns,
            "scale": self.active.token.scale,
            "pending_packets": self.station.clients.pending_count,
            "outbox_dropped": self.outbox.dropped, "datagram_size": self.station.path.size,
        }
