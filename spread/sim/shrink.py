"""The smallest schedule that still fails: delta debugging of faults, then of clients and time."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from spread.sim.faults import Fault
from spread.sim.scenario import Scenario

__all__ = ["shrink"]


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """Return a scenario that `fails` like the given one, with as few faults as can be found."""
    smallest = scenario
    while True:
        before = smallest
        smallest = _with_fewer_faults(smallest, fails)
        for candidate in _lighter(smallest):
            if fails(candidate):
                smallest = candidate
                break
        if smallest == before:
            return smallest


def _with_fewer_faults(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """Drop ever smaller runs of faults."""
    size = max(1, len(scenario.faults) // 2)
    while scenario.faults:
        reduced = _without_some(scenario, size, fails)
        if reduced is not None:
            scenario = reduced
            size = max(1, min(size, len(scenario.faults) // 2))
        elif size == 1:
            break
        else:
            size //= 2
    return scenario


def _without_some(
    scenario: Scenario, size: int, fails: Callable[[Scenario], bool]
) -> Scenario | None:
    faults = scenario.faults
    for first in range(0, len(faults), size):
        candidate = scenario.with_faults(faults[:first] + faults[first + size :])
        if fails(candidate):
            return candidate
    return None


def _lighter(scenario: Scenario) -> Iterator[Scenario]:
    """Propose runs that are easier to read."""
    end_ns = max((_end_ns(fault) for fault in scenario.faults), default=0)
    if end_ns < scenario.length_ns // 2:
        yield replace(scenario, length_ns=scenario.length_ns // 2)
    for clients in (2, 3, 4, 6):
        if clients < scenario.clients:
            yield replace(scenario, clients=clients)
    if scenario.pause_ns < 60_000_000:
        yield replace(scenario, pause_ns=scenario.pause_ns * 2)
    if scenario.jitter_ns:
        yield replace(scenario, jitter_ns=0)


def _end_ns(fault: Fault) -> int:
    return fault.at_ns + fault.duration_ns
