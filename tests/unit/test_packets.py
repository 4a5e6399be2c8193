"""Datagrams between daemons: their bytes, what is refused and why, and the checksum."""

from collections.abc import Callable

import pytest

from spread import _packets
from spread._packets import LAYOUT, LayoutField, PacketHeader
from spread.errors import MisuseError, PeerError
from tests.fuzz.packet_oracle import HEADER_SIZE, SIZE_MAX, Fault, Flag, Kind, fault_of, sealed

NETWORK = 0x1122_3344_5566_7788
DAEMONS = 3
CLASSIC_MARKER = bytes.fromhex("80000080")

SOUND_DATA = PacketHeader(
    Kind.DATA,
    flags=Flag.POST,
    origin=1,
    transmitter=2,
    leader=0x0A00_0001,
    time=0x6543_2100,
    number=0x0102_0304_0506,
    second=77,
    lag=5,
    tail=3,
    place=9,
)
SOUND_DATA_BYTES = (
    bytes.fromhex(
        "f5 73 72 01  03  01  01 02"
        "88 77 66 55 44 33 22 11"
        "6b c9 85 6d"
        "00 00 00 00 00 00 00 00 00 00 00 00"
        "01 00 00 0a  00 21 43 65"
        "06 05 04 03 02 01 00 00"
        "4d 00 00 00 00 00 00 00"
        "05 00 00 00  03 00  09 00"
    )
    + b"payload"
)

# A sound header of each kind with the least payload, all fields that the kind has being in use.
SOUND = {
    "DATA": (SOUND_DATA, b"1234"),
    "DATA with RECOVERY": (SOUND_DATA._replace(flags=Flag.RECOVERY, lag=0, place=0), b"1234"),
    "TOKEN": (PacketHeader(Kind.TOKEN, Flag.RESEND, 1, 2, 3, 4, 5, 6, 7, 8), b""),
    "TOKEN_ACK": (PacketHeader(Kind.TOKEN_ACK, 0, 1, 2, 3, 4, 5), b""),
    "WANT": (PacketHeader(Kind.WANT, 0, 1, 2, 3, 4, 5), b""),
    "PING": (PacketHeader(Kind.PING, 0, 1, 2, 3, 4), b""),
    "PIECE": (PacketHeader(Kind.PIECE, 0, 1, 2, 3, 4, 5, 301, 100, 2), bytes(100)),
    "MEASURE": (PacketHeader(Kind.MEASURE, 0, 1, 2, 3, 4, HEADER_SIZE + 9), bytes(9)),
    "MEASURED": (PacketHeader(Kind.MEASURED, 0, 1, 2, 3, 4, 1_472, 8_192), b""),
    "control kinds": (PacketHeader(Kind.JOIN, 0, 1, 2, 3, 4, 5, 6), b""),
}
CONTROL = [kind for kind in Kind if kind >= Kind.ALIVE]


def judged(datagram: bytes) -> Fault:
    return Fault(_packets.check_packet(datagram, NETWORK, DAEMONS))


def made(header: PacketHeader, payload: bytes = b"") -> bytes:
    return _packets.make_packet(header, NETWORK, payload)


def patched(datagram: bytes, offset: int, patch: bytes) -> bytes:
    """Return the datagram with other bytes and the checksum for them."""
    return sealed(datagram[:offset] + patch + datagram[offset + len(patch) :])


def test_a_packet_has_the_documented_bytes() -> None:
    assert made(SOUND_DATA, b"payload") == SOUND_DATA_BYTES


def test_the_documented_bytes_are_read() -> None:
    header = _packets.read_packet(SOUND_DATA_BYTES, NETWORK, DAEMONS)

    assert header == SOUND_DATA


@pytest.mark.parametrize("kinds", SOUND)
def test_what_was_made_is_read_back(kinds: str) -> None:
    header, payload = SOUND[kinds]

    assert _packets.read_packet(made(header, payload), NETWORK, DAEMONS) == header


