"""Recovery of the old ring's packets; the contract stands in `_recovery.pxd`."""

from libc.string cimport memset

from cython cimport final, no_gc_clear

from spread._defects cimport DEFECT_INSTALL_ALONE, has_defect
from spread._pieces cimport CUTS_MAX
from spread._ring cimport DATA_NEW
from spread._stats cimport STAT_RECOVERED
from spread._token cimport OLD_SIZE, TOKEN_OLD_MAX, OldRequest, Token, token_has_room
from spread._window cimport window_find


@final
@no_gc_clear
cdef class Recovery:
    """One attempt to recover the packets of one old ring; made by a `Member`."""

    cdef bint section(self) noexcept nogil:
        cdef Token* token = &self.forming.token
        cdef uint32_t place, done_count = 0
        cdef uint64_t missing
        if not token.has_recovery:
            # Everybody was done and its first member has taken the section out.
            return True
        self.answer()
        self.ask()
        missing = self.count_missing()
        if missing == 0:
            place = self.forming.my_place
            token.done[place // 8] |= <uint8_t>(1 << (place % 8))
            self.is_done = True
        for place in range(self.forming.member_count):
            done_count += (token.done[place // 8] >> (place % 8)) & 1
        self.note_progress(missing, done_count)
        if has_defect(self.old.station.defects, DEFECT_INSTALL_ALONE):
            return self.is_done
        return done_count == self.forming.member_count

    cdef void note_progress(self, uint64_t missing, uint32_t done_count) noexcept nogil:
        """Give the attempt more time whenever it has come further."""
        if missing != self.missing or done_count != self.done_count or self.progress_ns == 0:
            self.progress_ns = (
                self.old.station.now_ns + self.old.station.limits.form_timeout_ns
            )
        self.missing = missing
        self.done_count = done_count

    cdef uint64_t count_missing(self) noexcept nogil:
        cdef uint64_t count = 0
        cdef uint64_t seq
        for seq in range(self.stable + 1, self.high + 1):
            if self.have[seq - self.stable - 1]:
                count += window_find(&self.old.window, seq) == NULL and (
                    seq > self.old.window.discarded
                )
        return count

    cdef void answer(self) noexcept nogil:
        """Send what others miss of the old ring; take their requests out of the token."""
        cdef Token* token = &self.forming.token
        cdef const OldRequest* request
        cdef uint32_t number, kept = 0, answered = 0
        cdef uint32_t answers_max = self.old.station.limits.personal_window
        cdef uint64_t cut = self.old.station.cut_count()
        cdef uint64_t seq, last
        memset(self.wanted, 0, sizeof(self.wanted))
        for number in range(token.old_count):
            request = &token.old[number]
            if request.leader != self.old.leader or request.time != self.old.time:
                token.old[kept] = request[0]
                kept += 1
                continue
            seq = max(request.first, self.stable + 1)
            last = min(request.first + request.count, self.high + 1)
            while seq < last:
                if (
                    window_find(&self.old.window, seq) != NULL and answered < answers_max
                    and self.old.station.cut_count() - cut < CUTS_MAX
                ):
                    self.old.send_recovered(
                        seq, self.old.leader, self.old.time, self.forming
                    )
                    answered += 1
                else:
                    self.wanted[seq - self.stable - 1] = True
                seq += 1
        token.old_count = kept

    cdef void ask(self) noexcept nogil:
        """Ask for what is missing here, and again for what could not be answered."""
        cdef Token* token = &self.forming.token
        cdef OldRequest* request = NULL
        cdef uint64_t seq
        for seq in range(self.stable + 1, self.high + 1):
            if not self.have[seq - self.stable - 1]:
                continue
            if not self.wanted[seq - self.stable - 1] and (
                seq <= self.old.window.discarded
                or window_find(&self.old.window, seq) != NULL
            ):
                continue
            if request != NULL and request.first + request.count == seq:
                request.count += 1
            elif token.old_count < TOKEN_OLD_MAX and token_has_room(token, OLD_SIZE):
                request = &token.old[token.old_count]
                token.old_count += 1
                request[0] = OldRequest(self.old.leader, self.old.time, seq, 1)
            else:
                return

    cdef bint packet(
        self, const Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
    ) noexcept nogil:
        if packet.second != self.old.leader | (<uint64_t>self.old.time << 32):
            return False
        if not self.stable < packet.number <= self.high:
            return False
        if not self.have[packet.number - self.stable - 1]:
            return False
        if self.old.data(packet, buffer, offset, size) != DATA_NEW:
            return False
        self.old.station.count(STAT_RECOVERED, 1)
        return True


cdef Recovery recovery_open(
    Ring old, Ring forming, uint64_t stable, uint64_t high, bytes have, object transitional,
    object obligations,
):
    """Begin an attempt. Raises ValueError when the numbers cannot be true of the old ring."""
    cdef Recovery recovery = Recovery()
    cdef uint64_t index
    if not stable <= old.window.aru or high < old.window.highest:
        raise ValueError("another stable or highest number than this daemon reported")
    if not high - stable <= WINDOW_SLOTS or <uint64_t>len(have) * 8 < high - stable:
        raise ValueError("more packets than a window holds")
    if not all(old.is_member[<uint8_t>each] for each in [*transitional, *obligations]):
        raise ValueError("somebody who was not in the old ring")
    recovery.old = old
    recovery.forming = forming
    recovery.stable = stable
    recovery.high = high
    for index in range(high - stable):
        recovery.have[index] = (have[index // 8] >> (index % 8)) & 1
    for each in transitional:
        recovery.transitional[<uint8_t>each] = True
    for each in obligations:
        recovery.obliged[<uint8_t>each] = True
    recovery.missing = recovery.count_missing()
    recovery.progress_ns = old.station.now_ns + old.station.limits.form_timeout_ns
    return recovery
