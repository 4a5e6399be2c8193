"""A few seconds of every fuzzer; the long runs are `make fuzz`."""

import pytest

from tests.daemon.harness import transcript
from tests.fuzz.__main__ import TARGETS
from tests.fuzz.frame_oracle import expected_of
from tests.fuzz.handshake_oracle import expected_answer

SEED = 20_041_122
COUNT = 4_000


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_inputs_neither_crash_nor_hang_and_are_answered_right(target: str) -> None:
    tally = TARGETS[target](COUNT, SEED)

    assert tally.is_clean, tally.report()
    assert tally.inputs >= COUNT


def streams(name: str, who: str, direction: str) -> bytes:
    events = transcript.load(name).events
    return b"".join(
        event.data for event in events if event.who == who and event.direction == direction
    )


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("connect_membership", "client1"),
        ("connect_bad_version", "client1"),
        ("connect_bad_version", "client3"),
        ("connect_illegal_name", "client1"),
        ("connect_illegal_name", "client5"),
        ("connect_illegal_name", "client6"),
        ("connect_name_too_long", "client1"),
        ("connect_name_too_long", "client3"),
        ("connect_unknown_auth", "client1"),
        ("connect_unknown_auth", "client3"),
        ("connect_unknown_auth", "client4"),
        ("connect_unknown_auth", "client5"),
    ],
)
def test_the_oracle_of_handshakes_agrees_with_the_recordings(name: str, who: str) -> None:
    expected = expected_answer(streams(name, who, "c2d"))

    assert expected.allows(streams(name, who, "d2c"))


@pytest.mark.parametrize("client", range(2, 10))
def test_the_oracle_of_frames_agrees_with_the_recorded_bad_headers(client: int) -> None:
    handshake_size = len(b"\4\4\0\0\2b1") + 90

    stream = streams("bad_headers", f"client{client}", "c2d")[handshake_size:]
    expected = expected_of(stream, b"#b%d#d1" % (client - 1))

    assert expected.outcome == "closed"
    assert expected.frames == 2


def test_the_oracle_of_frames_agrees_with_the_recorded_lenient_headers() -> None:
    handshake_size = len(b"\4\4\0\1\3bob") + 90

    stream = streams("lenient_headers", "client1", "c2d")[handshake_size:]
    expected = expected_of(stream, b"#bob#d1")

    recorded = [
        event.data
        for event in transcript.load("lenient_headers").events
        if event.direction == "d2c" and event.note.startswith("data")
    ]
    assert expected.outcome == "served"
    assert expected.echoes == recorded
