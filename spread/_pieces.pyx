"""Packets in pieces; the contract stands in `_pieces.pxd`."""

from cython cimport final, no_gc_clear
from libc.string cimport memcpy, memset

from spread._buffers cimport buffer_acquire, buffer_release, class_for
from spread._check cimport check
from spread._packets cimport PACKET_HEADER_SIZE, PIECES_MAX, packet_write

check(8 * PIECE_MARKS == PIECES_MAX, "every piece of a packet has its mark")


@final
@no_gc_clear
cdef class Pieces:
    """What has come in part; created by a `Member`."""

    def __dealloc__(self):
        cdef uint32_t number
        for number in range(<uint32_t>PARCELS_MAX):
            if self.parcels[number].buffer != NULL:
                buffer_release(self.pool, self.parcels[number].buffer)

    cdef Buffer* add(
        self, const Packet* packet, const uint8_t* data, uint32_t size
    ) noexcept nogil:
        cdef Parcel* parcel = self.parcel_of(packet)
        cdef Buffer* whole
        cdef uint8_t bit = <uint8_t>(1 << (packet.tail % 8))
        if parcel == NULL:
            return NULL
        self.count += 1
        parcel.used = self.count
        if parcel.has[packet.tail // 8] & bit:
            return NULL
        parcel.has[packet.tail // 8] |= bit
        parcel.lacking -= 1
        whole = parcel.buffer
        memcpy(whole.data + packet.tail * packet.lag, data, size)
        if parcel.lacking > 0:
            return NULL
        parcel.buffer = NULL
        return whole

    cdef Parcel* parcel_of(self, const Packet* packet) noexcept nogil:
        """Return the parcel that a piece belongs to; NULL when there is no memory for it."""
        cdef Parcel* oldest = &self.parcels[0]
        cdef Parcel* parcel
        cdef uint32_t number
        for number in range(<uint32_t>PARCELS_MAX):
            parcel = &self.parcels[number]
            if parcel.buffer == NULL:
                if oldest.buffer != NULL:
                    oldest = parcel
                continue
            if (
                parcel.id == packet.number and parcel.transmitter == packet.transmitter
                and parcel.buffer.size == packet.second and parcel.piece == packet.lag
            ):
                return parcel
            if oldest.buffer != NULL and parcel.used < oldest.used:
                oldest = parcel
        if oldest.buffer != NULL:
            buffer_release(self.pool, oldest.buffer)
        memset(oldest, 0, sizeof(Parcel))
        oldest.buffer = buffer_acquire(self.pool, class_for(packet.second))
        if oldest.buffer == NULL:
            return NULL
        oldest.buffer.size = <uint32_t>packet.second
        oldest.id = packet.number
        oldest.transmitter = packet.transmitter
        oldest.piece = packet.lag
        oldest.lacking = <uint32_t>((packet.second + packet.lag - 1) // packet.lag)
        return oldest


cdef Pieces pieces_open(Pool* pool):
    """Make a place for pieces whose packets get buffers of `pool`."""
    cdef Pieces pieces = Pieces()
    pieces.pool = pool
    return pieces


cdef Buffer* piece_make(
    Pool* pool, const uint8_t* data, uint32_t size, uint32_t index, const Packet* packet,
    uint64_t network,
) noexcept nogil:
    cdef Packet header = packet[0]
    cdef uint32_t start = index * packet.lag
    cdef uint32_t part = min(packet.lag, size - start)
    cdef Buffer* buffer = buffer_acquire(pool, class_for(PACKET_HEADER_SIZE + part))
    if buffer == NULL:
        return NULL
    header.second = size
    header.tail = index
    memcpy(buffer.data + PACKET_HEADER_SIZE, data + start, part)
    buffer.size = PACKET_HEADER_SIZE + part
    packet_write(buffer.data, buffer.size, &header, network)
    return buffer
