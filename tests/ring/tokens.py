"""The token as bytes, written from the page about the ring's packets.

A second codec on purpose: it shares nothing with the package but the header in front, so that an
error of one of the two shows as a difference. It can also write what no member would.

    offset  size  field
        64     4  backlog
        68     1  quiet
        69     1  members
        70     1  requests
        71     1  recovery
        72     2  scale
        74     2  lost
        76   2*m  lags
             16*r requests   first u64, count u32, who u8, zero 3
           16     done       with recovery only, as is what follows
            8     old requests u8, zero 7
             24*o old requests   leader u32, time u32, first u64, count u32, zero u32
"""

import struct
from dataclasses import dataclass, field

__all__ = ["SEVERAL", "OldRequest", "Recovery", "Request", "Token"]

SEVERAL = 255  # Asks for packets: more than one daemon.
HEADER_SIZE = 64
DONE_SIZE = 16


@dataclass(frozen=True, slots=True)
class Request:
    """Packets that somebody misses; `who` is a daemon number or SEVERAL."""

    first: int
    count: int = 1
    who: int = SEVERAL

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + self.count)


@dataclass(frozen=True, slots=True)
class OldRequest:
    """Packets of an old ring, named by (leader, time), that somebody misses."""

    ring: tuple[int, int]
    first: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Recovery:
    """The section of a forming ring; `done` are places among the members."""

    done: frozenset[int] = frozenset()
    requests: tuple[OldRequest, ...] = ()

    @classmethod
    def of(cls, *done: int, requests: tuple[OldRequest, ...] = ()) -> "Recovery":
        return cls(frozenset(done), requests)

    def encode(self) -> bytes:
        bits = sum(1 << place for place in self.done)
        parts = [bits.to_bytes(DONE_SIZE, "little"), struct.pack("<B7x", len(self.requests))]
        parts += [
            struct.pack("<IIQI4x", *request.ring, request.first, request.count)
            for request in self.requests
        ]
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> "Recovery":
        bits = int.from_bytes(data[:DONE_SIZE], "little")
        requests = []
        for number in range(data[DONE_SIZE]):
            leader, time, first, count = struct.unpack_from(
                "<IIQI", data, DONE_SIZE + 8 + 24 * number
            )
            requests.append(OldRequest((leader, time), first, count))
        if len(data) != DONE_SIZE + 8 + 24 * len(requests):
            raise ValueError(f"a recovery section of {len(data)} bytes")
        return cls(frozenset(place for place in range(128) if bits >> place & 1), tuple(requests))


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says; `acks` are by member: everything up to there has arrived."""

    number: int
    seq: int = 0
    acks: tuple[int, ...] = ()
    fcc: int = 0
    round: int = 0
    backlog: int = 0
    quiet: int = 0
    requests: tuple[Request, ...] = ()
    recovery: Recovery | None = None
    scale: int = 16
    lost: int = 0
    sender: int = field(default=0, compare=False)
    flags: int = field(default=0, compare=False)

    def encode(self) -> bytes:
        """Return what stands behind the header."""
        parts = [
            struct.pack(
                "<IBBBBHH",
                self.backlog,
                self.quiet,
                len(self.acks),
                len(self.requests),
                self.recovery is not None,
                self.scale,
                self.lost,
            )
        ]
        parts += [struct.pack("<H", min(self.seq - ack, 0xFFFF)) for ack in self.acks]
        parts += [
            struct.pack("<QIB3x", request.first, request.count, request.who)
            for request in self.requests
        ]
        if self.recovery is not None:
            parts.append(self.recovery.encode())
        return b"".join(parts)

    @classmethod
    def decode(cls, datagram: bytes) -> "Token":
        """Read a whole datagram, whose header has been judged before."""
        backlog, quiet, members, requests, recovery, scale, lost = struct.unpack_from(
            "<IBBBBHH", datagram, 64
        )
        number, seq, fcc, rounds = struct.unpack_from("<QQII", datagram, 40)
        at = 76 + 2 * members
        lags = struct.unpack_from(f"<{members}H", datagram, 76)
        asked = [struct.unpack_from("<QIB", datagram, at + 16 * each) for each in range(requests)]
        at += 16 * requests
        if not recovery and at != len(datagram):
            raise ValueError(f"a token of {len(datagram)} bytes has {at}")
        return cls(
            number,
            seq,
            tuple(seq - lag for lag in lags),
            fcc,
            rounds,
            backlog,
            quiet,
            tuple(Request(*each) for each in asked),
            Recovery.decode(datagram[at:]) if recovery else None,
            scale,
            lost,
            datagram[7],
            datagram[5],
        )
