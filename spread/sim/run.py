"""One run from its scenario to its verdict, byte for byte the same each time.

all daemons start and form a ring     then clients come
faults, for `length_ns`               clients talk, join, leave, hang, die
healing                               one ring within `liveness_ns`, clients talk on
silence                               all that was asked for is done within `settle_ns`
farewell                              a message of every client to each of its groups
"""

import gc
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from spread.daemon.membership.settings import RingTimeouts
from spread.sim.agenda import MS, START_NS
from spread.sim.checkers import check_all
from spread.sim.faults import inject
from spread.sim.scenario import Scenario
from spread.sim.trace import Event, History, RingInstalled
from spread.sim.workload import Workload
from spread.sim.world import Log, World

__all__ = ["Outcome", "digest", "liveness_ns", "simulate"]


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    scenario: Scenario
    digest: str
    violations: list[str]
    virtual_ns: int
    healing_ns: int  # From healing to one ring.
    rings: int  # Ring ids that some daemon installed.
    installs: int  # Installations, over all daemons.
    messages: int
    deliveries: int
    views: int
    events: int  # Of the agenda.
    history: History = field(repr=False)

    @property
    def ring_hours(self) -> float:
        """Simulated time as it would be with timers at their defaults, in hours."""
        return self.virtual_ns * self.scenario.scale / 3_600e9

    @property
    def healing_s(self) -> float:
        """How long healing took, as it would be with timers at their defaults, in seconds."""
        return self.healing_ns * self.scenario.scale / 1e9


def liveness_ns(timeouts: RingTimeouts) -> int:
    """How long after healing there must be one ring, at the latest.

    A daemon that could not be reached before may be kept out for sixteen GatherTimeouts; then two
    rings without traffic find each other in a lookup; then three formations in a row.
    """
    formation = timeouts.token + timeouts.seg + timeouts.gather + timeouts.form
    return 16 * timeouts.gather + timeouts.lookup * 5 // 4 + 3 * formation


def settle_ns(timeouts: RingTimeouts) -> int:
    """How long a ring that has something to do may come to nothing."""
    return 4 * timeouts.token


def simulate(
    scenario: Scenario,
    *,
    log: Log | None = None,
    prepare: Callable[[World], None] | None = None,
) -> Outcome:
    """Run a scenario; `prepare` may change the world before time begins."""
    world = World(scenario.cluster, scenario.seed, log=log)
    if prepare is not None:
        prepare(world)
    gc_was_enabled = gc.isenabled()
    gc.disable()  # A run keeps nearly all it makes; looking for garbage finds none.
    run = _Run(world, scenario)
    try:
        found = run.violations()
    finally:
        if gc_was_enabled:
            gc.enable()
    return _outcome(world, run, found)


class _Run:
    """The phases of a run."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self.scenario = scenario
        self.healing_ns = 0
        self._world = world
        self._timeouts = scenario.cluster.timeouts
        numbers = Random(f"{scenario.seed}/clients")
        self._workload = Workload(world, scenario.clients, scenario.pause_ns, numbers)

    def violations(self) -> list[str]:
        """Go through the phases; returns what should not have happened."""
        try:
            found = self._form() or self._suffer() + self._heal()
        except Exception:
            found = [f"the daemon's code failed: {traceback.format_exc()}"]
        found = self._world.watch.violations + found
        return found + [str(each) for each in check_all(self._world.history)]

    def _form(self) -> list[str]:
        self._world.start()
        return self._await_ring("after the start")

    def _suffer(self) -> list[str]:
        world, scenario = self._world, self.scenario
        self._workload.start()
        for fault in scenario.faults:
            world.agenda.after(fault.at_ns, inject, world, fault)
        world.run(scenario.length_ns)
        return []

    def _heal(self) -> list[str]:
        world = self._world
        world.heal()
        healed_at = world.history.tick()
        found = self._await_ring("after healing")
        self._workload.stop()
        found += self._settle() if not found else []
        self._workload.say_farewell()
        found += self._settle() if not found else []
        if not found:
            world.history.healed_at = healed_at
        return found

    def _await_ring(self, when: str) -> list[str]:
        """Wait until there is one ring, and it lasts: a break is noticed within TokenTimeout."""
        world, limit_ns = self._world, liveness_ns(self._timeouts)
        end_ns = world.now_ns + limit_ns
        while world.run_until(world.is_whole, end_ns - world.now_ns, 2 * MS):
            whole_ns = world.now_ns
            world.run(2 * self._timeouts.token)
            if world.is_whole():
                self.healing_ns = whole_ns - (end_ns - limit_ns)
                return []
        return [f"S26 liveness: {limit_ns / 1e6:.0f} ms {when} the rings are {world.rings()}"]

    def _settle(self) -> list[str]:
        """Wait until nothing is under way; as long as there is progress, it may take its time."""
        world, step_ns = self._world, self._timeouts.token
        still_since_ns = world.now_ns
        before = -1
        while True:
            progress = self._progress()
            if progress != before:
                still_since_ns = world.now_ns
            elif self._is_at_rest():
                return []
            elif world.now_ns - still_since_ns > settle_ns(self._timeouts):
                return [f"S26 liveness: nothing moves, and not all is done: {world.rings()}"]
            before = progress
            world.run(step_ns)

    def _progress(self) -> int:
        """A number that grows with everything that is ordered or reaches a client."""
        return self._world.history.ticks + self._world.highest_seqs()

    def _is_at_rest(self) -> bool:
        return self._workload.is_quiet() and self._world.has_nothing_to_send()


def _outcome(world: World, run: _Run, found: list[str]) -> Outcome:
    history = world.history
    kinds = [type(event).__name__ for client in history.clients for event in client.events]
    return Outcome(
        scenario=run.scenario,
        digest=digest(history),
        violations=found,
        virtual_ns=world.now_ns - START_NS,
        healing_ns=run.healing_ns,
        rings=len(world.watch.rings),
        installs=sum(isinstance(event, RingInstalled) for event in history.daemons),
        messages=kinds.count("Sent"),
        deliveries=kinds.count("Delivered"),
        views=kinds.count("Viewed"),
        events=world.agenda.events,
        history=history,
    )


def digest(history: History) -> str:
    """Return a hash of all that happened: equal for two runs of one scenario."""
    hasher = sha256()
    for client in history.clients:
        hasher.update(b"%d %b %d\n" % (client.number, client.private_group, client.daemon))
        for event in client.events:
            hasher.update(_line(event))
    for daemon_event in history.daemons:
        hasher.update(repr(daemon_event).encode())
    return hasher.hexdigest()[:16]


def _line(event: Event) -> bytes:
    message = getattr(event, "message", None)
    if message is not None:
        return b"%d %d %d\n" % (event.at, event.now_ns, message.identity)
    return repr(event).encode()
