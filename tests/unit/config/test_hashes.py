import pytest

from spread.config import local, ring_hash, spread_hash
from spread.config.hashes import hash_text
from spread.config.model import Configuration
from tests.unit.config.reading import SEGMENT, read

LIMITS = {"max_seq_gap": 1600, "window_slots": 8192, "format_version": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"Version: 4.4\n0", 4237383880),
        (b"Version: 4.4\n1", 3045018309),
        (
            b"Segment 127.0.0.255:5200 localhost 127.0.0.1 ANY D C M 127.0.0.1 \nVersion: 4.4\n0",
            3394523026,
        ),
        (
            b"Segment 127.0.0.255:5200 localhost 127.0.0.1 ANY D C M 127.0.0.1 \nVersion: 4.4\n1",
            2907084151,
        ),
    ],
)
def test_spread_hash_has_the_published_values(text: bytes, expected: int) -> None:
    assert spread_hash(text) == expected


def test_interfaces_are_hashed_with_their_letters_in_fixed_order() -> None:
    text = "Spread_Segment 127.0.0.255 {\n a 127.0.0.1 { M C D 127.0.0.1 C 127.0.0.2 }\n}\n"

    configuration = read(text).configuration

    assert configuration.hash_text == (
        b"Segment 127.0.0.255:4803 a 127.0.0.1 D C M 127.0.0.1 C 127.0.0.2 \nVersion: 4.4\n0"
    )


def test_name_is_hashed_as_its_bytes() -> None:
    segments = read(SEGMENT.replace("alpha", "café")).configuration.segments

    assert b" caf\xc3\xa9 " in hash_text(segments, accelerated_ring=None)


def test_absent_accelerated_ring_hashes_as_false() -> None:
    segments = read(SEGMENT).configuration.segments

    assert hash_text(segments, None) == hash_text(segments, False)
    assert hash_text(segments, None) != hash_text(segments, True)


@pytest.mark.parametrize("text", ["Window = 60\n", "MaxMessageSize = 200000\n", "# x\n"])
def test_options_and_layout_are_not_in_the_spread_hash(text: str) -> None:
    assert read(text + SEGMENT).configuration.hash == read(SEGMENT).configuration.hash


def of_text(text: str) -> Configuration:
    return read(text).configuration


def test_ring_hash_ignores_options_that_change_no_packet() -> None:
    assert ring_hash(of_text("Window = 60\n" + SEGMENT), **LIMITS) == ring_hash(
        of_text(SEGMENT), **LIMITS
    )


@pytest.mark.parametrize(
    "text",
    [
        "MaxMessageSize = 200000\n" + SEGMENT,
        SEGMENT.replace("5200", "5201"),
        SEGMENT.replace("alpha", "beta"),
        SEGMENT.replace("127.0.0.1\n", "127.0.0.1 { D C M 127.0.0.1 }\n"),
    ],
)
def test_ring_hash_covers_network_and_message_size(text: str) -> None:
    assert ring_hash(of_text(text), **LIMITS) != ring_hash(of_text(SEGMENT), **LIMITS)


@pytest.mark.parametrize("limit", LIMITS)
def test_ring_hash_covers_the_limits_of_the_ring(limit: str) -> None:
    configuration = local(4803)
    changed = LIMITS | {limit: LIMITS[limit] + 1}

    assert ring_hash(configuration, **changed) != ring_hash(configuration, **LIMITS)


def test_ring_hash_is_the_same_in_every_process_and_release_of_one_format() -> None:
    assert ring_hash(local(4803), **LIMITS) == 10357734243724655058
