"""Damaged datagrams between daemons against the compiled check of their header.

Most inputs are packets that a daemon could send, changed in the header and sealed again with the
right checksum, so that they come to the last of the checks; the others are damaged anywhere. A
datagram that passes must also be read as it was written.
"""

from spread import _packets
from spread._packets import PacketHeader
from spread.errors import PeerError
from tests.fuzz.mutation import INTERESTING_WORDS, Mutator
from tests.fuzz.packet_oracle import HEADER_SIZE, Fault, Kind, fault_of, sealed
from tests.fuzz.tally import Tally

__all__ = ["fuzz_packets"]

NETWORK = 0x8000_0080_FFFF_0001
DAEMONS = 5
PAYLOADS = (0, 0, 1, 7, 8, 9, 63, 64, 100)  # Sizes; the oracle's checksum is slow.
LARGE_PAYLOADS = (1_336, 1_337, 1_408, 8_000)
FLAGS = (0, 0, 0, 1, 2, 3, 4, 6, 8, 16, 24, 32, 255)
NUMBERS = (0, 1, 2, 0xFFFF, 0xFFFF_FFFF, 1 << 63, (1 << 64) - 1)
FIELDS = (3, 5, 6, 7, 20, 24, 28, 31, 32, 36, 40, 44, 48, 52, 56, 58, 60, 62, 63)  # Offsets.


def fuzz_packets(count: int, seed: int) -> Tally:
    """Judge `count` datagrams twice, by the compiled check and by the oracle."""
    tally = Tally("packet", seed)
    mutator = Mutator(seed)
    while tally.inputs < count and tally.is_clean:
        datagram = _damaged(mutator, _sound(mutator))
        expected = fault_of(datagram, NETWORK, DAEMONS)
        tally.count(expected.name.lower())
        _judge(tally, datagram, expected)
    return tally


def _judge(tally: Tally, datagram: bytes, expected: Fault) -> None:
    fault = Fault(_packets.check_packet(datagram, NETWORK, DAEMONS))
    if fault is not expected:
        tally.disagree(f"{fault.name} instead of {expected.name} for {datagram[:200].hex()}")
        return
    try:
        header = _packets.read_packet(datagram, NETWORK, DAEMONS)
    except PeerError:
        return
    if _packets.make_packet(header, NETWORK, datagram[HEADER_SIZE:]) != datagram:
        tally.disagree(f"read as {header}, which is not {datagram[:200].hex()}")


def _sound(mutator: Mutator) -> bytes:
    """Return a datagram that daemons send, or nearly so."""
    choose = mutator.choose
    size = choose.choice(PAYLOADS if mutator.often(0.98) else LARGE_PAYLOADS)
    header = PacketHeader(
        kind=choose.choice(list(Kind)),
        flags=choose.choice(FLAGS),
        origin=choose.randrange(DAEMONS),
        transmitter=choose.randrange(DAEMONS),
        leader=choose.choice(INTERESTING_WORDS),
        time=choose.choice(INTERESTING_WORDS),
        number=choose.choice(NUMBERS),
        second=choose.choice(NUMBERS),
        lag=choose.choice((0, 0, 1, 2, 0xFFFF_FFFF)),
        tail=choose.choice((0, size - 1 if size else 0, size, 0xFFFE, 0xFFFF)),
    )
    return _packets.make_packet(header, NETWORK, choose.randbytes(size))


def _damaged(mutator: Mutator, datagram: bytes) -> bytes:
    choose = mutator.choose
    kind = choose.random()
    if kind < 0.3:
        return datagram
    if kind < 0.6:
        offset = choose.choice(FIELDS)
        word = choose.choice(INTERESTING_WORDS).to_bytes(4, "little")[: choose.choice((1, 2, 4))]
        return sealed(datagram[:offset] + word + datagram[offset + len(word) :])
    changed = mutator.damaged(datagram, choose.choice((1, 1, 2)))
    return sealed(changed) if kind < 0.8 and len(changed) >= HEADER_SIZE else changed
