"""One daemon's place in the network; the contract stands in `_station.pxd`."""

from libc.string cimport memcpy, memset

from cython cimport final, no_gc_clear

from spread._buffers cimport buffer_acquire, buffer_release, class_for
from spread._flow cimport SCALE_MAX, SCALE_MIN, SCALE_ONE
from spread._forwarding cimport FLAG_FORWARDED
from spread._outbox cimport CHANNEL_DATA, TARGET_SEGMENT, outbox_add
from spread._packets cimport (
    FLAG_RECOVERY, KIND_PIECE, LEAST_SIZE, PACKET_HEADER_SIZE, PACKET_SIZE_MAX, PIECES_MAX,
    packet_write,
)
from spread._path cimport path_open
from spread._pieces cimport piece_make
from spread._recorder cimport (
    DIRECTION_CUT, DIRECTION_IN, DIRECTION_JOINED, DIRECTION_OUT, TARGET_HERE,
)
from spread._stats cimport STAT_CUT, STAT_FORWARDED
from spread._submissions cimport PAYLOAD_SIZE_MAX, submissions_open
from spread._window cimport WINDOW_SLOTS

from spread.errors import MisuseError


cdef uint64_t CONTROL_IDS = <uint64_t>1 << 63


cdef uint64_t data_id(const Packet* packet) noexcept nogil:
    """Return what the pieces of a DATA packet are called: the same however often it is sent.

    Its bytes never change, and what the header says of one copy is all in the first piece. So
    pieces of several copies make one packet, and where many are lost it arrives all the same.
    """
    cdef uint64_t time = packet.time
    if packet.flags & FLAG_RECOVERY:
        time = packet.second >> 32
    return (time << 31) ^ packet.number


