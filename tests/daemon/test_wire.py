"""The tests' own codec against the recorded exchanges, which it has to read and write exactly."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.harness import handshake, transcript, wire

FILES = transcript.names()

SERVICE_NAMES = {
    "UNRELIABLE": wire.UNRELIABLE,
    "RELIABLE": wire.RELIABLE,
    "FIFO": wire.FIFO,
    "CAUSAL": wire.CAUSAL,
    "AGREED": wire.AGREED,
    "SAFE": wire.SAFE,
    "SELF_DISCARD": wire.SELF_DISCARD,
}


def messages(name: str) -> list[transcript.Event]:
    """Units of a file that are complete well-formed messages, by the note of the recorder."""
    kinds = ("data", "JOIN", "LEAVE", "KILL", "membership", "transitional", "self-leave", "REJECT")
    return [
        event
        for event in transcript.load(name).events
        if event.data and event.note.startswith(kinds)
    ]


@pytest.mark.parametrize("name", FILES)
def test_every_recorded_message_survives_decoding_and_encoding(name: str) -> None:
    for event in messages(name):
        assert wire.encode_frame(wire.decode_frame(event.data)) == event.data, event.note


@pytest.mark.parametrize("name", FILES)
def test_recorded_data_messages_decode_to_what_the_recorder_noted(name: str) -> None:
    noted = re.compile(
        r"data(?: \(big-endian\))?: ([A-Z_|]+), sender (#\S+), mess_type (-?\d+), "
        r"groups \[(.*)\], (\d+) data bytes"
    )
    for event in messages(name):
        if match := noted.match(event.note):
            frame = wire.decode_frame(event.data)

            service = sum(SERVICE_NAMES[word] for word in match[1].split("|"))
            assert frame.type & 0x7F == service
            assert wire.stripped(frame.name).decode() == match[2]
            assert frame.mess_type == int(match[3])
            assert [group.decode() for group in frame.group_names] == re.findall(
                r"'(.*?)'", match[4]
            )
            assert len(frame.data) == int(match[5])


@pytest.mark.parametrize("name", FILES)
def test_recorded_membership_messages_decode_to_what_the_recorder_noted(name: str) -> None:
    noted = re.compile(
        r"membership: group (.*), CAUSED_BY_([A-Z]+), members \[(.*?)\]; "
        r"group id \(127\.0\.0\.\d, time, index (\d+)\); (\d+) vs set"
    )
    for event in messages(name):
        if match := noted.match(event.note):
            frame = wire.decode_frame(event.data)
            view = frame.view()

            assert frame.is_view
            assert wire.stripped(frame.name).decode() == match[1]
            assert frame.type & 0xF00 == getattr(wire, f"CAUSED_BY_{match[2]}")
            assert [member.decode() for member in frame.group_names] == re.findall(
                r"'(.*?)'", match[3]
            )
            assert view.group_id.index == int(match[4])
            assert len(view.sets) == int(match[5])


def test_a_recorded_connect_is_what_the_builders_write() -> None:
    request, methods, choice, accept = (
        event.data for event in transcript.load("connect_membership").events[:4]
    )
    stream = bytearray(methods + accept)

    def read(size: int) -> bytes:
        taken = bytes(stream[:size])
        del stream[:size]
        return taken

    assert handshake.connect_request(b"alice") == request
    assert handshake.method_choice(b"NULL") == choice
    assert handshake.read_method_list(read) == (b"NULL",)
    assert handshake.read_accept(read) == handshake.Accept((4, 4, 0), b"#alice#d1")
    assert not stream


@pytest.mark.parametrize(
    ("event", "name", "version"),
    [
        (0, b"c31", (3, 1)),
        (6, b"c314", (3, 14)),
        (12, b"c3150", (3, 15, 0)),
        (34, b"c501", (5, 0, 1)),
    ],
)
def test_connect_requests_of_other_versions_are_as_recorded(
    event: int, name: bytes, version: tuple[int, ...]
) -> None:
    recorded = transcript.load("connect_old_clients").events[event].data

    assert handshake.connect_request(name, version) == recorded


@given(st.lists(st.integers(min_value=1, max_value=400), max_size=20))
def test_frames_are_found_in_a_stream_however_it_is_cut(sizes: list[int]) -> None:
    frames = [
        wire.data_frame(b"#a#d1", wire.AGREED, (b"g",) * (index % 4), b"x" * (40 * index))
        for index in range(6)
    ]
    stream = b"".join(frames)
    reader = wire.FrameReader()
    found = []

    for size in [*sizes, len(stream)]:
        reader.feed(stream[:size])
        stream = stream[size:]
        while (frame := reader.next_frame()) is not None:
            found.append(wire.encode_frame(frame))

    assert found == frames
    assert reader.waiting == b""
