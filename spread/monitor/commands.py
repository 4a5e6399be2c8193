"""The commands of the classic protocol as datagrams, in the order of the file.

Partition, flow control and the end of a daemon go out twice in a row, since a datagram may be lost
and nothing acknowledges it; status and reload go once. Maps name daemons by their numbers, so both
sides must have the same file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from spread.errors import ArgumentError
from spread.monitor.protocol import DAEMONS_MAX, KEEP, KILL, Command, Request, encode_request
from spread.monitor.roster import Roster, Target
from spread.monitor.watch import Outgoing

__all__ = ["HELD_MAX", "Flow", "components_of", "flow", "partition", "reload", "status", "stop"]

TWICE: Final = 2
WINDOW_MAX: Final = 0x7FFF
"""What a field of the map holds; a daemon may refuse less."""

HELD_MAX: Final = 768
"""The largest window that a daemon takes which is not a classic one."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Windows to set, in packets; -1 keeps one."""

    window: int = KEEP
    pairs: tuple[tuple[int, int], ...] = ()
    """Personal and accelerated window of each daemon."""


def status(targets: Iterable[Target], roster: Roster, reply_port: int) -> list[Outgoing]:
    """Return status requests; the replies go to the own entry, which there must be."""
    assert roster.own is not None
    request = Request(Command.STATUS, roster.own.identity, reply_port)
    return [Outgoing(encode_request(request), target) for target in targets]


def partition(components: Sequence[int], roster: Roster, reply_port: int) -> list[Outgoing]:
    """Return the command that cuts the ring; all zeros undo it."""
    return [
        outgoing
        for target in roster.targets
        for outgoing in _partition(target, tuple(components), roster, reply_port)
    ]


def stop(
    targets: Sequence[Target], components: Sequence[int], roster: Roster, reply_port: int
) -> list[Outgoing]:
    """Return the command that ends daemons; `components` is the partition in force."""
    ended = {each.number for each in targets}
    kept = [*components, *[0] * (len(roster.targets) - len(components))]
    entries = tuple(KILL if number in ended else each for number, each in enumerate(kept))
    return [
        outgoing
        for target in targets
        for outgoing in _partition(target, entries, roster, reply_port)
    ]


def flow(values: Flow, roster: Roster, reply_port: int) -> list[Outgoing]:
    """Return the command that sets windows.

    Raises `ArgumentError` for windows that would stop daemons, and for 128 daemons, whose map has
    no place for the window.
    """
    _check(values, roster)
    pairs = (*values.pairs, (values.window, 0))
    return [
        outgoing
        for target in roster.targets
        for outgoing in _twice(
            Request(Command.FLOW_CONTROL, _requester(target, roster), reply_port, pairs=pairs),
            target,
        )
    ]


def reload(roster: Roster, reply_port: int) -> list[Outgoing]:
    """Return the command to read the configuration again."""
    return [
        Outgoing(
            encode_request(Request(Command.RELOAD, _requester(target, roster), reply_port)), target
        )
        for target in roster.targets
    ]


def components_of(parts: Sequence[Sequence[str]], roster: Roster) -> tuple[int, ...]:
    """Return the component of each daemon, for lists of names; who is in none is in one more.

    Raises `ArgumentError` for unknown names, one in two parts, and a partition into one part.
    """
    numbers: dict[str, int] = {}
    for number, names in enumerate(parts):
        for name in names:
            if roster.named(name) is None:
                known = ", ".join(each.name for each in roster.targets[:8])
                raise ArgumentError(f"there is no daemon {name}; there are {known}")
            if name in numbers:
                raise ArgumentError(f"{name} is named twice; a daemon is in one part")
            numbers[name] = number
    found = tuple(numbers.get(each.name, len(parts)) for each in roster.targets)
    if len(set(found)) < 2:
        raise ArgumentError("that is all daemons in one part; to undo a partition use heal")
    return found


def _check(values: Flow, roster: Roster) -> None:
    if len(roster.targets) >= DAEMONS_MAX:
        raise ArgumentError(f"{DAEMONS_MAX} daemons leave no place for the window in the command")
    numbers = [values.window, *(each for pair in values.pairs for each in pair)]
    for number in numbers:
        if number != KEEP and not 0 <= number <= WINDOW_MAX:
            raise ArgumentError(f"{number} is no window; it is 1 to {WINDOW_MAX}, or -1 to keep it")
    if values.window == 0 or any(personal == 0 for personal, _ in values.pairs):
        raise ArgumentError("a window of 0 would stop the daemons from sending; -1 keeps it")


def _partition(
    target: Target, components: tuple[int, ...], roster: Roster, reply_port: int
) -> list[Outgoing]:
    requester = _requester(target, roster)
    request = Request(Command.PARTITION, requester, reply_port, components=components)
    return _twice(request, target)


def _requester(target: Target, roster: Roster) -> str:
    """Return whom a command names as its sender.

    Daemons take commands of configured ones only. A host without an entry, which daemons of ours
    know by its network, names the daemon itself.
    """
    return (roster.own or target).identity


def _twice(request: Request, target: Target) -> list[Outgoing]:
    return [Outgoing(encode_request(request), target)] * TWICE
