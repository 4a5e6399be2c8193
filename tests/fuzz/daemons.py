"""Damaged packets among the real ones of a simulated ring: whole daemons, membership and groups.

Packets that daemons really sent are changed, sealed again and sent in someone's name, while
clients talk and daemons come and go. Guarantees cannot hold then: a packet that passes for a
daemon's own may claim anything. But no packet may stop a daemon, and after a restart of all of
them there must be a ring that works.

`fuzz_daemons` runs it in a child: `python -m tests.fuzz.daemons COUNT SEED` prints the tally.
"""

import sys
from random import Random

from spread._packets import crc32c
from spread.errors import SpreadError
from spread.service import AGREED_MESS, SAFE_MESS
from spread.sim.disk import Disk
from spread.testing import Client, Ring
from tests.fuzz.apart import fuzz_apart, print_tally
from tests.fuzz.mutation import Mutator
from tests.fuzz.tally import Tally

__all__ = ["fuzz_daemons"]

DAEMONS = 4
SEGMENTS = (2, 2)
INPUTS_PER_RING = 400
KEPT_MAX = 400  # Real datagrams that are used as material.
HEADER_SIZE = 64
RUN_TIMEOUT_PER_INPUT = 0.2  # Seconds; twenty times what an input takes.
KINDS = {
    1: "data",
    2: "token",
    3: "token_ack",
    4: "want",
    5: "ping",
    16: "alive",
    17: "join",
    18: "refer",
    19: "form1",
    20: "form2",
    21: "form_ack",
    22: "leave",
}
NUMBERS = (32, 36, 40, 48, 56, 60, 64, 68, 72, 76, 80, 88)  # Offsets in header and body.
Flight = tuple[int, int, int, bytes]


def _resealed(datagram: bytes) -> bytes:
    """Return the datagram with the right checksum, if it has a place for one."""
    if len(datagram) < HEADER_SIZE:
        return datagram
    bare = datagram[:16] + bytes(4) + datagram[20:]
    return bare[:16] + crc32c(bare).to_bytes(4, "little") + bare[20:]


class _Trouble:
    """One ring, its clients, and what listens on the network and talks there."""

    def __init__(self, tally: Tally, mutator: Mutator) -> None:
        self._tally = tally
        self._mutator = mutator
        self._choose: Random = mutator.choose
        self._kept: dict[int, list[Flight]] = {}
        self.ring = Ring(segments=SEGMENTS, seed=self._choose.randrange(1 << 30))
        # Tokens that appear from nowhere are what this is about.
        self.ring.world.network.watch = None
        self.ring.world.network.drop = self._listen
        self._clients: list[Client] = []

    def _listen(self, origin: int, target: int, channel: int, data: bytes) -> bool:
        kept = self._kept.setdefault(data[3], [])
        kept.append((origin, target, channel, data))
        if len(kept) > KEPT_MAX // 10:
            del kept[self._choose.randrange(len(kept))]
        return False

    def step(self) -> None:
        """Let something happen, and say something wrong."""
        self._live()
        for _ in range(self._choose.choice((1, 2, 5))):
            self._inject()
        self.ring.step(self._choose.choice((0.0005, 0.002, 0.01)))

    def _live(self) -> None:
        choose = self._choose
        deed = choose.random()
        daemon = choose.randrange(DAEMONS)
        if deed < 0.03:
            self.ring.partition([each for each in range(DAEMONS) if choose.random() < 0.5])
        elif deed < 0.06:
            self.ring.heal()
        elif deed < 0.08:
            self.ring.crash(daemon)
        elif deed < 0.12:
            self.ring.restart(daemon)
        elif deed < 0.5:
            self._talk(daemon)

    def _talk(self, daemon: int) -> None:
        choose = self._choose
        self._clients = [client for client in self._clients if client.is_open]
        try:
            if len(self._clients) < 5:
                client = self.ring.connect(f"c{choose.randrange(10**6)}", daemon)
                client.join("room")
                self._clients.append(client)
            service = choose.choice((AGREED_MESS, SAFE_MESS))
            body = b"x" * choose.choice((1, 3_000))
            choose.choice(self._clients).multicast("room", body, service=service)
        except (SpreadError, ConnectionError):
            return  # The daemon is down, or busy: that is its right.

    def _inject(self) -> None:
        choose = self._choose
        if not self._kept:
            return
        flights = self._kept[choose.choice(list(self._kept))]
        if not flights:
            return
        origin, target, channel, data = choose.choice(flights)
        if choose.random() < 0.2:
            target = choose.randrange(DAEMONS)
        if choose.random() < 0.5:
            data = self._moved(data)
        if choose.random() < 0.6:
            data = self._mutator.damaged(data, choose.choice((1, 1, 2, 3)))
        if choose.random() < 0.5 and len(data) > HEADER_SIZE:
            body = self._mutator.damaged(data[HEADER_SIZE:], 1)
            data = data[:HEADER_SIZE] + body
        if choose.random() < 0.95:
            data = _resealed(data)
        self._tally.count(KINDS.get(data[3], "other") if len(data) > 3 else "short")
        self.ring.world.hosts[target].datagram(origin, channel, data, wants_answer=False)

    def _moved(self, data: bytes) -> bytes:
        """Return the datagram with one of its numbers a little, or a window, larger or smaller."""
        choose = self._choose
        offset = choose.choice(NUMBERS)
        if len(data) < offset + 4:
            return data
        word = int.from_bytes(data[offset : offset + 4], "little")
        word += choose.choice((1, -1)) * choose.choice((1, 1, 2, 5, 100, 2_000, 4_000, 1 << 20))
        return data[:offset] + (word & 0xFFFFFFFF).to_bytes(4, "little") + data[offset + 4 :]

    def recover(self) -> None:
        """Restart everything; there must be one ring that carries messages.

        The disks are empty then: ring times that somebody made up stay on them, and hosts that
        disagree about the date by more than some days do not form rings.
        """
        self.ring.world.network.drop = None
        for daemon in range(DAEMONS):
            self.ring.crash(daemon)
            self.ring.world.hosts[daemon].disk = Disk()
        self.ring.heal()
        try:
            self.ring.settle()
        except TimeoutError as error:
            self._tally.disagree(f"no ring after a restart: {error}")
            return
        first = self.ring.connect("first", 0)
        last = self.ring.connect("last", DAEMONS - 1)
        last.join("end")
        self.ring.settle()
        last.receive_all()
        first.multicast("end", b"works")
        self.ring.settle()
        if [getattr(each, "payload", None) for each in last.receive_all()] != [b"works"]:
            self._tally.disagree("the ring after a restart carries no messages")


def _run(count: int, seed: int) -> Tally:
    tally = Tally("daemons", seed)
    mutator = Mutator(seed)
    while tally.inputs < count and tally.is_clean:
        trouble = _Trouble(tally, mutator)
        end = tally.inputs + INPUTS_PER_RING
        while tally.inputs < min(end, count):
            trouble.step()
        trouble.recover()
    return tally


def fuzz_daemons(count: int, seed: int) -> Tally:
    """Send `count` damaged packets at least into simulated rings, in a process of its own."""
    return fuzz_apart("daemons", count, seed, seconds_per_input=RUN_TIMEOUT_PER_INPUT)


if __name__ == "__main__":
    print_tally(_run(int(sys.argv[1]), int(sys.argv[2])))
