"""Damaged, repeated and invented packets of the ring against a daemon's core, in each state.

A peer whose packets pass every check of their header may still say anything: places in the order
that nobody took, tokens of no ring, frames that are none. The core must neither break nor stop nor
keep more than its windows; afterwards it must serve its client in a ring of its own.

A broken invariant ends the process that runs this, so `fuzz_ring` runs it in a child: `python -m
tests.fuzz.ring COUNT SEED` prints the tally as JSON.
"""

import sys
from collections.abc import Callable

from spread._packets import PacketHeader, crc32c, make_packet
from tests.fuzz.apart import fuzz_apart, print_tally
from tests.fuzz.mutation import INTERESTING_WORDS, Mutator
from tests.fuzz.tally import Tally
from tests.ring.station import (
    AGREED,
    DATA,
    GRANT,
    MS,
    NETWORK,
    PING,
    POST,
    RECOVERY,
    RESEND,
    RETRANS,
    SAFE,
    TOKEN,
    TOKEN_ACK,
    WANT,
    Shape,
    Station,
    frame_of,
)
from tests.ring.tokens import OldRequest, Recovery, Request, Token

__all__ = ["fuzz_ring"]

DAEMONS = 4
MEMBERS = [0, 1, 2]
SHAPE = Shape(daemons=DAEMONS, segments=(0, 0, 1, 1), payload_max=512)
RUN_TIMEOUT_PER_INPUT = 0.02  # Seconds; a hundred times what an input takes.
INPUTS_PER_STATION = 150
KEPT_MAX = 64  # Datagrams of the station itself that are changed and sent back.
TURN_EVERY = 0.6  # Chance; datagrams of one batch come without a turn between them.

# A packet of at most 2 KiB keeps one small buffer. Two windows of packets, one frame under
# assembly for each origin (16 MiB in parts of 64 bytes, but no more parts than inputs), and what
# is on its way.
BUFFER_SIZE = 2_048
BUFFERS_MAX = 2 * 2_048 + INPUTS_PER_STATION + 256
NUMBERS = (0, 1, 2, 2_047, 2_048, 2_049, 4_096, 4_097, 1 << 32, 1 << 63, (1 << 64) - 1)


# -- States ---------------------------------------------------------------------------------------


def _busy(me: int) -> Station:
    station = Station(me, SHAPE)
    station.install(Station.RING, MEMBERS)
    for number in range(5):
        station.submit(b"own %d" % number, SAFE if number % 2 else AGREED, turn=False)
    station.next_token()
    station.data((me + 1) % 3, 7)
    return station


def _resting(me: int) -> Station:
    station = Station(me, SHAPE)
    station.install(Station.RING, MEMBERS)
    for _ in range(3):
        station.token_number += 3
        station.token(Token(station.token_number, quiet=1))
    return station


def _broken(me: int) -> Station:
    station = _busy(me)
    station.node.ring_lost()
    return station


def _frozen(me: int) -> Station:
    station = _broken(me)
    station.node.ring_freeze()
    return station


def _recovering(me: int) -> Station:
    station = _broken(me)
    have = b"\xef\x7f"
    assert station.commit(
        (100, 9), MEMBERS, high=16, have=have, transitional=[me, (me + 1) % 3], obligations=[me]
    )
    return station


def _alone(me: int) -> Station:
    return Station(me, SHAPE)


STATES: dict[str, Callable[[int], Station]] = {
    "busy": _busy,
    "resting": _resting,
    "broken": _broken,
    "frozen": _frozen,
    "recovering": _recovering,
    "alone": _alone,
}


# -- Inputs ---------------------------------------------------------------------------------------


