"""Which messages control a flood, and which are strangers'."""

import pytest

import spread
from spread._decoder import Decoder
from spread.cli.flood.controls import Control, control_of, count_of, count_payload
from tests.unit.client import frames


def message(payload: bytes, mess_type: int) -> spread.Message:
    decoder = Decoder()
    decoder.feed(frames.data(payload, mess_type=mess_type))
    decoded = decoder.next_message()
    assert isinstance(decoded, spread.Message)
    return decoded


@pytest.mark.parametrize(
    ("mess_type", "payload", "expected"),
    [
        (-1, b"", Control.CALL),
        (-2, b"r", Control.ANSWER),
        (-3, bytes(8), Control.ACK),
        (-4, bytes(8), Control.END),
        (-5, b"", Control.BYE),
    ],
)
def test_a_control_message_is_known_by_type_and_size(
    mess_type: int, payload: bytes, expected: Control
) -> None:
    assert control_of(message(payload, mess_type)) is expected


@pytest.mark.parametrize(
    ("mess_type", "payload"),
    [(0, b""), (100, bytes(8)), (-1, b"x"), (-3, b""), (-3, bytes(9)), (-6, b""), (-32768, b"")],
)
def test_everything_else_is_no_control_message(mess_type: int, payload: bytes) -> None:
    assert control_of(message(payload, mess_type)) is None


@pytest.mark.parametrize("count", [0, 1, 2**64 - 1])
def test_a_count_travels_in_the_payload(count: int) -> None:
    assert count_of(message(count_payload(count), Control.ACK)) == count
