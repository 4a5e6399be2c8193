"""The token: what it carries, and its bytes behind the packet header.

    offset  size  field
        64     4  backlog    packets that waited at the members when each of them had the token last
        68     1  quiet      visits of the leader in a row at which nothing happened
        69     1  members    must be the ring's
        70     1  requests   number of retransmission requests
        71     1  recovery   1 while a new ring recovers the messages of the old ones
        72     2  scale      of the ring's windows, in sixteenths; 0 before the first rotation
        74     2  lost       packets that the member missing the most found missing
        76   2*m  lags       seq less the highest number that each member is known to have all to
             16*r requests   first u64, count u32, who asks u8 (NO_DAEMON: several), zero 3
           16     done       one bit a member; only with recovery, as is what follows
            8     count u8, zero 7
             24*o old ring's requests   leader u32, time u32, first u64, count u32, zero u32

The lag vector needs no second rotation to know what everybody has: ring protocol, section 3.6.

A token is never cut, so it has 548 bytes at most, which pass everywhere. That is room for 28
ranges, or 18 of old rings, where three daemons are in the ring, and for 13 or 8 where 128 are:
76 + 2 x 128 + 16 x 13, and 76 + 2 x 128 + 24 + 24 x 8. What does not fit is asked for at the next
visit.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from spread._packets cimport DAEMONS_MAX, Packet

cdef enum:
    TOKEN_REQUESTS_MAX = 28
    TOKEN_OLD_MAX = 18
    LAG_MAX = 0xFFFF          # Or more.
    DONE_SIZE = 16            # DAEMONS_MAX bits.
    REQUEST_SIZE = 16
    OLD_SIZE = 24


cdef struct Request:
    # Packets that somebody misses.
    uint64_t first
    uint32_t count
    uint8_t who               # Daemon number; NO_DAEMON when several ask.


cdef struct OldRequest:
    # Packets of an old ring that somebody misses.
    uint32_t leader
    uint32_t time
    uint64_t first
    uint32_t count


cdef struct Token:
    uint64_t tok_no
    uint64_t seq              # Highest number claimed so far.
    uint32_t fcc              # Packets of the last rotation, retransmissions included.
    uint32_t round            # Rotations since the ring began.
    uint32_t backlog
    uint32_t scale            # Of the windows, in sixteenths; 0 before the first rotation.
    uint32_t lost             # The most that one member missed for the first time; this rotation.
    uint8_t quiet
    uint8_t flags
    uint8_t member_count
    uint64_t acks[DAEMONS_MAX]      # By member, not by daemon number.
    uint32_t request_count
    Request requests[TOKEN_REQUESTS_MAX]
    bint has_recovery
    uint8_t done[DONE_SIZE]
    uint32_t old_count
    OldRequest old[TOKEN_OLD_MAX]


cdef bint token_read(
    Token* token, const Packet* packet, const uint8_t* data, uint32_t size, uint32_t member_count
) noexcept nogil
# Decode the token in a datagram whose header is read; False when it is malformed, and then
# `token` means nothing.

cdef bint token_has_room(const Token* token, uint32_t size) noexcept nogil
# Whether a request of REQUEST_SIZE or OLD_SIZE bytes fits besides what the token carries.

cdef uint32_t token_write(const Token* token, uint8_t* data) noexcept nogil
# Write what stands behind the header; returns the size of the whole datagram.