@final
@no_gc_clear
cdef class Station:
    """Numbers, segments and limits of one daemon; created by its `Node`."""

    cdef void count(self, uint32_t counter, uint64_t number) noexcept nogil:
        self.counters[counter] += number

    cdef uint64_t cut_count(self) noexcept nogil:
        return self.counters[STAT_CUT]

    cdef uint32_t pending_count(self) noexcept nogil:
        cdef uint32_t count = 0
        if self.control.has_pending():
            count += self.control.pending_count + (self.control.open_packet != NULL)
        if self.clients.has_pending():
            count += self.clients.pending_count + (self.clients.open_packet != NULL)
        return count

    cdef Buffer* take(self) noexcept nogil:
        cdef Buffer* packet = NULL
        # The receivers see one stream of bytes: a frame that has begun goes on.
        if not self.clients.is_inside():
            packet = self.control.take()
        return self.clients.take() if packet == NULL else packet

    cdef void resize(self) noexcept nogil:
        if self.path.count > 1:
            self.control.resize(self.path.size - PACKET_HEADER_SIZE)
            self.clients.resize(self.path.size - PACKET_HEADER_SIZE)

    cdef bint is_parted(self) noexcept nogil:
        if self.partition_ns != 0 and self.now_ns >= self.partition_ns:
            self.partition_ns = 0
        return self.partition_ns != 0

    cdef bint is_apart(self, uint8_t daemon) noexcept nogil:
        return self.is_parted() and self.components[daemon] != self.components[self.me]

    cdef int renumber(self, network, bint has_multicast) except -1:
        read_network(self, network)
        self.has_multicast = has_multicast
        self.control_count = 0
        self.partition_ns = 0
        memset(&self.meters.peers, 0, sizeof(self.meters.peers))
        return 0

    cdef int set_windows(self, tuple base, tuple most) except -1:
        if not all(0 < low <= high <= WINDOW_SLOTS for low, high in zip(base[:2], most[:2])):
            raise MisuseError(f"windows of {base} to {most} packets let nothing pass, or too much")
        self.limits.window, self.limits.personal_window, self.limits.accelerated_window = base
        self.limits.window_max, self.limits.personal_window_max = most[:2]
        self.limits.accelerated_window_max = most[2]
        self.limits.scale_max = scale_bound(base, most)
        return 0

    cdef void note(self, const uint8_t* data, uint32_t size, uint32_t fault) noexcept nogil:
        if self.recorder is not None:
            self.recorder.note(
                data, size, TARGET_HERE,
                DIRECTION_JOINED if self.came_in_pieces else DIRECTION_IN, fault, self.now_ns,
            )

    cdef void post(
        self, Buffer* buffer, uint32_t start, uint32_t size, uint32_t target, uint32_t channel
    ) noexcept nogil:
        if self.recorder is not None:
            self.recorder.note(
                buffer.data + start, size, target, DIRECTION_OUT, 0, self.now_ns
            )
        outbox_add(self.outbox, buffer, start, size, target, channel)

    cdef void add(
        self, Buffer* buffer, uint32_t start, uint32_t size, const Route* route
    ) noexcept nogil:
        """Queue a datagram for everybody that it is for."""
        if route.scope == SCOPE_DAEMON:
            self.post(buffer, start, size, route.target, route.channel)
            return
        if route.scope == SCOPE_CONFIGURED:
            self.add_configured(buffer, start, size)
            return
        self.add_segment(buffer, start, size, route)
        if route.scope == SCOPE_RING:
            self.add_others(buffer, start, size, route)

    cdef void add_segment(
        self, Buffer* buffer, uint32_t start, uint32_t size, const Route* route
    ) noexcept nogil:
        """Queue a datagram for the ring's other members in the own segment."""
        cdef uint32_t number
        cdef uint8_t member
        for number in range(route.member_count):
            member = route.members[number]
            if member == self.me or self.segments[member] != self.segments[self.me]:
                continue
            if self.has_multicast:
                self.post(buffer, start, size, TARGET_SEGMENT, CHANNEL_DATA)
                return
            self.post(buffer, start, size, member, CHANNEL_DATA)

    cdef void add_configured(
        self, Buffer* buffer, uint32_t start, uint32_t size
    ) noexcept nogil:
        """Queue a datagram for the own segment, whoever of it is in the ring."""
        cdef uint32_t number
        if self.has_multicast:
            self.post(buffer, start, size, TARGET_SEGMENT, CHANNEL_DATA)
            return
        for number in range(self.daemon_count):
            if number != self.me and self.segments[number] == self.segments[self.me]:
                self.post(buffer, start, size, number, CHANNEL_DATA)

    cdef void add_others(
        self, Buffer* buffer, uint32_t start, uint32_t size, const Route* route
    ) noexcept nogil:
        """Queue a datagram for the first member of each other segment."""
        cdef uint32_t number
        cdef uint32_t told = self.segments[self.me]
        # Members are in configuration order: those of one segment are neighbours.
        for number in range(route.member_count):
            if self.segments[route.members[number]] == self.segments[self.me]:
                continue
            if self.segments[route.members[number]] != told:
                told = self.segments[route.members[number]]
                self.post(buffer, start, size, route.members[number], CHANNEL_DATA)

    cdef void add_pieces(
        self, const uint8_t* data, uint32_t size, uint64_t identity, const Route* route
    ) noexcept nogil:
        """Queue a datagram of so many bytes in pieces of the size that passes everywhere."""
        cdef Packet packet
        cdef Buffer* piece
        cdef uint32_t index = 0
        memset(&packet, 0, sizeof(Packet))
        packet.kind = KIND_PIECE
        packet.origin = self.me
        packet.transmitter = self.me
        packet.number = identity
        packet.lag = max(
            min(self.path.safe_size(), <uint32_t>LEAST_SIZE) - PACKET_HEADER_SIZE,
            <uint32_t>((size + PIECES_MAX - 1) // PIECES_MAX),
        )
        self.counters[STAT_CUT] += 1
        if self.recorder is not None:
            self.recorder.note(data, size, route.target, DIRECTION_CUT, 0, self.now_ns)
        while index * packet.lag < size:
            piece = piece_make(self.pool, data, size, index, &packet, self.network)
            if piece == NULL:
                # As if the network had lost it.
                return
            self.add(piece, 0, piece.size, route)
            buffer_release(self.pool, piece)
            index += 1

    cdef void send_packet(
        self, Buffer* buffer, uint32_t offset, uint32_t size, const Packet* packet,
        const uint8_t* members, uint32_t member_count,
    ) noexcept nogil:
        cdef Route route = Route(SCOPE_RING, members, member_count, 0, CHANNEL_DATA)
        cdef uint32_t start = offset - PACKET_HEADER_SIZE
        cdef uint32_t whole = size + PACKET_HEADER_SIZE
        packet_write(buffer.data + start, whole, packet, self.network)
        if self.path.must_cut(packet, whole):
            self.add_pieces(buffer.data + start, whole, data_id(packet), &route)
        else:
            self.add(buffer, start, whole, &route)

    cdef void send_to(
        self, Buffer* buffer, uint32_t offset, uint32_t size, const Packet* packet,
        uint32_t target, uint32_t channel,
    ) noexcept nogil:
        cdef Route route = Route(SCOPE_DAEMON, NULL, 0, target, channel)
        cdef uint32_t start = offset - PACKET_HEADER_SIZE
        cdef uint32_t whole = size + PACKET_HEADER_SIZE
        packet_write(buffer.data + start, whole, packet, self.network)
        if self.path.must_cut(packet, whole):
            self.add_pieces(buffer.data + start, whole, data_id(packet), &route)
        else:
            self.add(buffer, start, whole, &route)

    cdef void send_header(self, const Packet* packet, uint32_t target) noexcept nogil:
        self.send_body(packet, NULL, 0, target, CHANNEL_DATA)

    cdef void send_body(
        self, const Packet* packet, const uint8_t* body, uint32_t size, uint32_t target,
        uint32_t channel,
    ) noexcept nogil:
        cdef Route route = Route(SCOPE_DAEMON, NULL, 0, target, channel)
        cdef uint32_t whole = PACKET_HEADER_SIZE + size
        cdef Buffer* buffer = buffer_acquire(self.pool, class_for(whole))
        if buffer == NULL:
            # As if the network had lost it.
            return
        if size > 0:
            memcpy(buffer.data + PACKET_HEADER_SIZE, body, size)
        buffer.size = whole
        packet_write(buffer.data, whole, packet, self.network)
        if target == TARGET_SEGMENT:
            route.scope = SCOPE_CONFIGURED
        if whole > LEAST_SIZE:
            self.control_id += 1
            self.add_pieces(buffer.data, whole, CONTROL_IDS | self.control_id, &route)
        else:
            self.add(buffer, 0, whole, &route)
        buffer_release(self.pool, buffer)

    cdef bint forward(
        self, Buffer* buffer, uint32_t offset, uint32_t size, Packet* packet,
        const uint8_t* members, uint32_t member_count,
    ) noexcept nogil:
        cdef uint32_t number
        cdef uint8_t mine = self.segments[self.me]
        if self.segments[packet.transmitter] == mine or packet.flags & FLAG_FORWARDED:
            return False
        for number in range(member_count):
            if self.segments[members[number]] == mine:
                break
        else:
            return False
        if members[number] != self.me:
            return False
        cdef Route route = Route(SCOPE_SEGMENT, members, member_count, 0, CHANNEL_DATA)
        cdef uint32_t start = offset - PACKET_HEADER_SIZE
        cdef uint32_t whole = size + PACKET_HEADER_SIZE
        packet.transmitter = self.me
        packet.flags |= FLAG_FORWARDED
        packet_write(buffer.data + start, whole, packet, self.network)
        self.counters[STAT_FORWARDED] += 1
        if self.came_in_pieces:
            self.add_pieces(buffer.data + start, whole, data_id(packet), &route)
        else:
            self.add(buffer, start, whole, &route)
        return True


cdef Station station_open(
    Pool* pool, uint64_t* counters, Outbox* outbox, object settings
):
    """Make the station of a `RingSettings`, or of a daemon alone for None."""
    cdef Station station = Station()
    cdef uint32_t payload_max = PAYLOAD_SIZE_MAX
    station.pool = pool
    station.counters = counters
    station.outbox = outbox
    if settings is None:
        station.daemon_count = 1
        station.segment_size = 1
        station.limits.max_seq_gap = WINDOW_SLOTS
    else:
        read_settings(station, settings)
        payload_max = settings.payload_max
        if not 64 <= payload_max <= PACKET_SIZE_MAX - PACKET_HEADER_SIZE:
            raise MisuseError(f"packets cannot have {payload_max} bytes; give 64 to 65443")
    sizes = () if settings is None else settings.sizes
    station.path = path_open(
        sizes or (min(payload_max + PACKET_HEADER_SIZE, <uint32_t>PACKET_SIZE_MAX),),
        0 if settings is None else settings.receive_buffer,
        len(sizes) > 0,
    )
    if sizes and sizes[0] != payload_max + PACKET_HEADER_SIZE:
        raise MisuseError(f"packets of {payload_max} bytes do not fill datagrams of {sizes[0]}")
    station.control = submissions_open(pool, payload_max)
    station.clients = submissions_open(pool, payload_max)
    return station


cdef int read_settings(Station station, object settings) except -1:
    """Copy the values that compiled code needs."""
    times = settings.timeouts
    # What is ahead of the slowest member must fit the window of every other one.
    if not 0 < settings.max_seq_gap < WINDOW_SLOTS:
        raise MisuseError(
            f"a gap of {settings.max_seq_gap} packets does not fit the {WINDOW_SLOTS} that are kept"
        )
    read_network(station, settings.network)
    station.has_multicast = settings.multicast
    base = (settings.window, settings.personal_window, settings.accelerated_window)
    most = settings.windows_max or base
    station.limits = RingLimits(
        settings.window, most[0], settings.personal_window, most[1], settings.accelerated_window,
        most[2], scale_bound(base, most), settings.accelerated, settings.max_seq_gap,
        times.token, times.hurry, times.form, times.token_retransmit, times.want_retry,
        times.heartbeat,
    )
    return 0


cdef int read_network(Station station, object network) except -1:
    """Copy who is configured, in numbers."""
    cdef uint32_t number
    if not 1 <= len(network.ids) <= DAEMONS_MAX or not 0 <= network.me < len(network.ids):
        raise MisuseError(f"a network has 1 to {DAEMONS_MAX} daemons, and this one is one of them")
    station.me = network.me
    station.daemon_count = len(network.ids)
    for number in range(station.daemon_count):
        station.ids[number] = network.ids[number]
        station.segments[number] = network.segments[number]
    station.segment_size = network.segments.count(network.segments[network.me])
    station.network = network.network_hash
    station.incarnation = network.incarnation
    return 0


cdef uint32_t scale_bound(tuple base, tuple most) except 0:
    """Return the scale beyond which no window grows."""
    bound = max(
        -(-SCALE_ONE * top // low) for low, top in zip(base, most, strict=True) if low > 0
    )
    return min(max(bound, SCALE_MIN), SCALE_MAX)
