"""The client frame: layouts by the examples of the protocol page, and what is refused."""

import pytest

from spread import _frames
from spread.errors import MisuseError
from tests.daemon.harness import wire
from tests.memory.header_model import Fault

ALICE = b"#alice#d1"
SIZE_MAX = 143_952

JOIN_OF_ALICE = bytes.fromhex(
    "8000018023616c696365236431" + "00" * 23 + "010000008000008000000000677270" + "00" * 29
)
SAFE_OF_CAROL = bytes.fromhex(
    "a0000080"
    "236361726f6c236431" + "00" * 23 + "03000000"
    "80050080"
    "07000000"
    "6731" + "00" * 30 + "6732" + "00" * 30 + "6733" + "00" * 30 + "53414645207833"
)
BIG_ENDIAN_HEADER = (
    bytes.fromhex("00000020") + wire.padded(b"#bob#d1") + bytes.fromhex("000000010012340000000007")
)


def test_a_join_request_has_the_documented_bytes() -> None:
    assert _frames.encode(wire.JOIN, ALICE, [b"grp"], 0, b"") == JOIN_OF_ALICE


def test_a_safe_message_to_three_groups_has_the_documented_bytes() -> None:
    frame = _frames.encode(wire.SAFE, b"#carol#d1", [b"g1", b"g2", b"g3"], 5, b"SAFE x3")

    assert frame == SAFE_OF_CAROL


def test_a_big_endian_header_is_read_in_its_own_order() -> None:
    assert _frames.decode_header(BIG_ENDIAN_HEADER) == (0x20, b"#bob#d1", 1, 0x1234, False, 7)


def test_type_and_hint_tell_their_orders_apart_from_each_other() -> None:
    delivered = b"\xa0\0\0\x80" + BIG_ENDIAN_HEADER[4:36] + b"\1\0\0\0" + b"\0\x12\x34\0\7\0\0\0"

    assert _frames.decode_header(delivered) == (0x20, b"#bob#d1", 1, 0x1234, False, 7)


def test_a_hint_without_its_marker_is_big_endian_whatever_it_looks_like() -> None:
    header = SAFE_OF_CAROL[:40] + b"\0\5\0\0" + SAFE_OF_CAROL[44:48]

    assert _frames.decode_header(header)[3:5] == (0x0500, False)


@pytest.mark.parametrize("mess_type", [-0x8000, -1, 0, 0x7FFF])
def test_the_message_type_is_signed_with_sixteen_bits(mess_type: int) -> None:
    frame = _frames.encode(wire.FIFO, ALICE, [], mess_type, b"")

    assert _frames.decode_header(frame)[3] == mess_type


def test_a_message_type_above_the_signed_range_is_taken_as_its_sixteen_bits() -> None:
    frame = _frames.encode(wire.FIFO, ALICE, [], 0xFFFF, b"")

    assert _frames.decode_header(frame)[3] == -1


def test_a_name_of_32_bytes_fills_its_field() -> None:
    frame = _frames.encode(wire.FIFO, b"n" * 32, [b"g" * 32], 0, b"body")

    assert frame[4:36] == b"n" * 32
    assert frame[48:] == b"g" * 32 + b"body"
    assert _frames.decode_header(frame)[1] == b"n" * 32


def test_a_name_ends_at_its_first_nul() -> None:
    header = JOIN_OF_ALICE[:13] + b"\0junk" + JOIN_OF_ALICE[18:48]

    assert _frames.decode_header(header)[1] == ALICE


def test_a_membership_header_has_an_empty_hint() -> None:
    header = _frames.header(0x1100, b"grp", 1, 56)

    assert header == wire.header(0x1100, b"grp", 1, wire.hint_bytes(0), 56, "little")


@pytest.mark.parametrize("size", [0, 1, 47])
def test_less_than_a_header_cannot_be_read(size: int) -> None:
    with pytest.raises(MisuseError, match=f"48 bytes, not {size}"):
        _frames.decode_header(b"\0" * size)
    with pytest.raises(MisuseError, match=f"48 bytes, not {size}"):
        _frames.check_header(b"\0" * size, ALICE, SIZE_MAX)


