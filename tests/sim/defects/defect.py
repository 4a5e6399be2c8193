"""A deliberate defect: one rule taken away, and the guarantees whose checkers must notice.

A rule of Python code is taken away by replacing a function; a compiled one by a bit that only a
test build knows (SPREAD_DEFECTS=1); a rule about datagrams by a network that breaks it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import spread.daemon.composition
import spread.sim.host
from spread.daemon.composition import Parts
from spread.sim.scenario import Scenario
from spread.sim.workload import Workload

__all__ = [
    "Defect",
    "Part",
    "Patch",
    "each_daemon",
    "with_large_messages",
    "with_options",
]

Patch = pytest.MonkeyPatch


class Part:
    """Where a rule lives, as the documentation calls it."""

    COMPILED = "compiled core"
    GROUPS = "groups"
    MEMBERSHIP = "membership"
    NETWORK = "datagrams"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class Defect:
    """One rule less.

    `caught` are the numbers of the guarantees that must be found broken in one run; seeds are
    tried in order until one shows it, `seeds_max` at most.
    """

    name: str
    rule: str  # What holds no longer, as a statement of what the protocol does.
    part: str
    caught: tuple[str, ...]
    apply: Callable[[Patch], None]
    faults: str = "storm"
    daemons: tuple[int, int] = (3, 5)
    seeds_max: int = 20
    script: Callable[[int], list[str]] | None = None  # Plays a seed; a drawn scenario if none.

    @property
    def is_compiled(self) -> bool:
        """Whether only a build with SPREAD_DEFECTS=1 can have it."""
        return self.part == Part.COMPILED


def each_daemon(patch: Patch, change: Callable[[Parts, int], None]) -> None:
    """Let `change` have the parts and the number of every daemon before it starts."""
    compose = spread.daemon.composition.compose

    def changed(*arguments: Any, **named: Any) -> Parts:
        parts = compose(*arguments, **named)
        assert parts.ring is not None
        change(parts, parts.ring.network.me)
        return parts

    patch.setattr(spread.sim.host, "compose", changed)


def with_options(patch: Patch, *options: str) -> None:
    """Add lines to the configuration file of the cluster."""
    cluster = Scenario.cluster

    def changed(scenario: Scenario) -> Any:
        made = cluster.fget(scenario)  # type: ignore[attr-defined]
        return type(made)(
            **{
                name: getattr(made, name) for name in made.__dataclass_fields__ if name != "options"
            },
            options=(*made.options, *options),
        )

    patch.setattr(Scenario, "cluster", property(changed))


def with_large_messages(patch: Patch) -> None:
    """Let clients send messages of many packets."""
    patch.setattr(Workload, "_size", lambda load: load._numbers.randrange(8, 12_000))
