"""One ring and its token; the contract stands in `_ring.pxd`."""

from libc.string cimport memcpy, memset

from cython cimport final, no_gc_clear

from spread._buffers cimport (
    BUFFER_SMALL, BUFFER_SMALL_SIZE, buffer_acquire, buffer_release, buffer_share, class_for,
)
from spread._check cimport check
from spread._defects cimport DEFECT_STABLE_IS_MOST, DEFECT_TOKEN_TWICE, has_defect
from spread._flow cimport (
    SCALE_ONE, SCALE_REST, Rotation, flow_is_overrun, flow_less, flow_next_scale, flow_room,
    flow_scaled, flow_share,
)
from spread._meters cimport histogram_add, peer_received
from spread._outbox cimport CHANNEL_DATA, CHANNEL_TOKEN
from spread._packets cimport (
    FLAG_GRANT, FLAG_POST, FLAG_RECOVERY, FLAG_RESEND, FLAG_RETRANS, KIND_DATA, KIND_TOKEN,
    KIND_TOKEN_ACK, NO_DAEMON, PACKET_HEADER_SIZE, packet_read, packet_write,
)
from spread._pieces cimport CUTS_MAX
from spread._station cimport RingLimits
from spread._stats cimport (
    STAT_DUPLICATES, STAT_OUT_OF_RANGE, STAT_PACKETS_MADE, STAT_PACKETS_RECEIVED,
    STAT_PACKETS_SENT, STAT_PARKS, STAT_REQUESTED, STAT_RETRANSMITTED, STAT_TOKENS,
    STAT_TOKENS_DUPLICATE, STAT_TOKENS_MALFORMED, STAT_TOKEN_RESENDS,
)
from spread._token cimport (
    REQUEST_SIZE, TOKEN_REQUESTS_MAX, Request, token_has_room, token_read, token_write,
)
from spread._window cimport (
    WINDOW_DUPLICATE, WINDOW_INSERTED, WindowEntry, WindowStatus, window_check, window_close,
    window_find, window_insert, window_open, window_space,
)

cdef enum:
    SLOT_MASK = WINDOW_SLOTS - 1
    SEVERAL = 255           # In `who_asks`.
    ROTATION_RISE = 64
    ROTATION_FALL = 4
    EVIDENCE_SHARE = 8
    DEVIATION_SHARE = 4
    DEVIATIONS = 4
    # So few packets are sent ahead of the token: overtaken by it, they would be acknowledged only a
    # rotation later, which costs more than the next daemon gains.
    FEW_PACKETS = 2
    SHARE_FACTOR = 4        # A buffer that is emptier than this is not worth keeping for a packet.


