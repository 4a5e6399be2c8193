"""The token's bytes; the contract stands in `_token.pxd`."""

from libc.string cimport memcpy, memset

from spread._check cimport check
from spread._frames cimport load_le32, store_le32
from spread._packets cimport PACKET_HEADER_SIZE, TOKEN_SIZE_MAX, load_le64, store_le64

cdef enum:
    FIXED_SIZE = 12
    OLD_HEAD_SIZE = DONE_SIZE + 8
    LOST_MAX = 0xFFFF         # Or more.


cdef bint token_read(
    Token* token, const Packet* packet, const uint8_t* data, uint32_t size, uint32_t member_count
) noexcept nogil:
    cdef const uint8_t* at = data + PACKET_HEADER_SIZE
    cdef uint32_t number
    cdef uint64_t lag
    cdef uint32_t expected = PACKET_HEADER_SIZE + FIXED_SIZE
    if size < expected or at[5] != member_count or at[6] > TOKEN_REQUESTS_MAX or at[7] > 1:
        return False
    expected += 2 * member_count + REQUEST_SIZE * <uint32_t>at[6]
    if at[7]:
        expected += OLD_HEAD_SIZE
    if size < expected:
        return False
    memset(token, 0, sizeof(Token))
    token.tok_no = packet.number
    token.seq = packet.second
    token.fcc = packet.lag
    token.round = packet.tail
    token.flags = packet.flags
    token.backlog = load_le32(at)
    token.quiet = at[4]
    token.member_count = at[5]
    token.request_count = at[6]
    token.has_recovery = at[7]
    token.scale = at[8] | (<uint32_t>at[9] << 8)
    token.lost = at[10] | (<uint32_t>at[11] << 8)
    at += FIXED_SIZE
    for number in range(member_count):
        lag = at[0] | (<uint32_t>at[1] << 8)
        token.acks[number] = 0 if lag == LAG_MAX else token.seq - min(lag, token.seq)
        at += 2
    for number in range(token.request_count):
        token.requests[number] = Request(load_le64(at), load_le32(at + 8), at[12])
        at += REQUEST_SIZE
    if not token.has_recovery:
        return size == expected
    memcpy(token.done, at, DONE_SIZE)
    token.old_count = at[DONE_SIZE]
    at += OLD_HEAD_SIZE
    if token.old_count > TOKEN_OLD_MAX or size != expected + OLD_SIZE * token.old_count:
        return False
    for number in range(token.old_count):
        token.old[number] = OldRequest(
            load_le32(at), load_le32(at + 4), load_le64(at + 8), load_le32(at + 16)
        )
        at += OLD_SIZE
    return True


cdef uint32_t size_of(const Token* token) noexcept nogil:
    """Return the bytes of the whole datagram."""
    cdef uint32_t size = PACKET_HEADER_SIZE + FIXED_SIZE + 2 * <uint32_t>token.member_count
    size += REQUEST_SIZE * token.request_count
    if token.has_recovery:
        size += OLD_HEAD_SIZE + OLD_SIZE * token.old_count
    return size


cdef bint token_has_room(const Token* token, uint32_t size) noexcept nogil:
    return size_of(token) + size <= TOKEN_SIZE_MAX


cdef uint32_t token_write(const Token* token, uint8_t* data) noexcept nogil:
    cdef uint8_t* at = data + PACKET_HEADER_SIZE
    cdef uint32_t number
    cdef uint64_t lag
    check(size_of(token) <= TOKEN_SIZE_MAX, "a token fits every network")
    check(token.request_count <= TOKEN_REQUESTS_MAX, "requests of a token are bounded")
    check(token.old_count <= TOKEN_OLD_MAX, "requests of old rings are bounded")
    store_le32(at, token.backlog)
    at[4] = token.quiet
    at[5] = token.member_count
    at[6] = <uint8_t>token.request_count
    at[7] = token.has_recovery
    store_le32(at + 8, token.scale | min(token.lost, <uint32_t>LOST_MAX) << 16)
    at += FIXED_SIZE
    for number in range(token.member_count):
        lag = min(token.seq - min(token.acks[number], token.seq), <uint64_t>LAG_MAX)
        at[0] = <uint8_t>(lag & 0xFF)
        at[1] = <uint8_t>(lag >> 8)
        at += 2
    for number in range(token.request_count):
        store_le64(at, token.requests[number].first)
        store_le32(at + 8, token.requests[number].count)
        store_le32(at + 12, token.requests[number].who)
        at += REQUEST_SIZE
    if token.has_recovery:
        memcpy(at, token.done, DONE_SIZE)
        memset(at + DONE_SIZE, 0, 8)
        at[DONE_SIZE] = <uint8_t>token.old_count
        at += OLD_HEAD_SIZE
        for number in range(token.old_count):
            store_le32(at, token.old[number].leader)
            store_le32(at + 4, token.old[number].time)
            store_le64(at + 8, token.old[number].first)
            store_le32(at + 16, token.old[number].count)
            store_le32(at + 20, 0)
            at += OLD_SIZE
    check(<uint32_t>(at - data) == size_of(token), "the room in a token is reckoned right")
    return size_of(token)
