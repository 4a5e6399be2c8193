"""Latency histogram with buckets of constant relative width, as HDR histograms have them.

Values below 128 ns have a bucket each; every further power of two is cut into 128 buckets, so a
value is known to better than 0.8 %. `bench/histogram.py` turns buckets into percentiles.

    bucket(v) = v                                      v < 128
              = (s + 1) * 128 + (v >> s) - 128         2^(7+s) <= v < 2^(8+s)
"""

from libc.stdint cimport uint64_t

cdef extern from *:
    int leading_zeros "__builtin_clzll"(unsigned long long) nogil

cdef enum:
    SUB_BUCKETS = 128
    BUCKET_COUNT = 35 * 128     # up to 2^41 ns, 36 minutes: no run is so long; the last is open

cdef struct Histogram:
    uint64_t[35 * 128] buckets
    uint64_t max_ns             # exact

cdef inline void record(Histogram* histogram, uint64_t value_ns) noexcept nogil:
    """Count one value."""
    cdef int shift
    cdef size_t bucket
    if value_ns < SUB_BUCKETS:
        bucket = value_ns
    else:
        shift = 56 - leading_zeros(value_ns)
        bucket = (shift + 1) * SUB_BUCKETS + (value_ns >> shift) - SUB_BUCKETS
    histogram.buckets[min(bucket, <size_t>(BUCKET_COUNT - 1))] += 1
    histogram.max_ns = max(histogram.max_ns, value_ns)
