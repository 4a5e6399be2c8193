"""Packets in pieces: for a way that does not carry them whole.

A control packet has no number and is sent before there is a ring that knows its ways: in pieces
whenever it may not pass whole. A packet that has its number keeps its size for ever, and the way
may be narrower than when it was made: another ring, another switch, a filter that swallows
fragments of IP. Then its datagram travels in pieces that pass everywhere, and the receiver goes on
as if it had come whole.

    packet -> piece_make() ... the network ... -> add() -> packet

Invariants
    a parcel that is in use has one reference to its buffer, and pieces that it still lacks
    what is put together has the size that each of its pieces named

Lost pieces are not asked for: the packet is, by its number in the ring. All copies of it have one
id, so each of them brings what the others have lost. A parcel that stays incomplete gives its place
to a new one, the longest unused first.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from spread._buffers cimport Buffer, Pool
from spread._packets cimport Packet

cdef enum:
    # A packet's pieces are sent one behind the other, so few packets of one daemon are open at a
    # time; as many as a visit answers at least, whose pieces a network may mix up. At most 2 MiB.
    PARCELS_MAX = 32
    CUTS_MAX = 16              # Packets that one visit answers in pieces.
    PIECE_MARKS = 32           # Bytes with a bit for each of PIECES_MAX.


cdef struct Parcel:
    Buffer* buffer             # NULL: not in use.
    uint64_t id                # Of the transmitter's.
    uint64_t used              # When a piece came last, by the count of all pieces.
    uint32_t piece             # Bytes of each but the last.
    uint32_t lacking           # Pieces still to come.
    uint8_t transmitter
    uint8_t has[PIECE_MARKS]   # One bit for each that has come.


cdef class Pieces:
    cdef Pool* pool            # Borrowed from the node.
    cdef Parcel parcels[PARCELS_MAX]
    cdef uint64_t count        # Pieces that came.

    cdef Buffer* add(
        self, const Packet* packet, const uint8_t* data, uint32_t size
    ) noexcept nogil
    # A PIECE with so many bytes behind its header has come; returns the packet that is complete
    # with it, with its reference, or NULL.

    # Private.
    cdef Parcel* parcel_of(self, const Packet* packet) noexcept nogil


cdef Pieces pieces_open(Pool* pool)

cdef Buffer* piece_make(
    Pool* pool, const uint8_t* data, uint32_t size, uint32_t index, const Packet* packet,
    uint64_t network,
) noexcept nogil
# Make the datagram of one piece, number `index`, of a datagram of `size` bytes; `packet` has the
# PIECE's header but for total and index. Returns it with its reference, or NULL without memory.