@pytest.mark.parametrize("kind", CONTROL)
def test_control_packets_carry_any_payload(kind: Kind) -> None:
    header = PacketHeader(kind, number=1, second=2)

    assert judged(made(header)) is Fault.NONE
    assert judged(made(header, bytes(SIZE_MAX - HEADER_SIZE))) is Fault.NONE


@pytest.mark.parametrize("kinds", SOUND)
def test_fields_that_a_kind_lacks_are_written_as_zero(kinds: str) -> None:
    header, payload = SOUND[kinds]
    attributes = {row.attribute for row in LAYOUT if row.kinds in {"every kind", kinds}}
    lacking = [name for name in PacketHeader._fields if name not in attributes]

    datagram = made(header._replace(**dict.fromkeys(lacking, 99)), payload)

    assert datagram == made(header, payload)


@pytest.mark.parametrize("kinds", SOUND)
def test_the_layout_has_a_row_for_every_byte_of_a_header(kinds: str) -> None:
    rows = [row for row in LAYOUT if row.kinds in {"every kind", kinds}]

    places = [place for row in rows for place in range(row.offset, row.offset + row.size)]

    assert places == list(range(HEADER_SIZE))


@pytest.mark.parametrize("kinds", SOUND)
def test_reserved_rows_of_the_layout_must_be_zero(kinds: str) -> None:
    datagram = made(*SOUND[kinds])
    reserved = [
        row for row in LAYOUT if row.name == "(zero)" and row.kinds in {"every kind", kinds}
    ]
    places = [place for row in reserved for place in range(row.offset, row.offset + row.size)]

    assert {judged(patched(datagram, place, b"\1")) for place in places} == {Fault.MALFORMED}


@pytest.mark.parametrize(
    "row",
    [row for row in LAYOUT if row.attribute],
    ids=lambda row: f"{row.kinds}: {row.name}",
)
def test_a_field_stands_where_the_layout_says(row: LayoutField) -> None:
    header, payload = SOUND.get(row.kinds, (SOUND_DATA, b"1234"))
    largest = 256**row.size - 1

    datagram = made(header._replace(**{row.attribute: largest}), payload)

    changed = [place for place in range(HEADER_SIZE) if datagram[place] == 0xFF]
    expected = set(range(row.offset, row.offset + row.size))
    checksum = range(16, 20)
    assert expected <= set(changed) <= expected.union(checksum)


@pytest.mark.parametrize("size", range(HEADER_SIZE))
def test_a_datagram_shorter_than_a_header_is_another_protocol(size: int) -> None:
    assert judged(SOUND_DATA_BYTES[:size]) is Fault.NOT_OURS


@pytest.mark.parametrize("size", range(HEADER_SIZE, len(SOUND_DATA_BYTES)))
def test_a_datagram_cut_in_its_payload_is_damaged(size: int) -> None:
    assert judged(SOUND_DATA_BYTES[:size]) is Fault.DAMAGED


def test_every_flipped_bit_is_noticed() -> None:
    flipped = [
        (int.from_bytes(SOUND_DATA_BYTES, "little") ^ 1 << bit).to_bytes(
            len(SOUND_DATA_BYTES), "little"
        )
        for bit in range(8 * len(SOUND_DATA_BYTES))
    ]

    assert [datagram for datagram in flipped if judged(datagram) is Fault.NONE] == []


@pytest.mark.parametrize("rest", [b"", b"\0" * 24, b"\xff" * 100], ids=len)
def test_the_marker_of_classic_daemons_is_told_whatever_the_size(rest: bytes) -> None:
    assert judged(CLASSIC_MARKER + rest) is Fault.CLASSIC


def test_both_marker_bits_make_a_classic_daemon() -> None:
    assert judged(bytes.fromhex("80000000") + bytes(60)) is Fault.NOT_OURS
    assert judged(bytes.fromhex("00000080") + bytes(60)) is Fault.NOT_OURS


