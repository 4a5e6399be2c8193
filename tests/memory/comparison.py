"""The daemon and the model side by side: the same happens to both, and both must say the same."""

from dataclasses import dataclass, field

from tests.memory.daemon import NOTHING_IN_USE, RING, Client, Limits, MemoryDaemon
from tests.memory.model import Model, ModelSession
from tests.memory.policy import Choosy

__all__ = ["Comparison", "Pair"]


@dataclass(eq=False)
class Pair:
    """One session in the daemon and in the model, and the bytes that it has still to send."""

    client: Client
    model: ModelSession
    unsent: bytearray = field(default_factory=bytearray)

    @property
    def private_group(self) -> bytes:
        return self.client.private_group


class Comparison:
    """Sessions by their private groups; every turn compares what each has received."""

    def __init__(self, limits: Limits, *, payload_max: int = 65_472, choosy: bool = False) -> None:
        policy = Choosy(checks_requests=choosy)
        self.pairs: dict[bytes, Pair] = {}
        self.daemon = MemoryDaemon(limits, policy=policy, payload_max=payload_max)
        self._model = Model(
            (RING.leader, RING.time),
            messages_max=limits.messages if limits.exact else None,
            memberships_max=limits.memberships,
            refuses=policy.refuses,
        )

    def open(self, private_group: bytes, *, membership: bool) -> Pair:
        self.turn()
        client = self.daemon.open(private_group[1:-3], membership=membership)
        model = self._model.open(private_group, membership=membership)
        pair = self.pairs[private_group] = Pair(client, model)
        return pair

    def receive(self, pair: Pair, data: bytes) -> None:
        """Hand in bytes, without a turn."""
        assert self.daemon.receive(pair.client, data) == pair.model.is_open
        self._model.receive(pair.model, data)

    def transmit(self, pair: Pair, size: int) -> None:
        """Hand in the first bytes of what is unsent, without a turn."""
        data = bytes(pair.unsent[:size])
        del pair.unsent[:size]
        self.receive(pair, data)

    def lose(self, pair: Pair) -> None:
        """Break the connection, without a turn."""
        self.daemon.driver.receive_end(pair.client.slot)
        self._model.end(pair.model)

    def make_room(self, pair: Pair, size: int | None) -> None:
        """Let the connection take so many more bytes, None for any number, from now on."""
        self.turn()
        if size is None or pair.client.room is None:
            pair.client.room = pair.model.room = size
        else:
            pair.client.room += size
            pair.model.room = pair.client.room
        self.daemon.room_made(pair.client)
        self.turn()

    def turn(self) -> None:
        """Let both deliver all there is, and compare."""
        self.daemon.turn()
        self._model.deliver()
        for private_group, pair in list(self.pairs.items()):
            assert pair.client.is_closed() != pair.model.is_open, private_group
            assert_same(private_group, bytes(pair.client.received), bytes(pair.model.received))
            if pair.client.is_closed():
                del self.pairs[private_group]

    def finish(self) -> dict[str, int]:
        """End all sessions; the daemon must have given everything back. Returns its counters."""
        self.turn()
        for pair in list(self.pairs.values()):
            self.lose(pair)
        self.turn()
        statistics = self.daemon.statistics()
        assert self.daemon.in_use() == NOTHING_IN_USE
        assert statistics["sessions"] == 0
        assert len(self.daemon.control.groups) == 0
        assert len(self.daemon.control.sessions) == 0
        return statistics


def assert_same(private_group: bytes, actual: bytes, expected: bytes) -> None:
    """Compare two streams; a failure shows where they part."""
    if actual == expected:
        return
    place = next(
        (at for at, (a, b) in enumerate(zip(actual, expected, strict=False)) if a != b),
        min(len(actual), len(expected)),
    )
    shown = slice(max(0, place - 48), place + 96)
    raise AssertionError(
        f"{private_group!r} received {len(actual)} bytes instead of {len(expected)}, the first "
        f"other one at {place}; from {shown.start} on\n"
        f"received {actual[shown].hex(' ', -4)}\nexpected {expected[shown].hex(' ', -4)}"
    )