@pytest.mark.parametrize(
    ("sender", "groups", "mess_type", "problem"),
    [
        (b"n" * 33, [], 0, "33 bytes"),
        (ALICE, [b"g" * 33], 0, "33 bytes"),
        (ALICE, [b"g"] * 101, 0, "101 groups"),
        (ALICE, [], 0x10000, "16 bits"),
        (ALICE, [], -0x8001, "16 bits"),
    ],
)
def test_what_the_layout_cannot_hold_is_refused(
    sender: bytes, groups: list[bytes], mess_type: int, problem: str
) -> None:
    with pytest.raises(MisuseError, match=problem):
        _frames.encode(wire.FIFO, sender, groups, mess_type, b"")


def test_a_membership_header_with_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(MisuseError, match="33 bytes"):
        _frames.header(0x1100, b"g" * 33, 0, 0)


def test_good_requests_of_both_orders_pass_the_check() -> None:
    assert _frames.check_header(JOIN_OF_ALICE[:48], ALICE, SIZE_MAX) == 0
    assert _frames.check_header(BIG_ENDIAN_HEADER, b"#bob#d1", SIZE_MAX) == 0


@pytest.mark.parametrize(
    ("type_word", "fault"),
    [
        (0x00, Fault.BAD_TYPE),
        (0x40, Fault.BAD_TYPE),
        (0x30, Fault.BAD_TYPE),
        (0x10010, Fault.BAD_TYPE),
        (0x30000, Fault.BAD_TYPE),
        (0x1010, Fault.FORGED_TYPE),
        (0x80010, Fault.FORGED_TYPE),
        (0x400010, Fault.FORGED_TYPE),
        (0x4010, Fault.FORGED_TYPE),
        (0x10100, Fault.FORGED_TYPE),
        (0x40000010, 0),
        (0x01000010, 0),
    ],
)
def test_type_bits_are_judged(type_word: int, fault: int) -> None:
    header = wire.header(type_word, ALICE, 1, wire.hint_bytes(0), 0, "little")

    assert _frames.check_header(header, ALICE, SIZE_MAX) == fault


@pytest.mark.parametrize(
    "sender", [b"", b"#alice", b"#alice#d2", b"#alice#d11", b"#alice#d1#", b"#alice#d1" + b"x" * 23]
)
def test_the_sender_must_be_the_session_itself(sender: bytes) -> None:
    header = wire.header(wire.FIFO, sender, 1, wire.hint_bytes(0), 0, "little")

    assert _frames.check_header(header, ALICE, SIZE_MAX) == Fault.BAD_SENDER


@pytest.mark.parametrize(
    ("groups", "size", "fault"),
    [
        (0, SIZE_MAX, 0),
        (0, SIZE_MAX + 1, Fault.TOO_LONG),
        (100, SIZE_MAX - 3_200, 0),
        (100, SIZE_MAX - 3_199, Fault.TOO_LONG),
        (101, 0, Fault.BAD_GROUP_COUNT),
        (-1, 0, Fault.BAD_GROUP_COUNT),
        (0, -1, Fault.TOO_LONG),
        (1, 0x7FFFFFFF, Fault.TOO_LONG),
    ],
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_counts_are_bounded(groups: int, size: int, fault: int, order: wire.Order) -> None:
    header = wire.header(wire.FIFO, ALICE, groups, wire.hint_bytes(0, order), size, order)

    assert _frames.check_header(header, ALICE, SIZE_MAX) == fault


@pytest.mark.parametrize("hint", [b"\x81\0\0\x80", b"\x80\0\0\x81", b"\0\0\0\1", b"\1\0\0\0"])
def test_a_hint_has_no_bits_besides_the_message_type(hint: bytes) -> None:
    header = wire.header(wire.FIFO, ALICE, 1, hint, 0, "little")

    assert _frames.check_header(header, ALICE, SIZE_MAX) == Fault.BAD_HINT


def test_every_fault_has_a_text_of_its_own() -> None:
    texts = [_frames.fault_text(fault) for fault in (0, *Fault)]

    assert len(set(texts)) == 7
    with pytest.raises(MisuseError, match="0 to 6"):
        _frames.fault_text(7)
    with pytest.raises(MisuseError, match="0 to 6"):
        _frames.fault_text(-1)


def test_a_list_of_names_has_32_bytes_for_each() -> None:
    assert _frames.name_list((b"a", b"", b"x" * 32)) == (
        wire.padded(b"a") + wire.padded(b"") + b"x" * 32
    )
    assert _frames.name_list(()) == b""


def test_a_name_that_does_not_fit_its_field_is_in_no_list() -> None:
    with pytest.raises(MisuseError, match="at most 32 fit"):
        _frames.name_list((b"a", b"x" * 33))
