"""What the core measures for those who watch the ring; nothing in the core depends on it.

    peers       what came from each daemon, what of it had to be asked for again, and when it was
                heard last
    rotation    times between two visits of a token that does not rest
    lateness    how much later than its deadline a turn came: the system gave this thread no core
    agreed, safe  own messages, from their submission to their delivery here, one at a time

Own messages are delivered in the order of their submission, so the one that is timed is known by
its number. Times are those of the turns, in nanoseconds; histograms have a bucket for each power
of two of microseconds.

Invariants
    delivered <= submitted, and number <= submitted
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from spread._packets cimport DAEMONS_MAX

cdef enum:
    BUCKETS = 24                   # Times from half of 2 ** 23 us on are in the last one.


cdef struct Histogram:
    uint64_t counts[BUCKETS]       # Bucket i: below 2 ** i microseconds, and not below half of it.


cdef struct PeerMeter:
    uint64_t received              # Packets that this daemon made.
    uint64_t missed                # Packets of it that came only after they were asked for.
    int64_t heard_ns               # When it was heard last; 0 for never.


cdef struct Sample:
    uint64_t submitted             # Frames of own clients,
    uint64_t delivered             # and those of them that have reached their place in the order.
    uint64_t number                # The one that is timed; 0 for none.
    int64_t since_ns


cdef struct Meters:
    PeerMeter peers[DAEMONS_MAX]
    Histogram rotation
    Histogram lateness
    Histogram agreed
    Histogram safe
    Sample sample


cdef inline void histogram_add(Histogram* histogram, int64_t time_ns) noexcept nogil:
    cdef uint64_t rest = <uint64_t>max(time_ns, <int64_t>0) // 1000
    cdef uint32_t bucket = 0
    while rest != 0 and bucket < BUCKETS - 1:
        rest >>= 1
        bucket += 1
    histogram.counts[bucket] += 1


cdef inline void peer_received(PeerMeter* peer, bint was_missed) noexcept nogil:
    """A packet that this daemon made has come."""
    peer.received += 1
    peer.missed += was_missed


cdef inline void sample_submitted(Sample* sample, bint is_timed, int64_t now_ns) noexcept nogil:
    """A frame has been submitted; it is timed if it may be, and no other one is."""
    sample.submitted += 1
    if is_timed and sample.number == 0:
        sample.number = sample.submitted
        sample.since_ns = now_ns


cdef inline int64_t sample_delivered(Sample* sample, int64_t now_ns) noexcept nogil:
    """An own frame has reached its place; how long it took, or -1 if it was not timed."""
    sample.delivered += 1
    if sample.number == 0 or sample.delivered < sample.number:
        return -1
    sample.number = 0
    return now_ns - sample.since_ns


cdef inline void sample_settle(Sample* sample) noexcept nogil:
    """Nothing of our own is under way: frames that memory had no room for are forgotten."""
    sample.delivered = sample.submitted
    sample.number = 0