# Its packets go back to the pool of its station, which must outlive it whoever collects the two.
@final
@no_gc_clear
cdef class Ring:
    """Packets and token of one ring; made and driven by a `Member`."""

    def __dealloc__(self):
        if self.station is None:
            return
        if self.sent_token != NULL:
            buffer_release(self.station.pool, self.sent_token)
        window_close(&self.window)

    cdef bint is_leader(self) noexcept nogil:
        return self.my_place == 0

    cdef Packet header(self, uint8_t kind, uint64_t number) noexcept nogil:
        cdef Packet packet
        memset(&packet, 0, sizeof(Packet))
        packet.kind = kind
        packet.origin = self.station.me
        packet.transmitter = self.station.me
        packet.leader = self.leader
        packet.time = self.time
        packet.number = number
        return packet

    # -- Packets ----------------------------------------------------------------------------------

    cdef DataStatus data(
        self, const Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil:
        cdef uint64_t ack = packet.number - packet.lag
        cdef WindowEntry entry
        cdef WindowStatus status
        self.station.count(STAT_PACKETS_RECEIVED, 1)
        if not packet.flags & FLAG_RECOVERY and ack > self.acks[packet.origin]:
            self.acks[packet.origin] = ack
        entry = WindowEntry(buffer, offset, size, <uint16_t>packet.tail, packet.origin)
        if packet.number <= self.window.aru or window_find(&self.window, packet.number) != NULL:
            status = WINDOW_DUPLICATE
        else:
            self.fit_entry(&entry)
            status = window_insert(&self.window, packet.number, &entry)
            if status != WINDOW_INSERTED:
                buffer_release(self.station.pool, entry.buffer)
        peer_received(
            &self.station.meters.peers[packet.origin], status == WINDOW_INSERTED
            and self.losses[packet.number & SLOT_MASK] == LOSS_ASKED,
        )
        if status == WINDOW_INSERTED:
            self.losses[packet.number & SLOT_MASK] = LOSS_NONE
            if not packet.flags & (FLAG_RETRANS | FLAG_RECOVERY):
                self.find_lost(packet)
            self.high = max(self.high, packet.number)
            self.acks[self.station.me] = self.window.aru
            return DATA_NEW
        self.station.count(
            STAT_DUPLICATES if status == WINDOW_DUPLICATE else STAT_OUT_OF_RANGE, 1
        )
        return DATA_OLD

    cdef void send_on(
        self, Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil:
        cdef uint64_t* sent = &self.sent_on[packet.number & SLOT_MASK]
        if sent[0] == packet.number and not packet.flags & FLAG_RETRANS:
            return
        if self.station.forward(
            buffer, offset, size, packet, self.members, self.member_count
        ):
            sent[0] = packet.number

    cdef void fit_entry(self, WindowEntry* entry) noexcept nogil:
        """Give the entry a reference: to the buffer it came in, or to a smaller copy of its own."""
        cdef Buffer* buffer = entry.buffer
        cdef uint32_t size = PACKET_HEADER_SIZE + entry.size
        cdef Buffer* smaller = NULL
        if not self.is_worth_sharing(entry):
            smaller = buffer_acquire(self.station.pool, class_for(size))
        if smaller == NULL:
            buffer_share(buffer)
            return
        memcpy(smaller.data, buffer.data + entry.offset - PACKET_HEADER_SIZE, size)
        smaller.size = size
        entry.buffer = smaller
        entry.offset = PACKET_HEADER_SIZE

    cdef bint is_worth_sharing(self, const WindowEntry* entry) noexcept nogil:
        """Tell whether the window may keep the buffer that a new packet came in.

        Which packets of a joint buffer are new shows only when all of them have been looked at. So
        it is kept if those of the joint buffer before filled enough.
        """
        cdef const Buffer* buffer = entry.buffer
        cdef uint32_t size = PACKET_HEADER_SIZE + entry.size
        if buffer.capacity > SHARE_FACTOR * max(buffer.size, <uint32_t>(BUFFER_SMALL_SIZE // 4)):
            return False
        if buffer.capacity <= SHARE_FACTOR * size:
            return True
        if buffer != self.joint or entry.offset <= self.joint_start:
            self.is_joint_shared = SHARE_FACTOR * self.joint_kept >= buffer.capacity
            self.joint = buffer
            self.joint_kept = 0
        self.joint_start = entry.offset
        self.joint_kept += size
        return self.is_joint_shared

    cdef void find_lost(self, const Packet* packet) noexcept nogil:
        """Note what is lost: packets of a visit come in the order in which they were sent.

        About the end of a visit this says nothing: it may be on its way while the next daemon
        sends already.
        """
        cdef uint64_t* heard = &self.heard[packet.origin]
        cdef uint64_t seq = max(heard[0], packet.number - 1 - packet.place)
        heard[0] = max(heard[0], packet.number)
        seq = max(seq, self.window.aru)
        while seq + 1 < packet.number:
            seq += 1
            if window_find(&self.window, seq) == NULL:
                if self.losses[seq & SLOT_MASK] == LOSS_NONE:
                    self.losses[seq & SLOT_MASK] = LOSS_KNOWN
                self.lost_high = max(self.lost_high, seq)

    cdef void update_stable(self) noexcept nogil:
        cdef uint64_t lowest = self.window.aru
        cdef uint32_t number
        for number in range(self.member_count):
            lowest = min(lowest, self.acks[self.members[number]])
        if has_defect(self.station.defects, DEFECT_STABLE_IS_MOST):
            lowest = self.window.aru
        self.stable = max(self.stable, lowest)

    cdef void send_entry(self, uint64_t seq, uint8_t flags, uint8_t who) noexcept nogil:
        """Send a packet of the window to the ring, or to the one daemon that misses it."""
        cdef const WindowEntry* entry = window_find(&self.window, seq)
        cdef Packet packet
        packet.kind = KIND_DATA
        packet.flags = flags
        packet.origin = entry.origin
        packet.transmitter = self.station.me
        packet.leader = self.leader
        packet.time = self.time
        packet.number = seq
        packet.second = self.tok_no
        # In a copy that another daemon sends, this says nothing about its origin.
        packet.lag = <uint32_t>min(seq, <uint64_t>0xFFFFFFFF)
        if entry.origin == self.station.me:
            packet.lag = <uint32_t>(seq - min(seq, self.window.aru))
        packet.tail = entry.first
        packet.place = 0
        if not flags & FLAG_RETRANS:
            packet.place = <uint16_t>(seq - self.visit_first)
        self.station.count(STAT_PACKETS_SENT, 1)
        if who == NO_DAEMON:
            self.station.send_packet(
                entry.buffer, entry.offset, entry.size, &packet, self.members, self.member_count
            )
        else:
            self.station.send_to(
                entry.buffer, entry.offset, entry.size, &packet, who, CHANNEL_DATA
            )

    cdef void send_recovered(
        self, uint64_t seq, uint32_t leader, uint32_t time, Ring forming
    ) noexcept nogil:
        cdef const WindowEntry* entry = window_find(&self.window, seq)
        cdef Packet packet
        packet.kind = KIND_DATA
        packet.flags = FLAG_RECOVERY | FLAG_RETRANS
        packet.origin = entry.origin
        packet.transmitter = self.station.me
        packet.leader = forming.leader
        packet.time = forming.time
        packet.number = seq
        packet.second = leader | (<uint64_t>time << 32)
        packet.lag = 0
        packet.tail = entry.first
        self.station.count(STAT_RETRANSMITTED, 1)
        self.station.send_packet(
            entry.buffer, entry.offset, entry.size, &packet, forming.members,
            forming.member_count,
        )

    # -- The token comes --------------------------------------------------------------------------

    cdef bint accept_token(
        self, const Packet* packet, const uint8_t* data, uint32_t size
    ) noexcept nogil:
        cdef bint is_grant = packet.flags & FLAG_GRANT and packet.transmitter == self.members[0]
        if packet.transmitter != self.predecessor and not is_grant:
            self.station.count(STAT_TOKENS_MALFORMED, 1)
            return False
        if packet.number <= self.tok_no and not has_defect(
            self.station.defects, DEFECT_TOKEN_TWICE
        ):
            self.station.count(STAT_TOKENS_DUPLICATE, 1)
            self.send_token_ack(packet.number, packet.transmitter)
            if packet.flags & FLAG_RESEND and self.resend_ns != 0:
                self.resend_token()
            return False
        # A seq beyond what the windows allow cannot be claimed by a member of this ring.
        cdef Token token
        if packet.second > self.window.aru + 2 * WINDOW_SLOTS or not token_read(
            &token, packet, data, size, self.member_count
        ):
            self.station.count(STAT_TOKENS_MALFORMED, 1)
            return False
        if self.token.quiet > 0:
            # It may have rested since: what has passed is no time of a rotation.
            self.visited_ns = 0
        self.token = token
        self.progress(packet.number)
        self.tok_no = packet.number
        self.station.count(STAT_TOKENS, 1)
        self.measure_rotation()
        if self.token.quiet > 0:
            # If it is parked next, its sender sees no other evidence that it arrived.
            self.send_token_ack(packet.number, packet.transmitter)
        return True

    cdef void measure_rotation(self) noexcept nogil:
        """Smooth the time between two visits; one in which the token rested does not count.

        Slow ones weigh little: most of them waited for a lost token to be sent again, and the time
        after which that happens is made from this.
        """
        cdef int64_t more = self.station.now_ns - self.visited_ns - self.rotation_ns
        if self.visited_ns != 0:
            self.rotation_ns += more // (ROTATION_RISE if more > 0 else ROTATION_FALL)
            histogram_add(
                &self.station.meters.rotation, self.station.now_ns - self.visited_ns
            )
        self.visited_ns = self.station.now_ns

    cdef void measure_evidence(self) noexcept nogil:
        """Smooth the time until a token is known to have come, as TCP does with its round trips.

        Of a token that was sent again nobody knows which copy is answered: that says little about
        how much the times differ.
        """
        cdef int64_t passed = self.station.now_ns - self.passed_ns
        cdef int64_t more = passed - self.evidence_ns
        if self.evidence_ns == 0:
            self.evidence_ns = passed
            self.deviation_ns = passed // 2
            return
        self.evidence_ns += more // EVIDENCE_SHARE
        if self.resends > 0:
            return
        self.deviation_ns += (max(more, -more) - self.deviation_ns) // DEVIATION_SHARE

    cdef void arm_resend(self) noexcept nogil:
        """Wait longer with each copy: a busy host needs time rather than copies."""
        cdef int64_t interval = min(
            max(
                self.station.limits.token_retransmit_ns,
                self.evidence_ns + DEVIATIONS * self.deviation_ns,
            ),
            self.station.limits.hurry_timeout_ns // 10,
        )
        self.resend_ns = self.station.now_ns + min(
            interval << self.resends, self.station.limits.hurry_timeout_ns
        )

    cdef void send_token_ack(self, uint64_t tok_no, uint8_t target) noexcept nogil:
        cdef Packet packet = self.header(KIND_TOKEN_ACK, tok_no)
        self.station.send_header(&packet, target)

    cdef void progress(self, uint64_t tenure) noexcept nogil:
        if tenure >= self.sent_no and self.resend_ns != 0:
            self.measure_evidence()
            self.resend_ns = 0
            self.resends = 0

    cdef bint believes_parked(self) noexcept nogil:
        return self.token.quiet >= 1

    cdef void resend_token(self) noexcept nogil:
        cdef Packet packet
        if self.sent_token == NULL or self.resends >= TOKEN_RESENDS_MAX:
            self.resend_ns = 0
            return
        self.resends += 1
        self.station.count(STAT_TOKEN_RESENDS, 1)
        check(packet_read(
            &packet, self.sent_token.data, self.sent_token.size, self.station.network,
            self.station.daemon_count,
        ) == 0, "the own token is sound")
        packet.flags |= FLAG_RESEND
        packet_write(
            self.sent_token.data, self.sent_token.size, &packet, self.station.network
        )
        self.station.post(
            self.sent_token, 0, self.sent_token.size, self.sent_target, CHANNEL_TOKEN
        )
        self.arm_resend()

    # -- A visit ----------------------------------------------------------------------------------

    cdef bint visit(self, bint is_released, bint is_recovering) noexcept nogil:
        cdef uint64_t seq_before = self.token.seq
        cdef uint32_t retransmitted, room, numbered, pre, number
        self.is_parked = False
        if is_released:
            self.visited_ns = self.station.now_ns
        self.merge_token()
        retransmitted = self.answer_requests()
        room = self.room(retransmitted)
        numbered = self.number_packets(0 if is_recovering else room)
        self.write_requests(
            self.previous_seq if self.station.limits.is_accelerated else self.high
        )
        self.my_last = retransmitted + numbered
        self.token.fcc += self.my_last
        self.token.seq = self.high
        for number in range(self.member_count):
            self.token.acks[number] = self.acks[self.members[number]]
        if self.is_leader():
            self.close_rotation(seq_before, is_released)
        pre = numbered
        if self.station.limits.is_accelerated and numbered > FEW_PACKETS:
            pre = numbered - min(numbered, self.window_size(
                self.station.limits.accelerated_window, self.station.limits.accelerated_window_max
            ))
        self.send_new(self.high - numbered + 1, self.high - numbered + pre, 0)
        self.previous_seq = self.token.seq
        if self.is_leader() and self.token.quiet >= 2 and not is_released and not is_recovering:
            self.is_parked = True
            self.station.count(STAT_PARKS, 1)
        else:
            self.pass_token(self.successor, 0)
        self.send_new(self.high - numbered + pre + 1, self.high, FLAG_POST)
        self.update_stable()
        return numbered > 0

    cdef uint32_t window_size(self, uint32_t base, uint32_t most) noexcept nogil:
        return flow_scaled(base, most, self.token.scale)

    cdef uint32_t room(self, uint32_t retransmitted) noexcept nogil:
        """Count what waits and take the own last visit out of the token's counts.

        Returns how many packets may be numbered.
        """
        cdef RingLimits* limits = &self.station.limits
        cdef uint32_t window
        self.token.fcc = flow_less(self.token.fcc, self.my_last)
        self.token.backlog = flow_less(self.token.backlog, self.my_backlog)
        if self.token.scale == 0:
            self.token.scale = SCALE_ONE
        self.token.scale = min(self.token.scale, limits.scale_max)
        window = self.window_size(limits.window, limits.window_max)
        if self.station.path.burst_max() > 0:
            window = min(window, self.station.path.burst_max())
        self.my_backlog = self.station.pending_count()
        cdef uint32_t share = max(
            flow_share(window, self.my_backlog, self.token.backlog), <uint32_t>1
        )
        self.token.backlog += self.my_backlog
        return flow_room(
            window,
            min(share, self.window_size(limits.personal_window, limits.personal_window_max)),
            limits.max_seq_gap, self.token.fcc, self.stable, self.high, retransmitted,
        )

    cdef void adapt(self) noexcept nogil:
        """As the leader, choose the windows of the next rotation."""
        cdef Rotation rotation = Rotation(
            self.token.fcc, self.token.lost, self.token.backlog, self.rotation_ns
        )
        self.token.lost = 0
        if self.scale_rest > 0:
            self.scale_rest -= 1
            return
        if flow_is_overrun(&rotation):
            self.scale_rest = SCALE_REST
        self.token.scale = flow_next_scale(
            self.token.scale, self.station.limits.scale_max, &rotation
        )

    cdef void close_rotation(self, uint64_t seq_before, bint is_released) noexcept nogil:
        """As the leader, judge the rotation that ends here."""
        cdef bint is_active = self.is_active(seq_before, self.my_last)
        self.token.round += 1
        self.adapt()
        if not is_active:
            # Nobody sent anything in a whole rotation, whatever the counts say.
            self.token.fcc = 0
            self.token.backlog = 0
        if is_active or self.is_wanted:
            self.token.quiet = 0
        else:
            self.token.quiet = 1 if is_released else min(self.token.quiet + 1, 2)
        self.is_wanted = False

    cdef void merge_token(self) noexcept nogil:
        """Learn what the token knows."""
        cdef uint32_t number
        cdef uint8_t member
        self.high = max(self.high, self.token.seq)
        for number in range(self.member_count):
            member = self.members[number]
            self.acks[member] = max(self.acks[member], self.token.acks[number])
        self.acks[self.station.me] = self.window.aru
        self.update_stable()

    cdef uint32_t answer_requests(self) noexcept nogil:
        """Send what others miss; what cannot be sent stays asked for."""
        cdef uint32_t number, answered = 0
        cdef uint32_t answers_max = 2 * self.window_size(
            self.station.limits.personal_window, self.station.limits.personal_window_max
        )
        cdef uint64_t cut = self.station.cut_count()
        cdef uint64_t seq, last
        cdef const Request* request
        cdef uint32_t slot
        memset(self.who_asks, 0, sizeof(self.who_asks))
        for number in range(self.token.request_count):
            request = &self.token.requests[number]
            if request.who == self.station.me:
                # What came meanwhile; the rest is asked for again below.
                continue
            if request.who != NO_DAEMON and not (
                request.who < self.station.daemon_count and self.is_member[request.who]
            ):
                continue
            seq = max(request.first, self.window.discarded + 1)
            last = min(request.first + request.count, self.high + 1)
            while seq < last:
                if (
                    window_find(&self.window, seq) != NULL and answered < answers_max
                    and self.station.cut_count() - cut < CUTS_MAX
                ):
                    self.send_entry(seq, FLAG_RETRANS, request.who)
                    answered += 1
                elif seq > self.stable and seq <= self.window.discarded + WINDOW_SLOTS:
                    slot = seq & SLOT_MASK
                    self.who_asks[slot] = (
                        SEVERAL if request.who == NO_DAEMON else request.who + 1
                    )
                seq += 1
        self.station.count(STAT_RETRANSMITTED, answered)
        return answered

    cdef uint32_t number_packets(self, uint32_t room) noexcept nogil:
        """Give pending packets their place; returns how many."""
        cdef uint32_t numbered = 0
        cdef Buffer* buffer
        cdef WindowEntry entry
        cdef WindowStatus status
        self.visit_first = self.high + 1
        if room > 0:
            self.station.control.seal()
            self.station.clients.seal()
        while numbered < room and self.high < self.window.discarded + WINDOW_SLOTS:
            buffer = self.station.take()
            if buffer == NULL:
                break
            entry = WindowEntry(
                buffer, PACKET_HEADER_SIZE, buffer.size - PACKET_HEADER_SIZE,
                buffer.first_frame, self.station.me,
            )
            self.high += 1
            status = window_insert(&self.window, self.high, &entry)
            check(status == WINDOW_INSERTED, "a new packet of our own fits the window")
            self.own_high = self.high
            numbered += 1
        self.acks[self.station.me] = self.window.aru
        self.station.count(STAT_PACKETS_MADE, numbered)
        return numbered

    cdef void write_requests(self, uint64_t bound) noexcept nogil:
        """Ask for what is missing up to `bound`, and again for what could not be answered."""
        cdef uint64_t seq = self.window.aru + 1
        cdef uint64_t last = min(
            max(bound, self.lost_high), self.window.discarded + WINDOW_SLOTS
        )
        cdef uint64_t me = self.station.me
        cdef uint8_t* who
        cdef Request* request = NULL
        cdef uint32_t before = self.token.request_count
        cdef uint32_t fresh = 0
        while seq <= last:
            if window_find(&self.window, seq) == NULL and (
                seq <= bound or self.losses[seq & SLOT_MASK] != LOSS_NONE
            ):
                fresh += self.losses[seq & SLOT_MASK] != LOSS_ASKED
                self.losses[seq & SLOT_MASK] = LOSS_ASKED
                who = &self.who_asks[seq & SLOT_MASK]
                who[0] = <uint8_t>(me + 1) if who[0] == 0 or who[0] == me + 1 else SEVERAL
                self.station.count(STAT_REQUESTED, 1)
            seq += 1
        self.token.request_count = 0
        self.token.lost = max(self.token.lost, fresh)
        if before == 0 and self.window.aru >= last:
            return
        seq = self.stable + 1
        last = min(self.high, self.window.discarded + WINDOW_SLOTS)
        while seq <= last:
            who = &self.who_asks[seq & SLOT_MASK]
            if who[0] != 0:
                if (
                    request != NULL and request.first + request.count == seq
                    and request.who == (NO_DAEMON if who[0] == SEVERAL else who[0] - 1)
                ):
                    request.count += 1
                elif self.token.request_count < TOKEN_REQUESTS_MAX and token_has_room(
                    &self.token, REQUEST_SIZE
                ):
                    request = &self.token.requests[self.token.request_count]
                    self.token.request_count += 1
                    request[0] = Request(seq, 1, NO_DAEMON if who[0] == SEVERAL else who[0] - 1)
                else:
                    break
            seq += 1

    cdef bint is_active(self, uint64_t seq_before, uint32_t added) noexcept nogil:
        """Whether anything happened since the leader's last visit, or is still to happen."""
        cdef uint32_t number
        if added > 0 or seq_before != self.previous_seq or self.token.request_count > 0:
            return True
        if self.token.has_recovery:
            return True
        for number in range(self.member_count):
            if self.acks[self.members[number]] != self.high:
                return True
        return False

    cdef void send_new(self, uint64_t first, uint64_t last, uint8_t flags) noexcept nogil:
        cdef uint64_t seq
        for seq in range(first, last + 1):
            self.send_entry(seq, flags, NO_DAEMON)

    cdef void pass_token(self, uint32_t target, uint8_t flags) noexcept nogil:
        """Send the token in hand, and keep its datagram until there is evidence that it came."""
        cdef Packet packet = self.header(KIND_TOKEN, self.tok_no + 1)
        cdef Buffer* buffer = buffer_acquire(self.station.pool, BUFFER_SMALL)
        if self.sent_token != NULL:
            buffer_release(self.station.pool, self.sent_token)
        self.sent_token = buffer
        self.sent_no = packet.number
        self.resends = 0
        self.resend_ns = 0
        if buffer == NULL:
            # As if it were lost on the way: the others notice.
            return
        packet.flags = flags
        packet.second = self.token.seq
        packet.lag = self.token.fcc
        packet.tail = self.token.round
        buffer.size = token_write(&self.token, buffer.data)
        packet_write(buffer.data, buffer.size, &packet, self.station.network)
        self.sent_target = target
        self.passed_ns = self.station.now_ns
        self.station.post(buffer, 0, buffer.size, target, CHANNEL_TOKEN)
        self.arm_resend()

    cdef void wanted(self, uint8_t who) noexcept nogil:
        if not self.is_parked:
            self.is_wanted = True
            return
        # Nothing is outstanding while it is parked, so the order of visits does not matter.
        self.is_parked = False
        self.visited_ns = 0
        self.token.quiet = 0
        self.my_last = 0
        self.my_backlog = 0
        self.pass_token(who, FLAG_GRANT if who != self.successor else 0)

    cdef void start(self) noexcept nogil:
        memset(&self.token, 0, sizeof(Token))
        self.token.member_count = <uint8_t>self.member_count
        self.token.has_recovery = True
        self.tok_no = 0
        self.pass_token(self.members[0], 0)

    # -- A ring of one ----------------------------------------------------------------------------

    cdef bint visit_alone(self) noexcept nogil:
        cdef uint32_t numbered = self.number_packets(<uint32_t>window_space(&self.window))
        self.stable = self.window.aru
        return numbered > 0

    cdef void invariants(self) noexcept nogil:
        window_check(&self.window)
        check(self.stable <= self.window.aru, "stable <= aru")
        check(self.window.aru <= self.high, "aru <= high")


cdef Ring ring_open(Station station, uint32_t leader, uint32_t time, object members):
    """Make an empty ring of these daemon numbers. Raises MemoryError."""
    cdef Ring ring = Ring()
    cdef uint32_t number = 0
    cdef uint32_t count = <uint32_t>len(members)
    ring.leader = leader
    ring.time = time
    for daemon in members:
        ring.members[number] = daemon
        ring.is_member[<uint8_t>daemon] = True
        if ring.members[number] == station.me:
            ring.my_place = number
        number += 1
    ring.member_count = count
    ring.predecessor = ring.members[(ring.my_place + count - 1) % count]
    ring.successor = ring.members[(ring.my_place + 1) % count]
    if window_open(&ring.window, station.pool) < 0:
        raise MemoryError("no memory for the packet window")
    ring.station = station
    return ring