@pytest.mark.parametrize("place", [0, 1, 2])
def test_another_magic_is_another_protocol(place: int) -> None:
    assert judged(patched(SOUND_DATA_BYTES, place, b"\x7e")) is Fault.NOT_OURS


def test_another_version_is_told() -> None:
    assert judged(patched(SOUND_DATA_BYTES, 4, b"\1")) is Fault.VERSION


@pytest.mark.parametrize("place", range(8, 16))
def test_another_network_is_told(place: int) -> None:
    assert judged(patched(SOUND_DATA_BYTES, place, b"\0")) is Fault.NETWORK


def test_a_version_is_looked_at_before_the_network() -> None:
    datagram = patched(patched(SOUND_DATA_BYTES, 4, b"\1"), 8, b"\0")

    assert judged(datagram) is Fault.VERSION


def test_another_network_is_told_before_the_checksum_is_looked_at() -> None:
    datagram = SOUND_DATA_BYTES[:8] + bytes(8) + SOUND_DATA_BYTES[16:-1]

    assert judged(datagram) is Fault.NETWORK


def test_what_is_damaged_is_not_called_malformed() -> None:
    datagram = SOUND_DATA_BYTES[:6] + b"\xff" + SOUND_DATA_BYTES[7:]

    assert judged(datagram) is Fault.DAMAGED


@pytest.mark.parametrize("field", ["origin", "transmitter"])
@pytest.mark.parametrize("number", [DAEMONS, 127, 128, 255])
def test_a_daemon_that_is_not_configured_is_malformed(field: str, number: int) -> None:
    datagram = made(SOUND_DATA._replace(**{field: number}), b"payload")

    assert judged(datagram) is Fault.MALFORMED


@pytest.mark.parametrize("kind", [0, 6, 15, 23, 127])
def test_an_unknown_kind_is_malformed(kind: int) -> None:
    assert judged(made(PacketHeader(kind))) is Fault.MALFORMED


@pytest.mark.parametrize("bit", [1 << bit for bit in range(8)])
@pytest.mark.parametrize("kind", Kind)
def test_only_the_flags_of_a_kind_may_be_set(kind: Kind, bit: int) -> None:
    allowed = {Kind.DATA: {1, 2, 4, 32}, Kind.TOKEN: {8, 16}, Kind.MEASURE: {32}}.get(kind, set())
    payload = b"x" if kind is Kind.DATA else b""
    number = HEADER_SIZE if kind is Kind.MEASURE else 1

    datagram = made(PacketHeader(kind, flags=bit, number=number), payload)

    assert judged(datagram) is (Fault.NONE if bit in allowed else Fault.MALFORMED)


@pytest.mark.parametrize("kind", [Kind.TOKEN_ACK, Kind.WANT, Kind.PING])
def test_a_payload_where_none_belongs_is_malformed(kind: Kind) -> None:
    assert judged(made(PacketHeader(kind), b"x")) is Fault.MALFORMED


def test_data_without_a_payload_is_malformed() -> None:
    assert judged(made(SOUND_DATA._replace(tail=0xFFFF))) is Fault.MALFORMED


def test_a_token_fits_every_network() -> None:
    token = PacketHeader(Kind.TOKEN)

    assert judged(made(token, bytes(548 - HEADER_SIZE))) is Fault.NONE
    assert judged(made(token, bytes(549 - HEADER_SIZE))) is Fault.MALFORMED


@pytest.mark.parametrize("header", [PacketHeader(Kind.JOIN), SOUND_DATA])
def test_more_than_a_datagram_holds_is_malformed(header: PacketHeader) -> None:
    full = made(header, bytes(SIZE_MAX - HEADER_SIZE))

    assert judged(full) is Fault.NONE
    assert judged(sealed(full + b"x")) is Fault.MALFORMED


