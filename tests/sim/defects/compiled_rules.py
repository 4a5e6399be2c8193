"""Rules of the compiled core that a test build can switch off."""

from collections.abc import Callable
from typing import Final

from spread.daemon.composition import Parts
from spread.errors import MisuseError
from tests.sim.defects.defect import (
    Defect,
    Part,
    Patch,
    each_daemon,
    with_large_messages,
    with_options,
)
from tests.sim.defects.scripts import lost_cause, lost_commit

__all__ = ["COMPILED", "can_switch_off"]

SLOW_MESSAGES_MAX: Final = 20


def _off(bit: int, *, only_odd: bool = False) -> Callable[[Patch], None]:
    """Switch a rule off at every daemon, or at every other one."""

    def apply(patch: Patch) -> None:
        def change(parts: Parts, number: int) -> None:
            if number % 2 or not only_odd:
                parts.node.set_defects(1 << bit)

        each_daemon(patch, change)

    return apply


def _off_with_short_queues(bit: int) -> Callable[[Patch], None]:
    def apply(patch: Patch) -> None:
        with_options(patch, f"MaxSessionMessages = {SLOW_MESSAGES_MAX}")
        _off(bit)(patch)

    return apply


def _off_with_large_messages(bit: int) -> Callable[[Patch], None]:
    def apply(patch: Patch) -> None:
        with_large_messages(patch)
        _off(bit)(patch)

    return apply


def can_switch_off() -> bool:
    """Whether this build knows how to switch compiled rules off."""
    from spread._node import Node

    try:
        Node.set_defects  # noqa: B018 - asks whether there is one.
    except AttributeError:
        return False
    return _build_has_defects()


def _build_has_defects() -> bool:
    from spread.sim.cluster import Cluster, scaled_timeouts
    from spread.sim.world import World

    world = World(Cluster(segments=(2,), timeouts=scaled_timeouts()), 0)
    world.start()
    parts = world.hosts[0].parts
    assert parts is not None
    try:
        parts.node.set_defects(0)
    except MisuseError:
        return False
    return True


COMPILED: Final = (
    Defect(
        "safe at once",
        "a SAFE message waits until every member of the ring has it",
        Part.COMPILED,
        ("S23",),
        _off(0),
    ),
    Defect(
        "safe in the old ring",
        "the regular part of a broken ring ends before the first SAFE message that is not stable",
        Part.COMPILED,
        ("S23",),
        _off(1),
    ),
    Defect(
        "stable is most",
        "stable is what every member has acknowledged",
        Part.COMPILED,
        ("S23",),
        _off(2),
    ),
    Defect(
        "token twice",
        "a token that comes again is not visited again",
        Part.COMPILED,
        ("S15",),
        _off(3),
    ),
    Defect(
        "install alone",
        "a ring is installed when every member has recovered the old packets",
        Part.COMPILED,
        ("S16", "S22"),
        _off(4),
    ),
    Defect(
        "deliver behind holes",
        "behind a lost packet only packets of daemons under obligation are delivered",
        Part.COMPILED,
        ("S19",),
        _off(5),
        script=lost_cause,
    ),
    Defect(
        "no rewind",
        "a message sent in part when the ring breaks is sent again from its beginning",
        Part.COMPILED,
        ("S21", "S29"),
        _off_with_large_messages(6),
    ),
    Defect(
        "keep halves",
        "halves of messages do not survive the ring in which they came",
        Part.COMPILED,
        ("S4",),
        _off(7),
    ),
    Defect(
        "skip gaps",
        "a missing packet is waited for",
        Part.COMPILED,
        ("S17", "S18"),
        _off(8),
    ),
    Defect(
        "once per group",
        "a receiver gets a message once, whatever number of its destinations it is in",
        Part.COMPILED,
        ("S2",),
        _off(10),
    ),
    Defect(
        "drop for the slow",
        "a receiver that is too slow loses its session, not a message",
        Part.COMPILED,
        ("S28",),
        _off_with_short_queues(11),
    ),
    Defect(
        "drop when held",
        "what clients send while group tables are exchanged waits",
        Part.COMPILED,
        ("S29", "S30"),
        _off(12),
    ),
    Defect(
        "drop unreliable",
        "UNRELIABLE messages of a broken ring are delivered like all others",
        Part.COMPILED,
        ("S20",),
        _off(13, only_odd=True),
    ),
    Defect(
        "repeat the walk",
        "a second attempt to form a ring goes on where the first stopped delivering",
        Part.COMPILED,
        ("S2",),
        _off(14),
    ),
    Defect(
        "drop safe in the walk",
        "SAFE messages behind the signal are delivered by all that go on together",
        Part.COMPILED,
        ("S24",),
        _off(15, only_odd=True),
    ),
    Defect(
        "signal late",
        "the transitional configuration stands before what is not known to be stable",
        Part.COMPILED,
        ("S16",),
        _off(16, only_odd=True),
    ),
    Defect(
        "forget the commit",
        "who has recovered takes over the obligations of the forming ring",
        Part.COMPILED,
        ("S24",),
        _off(17),
        script=lost_commit,
    ),
)
