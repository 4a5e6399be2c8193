from array import array

from bench.histogram import bucket_middles_ns, latency


def test_small_values_have_a_bucket_each() -> None:
    middles = bucket_middles_ns(256)

    assert list(middles[:128]) == list(range(128))
    assert list(middles[128:256]) == list(range(128, 256))


def test_bucket_width_doubles_with_each_power_of_two() -> None:
    middles = bucket_middles_ns(4480)

    assert middles[256] == 256.5  # 256 and 257
    assert middles[384] == 513.5  # 512 to 515


def test_percentiles_are_the_smallest_values_that_cover_their_share() -> None:
    buckets = array("Q", [0] * 4480)
    buckets[10] = 50
    buckets[20] = 40
    buckets[30] = 10

    found = latency(buckets.tobytes(), 30)

    assert found.count == 100
    assert (found.us_p50, found.us_p90, found.us_p99) == (0.010, 0.020, 0.030)
    assert found.us_max == 0.030


def test_percentile_never_exceeds_the_exact_maximum() -> None:
    buckets = array("Q", [0] * 4480)
    buckets[384] = 1

    assert latency(buckets.tobytes(), 512).us_p999 == 0.512


def test_no_values_give_zeros() -> None:
    assert latency(bytes(8 * 4480), 0).count == 0