@pytest.mark.parametrize("first", [4, 5, 0xFFFE])
def test_a_frame_that_begins_behind_the_payload_is_malformed(first: int) -> None:
    assert judged(made(SOUND_DATA._replace(tail=first), b"1234")) is Fault.MALFORMED


@pytest.mark.parametrize("first", [0, 3, 0xFFFF])
def test_a_frame_begins_in_the_payload_or_not_at_all(first: int) -> None:
    assert judged(made(SOUND_DATA._replace(tail=first), b"1234")) is Fault.NONE


def test_what_a_visit_sent_before_begins_with_one() -> None:
    assert judged(made(SOUND_DATA._replace(number=10), b"1234")) is Fault.NONE
    assert judged(made(SOUND_DATA._replace(number=9, lag=5), b"1234")) is Fault.MALFORMED


def test_places_in_the_order_begin_with_one() -> None:
    assert judged(made(SOUND_DATA._replace(number=0, lag=0), b"1234")) is Fault.MALFORMED


def test_no_origin_lags_behind_the_beginning() -> None:
    assert judged(made(SOUND_DATA._replace(number=5, lag=5, place=0), b"1234")) is Fault.NONE
    assert judged(made(SOUND_DATA._replace(number=5, lag=6), b"1234")) is Fault.MALFORMED


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault])
def test_every_fault_has_its_sentence(fault: Fault) -> None:
    datagram = {
        Fault.NOT_OURS: b"GET / HTTP/1.1",
        Fault.CLASSIC: CLASSIC_MARKER,
        Fault.VERSION: patched(SOUND_DATA_BYTES, 4, b"\1"),
        Fault.NETWORK: patched(SOUND_DATA_BYTES, 8, b"\0"),
        Fault.DAMAGED: SOUND_DATA_BYTES + b"x",
        Fault.MALFORMED: made(PacketHeader(99)),
    }[fault]

    with pytest.raises(PeerError, match=_packets.FAULT_TEXTS[fault]):
        _packets.read_packet(datagram, NETWORK, DAEMONS)
    assert len(_packets.FAULT_TEXTS) == len(Fault)


def test_names_of_kinds_and_flags_are_the_documented_ones() -> None:
    assert {kind.value: kind.name for kind in Kind} == _packets.KINDS
    assert {flag.value: flag.name for flag in Flag} == _packets.FLAGS


def test_no_bytes_at_all_are_another_protocol() -> None:
    assert judged(b"") is Fault.NOT_OURS


@pytest.mark.parametrize(
    "header",
    [
        PacketHeader(256),
        PacketHeader(Kind.PING, origin=-1),
        PacketHeader(Kind.PING, leader=1 << 32),
        PacketHeader(Kind.TOKEN, number=1 << 64),
    ],
)
def test_numbers_that_do_not_fit_are_refused(header: PacketHeader) -> None:
    with pytest.raises(MisuseError, match="does not fit"):
        made(header)


def test_a_payload_above_a_datagram_is_refused() -> None:
    with pytest.raises(MisuseError, match="65508 bytes fits no datagram"):
        made(SOUND_DATA, bytes(SIZE_MAX - HEADER_SIZE + 1))


def test_the_oracle_of_packets_agrees_with_the_documented_bytes() -> None:
    assert fault_of(SOUND_DATA_BYTES, NETWORK, DAEMONS) is Fault.NONE


@pytest.mark.parametrize("checksum", [_packets.crc32c, _packets.crc32c_portable])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        # RFC 3720, appendix B.4.
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (
            bytes.fromhex(
                "01c00000 00000000 00000000 00000000 14000000 00000400"
                "00000014 00000018 28000000 00000000 02000000 00000000"
            ),
            0xD9963A56,
        ),
    ],
)
def test_checksums_are_the_published_ones(
    checksum: Callable[[bytes], int], data: bytes, expected: int
) -> None:
    assert checksum(data) == expected
