"""How large a datagram may be; the contract stands in `_path.pxd`."""

from cython cimport final
from libc.string cimport memset

from spread._packets cimport (
    FLAG_RECOVERY, FLAG_RETRANS, KIND_DATA, PACKET_HEADER_SIZE, PACKET_SIZE_MAX,
)

from spread.errors import MisuseError

cdef int64_t NS_PER_MS = 1000000
cdef int64_t TRY_NS = 10 * NS_PER_MS
# What is found too narrow may be mended; how often that is looked after costs some datagrams.
cdef int64_t AGAIN_NS = 60000 * NS_PER_MS

cdef enum:
    # A datagram of a few thousand bytes lies in one piece of memory, a power of two with all
    # headers in it; larger ones lie in pages, and as fragments of IP in more of them.
    HEADERS_SIZE = 384
    BOOKKEEPING_SIZE = 256
    ONE_PIECE_MAX = 16000
    SIZE_MIN = 128


cdef uint32_t charge(uint32_t size) noexcept nogil:
    cdef uint32_t room = 1024
    if size > ONE_PIECE_MAX:
        return 2 * size
    while room < size + HEADERS_SIZE:
        room *= 2
    return room + BOOKKEEPING_SIZE


@final
cdef class Path:
    """Sizes, and what is known of them; created by a `Station`."""

    cdef uint32_t safe_size(self) noexcept nogil:
        return self.sizes[self.count - 1]

    cdef uint32_t tried_size(self) noexcept nogil:
        return self.sizes[self.rung]

    cdef uint32_t burst_max(self) noexcept nogil:
        if self.room == 0:
            return 0
        return <uint32_t>max(self.room // charge(self.size), <uint64_t>1)

    cdef void restart(
        self, const uint8_t* members, uint32_t member_count, uint8_t me
    ) noexcept nogil:
        cdef uint32_t number
        self.me = me
        self.member_count = member_count
        for number in range(member_count):
            self.members[number] = members[number]
        memset(self.resent_seq, 0, sizeof(self.resent_seq))
        memset(self.joined, 0, sizeof(self.joined))
        memset(self.rooms, 0, sizeof(self.rooms))
        memset(self.noted, 0, sizeof(self.noted))
        memset(self.untold, 0, sizeof(self.untold))
        self.room = self.room_own
        self.is_news = False
        self.is_unanswered = False
        self.pieced = 0
        self.whole = 0
        self.rung = 0
        self.stop()
        self.size = self.safe_size()
        if member_count == 1 or self.count == 1:
            self.state = PATH_KNOWN
            self.size = self.sizes[0]

    cdef void stop(self) noexcept nogil:
        self.due_ns = 0
        self.state = PATH_SAFE

    cdef bint must_cut(self, const Packet* packet, uint32_t size) noexcept nogil:
        if not self.may_cut or packet.kind != KIND_DATA or size <= self.safe_size():
            return False
        # Who recovers an old ring in a forming one knows nothing of its ways.
        if size > self.size or packet.flags & FLAG_RECOVERY:
            return True
        return packet.flags & FLAG_RETRANS and self.is_resent_in_vain(packet.number)

    cdef bint is_resent_in_vain(self, uint64_t seq) noexcept nogil:
        """Note that a packet is sent again, and tell whether that was of no use so far."""
        cdef uint32_t slot = seq % RESENT_SLOTS
        if self.resent_seq[slot] != seq:
            self.resent_seq[slot] = seq
            self.resent[slot] = 0
        if self.resent[slot] < RESENDS_WHOLE_MAX:
            self.resent[slot] += 1
            return False
        self.pieced += 1
        return True

    cdef void filled(self, uint64_t count, int64_t now_ns) noexcept nogil:
        if self.count == 1 or self.member_count == 1:
            return
        if self.state == PATH_SAFE:
            self.begin(0, now_ns)
        elif self.state == PATH_KNOWN:
            if self.rung > 0 or self.is_unanswered:
                if now_ns >= self.again_ns:
                    self.begin(0, now_ns)
            if (
                self.state == PATH_KNOWN and self.pieced >= PIECED_TELLING
                and self.rung < self.count - 1 and not self.is_unanswered
            ):
                self.begin(self.rung, now_ns)
        self.whole += count
        self.pieced -= <uint32_t>min(<uint64_t>self.pieced, self.whole // PIECED_SHARE)
        self.whole %= PIECED_SHARE

    cdef void begin(self, uint32_t rung, int64_t now_ns) noexcept nogil:
        self.state = PATH_TRYING
        self.rung = rung
        self.tries = 0
        self.pieced = 0
        self.whole = 0
        self.is_unanswered = False
        self.due_ns = now_ns
        memset(self.has_large, 0, sizeof(self.has_large))
        memset(self.small_answers, 0, sizeof(self.small_answers))

    cdef void settle(self, uint32_t rung, int64_t now_ns) noexcept nogil:
        """Keep to a size, which is known to pass."""
        self.state = PATH_KNOWN
        self.rung = rung
        self.size = self.sizes[rung]
        self.due_ns = 0
        self.again_ns = now_ns + AGAIN_NS
        if self.size != self.told_size:
            self.told_size = self.size
            self.is_news = True

    cdef void find_room(self) noexcept nogil:
        cdef uint32_t number
        cdef uint64_t room
        self.room = self.room_own
        for number in range(self.member_count):
            room = self.rooms[self.members[number]]
            if room != 0 and (self.room == 0 or room < self.room):
                self.room = room

    cdef void measured(
        self, uint8_t daemon, uint64_t size, uint64_t room, int64_t now_ns
    ) noexcept nogil:
        cdef uint32_t number
        if room == 0 or room >= ROOM_MIN:
            self.rooms[daemon] = room
            self.find_room()
        if size == 0:
            self.pieced = PIECED_TELLING
        if self.state != PATH_TRYING:
            return
        if size == self.safe_size():
            self.noted[daemon] &= <uint8_t>~(1 << (self.count - 1))
            self.small_answers[daemon] = <uint8_t>min(
                <uint32_t>self.small_answers[daemon] + 1, <uint32_t>TRIES_MAX
            )
        if size != self.tried_size():
            return
        self.has_large[daemon] = True
        self.noted[daemon] &= <uint8_t>~(1 << self.rung)
        for number in range(self.member_count):
            if self.members[number] != self.me and not self.has_large[self.members[number]]:
                return
        self.settle(self.rung, now_ns)

    cdef bint is_telling(self, uint8_t origin) noexcept nogil:
        self.joined[origin] += 1
        if self.joined[origin] < PIECED_TELLING:
            return False
        self.joined[origin] = 0
        return True

    cdef bint run(self, int64_t now_ns) noexcept nogil:
        cdef bint is_limited = self.is_any_limited()
        if is_limited and self.tried_size() <= self.size:
            # It is in use; what passes is, until it is known what more does.
            self.size = self.safe_size()
        if self.tries >= TRIES_MAX:
            self.due_ns = 0
            self.is_unanswered = not is_limited
            self.fall(now_ns)
            return False
        self.tries += 1
        self.due_ns = now_ns + (TRY_NS << (self.tries - 1))
        return True

    cdef bint is_limited(self, uint8_t daemon) noexcept nogil:
        """Tell whether small ones reach this member, and those of `tried_size` do not."""
        return (
            daemon != self.me and not self.has_large[daemon]
            and self.small_answers[daemon] >= SMALL_ANSWERS_MIN
        )

    cdef bint is_any_limited(self) noexcept nogil:
        cdef uint32_t number
        for number in range(self.member_count):
            if self.is_limited(self.members[number]):
                return True
        return False

    cdef uint32_t next_limit(self, uint8_t daemon) noexcept nogil:
        cdef uint32_t rung
        if self.state == PATH_KNOWN and self.untold[daemon] != 0:
            for rung in range(self.count):
                if self.untold[daemon] & (1 << rung):
                    self.untold[daemon] &= <uint8_t>~(1 << rung)
                    return self.sizes[rung]
        return 0

    cdef void note_limited(self) noexcept nogil:
        """Note whom the size that is given up does not reach, or who answers nothing."""
        cdef uint8_t bit = <uint8_t>(1 << (self.count - 1 if self.is_unanswered else self.rung))
        cdef uint32_t number
        cdef uint8_t daemon
        for number in range(self.member_count):
            daemon = self.members[number]
            if daemon == self.me or self.has_large[daemon] or self.noted[daemon] & bit:
                continue
            if self.is_unanswered or self.is_limited(daemon):
                self.noted[daemon] |= bit
                self.untold[daemon] |= bit

    cdef void fall(self, int64_t now_ns) noexcept nogil:
        """Try the next smaller size; or keep to what there is if nothing was answered."""
        cdef uint32_t rung = 0
        self.note_limited()
        if self.is_unanswered:
            while self.sizes[rung] > self.size:
                rung += 1
            self.settle(rung, now_ns)
            return
        rung = self.rung + 1
        if rung < self.count - 1:
            self.begin(rung, now_ns)
        else:
            self.settle(rung, now_ns)


cdef Path path_open(object sizes, uint64_t room, bint may_cut):
    """Make the path of a daemon."""
    cdef Path path = Path()
    if not 1 <= len(sizes) <= PATH_SIZES_MAX or list(sizes) != sorted(set(sizes), reverse=True):
        raise MisuseError(f"sizes of datagrams {sizes}; give one to four that descend")
    if not SIZE_MIN <= min(sizes) <= max(sizes) <= PACKET_SIZE_MAX:
        least, most = SIZE_MIN - PACKET_HEADER_SIZE, PACKET_SIZE_MAX - PACKET_HEADER_SIZE
        raise MisuseError(f"packets cannot have {sizes[0] - PACKET_HEADER_SIZE} bytes; "
                          f"give {least} to {most}")
    for size in sizes:
        path.sizes[path.count] = size
        path.count += 1
    path.may_cut = may_cut
    path.room_own = room
    path.room = room
    path.size = path.sizes[0]
    path.state = PATH_KNOWN
    path.member_count = 1
    return path


def charge_of(uint32_t size):
    """Return what Linux charges a receive buffer for a datagram of `size`, or somewhat more."""
    return charge(size)
