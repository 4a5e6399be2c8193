"""The header of a ring's packet with its checksum: written before sending, checked on arrival."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench._micro import open_packets, seal_packets

SIZES = [(244, 1000), (1464, 1000), (65_472, 20)]  # Bytes of a datagram, and how many.


@pytest.mark.parametrize(("size", "count"), SIZES)
def test_seal(benchmark: BenchmarkFixture, size: int, count: int) -> None:
    benchmark.extra_info["operations"] = count
    datagram = bytearray(size)

    last = benchmark(seal_packets, datagram, count)

    assert last == count


@pytest.mark.parametrize(("size", "count"), SIZES)
def test_open(benchmark: BenchmarkFixture, size: int, count: int) -> None:
    benchmark.extra_info["operations"] = count
    datagram = bytearray(size)
    seal_packets(datagram, 1)

    sound = benchmark(open_packets, datagram, count)

    assert sound == count
