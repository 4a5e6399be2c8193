"""Recorders that are told what daemons a, b and c would have noted."""

import json
from collections.abc import Sequence

from spread._packets import PacketHeader, make_packet
from spread._recorder import Recorder
from spread.monitor.flight_file import FlightFile, Kind, parse

__all__ = ["NAMES", "SEGMENT", "Station", "description", "token"]

NAMES = ("a", "b", "c")
LEADER = 0x0A000001
RING_TIME = 77
NETWORK = 5
SEGMENT = 256
MS = 1_000_000


def description(me: int, names: Sequence[str] = NAMES) -> bytes:
    value = {
        "daemon": names[me],
        "address": f"10.0.0.{me + 1}",
        "me": me,
        "names": list(names),
        "process": 100 + me,
        "release": "1.0",
        "incarnation": 1 << 60,
    }
    return json.dumps(value).encode()


class Station:
    """What daemon `me` records; its clock began at `boot_ns`, its day is off by `off_ns`."""

    def __init__(self, me: int, *, boot_ns: int = 0, off_ns: int = 0, packets: int = 64) -> None:
        self.me = me
        self._boot_ns = boot_ns
        memory = bytearray(16384 + 64 * packets + 256 * 16)
        self.recorder = Recorder(memory, text_room=16, description=description(me))
        self.recorder.set_moment(self.clock(0), off_ns)

    def clock(self, time_ms: float) -> int:
        return 1_000_000_000_000 + self._boot_ns + round(time_ms * MS)

    def sends(self, packet: bytes, target: int, time_ms: float) -> None:
        self.recorder.note_datagram(packet, target=target, now_ns=self.clock(time_ms))

    def hears(self, packet: bytes, time_ms: float, fault: int = 0) -> None:
        self.recorder.note_datagram(packet, now_ns=self.clock(time_ms), fault=fault)

    def says(self, text: str, time_ms: float) -> None:
        self.recorder.text(self.clock(time_ms), text.encode())

    def file(self) -> FlightFile:
        return parse(self.recorder.image())


def token(sender: int, number: int, *, flags: int = 0) -> bytes:
    return packet(Kind.TOKEN, sender, number=number, second=40, tail=number // 3, flags=flags)


def data(sender: int, seq: int, *, flags: int = 0) -> bytes:
    return packet(Kind.DATA, sender, number=seq, flags=flags)


def packet(kind: Kind, sender: int, **fields: int) -> bytes:
    header = PacketHeader(
        kind, origin=sender, transmitter=sender, leader=LEADER, time=RING_TIME, **fields
    )
    return make_packet(header, NETWORK)