class _Peer:
    """Makes what a peer could send to a station, nearly sound or not at all."""

    def __init__(self, mutator: Mutator, station: Station) -> None:
        self._mutator = mutator
        self._choose = mutator.choose
        self._station = station
        self._kept: list[bytes] = []

    def keep(self) -> None:
        """Take what the station has sent as material."""
        self._kept += [sent.data for sent in self._station.take_sent()]
        del self._kept[:-KEPT_MAX]

    def datagram(self) -> bytes:
        choose = self._choose
        if self._kept and choose.random() < 0.2:
            datagram = self._from(choose.choice(self._kept), choose.randrange(DAEMONS))
        else:
            datagram = choose.choice(self._MAKERS)(self)
        kind = choose.random()
        if kind < 0.5:
            return datagram
        changed = self._mutator.damaged(datagram, choose.choice((1, 1, 2, 4)))
        return _resealed(changed) if kind < 0.95 else changed

    def _near(self, number: int, spread: int = 3) -> int:
        """Return a number close to one that matters, or one without any sense."""
        if self._choose.random() < 0.02:
            return self._choose.choice(NUMBERS)
        return min(max(0, number + self._choose.randint(-spread, spread)), NUMBERS[-1])

    def _ring(self) -> tuple[int, int]:
        ring = self._station.ring
        if self._choose.random() < 0.1:
            return (self._choose.choice((100, 101, 103)), self._near(ring[1]) & 0xFFFFFFFF)
        return ring

    def _seq(self) -> int:
        statistics = self._station.ring_statistics
        known = self._choose.choice(("seq", "aru", "stable"))
        return self._near(statistics[known], self._choose.choice((2, 5, 30)))

    def _transmitter(self) -> int:
        if self._choose.random() < 0.7:
            return self._station.predecessor
        return self._choose.randrange(DAEMONS)

    def _from(self, datagram: bytes, transmitter: int) -> bytes:
        return _resealed(datagram[:7] + bytes((transmitter,)) + datagram[8:])

    def _payload(self) -> tuple[bytes, int]:
        """Return bytes of frames and where the first one begins."""
        choose = self._choose
        service = choose.choice((AGREED, SAFE, 1, 4, 0x10000, 0x20000, 0x40000, 0x80000))
        frames = b"".join(
            frame_of(choose.randrange(DAEMONS), b"b" * choose.choice((0, 1, 30, 400)), service)
            for _ in range(choose.randrange(1, 4))
        )
        if choose.random() < 0.3:
            frames = self._mutator.damaged(frames, 2)
        cut = choose.randrange(len(frames) + 1) if choose.random() < 0.4 else 0
        payload = (
            frames[cut : cut + 1_500] if choose.random() < 0.5 else frames[: len(frames) - cut]
        )
        first = choose.choice((0, 0, 0, 0xFFFF, choose.randrange(max(1, len(payload)))))
        return payload or b"x", first

    def _data(self) -> bytes:
        payload, first = self._payload()
        leader, time = self._ring()
        choose = self._choose
        number = max(1, self._seq())
        header = PacketHeader(
            DATA,
            choose.choice((0, 0, POST, RETRANS, POST | RETRANS)),
            choose.randrange(DAEMONS),
            self._transmitter(),
            leader,
            time,
            number,
            self._near(self._station.ring_statistics["tok_no"]),
            min(choose.choice((0, 1, 5, number)), number) & 0xFFFFFFFF,
            first,
        )
        return make_packet(header, NETWORK, payload)

    def _recovered(self) -> bytes:
        payload, first = self._payload()
        leader, time = self._ring()
        old = Station.RING if self._mutator.often(0.8) else self._ring()
        header = PacketHeader(
            DATA,
            RECOVERY | self._choose.choice((0, RETRANS)),
            self._choose.randrange(DAEMONS),
            self._transmitter(),
            leader,
            time,
            max(1, self._near(8, 9)),
            old[0] | old[1] << 32,
            tail=first,
        )
        return make_packet(header, NETWORK, payload)

    def _token(self) -> bytes:
        choose = self._choose
        statistics = self._station.ring_statistics
        seq = self._seq()
        members = len(self._station.members)
        token = Token(
            statistics["tok_no"] + choose.choice((0, 1, members, members, members + 3)),
            seq,
            tuple(seq - choose.choice((0, 0, 1, 5, 0xFFFF)) for _ in range(members)),
            fcc=choose.choice((0, 0, 5, 160, 0xFFFFFFFF)),
            backlog=choose.choice(INTERESTING_WORDS),
            quiet=choose.choice((0, 0, 1, 2, 255)),
            requests=tuple(
                Request(self._seq(), choose.choice((0, 1, 3, 50, 0xFFFFFFFF)), choose.choice(WHO))
                for _ in range(choose.choice((0, 0, 1, 3, 28)))
            ),
            recovery=self._section() if choose.random() < 0.4 else None,
        )
        leader, time = self._ring()
        header = PacketHeader(
            TOKEN,
            choose.choice((0, 0, 0, RESEND, GRANT, RESEND | GRANT)),
            0,
            self._transmitter(),
            leader,
            time,
            token.number,
            token.seq,
            token.fcc,
        )
        return make_packet(header, NETWORK, token.encode())

    def _section(self) -> Recovery:
        choose = self._choose
        done = frozenset(place for place in range(3) if choose.random() < 0.7)
        requests = tuple(
            OldRequest(
                choose.choice((Station.RING, Station.RING, self._station.ring, (102, 4))),
                self._near(8, 9),
                choose.choice((0, 1, 9, 0xFFFFFFFF)),
            )
            for _ in range(choose.choice((0, 0, 1, 4, 24)))
        )
        return Recovery(done, requests)

    def _simple(self) -> bytes:
        choose = self._choose
        kind = choose.choice((TOKEN_ACK, WANT, PING, 16, 19, 20, 22))
        leader, time = self._ring()
        header = PacketHeader(
            kind,
            0,
            choose.randrange(DAEMONS),
            choose.randrange(DAEMONS),
            leader,
            time,
            self._near(self._station.ring_statistics["tok_no"]),
            choose.choice(NUMBERS),
        )
        body = choose.randbytes(choose.choice((0, 9, 200))) if kind >= 16 else b""
        return make_packet(header, NETWORK, body)

    _MAKERS = (_data, _data, _data, _recovered, _token, _token, _token, _simple)


