"""Flow control as arithmetic: how many new packets a visit of the token may send.

    window      packets of one rotation, of all members, retransmissions included
    personal    packets of one visit
    gap         how far the newest packet may be ahead of the oldest one that somebody misses

Windows adapt. The token carries one number for the whole ring, the scale, in sixteenths: each
daemon's windows are its base values times scale / 16, and never above what its configuration
allows.
The ring's leader changes the scale, once per rotation, by what the token has gathered:

    lost       the most packets that one member found missing since the rotation before
    backlog    packets that waited at the members when the token came to them
    fcc        packets that the members sent

    much was lost           half the scale, then two rotations of rest: what is under way was sent
                            by the old one. More than one packet in eight at one member is no
                            chance: a buffer overflows
    something was lost      the scale stays
    somebody had to wait    the scale grows by an eighth of the base, unless rotations are long
                            already
    else                    it stays: large windows cost nothing while nobody needs them

Whatever the scale, the window is at most what the smallest receive buffer of the ring holds, as far
as it is known (`_path`). Daemons whose files differ agree all the same: each stays below its own
bounds, lowers the scale to where they have a use for it, and all count in one fcc.

Everybody gets a share. When more waits than a rotation may carry, a visit is bounded by the own
part of the backlog; and one packet is allowed in any case, so a ring whose members disagree about
the window, or has more of them than the window has packets, starves nobody.

Invariants, for base <= most
    min(1, base) <= scaled(base, most, scale) <= most
    SCALE_MIN <= scale <= the larger of SCALE_MIN and its bound
    the packets of a rotation are at most the window plus one for each member, besides answers

Source: ring protocol, section 3.9; Babay and Amir, "Fast total ordering for modern data centers";
shares as in Totem, "The Totem single-ring ordering and membership protocol"; Chiu and Jain on
increase and decrease.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef enum:
    SCALE_ONE = 16
    SCALE_MIN = 4
    SCALE_STEP = 2
    SCALE_MAX = 0xFFFF             # What the token can carry.
    SCALE_REST = 2                 # Rotations after the scale was halved.
    LOST_MUCH_SHARE = 8
    LOST_MUCH_MIN = 8              # Packets; of few, chance may take a large part.
    LOST_SOME_SHARE = 16
    ROTATION_LONG_NS = 10000000    # Everybody's messages wait that long for their turn.

cdef struct Rotation:
    # What the token has gathered since the leader had it last.
    uint32_t packets
    uint32_t lost
    uint32_t backlog
    int64_t duration_ns


cdef inline uint32_t flow_scaled(uint32_t base, uint32_t most, uint32_t scale) noexcept nogil:
    """Return a window at this scale."""
    cdef uint64_t size = <uint64_t>base * scale // SCALE_ONE
    return <uint32_t>min(max(size, <uint64_t>min(base, <uint32_t>1)), <uint64_t>most)


cdef inline uint32_t flow_next_scale(
    uint32_t scale, uint32_t most, const Rotation* rotation
) noexcept nogil:
    """Return the scale of the next rotation."""
    if flow_is_overrun(rotation):
        return max(<uint32_t>SCALE_MIN, scale // 2)
    if <uint64_t>rotation.lost * LOST_SOME_SHARE > rotation.packets:
        return scale
    if rotation.backlog <= rotation.packets or rotation.duration_ns > ROTATION_LONG_NS:
        return scale
    return max(scale, min(scale + SCALE_STEP, most))


cdef inline bint flow_is_overrun(const Rotation* rotation) noexcept nogil:
    """Tell whether somebody lost more than chance takes."""
    return rotation.lost >= LOST_MUCH_MIN and (
        <uint64_t>rotation.lost * LOST_MUCH_SHARE > rotation.packets
    )


cdef inline uint32_t flow_share(uint32_t window, uint32_t mine, uint32_t others) noexcept nogil:
    """Return the part of the window for `mine` of all packets that wait."""
    cdef uint64_t all_waiting = <uint64_t>mine + others
    if all_waiting <= window:
        return window
    return <uint32_t>(<uint64_t>window * mine // all_waiting)


cdef inline uint32_t flow_room(
    uint32_t window, uint32_t personal, uint32_t gap, uint32_t fcc, uint64_t stable, uint64_t high,
    uint32_t retransmitted,
) noexcept nogil:
    """Return the new packets allowed; `fcc` counts the others' packets of the last rotation."""
    cdef uint64_t room = personal
    if high >= stable + gap:
        return 0
    room = min(room, <uint64_t>(window - fcc if fcc < window else 1))
    room = min(room, stable + gap - high)
    return 0 if room <= retransmitted else <uint32_t>(room - retransmitted)


cdef inline uint32_t flow_less(uint32_t fcc, uint32_t mine) noexcept nogil:
    """Return the count without what this daemon added at its last visit."""
    return 0 if fcc <= mine else fcc - mine
