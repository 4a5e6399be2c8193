"""The flight recorder: what it keeps, what it forgets, and where in memory it stands."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread._recorder import MAGIC, Recorder
from spread.errors import MisuseError

HEAD_SIZE = 16384
PACKET_SIZE = 64
TEXT_SIZE = 256

DATAGRAM = bytes(range(64)) + b"payload"


def memory(*, packets: int, texts: int) -> bytearray:
    return bytearray(HEAD_SIZE + packets * PACKET_SIZE + texts * TEXT_SIZE)


def packet_at(image: bytes, place: int) -> bytes:
    return image[HEAD_SIZE + place * PACKET_SIZE :][:PACKET_SIZE]


def test_the_head_says_how_to_read_the_rest() -> None:
    recorder = Recorder(memory(packets=8, texts=2), text_room=2, description=b'{"daemon":"a"}')

    image = recorder.image()

    assert image[:8] == MAGIC
    assert struct.unpack_from("<II", image, 8) == (HEAD_SIZE, PACKET_SIZE)
    assert struct.unpack_from("<QQ", image, 32) == (8, 2)
    assert json.loads(image[128 : 128 + struct.unpack_from("<I", image, 52)[0]]) == {"daemon": "a"}


def test_a_packet_is_kept_by_its_header_time_size_and_direction() -> None:
    recorder = Recorder(memory(packets=8, texts=1), text_room=1, description=b"")

    recorder.note_datagram(DATAGRAM, target=256, now_ns=77)
    recorder.note_datagram(DATAGRAM, now_ns=78, fault=5)

    image = recorder.image()
    assert struct.unpack_from("<QIHBB", packet_at(image, 0)) == (77, 71, 256, 1, 0)
    assert struct.unpack_from("<QIHBB", packet_at(image, 1)) == (78, 71, 0xFFFF, 0, 5)
    assert packet_at(image, 0)[16:56] == DATAGRAM[:8] + DATAGRAM[32:64]


def test_what_is_too_short_for_a_header_leaves_nothing_of_an_older_record() -> None:
    recorder = Recorder(memory(packets=1, texts=1), text_room=1, description=b"")

    recorder.note_datagram(DATAGRAM, now_ns=1)
    recorder.note_datagram(b"abc", now_ns=2, fault=1)

    assert packet_at(recorder.image(), 0)[16:] == b"abc".ljust(48, b"\0")


@given(st.integers(1, 9), st.lists(st.integers(0, 2**63 - 1), max_size=40))
def test_the_newest_packets_stay(room: int, times: list[int]) -> None:
    recorder = Recorder(memory(packets=room, texts=1), text_room=1, description=b"")

    for each in times:
        recorder.note_datagram(DATAGRAM, now_ns=each)

    image = recorder.image()
    kept = [struct.unpack_from("<Q", packet_at(image, n % room))[0] for n in range(len(times))]
    assert kept[-room:] == times[-room:]
    assert recorder.counts() == (len(times), 0)
    assert struct.unpack_from("<Q", image, 16)[0] == len(times)


@given(st.integers(1, 5), st.lists(st.binary(max_size=300), max_size=12))
def test_the_newest_texts_stay_cut_to_their_place(room: int, texts: list[bytes]) -> None:
    recorder = Recorder(memory(packets=1, texts=room), text_room=room, description=b"")

    for number, each in enumerate(texts):
        recorder.text(number, each)

    image = recorder.image()
    for number in range(max(0, len(texts) - room), len(texts)):
        at = HEAD_SIZE + PACKET_SIZE + number % room * TEXT_SIZE
        size = struct.unpack_from("<H", image, at + 8)[0]
        assert image[at + 16 : at + 16 + size] == texts[number][:240]


@pytest.mark.parametrize("size", [0, HEAD_SIZE, HEAD_SIZE + TEXT_SIZE])
def test_memory_without_room_is_refused(size: int) -> None:
    with pytest.raises((MisuseError, ValueError), match="room"):
        Recorder(bytearray(size), text_room=1, description=b"")


def test_a_description_that_does_not_fit_is_refused() -> None:
    with pytest.raises(MisuseError, match="too long"):
        Recorder(memory(packets=1, texts=1), text_room=1, description=bytes(HEAD_SIZE))
