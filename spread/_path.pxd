"""How large a datagram may be so that it reaches every member of the ring.

The interface says what it takes, not what the way carries: a switch, a tunnel or a filter of
fragments may drop in silence what is larger. So a ring begins with datagrams of a size that passes
everywhere, and when data fills them, it is measured what more there is:

            data fills packets         everybody answered
    SAFE  ----------------------> TRYING -----------------> KNOWN: tell whom what does not reach
                                   |  ^ |                    |
      small ones are answered and  +--+ +--------------------+
      large ones are not: note whom        data fills packets, and many had to go in pieces or
      of, try the next smaller size        some time is over: try again, at the size there is

A try is one MEASURE of the size in question and one of the safe size, to the whole ring; members
answer each with MEASURED. That the small one is answered shows that the member is there and the
large one is not merely late: only that lets the size fall, since chance loses packets, too. A
member that answers nothing is told of, and the size stays as it is for some time.

Whoever answers for an origin whose large packets do not arrive is another daemon as a rule; so a
receiver that gets an origin's packets from others in pieces only says so to it: MEASURED with the
size 0. What was numbered at a larger size than the way carries now is sent in pieces (`_pieces`):
at once when it is known, else when it has been asked for again and again.

Invariants
    sizes descend; size is one of them
    sizes[count - 1] needs no proof
    due_ns is 0 unless a size is tried

Nothing here sends or tells: `_survey` and `Member` do.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._packets cimport DAEMONS_MAX, Packet

cdef enum:
    PATH_SIZES_MAX = 4
    TRIES_MAX = 7              # 10 ms, then twice as long each: together 1.3 seconds.
    SMALL_ANSWERS_MIN = 4      # From a member that is there for sure.
    RESENDS_WHOLE_MAX = 2      # Of one packet; then it goes in pieces.
    PIECED_TELLING = 4         # Packets that went so: reason enough to try again.
    PIECED_SHARE = 64          # One of so many full packets goes so by chance.
    ROOM_MIN = 2304            # Bytes; Linux has no smaller receive buffer, so less is not true.
    RESENT_SLOTS = 256

cdef enum PathState:
    PATH_SAFE = 0
    PATH_TRYING = 1
    PATH_KNOWN = 2


cdef class Path:
    cdef uint32_t sizes[PATH_SIZES_MAX]      # Bytes of datagrams, headers of IP and UDP aside.
    cdef uint32_t count
    cdef uint32_t rung                       # Which size is tried, or was found.
    cdef uint32_t size                       # Of new packets.
    cdef PathState state
    cdef uint32_t told_size                  # What was found last; 0 for nothing.
    cdef bint is_news                        # Nobody was told of it yet.
    # Bits: which rungs are too large for it; the last rung if it answers nothing.
    cdef uint8_t noted[DAEMONS_MAX]
    cdef uint8_t untold[DAEMONS_MAX]         # Those of them that nobody was told of yet.
    cdef bint is_unanswered                  # What was tried last was given up without an answer.
    cdef bint may_cut                        # Packets may go in pieces.
    cdef uint8_t joined[DAEMONS_MAX]         # By origin: packets that others sent in pieces.
    cdef uint64_t filled_seen                # Full packets of the clients that were told of.
    cdef int64_t due_ns
    cdef int64_t again_ns                    # Not sooner is more tried than what is known.
    cdef uint32_t tries
    cdef uint8_t me
    cdef uint8_t members[DAEMONS_MAX]
    cdef uint32_t member_count
    cdef bint has_large[DAEMONS_MAX]         # Whose answer to the size that is tried has come.
    cdef uint8_t small_answers[DAEMONS_MAX]
    cdef uint64_t room_own                   # Bytes that our smallest receive buffer holds; 0: any.
    cdef uint64_t rooms[DAEMONS_MAX]         # The same of each member, as it said last.
    cdef uint64_t room                       # The least of all that are known.
    cdef uint32_t pieced                     # Packets that went in pieces, of late.
    cdef uint64_t whole                      # Full packets that `pieced` was not lessened for.
    # Which packets were sent again, by seq, and how often.
    cdef uint64_t resent_seq[RESENT_SLOTS]
    cdef uint8_t resent[RESENT_SLOTS]

    cdef uint32_t safe_size(self) noexcept nogil
    # Bytes that need no proof.

    cdef uint32_t burst_max(self) noexcept nogil
    # How many datagrams of the present size the smallest receive buffer holds; 0 for any number.

    cdef void restart(
        self, const uint8_t* members, uint32_t member_count, uint8_t me
    ) noexcept nogil
    # The ring is another one: nothing is known of its ways.

    cdef void stop(self) noexcept nogil
    # The ring is gone: nothing is measured before the next one.

    cdef bint must_cut(self, const Packet* packet, uint32_t size) noexcept nogil
    # Whether a datagram of this size is to go in pieces.

    cdef void filled(self, uint64_t count, int64_t now_ns) noexcept nogil
    # Data has filled so many more packets, so larger ones would be of use.

    cdef void measured(
        self, uint8_t daemon, uint64_t size, uint64_t room, int64_t now_ns
    ) noexcept nogil
    # A MEASURED has come; size 0: our packets reach this member in pieces only.

    cdef bint is_telling(self, uint8_t origin) noexcept nogil
    # A packet of this origin has come in pieces; tells whether to let the origin know.

    cdef bint run(self, int64_t now_ns) noexcept nogil
    # It is `due_ns`; tells whether to send a MEASURE of `tried_size` and one of `safe_size`. If
    # not, what was tried is given up.

    cdef uint32_t tried_size(self) noexcept nogil

    cdef uint32_t next_limit(self, uint8_t daemon) noexcept nogil
    # Take a size that was given up because its datagrams do not reach this member, largest first
    # and each once; `safe_size` if it answers nothing. 0 for none, or until what passes is known.

    # Private.
    cdef void fall(self, int64_t now_ns) noexcept nogil
    cdef void note_limited(self) noexcept nogil
    cdef void begin(self, uint32_t rung, int64_t now_ns) noexcept nogil
    cdef void settle(self, uint32_t rung, int64_t now_ns) noexcept nogil
    cdef void find_room(self) noexcept nogil
    cdef bint is_limited(self, uint8_t daemon) noexcept nogil
    cdef bint is_any_limited(self) noexcept nogil
    cdef bint is_resent_in_vain(self, uint64_t seq) noexcept nogil


cdef Path path_open(object sizes, uint64_t room, bint may_cut)
# Make the path of a daemon. Raises MisuseError for sizes that do not descend or fit no datagram.
