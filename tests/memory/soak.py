"""Long random runs of the comparison, one for each seed: much traffic, where hypothesis has little.

python -m tests.memory.soak --first 1000 --count 500
"""

import argparse
from random import Random
from typing import Final

from tests.daemon.harness import wire
from tests.memory.comparison import Comparison, Pair
from tests.memory.daemon import Limits
from tests.memory.traffic import DAMAGES, GROUPS, NOBODY, PRIVATE_GROUPS, SERVICES, Sent, pieces_of

__all__ = ["run"]

STEPS: Final = 300
PACKET_SIZES: Final = (64, 100, 1_400, 65_472, 65_472)
QUEUED_BYTES_MAX: Final = 8 << 30  # Out of reach, though small packets have 2 KiB each.
BODY_SIZES: Final = (0, 1, 10, 100, 1_000, 3_000, 20_000)
LARGE_BODY_SIZES: Final = (65_408, 65_456, 65_457, 100_000, 140_000)


def run(seed: int) -> dict[str, int]:
    """Play one run; returns the counters of the daemon at its end.

    Even seeds are about joins, views and policies, odd ones about bounded queues.
    """
    choose = Random(seed)
    payload_max = choose.choice(PACKET_SIZES)
    is_bounded = bool(seed % 2)
    if is_bounded:
        limits = Limits(
            messages=choose.choice((0, 1, 3, 10, 100)), exact=True, queued_bytes=QUEUED_BYTES_MAX
        )
    else:
        limits = Limits(memberships=choose.choice((3, 10, 1_000)), queued_bytes=QUEUED_BYTES_MAX)
    choosy = not is_bounded and choose.random() < 0.3
    comparison = Comparison(limits, payload_max=payload_max, choosy=choosy)
    traffic = _Traffic(choose, comparison, payload_max, takes_membership=not is_bounded)
    for _ in range(STEPS):
        traffic.step()
    return comparison.finish()


class _Traffic:
    def __init__(
        self, choose: Random, comparison: Comparison, payload_max: int, *, takes_membership: bool
    ) -> None:
        self._choose = choose
        self._comparison = comparison
        self._takes_membership = takes_membership
        large = LARGE_BODY_SIZES if payload_max >= 1_400 else ()
        self._sizes = BODY_SIZES * 4 + large

    def step(self) -> None:
        """Do one thing, mostly talk."""
        pairs = [self._comparison.pairs[name] for name in sorted(self._comparison.pairs)]
        dice = self._choose.random()
        if len(pairs) < 2 or (dice < 0.1 and len(pairs) < len(PRIVATE_GROUPS)):
            self._open()
            return
        pair = self._choose.choice(pairs)
        if dice < 0.8:
            self._talk(pair)
        elif dice < 0.9:
            self._comparison.make_room(pair, self._choose.choice((None, 0, 10, 500, 50_000)))
        elif dice < 0.91:
            self._comparison.lose(pair)
        elif dice < 0.93:
            self._say_the_last(pair)
        else:
            self._comparison.turn()

    def _open(self) -> None:
        self._comparison.turn()
        free = [group for group in PRIVATE_GROUPS if group not in self._comparison.pairs]
        if free:
            membership = self._takes_membership and self._choose.random() < 0.8
            self._comparison.open(self._choose.choice(free), membership=membership)

    def _talk(self, pair: Pair) -> None:
        for _ in range(self._choose.randint(1, 12)):
            pair.unsent += self._frame().by(pair.private_group)
        size = len(pair.unsent)
        if self._choose.random() < 0.2:
            size = self._choose.randint(0, min(size, 300))
        cuts = [self._choose.getrandbits(20) for _ in range(self._choose.randint(0, 3))]
        for piece in pieces_of(bytes(pair.unsent[:size]), cuts):
            self._comparison.transmit(pair, len(piece))
            if self._choose.random() < 0.3:
                self._comparison.turn()

    def _say_the_last(self, pair: Pair) -> None:
        if self._choose.random() < 0.5:
            sent = Sent(wire.KILL, (pair.private_group,))
        else:
            damage = self._choose.choice(DAMAGES)
            sent = Sent(wire.AGREED, (b"g",), b"body", overwrite=damage)
        pair.unsent += sent.by(pair.private_group)
        self._comparison.transmit(pair, len(pair.unsent))

    def _frame(self) -> Sent:
        choose = self._choose
        order: wire.Order = choose.choice(("little", "little", "big"))
        dice = choose.random()
        if dice < 0.35:
            kind = wire.JOIN if choose.random() < 0.6 else wire.LEAVE
            return Sent(kind, (self._name(),), order=order)
        service = choose.choice(SERVICES) | choose.choice((0, 0, 0, wire.SELF_DISCARD, 0x40000000))
        count = choose.choice((0, 1, 1, 1, 1, 2, 3, 44, 100))
        names = (*PRIVATE_GROUPS, NOBODY)
        groups = [
            choose.choice(names) if choose.random() < 0.2 else self._name() for _ in range(count)
        ]
        size = max(0, choose.choice(self._sizes) - choose.choice((0, 0, 1, 32 * count)))
        body = choose.randbytes(16) * (size // 16 + 1)
        mess_type = choose.choice((0, 666, -1, 0x1234))
        return Sent(service, tuple(groups), body[:size], mess_type, order)

    def _name(self) -> bytes:
        return self._choose.choice(GROUPS[:3] if self._choose.random() < 0.6 else GROUPS)


def main() -> None:
    """Play many runs, and add up what happened in them."""
    parser = argparse.ArgumentParser(description="random runs of the daemon in memory")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    arguments = parser.parse_args()
    total: dict[str, int] = {}
    for seed in range(arguments.first, arguments.first + arguments.count):
        try:
            counters = run(seed)
        except BaseException:
            print(f"failed: python -m tests.memory.soak --first {seed} --count 1")
            raise
        for name, value in counters.items():
            total[name] = total.get(name, 0) + value
    print({name: value for name, value in total.items() if value})


if __name__ == "__main__":
    main()
