"""The window of a ring: packets held, looked at in their order, and given up.

In order each packet passes by itself; `behind_holes` they come backwards in runs, so that each
lies behind a hole until the run's first one closes it.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench._micro import PacketLoop

PACKET_COUNT = 4096


@pytest.mark.parametrize("run", [1, 64, 1024], ids=["in_order", "behind_holes_64", "1024"])
def test_pass_through(benchmark: BenchmarkFixture, run: int) -> None:
    benchmark.extra_info["operations"] = PACKET_COUNT
    loop = PacketLoop()

    seen = benchmark(loop.pass_through, PACKET_COUNT, run)

    assert seen == PACKET_COUNT
