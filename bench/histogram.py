"""Percentiles of the compiled loop's latency histogram (its layout: `_histogram.pxd`)."""

from dataclasses import dataclass

import numpy as np

SUB_BUCKETS = 128
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True)
class Latency:
    """Latencies of one run in microseconds; all zero when nothing was counted."""

    count: int = 0
    us_p50: float = 0.0
    us_p90: float = 0.0
    us_p99: float = 0.0
    us_p999: float = 0.0
    us_max: float = 0.0


def bucket_middles_ns(count: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the middle of each bucket's range of values."""
    buckets = np.arange(count)
    shift = np.maximum(buckets // SUB_BUCKETS - 1, 0)
    width = np.left_shift(1, shift)
    first = np.where(buckets < SUB_BUCKETS, buckets, (buckets % SUB_BUCKETS + SUB_BUCKETS) * width)
    middles: np.ndarray[tuple[int], np.dtype[np.float64]] = first + (width - 1) / 2
    return middles


def latency(buckets: bytes, max_ns: int) -> Latency:
    """Return the percentiles of bucket counts in native u64, each the middle of its bucket.

    A percentile is the smallest value that at least that share of the values does not exceed.
    """
    counts = np.frombuffer(buckets, dtype=np.uint64)
    total = int(counts.sum())
    if total == 0:
        return Latency()
    ranks = np.ceil(np.array(PERCENTILES) / 100 * total)
    found = np.searchsorted(np.cumsum(counts), ranks)
    values = np.minimum(bucket_middles_ns(len(counts))[found], max_ns) / 1000
    p50, p90, p99, p999 = (round(float(value), 3) for value in values)
    return Latency(total, p50, p90, p99, p999, max_ns / 1000)
