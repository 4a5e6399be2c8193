"""Faults of hosts, network and clients: what they are, and schedules of them from a seed.

The rates are those that the reference was tried with, in real time: one fault every 0.2 to 2 s, up
to a third of them within 0.1 s after another. A scenario shortens all timers of the daemons, and
the schedule with them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from spread.sim.agenda import MS
from spread.sim.world import World

__all__ = ["PROFILES", "Fault", "Kind", "Profile", "inject", "schedule"]

SILENT_CHANCE: Final = 0.3


class Kind(StrEnum):
    """What can go wrong."""

    SPLIT = "split"  # The network falls into `parts` for a time.
    MOVE = "move"  # One daemon goes to another part.
    PAUSE = "pause"  # One daemon stands still for a time.
    CRASH = "crash"  # One daemon dies and is started again after a time, 0 being at once.
    SILENCE = "silence"  # The same, and its kernel does not answer for it.
    LEAVE = "leave"  # One daemon stops in order and is started again after a time.
    LOSS = "loss"  # Packets are lost at a rate of `amount`.
    REPEATS = "repeats"  # Packets come twice at that rate,
    OVERTAKES = "overtakes"  # overtake one another,
    DAMAGE = "damage"  # or arrive with a bit changed.
    SLOWNESS = "slowness"  # Packets take `amount` times as long.
    DEAF = "deaf"  # One daemon hears nobody.
    MUTE = "mute"  # Nobody hears one daemon.
    ONE_WAY = "one-way"  # One daemon does not hear one other.
    NARROW = "narrow"  # No datagram of more than `amount` bytes passes to or from one daemon.
    CLOCK = "clock"  # A wall clock jumps by `amount` seconds.


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, `at_ns` after the faults begin."""

    at_ns: int
    kind: Kind
    daemon: int = 0
    other: int = 0
    duration_ns: int = 0
    amount: float = 0.0
    parts: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """How often what happens: times in real milliseconds, chances as weights."""

    gap_ms: tuple[float, float]
    cascades: tuple[float, float]  # Chance of a fault to come right after another one, least, most.
    weights: tuple[tuple[Kind, float], ...]


_ALL: Final = (
    (Kind.SPLIT, 4),
    (Kind.MOVE, 2),
    (Kind.PAUSE, 3),
    (Kind.CRASH, 2),
    (Kind.SILENCE, 1),
    (Kind.LEAVE, 0.7),
    (Kind.LOSS, 3),
    (Kind.REPEATS, 1),
    (Kind.OVERTAKES, 1),
    (Kind.DAMAGE, 0.5),
    (Kind.SLOWNESS, 0.5),
    (Kind.DEAF, 0.7),
    (Kind.MUTE, 0.7),
    (Kind.ONE_WAY, 1.5),
    (Kind.NARROW, 1),
    (Kind.CLOCK, 0.7),
)
_PARTITIONS: Final = ((Kind.SPLIT, 3), (Kind.MOVE, 2), (Kind.LOSS, 1))
_CRASHES: Final = ((Kind.CRASH, 3), (Kind.SILENCE, 2), (Kind.PAUSE, 2), (Kind.LEAVE, 1))
_PACKETS: Final = (
    (Kind.LOSS, 4),
    (Kind.REPEATS, 2),
    (Kind.OVERTAKES, 2),
    (Kind.DAMAGE, 1),
    (Kind.SLOWNESS, 1),
    (Kind.NARROW, 2),
)

PROFILES: Final = {
    "standard": Profile((200, 2000), (0.1, 0.3), _ALL),
    "storm": Profile((60, 800), (0.3, 0.6), _ALL),
    "partitions": Profile((200, 1500), (0.1, 0.5), _PARTITIONS),
    "crashes": Profile((200, 1500), (0.1, 0.5), _CRASHES),
    "packets": Profile((200, 2000), (0.1, 0.3), _PACKETS),
    "none": Profile((1e12, 2e12), (0.0, 0.0), _PACKETS),
}
"""What `--faults` names."""


def schedule(
    profile: Profile, daemons: int, length_ns: int, scale: int, numbers: Random
) -> tuple[Fault, ...]:
    """Draw the faults of one run, `length_ns` long, with all times `scale` times shorter."""
    kinds = [kind for kind, _ in profile.weights]
    weights = [weight for _, weight in profile.weights]
    faults = []
    for at_ns in _times(profile, length_ns, scale, numbers):
        kind = numbers.choices(kinds, weights)[0]
        faults.append(_draw(kind, at_ns, daemons, scale, numbers))
    return tuple(faults)


def _times(profile: Profile, length_ns: int, scale: int, numbers: Random) -> Iterator[int]:
    cascades = numbers.uniform(*profile.cascades)
    at_ms = 0.0
    while True:
        if numbers.random() < cascades:
            at_ms += numbers.uniform(0, 100)
        else:
            at_ms += numbers.uniform(*profile.gap_ms)
        at_ns = int(at_ms * MS / scale)
        if at_ns >= length_ns:
            return
        yield at_ns


