"""Measuring how large datagrams may be; the contract stands in `_survey.pxd`."""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from spread._buffers cimport buffer_acquire, buffer_release, class_for
from spread._packets cimport FLAG_RETRANS, KIND_MEASURE, KIND_MEASURED, PACKET_HEADER_SIZE
from spread._stats cimport STAT_MEASURES


cdef void survey_restart(Ring ring) noexcept nogil:
    ring.station.path.restart(ring.members, ring.member_count, ring.station.me)
    ring.station.path.filled_seen = ring.station.clients.filled
    ring.station.resize()


cdef void survey_watch(Ring ring) noexcept nogil:
    cdef uint64_t count = ring.station.clients.filled - ring.station.path.filled_seen
    if count > 0:
        ring.station.path.filled_seen = ring.station.clients.filled
        ring.station.path.filled(count, ring.station.now_ns)
        ring.station.resize()


cdef int64_t survey_deadline(Ring ring) noexcept nogil:
    return ring.station.path.due_ns


cdef void survey_stop(Ring ring) noexcept nogil:
    ring.station.path.stop()


cdef void survey_run(Ring ring) noexcept nogil:
    if ring.station.path.run(ring.station.now_ns):
        send_measure(ring, ring.station.path.tried_size())
        send_measure(ring, ring.station.path.safe_size())
    ring.station.resize()


cdef void survey_joined(Ring ring, const Packet* packet) noexcept nogil:
    cdef Packet answer
    if packet.transmitter == packet.origin or not packet.flags & FLAG_RETRANS:
        return
    if ring.station.path.is_telling(packet.origin):
        answer = ring.header(KIND_MEASURED, 0)
        answer.second = ring.station.path.room_own
        ring.station.send_header(&answer, packet.origin)


cdef void survey_packet(
    Ring ring, Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
) noexcept nogil:
    if not ring.is_member[packet.origin] or packet.origin == ring.station.me:
        return
    if packet.kind == KIND_MEASURED:
        ring.station.path.measured(
            packet.origin, packet.number, packet.second, ring.station.now_ns
        )
        ring.station.resize()
        return
    ring.station.forward(
        buffer, offset + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE, packet, ring.members,
        ring.member_count,
    )
    cdef Packet answer = ring.header(KIND_MEASURED, packet.number)
    answer.second = ring.station.path.room_own
    ring.station.send_header(&answer, packet.origin)


cdef void send_measure(Ring ring, uint32_t size) noexcept nogil:
    """Send the ring a datagram of this size."""
    cdef Packet packet = ring.header(KIND_MEASURE, size)
    cdef Buffer* buffer = buffer_acquire(ring.station.pool, class_for(size))
    if buffer == NULL:
        return
    memset(buffer.data, 0, size)
    buffer.size = size
    ring.station.count(STAT_MEASURES, 1)
    ring.station.send_packet(
        buffer, PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE, &packet, ring.members,
        ring.member_count,
    )
    buffer_release(ring.station.pool, buffer)