WHO = (0, 1, 2, 3, 127, 200, 255)


def _resealed(datagram: bytes) -> bytes:
    """Return the datagram with the right checksum, if it has a place for one."""
    if len(datagram) < 20:
        return datagram
    bare = datagram[:16] + bytes(4) + datagram[20:]
    return bare[:16] + crc32c(bare).to_bytes(4, "little") + bare[20:]


# -- Runs -----------------------------------------------------------------------------------------


def _run(count: int, seed: int) -> Tally:
    tally = Tally("ring", seed)
    mutator = Mutator(seed)
    names = list(STATES)
    while tally.inputs < count and tally.is_clean:
        name = mutator.choose.choice(names)
        station = STATES[name](mutator.choose.choice(MEMBERS))
        _trouble(tally, mutator, station, name)
        if tally.is_clean:
            _judge(tally, station, name)
    return tally


def _trouble(tally: Tally, mutator: Mutator, station: Station, name: str) -> None:
    choose = mutator.choose
    peer = _Peer(mutator, station)
    for _ in range(choose.randrange(1, INPUTS_PER_STATION)):
        peer.keep()
        station.receive(peer.datagram(), turn=choose.random() < TURN_EVERY)
        tally.count(name)
        if choose.random() < 0.05:
            station.submit(b"more", choose.choice((AGREED, SAFE)), turn=False)
        if choose.random() < 0.05:
            station.advance(choose.choice((1, 10, 120, 1_300)) * MS)
        if choose.random() < 0.01:
            station.sleep(3_000 * MS)
        if any(call[0] == "lost" for call in station.upcalls.take()):
            _regain(station, choose.choice(MEMBERS))
    station.turn()
    station.take_sent()
    in_use = station.statistics["buffer_bytes"]
    if in_use > BUFFERS_MAX * BUFFER_SIZE:
        tally.disagree(f"{in_use} bytes are kept in state {name}")


def _regain(station: Station, other: int) -> None:
    """Do what membership does after a loss, with a report that may fit or not."""
    station.node.ring_lost()
    members = sorted({station.me, other})
    station.commit(
        (100, (station.ring[1] + 1) & 0xFFFFFFFF), members, transitional=members, obligations=[]
    )


def _judge(tally: Tally, station: Station, name: str) -> None:
    """After all that, it must still be able to go on alone."""
    station.node.hold_requests(False)
    station.node.ring_lost()
    if not station.commit((100 + station.me, 0xFFFFFFFF), [station.me]):
        tally.disagree(f"a ring of its own is refused after {name}: {station.ring_statistics}")
        return
    station.turn()
    station.submit(b"alive")
    if station.take_heard()[-1:] != [b"alive"]:
        tally.disagree(f"a message in its own ring is not delivered after {name}")
    kept = station.statistics["buffer_bytes"]
    if kept > 8 * BUFFER_SIZE:
        tally.disagree(f"{kept} bytes are kept in a ring of its own after {name}")


def fuzz_ring(count: int, seed: int) -> Tally:
    """Hand `count` packets at least to cores in all states, in a process of its own."""
    return fuzz_apart("ring", count, seed, seconds_per_input=RUN_TIMEOUT_PER_INPUT)


if __name__ == "__main__":
    print_tally(_run(int(sys.argv[1]), int(sys.argv[2])))
