"""Submission: frames of clients become packets of the ring, small ones packed, long ones cut."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench._micro import PackLoop
from spread._frames import encode

AGREED = 0x10
HEAD_SIZE = 48 + 32
ETHERNET_PAYLOAD = 1400  # Bytes of frames in a packet that fits an MTU of 1500, about.
LARGE_PAYLOAD = 65_472


@pytest.mark.parametrize("payload_max", [ETHERNET_PAYLOAD, LARGE_PAYLOAD])
@pytest.mark.parametrize(("payload_size", "frame_count"), [(100, 1000), (1350, 200), (60_000, 10)])
def test_pack(
    benchmark: BenchmarkFixture, payload_size: int, frame_count: int, payload_max: int
) -> None:
    benchmark.extra_info["operations"] = frame_count
    frame = encode(AGREED, b"#sender#bench", [b"bench"], 0, bytes(payload_size))
    loop = PackLoop(payload_max)

    size = benchmark(loop.pack, frame, HEAD_SIZE, frame_count)

    assert size == frame_count * len(frame)
