"""Rules of the compiled core that a test build can switch off."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import spread
from spread.daemon.composition import Parts
from spread.errors import MisuseError
from spread.sim.cluster import Cluster, scaled_timeouts
from spread.sim.world import World
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

_CONTRACT: Final = Path(spread.__file__).with_name("_defects.pxd").read_text()
BITS: Final = {name: int(bit) for name, bit in re.findall(r"DEFECT_(\w+) = (\d+)", _CONTRACT)}
"""Numbers of the switches, from the one place that has them."""


def _off(rule: str, *, only_odd: bool = False) -> Callable[[Patch], None]:
    """Switch a rule off at every daemon, or at every other one; it is named as in the core."""
    bits = 1 << BITS[rule]

    def apply(patch: Patch) -> None:
        def change(parts: Parts, number: int) -> None:
            if number % 2 or not only_odd:
                parts.node.set_defects(bits)

        each_daemon(patch, change)

    return apply


def _off_with_short_queues(rule: str) -> Callable[[Patch], None]:
    def apply(patch: Patch) -> None:
        with_options(patch, f"MaxSessionMessages = {SLOW_MESSAGES_MAX}")
        _off(rule)(patch)

    return apply


def _off_with_large_messages(rule: str) -> Callable[[Patch], None]:
    def apply(patch: Patch) -> None:
        with_large_messages(patch)
        _off(rule)(patch)

    return apply


def can_switch_off() -> bool:
    """Whether this build knows how to switch compiled rules off."""
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
        _off("SAFE_AT_ONCE"),
    ),
    Defect(
        "safe in the old ring",
        "the regular part of a broken ring ends before the first SAFE message that is not stable",
        Part.COMPILED,
        ("S23",),
        _off("SAFE_IN_OLD_RING"),
    ),
    Defect(
        "stable is most",
        "stable is what every member has acknowledged",
        Part.COMPILED,
        ("S23",),
        _off("STABLE_IS_MOST"),
    ),
    Defect(
        "token twice",
        "a token that comes again is not visited again",
        Part.COMPILED,
        ("S15",),
        _off("TOKEN_TWICE"),
    ),
    Defect(
        "install alone",
        "a ring is installed when every member has recovered the old packets",
        Part.COMPILED,
        ("S16", "S22"),
        _off("INSTALL_ALONE"),
    ),
    Defect(
        "deliver behind holes",
        "behind a lost packet only packets of daemons under obligation are delivered",
        Part.COMPILED,
        ("S19",),
        _off("DELIVER_BEHIND_HOLES"),
        script=lost_cause,
    ),
    Defect(
        "no rewind",
        "a message sent in part when the ring breaks is sent again from its beginning",
        Part.COMPILED,
        ("S21", "S29"),
        _off_with_large_messages("NO_REWIND"),
    ),
    Defect(
        "keep halves",
        "halves of messages do not survive the ring in which they came",
        Part.COMPILED,
        ("S4",),
        _off("KEEP_HALVES"),
    ),
    Defect(
        "skip gaps",
        "a missing packet is waited for",
        Part.COMPILED,
        ("S17", "S18"),
        _off("SKIP_GAPS"),
    ),
    Defect(
        "once per group",
        "a receiver gets a message once, whatever number of its destinations it is in",
        Part.COMPILED,
        ("S2",),
        _off("ONCE_PER_GROUP"),
    ),
    Defect(
        "drop for the slow",
        "a receiver that is too slow loses its session, not a message",
        Part.COMPILED,
        ("S28",),
        _off_with_short_queues("DROP_FOR_SLOW"),
    ),
    Defect(
        "drop when held",
        "what clients send while group tables are exchanged waits",
        Part.COMPILED,
        ("S29", "S30"),
        _off("DROP_WHEN_HELD"),
    ),
    Defect(
        "drop unreliable",
        "UNRELIABLE messages of a broken ring are delivered like all others",
        Part.COMPILED,
        ("S20",),
        _off("DROP_UNRELIABLE", only_odd=True),
    ),
    Defect(
        "repeat the walk",
        "a second attempt to form a ring goes on where the first stopped delivering",
        Part.COMPILED,
        ("S2",),
        _off("REPEAT_WALK"),
    ),
    Defect(
        "drop safe in the walk",
        "SAFE messages behind the signal are delivered by all that go on together",
        Part.COMPILED,
        ("S24",),
        _off("DROP_SAFE_IN_WALK", only_odd=True),
    ),
    Defect(
        "signal late",
        "the transitional configuration stands before what is not known to be stable",
        Part.COMPILED,
        ("S16",),
        _off("SIGNAL_LATE", only_odd=True),
    ),
    Defect(
        "forget the commit",
        "who has recovered takes over the obligations of the forming ring",
        Part.COMPILED,
        ("S24",),
        _off("FORGET_COMMIT"),
        script=lost_commit,
    ),
)
