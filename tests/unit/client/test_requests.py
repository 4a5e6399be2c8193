"""Checks on what a client sends; the bytes themselves are compared with recorded ones."""

import pytest

import spread
from spread._frames import decode_header
from spread.client.requests import Limits, encode_payload, group_request, multicast
from spread.service import JOIN_MESS, LEAVE_MESS

ME = b"#me#d1"
CLASSIC = Limits.of_daemon(None)
OURS = Limits.of_daemon(16 * 1024 * 1024)


def send(
    service: int = spread.AGREED_MESS,
    groups: tuple[str, ...] = ("g",),
    payload: bytes = b"",
    mess_type: int = 0,
    limits: Limits = CLASSIC,
) -> bytes:
    return multicast(ME, service, groups, payload, mess_type=mess_type, limits=limits)


@pytest.mark.parametrize("request_bits", [JOIN_MESS, LEAVE_MESS])
@pytest.mark.parametrize("group", ["", "g" * 32, "#me#d1", "a b", "a\x7f", 'a"', "grün", "a\0b"])
def test_group_names_that_the_classic_library_refuses_are_refused(
    request_bits: int, group: str
) -> None:
    with pytest.raises(spread.GroupNameError) as caught:
        group_request(request_bits, ME, group)

    assert caught.value.code == spread.ILLEGAL_GROUP


@pytest.mark.parametrize("group", ["$", "~", "g" * 31])
def test_group_names_at_the_limits_are_joined(group: str) -> None:
    frame = group_request(JOIN_MESS, ME, group)

    assert frame[48:] == group.encode().ljust(32, b"\0")


@pytest.mark.parametrize("bits", [0x100, 0x80, 0x1000010, -1, spread.REJECT_MESS | 0x10])
def test_service_with_other_bits_is_a_value_error(bits: int) -> None:
    with pytest.raises(ValueError, match="bits outside") as caught:
        send(bits)

    assert isinstance(caught.value, spread.ServiceError)


@pytest.mark.parametrize("bits", [0, spread.SELF_DISCARD, spread.SAFE_MESS | spread.FIFO_MESS])
def test_service_that_is_not_exactly_one_is_refused(bits: int) -> None:
    with pytest.raises(spread.ServiceError, match="not exactly one") as caught:
        send(bits)

    assert caught.value.code == spread.ILLEGAL_SERVICE


def test_service_may_be_an_enum_member() -> None:
    frame = send(spread.Service.SAFE | spread.Service.SELF_DISCARD)

    assert decode_header(frame)[0] == 0x60


@pytest.mark.parametrize(("given", "travels"), [(0x12345, 0x2345), (-1, -1), (0xFFFF, -1)])
def test_mess_type_is_cut_to_16_bits(given: int, travels: int) -> None:
    assert decode_header(send(mess_type=given))[3] == travels


@pytest.mark.parametrize(("limits", "size"), [(CLASSIC, 143_151), (OURS, 16 * 1024 * 1024)])
def test_message_up_to_the_limit_is_sent(limits: Limits, size: int) -> None:
    frame = send(payload=bytes(size - 32), limits=limits)

    assert len(frame) == 48 + size


@pytest.mark.parametrize(("limits", "size"), [(CLASSIC, 143_151), (OURS, 16 * 1024 * 1024)])
def test_message_above_the_limit_is_refused(limits: Limits, size: int) -> None:
    with pytest.raises(spread.MessageTooLongError, match=f"this daemon takes {size}") as caught:
        send(payload=bytes(size - 31), limits=limits)

    assert caught.value.code == spread.MESSAGE_TOO_LONG


def test_groups_count_for_the_size() -> None:
    with pytest.raises(spread.MessageTooLongError):
        send(groups=("g", "h"), payload=bytes(143_151 - 63))


@pytest.mark.parametrize(("limits", "count"), [(CLASSIC, 43), (OURS, 100)])
def test_number_of_groups_is_bounded(limits: Limits, count: int) -> None:
    send(groups=("g",) * count, limits=limits)

    with pytest.raises(spread.MessageTooLongError, match=f"at most {count}"):
        send(groups=("g",) * (count + 1), limits=limits)


def test_message_without_groups_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        send(groups=())


def test_group_that_is_no_text_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="group name is str, not bytes"):
        send(groups=(b"g",))  # type: ignore[arg-type]


@pytest.mark.parametrize("group", ["g" * 32, "a\0b"])
def test_destination_that_does_not_fit_its_field_is_refused(group: str) -> None:
    with pytest.raises(spread.GroupNameError):
        send(groups=(group,))


def test_destination_is_otherwise_not_checked() -> None:
    frame = send(groups=("#bob#d2", "with blank", "gr\udcfc"))

    assert frame[48:].split(b"\0")[0] == b"#bob#d2"
    assert frame[48 + 64 :].rstrip(b"\0") == b"gr\xfc"


@pytest.mark.parametrize("payload", [b"gr\xc3\xbcn", "grün", bytearray(b"gr\xc3\xbcn")])
def test_payload_may_be_text_or_bytes(payload: bytes | str | bytearray) -> None:
    assert encode_payload(payload) == b"gr\xc3\xbcn"


def test_payload_of_another_kind_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="bytes or str, not int"):
        encode_payload(7)  # type: ignore[arg-type]
