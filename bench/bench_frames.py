"""The codec: frames that the daemon reads, checks and normalises; messages of Python clients."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench._micro import walk_frames
from spread import Message
from spread._decoder import Decoder
from spread._frames import encode

MESSAGE_COUNT = 500
AGREED = 0x10


def message(payload_size: int) -> bytes:
    return encode(AGREED, b"#sender#bench", [b"bench"], 0, bytes(payload_size))


@pytest.mark.parametrize("payload_size", [100, 1350])
def test_walk(benchmark: BenchmarkFixture, payload_size: int) -> None:
    benchmark.extra_info["operations"] = MESSAGE_COUNT
    data = bytearray(message(payload_size) * MESSAGE_COUNT)

    count = benchmark(walk_frames, data, 144_048)

    assert count == MESSAGE_COUNT


@pytest.mark.parametrize("payload_size", [100, 1350, 8000])
def test_decode(benchmark: BenchmarkFixture, payload_size: int) -> None:
    benchmark.extra_info["operations"] = MESSAGE_COUNT
    decoder = Decoder()
    decoder.set_private_group(b"#receiver#bench")
    data = message(payload_size) * MESSAGE_COUNT

    def decode() -> int:
        decoder.feed(data)
        count = 0
        while decoder.next_message() is not None:
            count += 1
        return count

    assert benchmark(decode) == MESSAGE_COUNT


def test_decode_and_read_every_field(benchmark: BenchmarkFixture) -> None:
    benchmark.extra_info["operations"] = MESSAGE_COUNT
    decoder = Decoder()
    decoder.set_private_group(b"#receiver#bench")
    data = message(100) * MESSAGE_COUNT

    def decode() -> int:
        decoder.feed(data)
        size = 0
        while isinstance(message := decoder.next_message(), Message):
            size += len(message.payload) + len(message.sender) + len(message.groups)
        return size

    assert benchmark(decode) == MESSAGE_COUNT * (100 + len("#sender#bench") + 1)


@pytest.mark.parametrize("payload_size", [100, 8000])
def test_encode(benchmark: BenchmarkFixture, payload_size: int) -> None:
    payload = bytes(payload_size)

    frame = benchmark(encode, AGREED, b"#sender#bench", [b"bench"], 0, payload)

    assert len(frame) == 48 + 32 + payload_size
