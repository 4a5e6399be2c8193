"""Any datagram against the oracle, and checksums of any bytes against the byte-wise one."""

from hypothesis import given
from hypothesis import strategies as st

from spread import _packets
from spread._packets import PacketHeader
from tests.fuzz.packet_oracle import HEADER_SIZE, Fault, Flag, Kind, crc32c, fault_of, sealed

NETWORK = 0x0123_4567_89AB_CDEF
DAEMONS = 9

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFF_FFFF)
u64 = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
near_daemons = st.integers(0, DAEMONS)

headers = st.builds(
    PacketHeader,
    kind=st.sampled_from(Kind).map(int),
    flags=st.one_of(st.just(0), st.sampled_from(Flag).map(int), u8),
    origin=near_daemons,
    transmitter=near_daemons,
    leader=u32,
    time=u32,
    number=st.one_of(st.integers(0, 3), u64),
    second=u64,
    lag=st.one_of(st.integers(0, 3), u32),
    tail=st.one_of(st.integers(0, 40), st.just(0xFFFF), u32),
    place=st.one_of(st.integers(0, 3), u16),
)
payloads = st.one_of(st.just(b""), st.binary(max_size=40), st.binary(max_size=1500))
any_headers = st.builds(
    PacketHeader, u8.filter(lambda kind: kind < 128), u8, u8, u8, u32, u32, u64, u64, u32, u32, u16
)


@st.composite
def sound_datagrams(draw: st.DrawFn) -> bytes:
    """Draw datagrams that a daemon sends, the payload of any size that the kind allows."""
    kind = draw(st.sampled_from(Kind))
    flags = {Kind.DATA: (0, 1, 2, 3, 4, 6), Kind.TOKEN: (0, 8, 16, 24)}.get(kind, (0,))
    header = PacketHeader(
        kind,
        flags=draw(st.sampled_from(flags)),
        origin=draw(st.integers(0, DAEMONS - 1)),
        transmitter=draw(st.integers(0, DAEMONS - 1)),
        leader=draw(u32),
        time=draw(u32),
        number=draw(u64.filter(lambda number: number > 0)),
        second=draw(u64),
        tail=draw(u32),
    )
    if kind in {Kind.TOKEN_ACK, Kind.WANT, Kind.PING}:
        return _packets.make_packet(header, NETWORK)
    if kind is Kind.MEASURED:
        return _packets.make_packet(header._replace(lag=0, tail=0), NETWORK)
    payload = draw(st.binary(min_size=1, max_size=1336))
    if kind is Kind.MEASURE:
        header = header._replace(number=HEADER_SIZE + len(payload))
    if kind is Kind.PIECE:
        # The last piece, behind whole ones.
        piece = draw(st.integers(max(len(payload), HEADER_SIZE), 1_336))
        before = draw(st.integers(1, min(255, (65_507 - len(payload)) // piece)))
        total = before * piece + len(payload)
        header = header._replace(second=total, lag=piece, tail=before)
    if kind is Kind.DATA:
        first = draw(st.one_of(st.integers(0, len(payload) - 1), st.just(0xFFFF)))
        lag_max = 0 if header.flags & Flag.RECOVERY else min(header.number, 0xFFFF_FFFF)
        header = header._replace(tail=first, lag=draw(st.integers(0, lag_max)))
    return _packets.make_packet(header, NETWORK, payload)


def judged(datagram: bytes, network: int = NETWORK, daemon_count: int = DAEMONS) -> Fault:
    return Fault(_packets.check_packet(datagram, network, daemon_count))


@given(sound_datagrams())
def test_what_a_daemon_sends_is_read_and_made_again(datagram: bytes) -> None:
    header = _packets.read_packet(datagram, NETWORK, DAEMONS)

    assert fault_of(datagram, NETWORK, DAEMONS) is Fault.NONE
    assert _packets.make_packet(header, NETWORK, datagram[64:]) == datagram


@given(sound_datagrams(), st.data())
def test_every_truncation_is_refused(datagram: bytes, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(datagram) - 1))

    assert judged(datagram[:size]) is not Fault.NONE


@given(sound_datagrams(), st.data())
def test_every_flipped_bit_is_refused(datagram: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, 8 * len(datagram) - 1))
    flipped = bytearray(datagram)
    flipped[bit // 8] ^= 1 << bit % 8

    assert judged(bytes(flipped)) is not Fault.NONE


@given(sound_datagrams(), st.binary(min_size=1, max_size=9))
def test_bytes_behind_the_end_are_refused(datagram: bytes, surplus: bytes) -> None:
    assert judged(datagram + surplus) is Fault.DAMAGED


@given(headers, payloads)
def test_packets_are_judged_by_the_rules(header: PacketHeader, payload: bytes) -> None:
    datagram = _packets.make_packet(header, NETWORK, payload)

    assert judged(datagram) is fault_of(datagram, NETWORK, DAEMONS)


@given(any_headers, st.binary(max_size=100), st.integers(1, 128))
def test_packets_of_any_numbers_are_judged_by_the_rules(
    header: PacketHeader, payload: bytes, daemon_count: int
) -> None:
    datagram = _packets.make_packet(header, NETWORK, payload)

    assert judged(datagram, NETWORK, daemon_count) is fault_of(datagram, NETWORK, daemon_count)


@given(sound_datagrams(), st.integers(5, 63), st.binary(min_size=1, max_size=8))
def test_a_header_that_was_written_over_and_sealed_again_is_judged_by_the_rules(
    datagram: bytes, offset: int, patch: bytes
) -> None:
    changed = sealed(datagram[:offset] + patch + datagram[offset + len(patch) :])

    assert judged(changed) is fault_of(changed, NETWORK, DAEMONS)


@given(st.binary(max_size=200), u64, st.integers(1, 128))
def test_any_bytes_are_judged_by_the_rules(anything: bytes, network: int, count: int) -> None:
    assert judged(anything, network, count) is fault_of(anything, network, count)


@given(st.binary(max_size=100), u64)
def test_any_bytes_behind_our_magic_are_judged_by_the_rules(anything: bytes, network: int) -> None:
    datagram = b"\xf5sr" + anything

    assert judged(datagram, network) is fault_of(datagram, network, DAEMONS)


@given(st.binary(max_size=300), st.integers(0, 30), st.integers(0, 4000))
def test_both_checksums_are_that_of_the_oracle(part: bytes, repeats: int, size: int) -> None:
    data = (part * repeats)[:size]

    assert _packets.crc32c(data) == _packets.crc32c_portable(data) == crc32c(data)


@given(st.binary(min_size=20, max_size=50), st.integers(0, 15), st.integers(0, 66_000))
def test_both_checksums_agree_at_any_address(part: bytes, offset: int, size: int) -> None:
    data = memoryview(part * (size // len(part) + 1))[offset : offset + size]

    assert _packets.crc32c(data) == _packets.crc32c_portable(data)