_DURATIONS_MS: Final = {
    Kind.SPLIT: (200, 5000),
    Kind.MOVE: (200, 5000),
    Kind.PAUSE: (300, 6000),
    Kind.CRASH: (0, 3000),
    Kind.SILENCE: (0, 6000),
    Kind.LEAVE: (100, 3000),
    Kind.DEAF: (500, 3000),
    Kind.MUTE: (500, 3000),
    Kind.ONE_WAY: (500, 3000),
    Kind.NARROW: (1000, 30_000),  # How long a size is measured does not shrink with the timers.
}
_AMOUNTS: Final = {
    Kind.LOSS: (0.05, 0.3),
    Kind.REPEATS: (0.05, 0.3),
    Kind.OVERTAKES: (0.02, 0.2),
    Kind.DAMAGE: (0.01, 0.1),
    Kind.SLOWNESS: (3, 10),
    Kind.NARROW: (548, 1500),
    Kind.CLOCK: (-5, 5),
}


def _draw(kind: Kind, at_ns: int, daemons: int, scale: int, numbers: Random) -> Fault:
    daemon = numbers.randrange(daemons)
    other = (daemon + numbers.randrange(1, daemons)) % daemons
    duration_ms = numbers.uniform(*_DURATIONS_MS.get(kind, (500, 1500)))
    if kind in (Kind.CRASH, Kind.SILENCE) and numbers.random() < 0.3:
        duration_ms = 0.0  # Restarted faster than anybody can detect.
    parts: tuple[tuple[int, ...], ...] = ()
    if kind is Kind.SPLIT:
        count = numbers.randint(2, 3)
        sides = [numbers.randrange(count) for _ in range(daemons)]
        parts = tuple(
            tuple(each for each in range(daemons) if sides[each] == side) for side in range(count)
        )
    elif kind is Kind.MOVE:
        parts = ((numbers.randrange(1, 4),),)
    amount = round(numbers.uniform(*_AMOUNTS.get(kind, (0, 0))), 3)
    return Fault(at_ns, kind, daemon, other, int(duration_ms * MS / scale), amount, parts)


def inject(world: World, fault: Fault) -> None:
    """Let a fault happen now."""
    _INJECTORS[fault.kind](world, fault)


def _split(world: World, fault: Fault) -> None:
    world.partition(fault.parts, fault.duration_ns)


def _move(world: World, fault: Fault) -> None:
    world.move(fault.daemon, fault.parts[0][0], fault.duration_ns)


def _pause(world: World, fault: Fault) -> None:
    world.pause(fault.daemon, fault.duration_ns)


def _crash(world: World, fault: Fault) -> None:
    world.crash(fault.daemon, silent=fault.kind is Kind.SILENCE, restart_ns=fault.duration_ns)


def _leave(world: World, fault: Fault) -> None:
    world.leave(fault.daemon, grace_ns=20 * MS, restart_ns=fault.duration_ns)


def _weather(world: World, fault: Fault) -> None:
    world.change_weather(fault.duration_ns, **{fault.kind.value: fault.amount})


def _deaf(world: World, fault: Fault) -> None:
    others = [each for each in range(world.cluster.size) if each != fault.daemon]
    world.cut([(each, fault.daemon) for each in others], fault.duration_ns)


def _mute(world: World, fault: Fault) -> None:
    others = [each for each in range(world.cluster.size) if each != fault.daemon]
    world.cut([(fault.daemon, each) for each in others], fault.duration_ns)


def _one_way(world: World, fault: Fault) -> None:
    world.cut([(fault.other, fault.daemon)], fault.duration_ns)


def _narrow(world: World, fault: Fault) -> None:
    others = [each for each in range(world.cluster.size) if each != fault.daemon]
    links = [(each, fault.daemon) for each in others] + [(fault.daemon, each) for each in others]
    world.narrow(links, int(fault.amount), fault.duration_ns)


def _clock(world: World, fault: Fault) -> None:
    world.move_wall_clock(fault.daemon, round(fault.amount))


_INJECTORS: Final[dict[Kind, Callable[[World, Fault], None]]] = {
    Kind.SPLIT: _split,
    Kind.MOVE: _move,
    Kind.PAUSE: _pause,
    Kind.CRASH: _crash,
    Kind.SILENCE: _crash,
    Kind.LEAVE: _leave,
    Kind.LOSS: _weather,
    Kind.REPEATS: _weather,
    Kind.OVERTAKES: _weather,
    Kind.DAMAGE: _weather,
    Kind.SLOWNESS: _weather,
    Kind.DEAF: _deaf,
    Kind.MUTE: _mute,
    Kind.ONE_WAY: _one_way,
    Kind.NARROW: _narrow,
    Kind.CLOCK: _clock,
}
