"""Probes: datagrams by which daemons find out for `spread doctor` what the network carries.

    header 40 | run 4, from 2, to 2, way 1, whole 1, zero 2, size 4, time 8 | zeros up to the size

A probe is a datagram of a monitor with `Command.PROBE`: the ring passes it over, classic daemons
ignore it, and whoever gets one notes it and sends nothing. Numbers are little endian; daemons are
named by their place in the configuration. A probe says by which port it was sent and how large it
is, so that one that came elsewhere, or cut, shows.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from spread.errors import ArgumentError, PeerError
from spread.monitor.protocol import (
    HEADER_SIZE,
    MAGIC,
    MARKERS,
    MONITOR_HASH,
    Command,
    Datagram,
    decode_datagram,
    encode_datagram,
)

__all__ = [
    "EVERYBODY",
    "SIZE_MAX",
    "SIZE_MIN",
    "Probe",
    "Way",
    "decode_probe",
    "encode_probe",
    "is_probe",
]

_BODY: Final = struct.Struct("<IHHBBHIQ")

SIZE_MIN: Final = HEADER_SIZE + _BODY.size
SIZE_MAX: Final = 65_507
"""Bytes of UDP payload; no datagram of IPv4 has more."""

EVERYBODY: Final = 0xFFFF
"""Receiver of a probe that goes to the address of a segment."""

WORD: Final = 1 << 64


class Way(IntEnum):
    """Where a probe is sent to."""

    DATA = 0
    """The data port of one daemon."""
    TOKEN = 1
    """The token port of one daemon."""
    SEGMENT = 2
    """The multicast or broadcast address of the sender's segment."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe."""

    run: int
    """Random number of 32 bits: that of the doctor's visit."""
    sender: int
    target: int
    """Number of a daemon, or `EVERYBODY`."""
    way: Way
    size: int
    """Bytes of UDP payload."""
    is_whole: bool = False
    """Whether the network was told not to cut it."""
    sent_ns: int = 0
    """The sender's wall clock."""


def encode_probe(probe: Probe) -> bytes:
    """Return the datagram; ArgumentError if it cannot have its size."""
    if not SIZE_MIN <= probe.size <= SIZE_MAX:
        raise ArgumentError(f"a probe of {probe.size} bytes; they have {SIZE_MIN} to {SIZE_MAX}")
    body = _BODY.pack(
        probe.run,
        probe.sender,
        probe.target,
        probe.way,
        probe.is_whole,
        0,
        probe.size,
        probe.sent_ns % WORD,
    ).ljust(probe.size - HEADER_SIZE, b"\0")
    return encode_datagram(
        Datagram("little", Command.PROBE | MARKERS, body_size=len(body), body=body)
    )


def is_probe(data: bytes) -> bool:
    """Tell whether a monitor's datagram is meant as a probe, right or wrong."""
    # Byte 3 of a little-endian type: its highest bits.
    return len(data) >= SIZE_MIN and data[3] == (Command.PROBE | MARKERS) >> 24 and data[0] == 0x80


def decode_probe(data: bytes) -> Probe:
    """Return the probe of a datagram; PeerError says why it is none."""
    datagram = decode_datagram(data)
    if datagram.command is not Command.PROBE or datagram.order != "little":
        raise PeerError(f"type {datagram.type_bits:#010x} is not that of a probe")
    if datagram.magic != MAGIC or datagram.hash != MONITOR_HASH:
        raise PeerError("a probe without the monitor's magic numbers")
    if len(datagram.body) < _BODY.size:
        raise PeerError(f"a probe of {len(data)} bytes; they have at least {SIZE_MIN}")
    run, sender, target, way, whole, zero, size, sent_ns = _BODY.unpack_from(datagram.body)
    if size != len(data) or datagram.body_size != len(datagram.body):
        raise PeerError(f"a probe of {size} bytes came with {len(data)}")
    if way not in iter(Way) or whole > 1 or zero != 0:
        raise PeerError("a probe by a way that there is not")
    if datagram.body.count(0, _BODY.size) != len(datagram.body) - _BODY.size:
        raise PeerError("a probe is not filled with zeros")
    return Probe(run, sender, target, Way(way), size, bool(whole), sent_ns)
