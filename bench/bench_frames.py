"""The codec of the Python clients: 500 messages out of a stream, and messages into one.

Divide the rows of `test_decode` by 500 for the cost of a message object.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from spread._decoder import Decoder, Message
from spread._frames import encode

MESSAGE_COUNT = 500
AGREED = 0x10


@pytest.mark.parametrize("payload_size", [100, 1350, 8000])
def test_decode(benchmark: BenchmarkFixture, payload_size: int) -> None:
    decoder = Decoder()
    decoder.set_private_group(b"#receiver#bench")
    data = encode(AGREED, b"#sender#bench", [b"bench"], 0, bytes(payload_size)) * MESSAGE_COUNT

    def decode() -> int:
        decoder.feed(data)
        count = 0
        while decoder.next_message() is not None:
            count += 1
        return count

    assert benchmark(decode) == MESSAGE_COUNT


def test_decode_and_read_every_field(benchmark: BenchmarkFixture) -> None:
    decoder = Decoder()
    decoder.set_private_group(b"#receiver#bench")
    data = encode(AGREED, b"#sender#bench", [b"bench"], 0, bytes(100)) * MESSAGE_COUNT

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
