"""Looking for the smallest schedule that still fails."""

from spread.sim.faults import Fault, Kind
from spread.sim.scenario import Scenario, draw
from spread.sim.shrink import shrink


def scenario_with(count: int) -> Scenario:
    faults = [Fault(at_ns=number * 1_000_000, kind=Kind.PAUSE) for number in range(count)]
    return draw(1).with_faults(faults)


def times(scenario: Scenario) -> list[int]:
    return [fault.at_ns // 1_000_000 for fault in scenario.faults]


def test_the_one_fault_that_matters_is_found() -> None:
    smallest = shrink(scenario_with(40), lambda scenario: 17 in times(scenario))

    assert times(smallest) == [17]


def test_faults_that_fail_together_are_all_kept() -> None:
    smallest = shrink(scenario_with(40), lambda scenario: {3, 21, 38} <= set(times(scenario)))

    assert times(smallest) == [3, 21, 38]


def test_a_run_that_fails_without_faults_loses_all() -> None:
    smallest = shrink(scenario_with(10), lambda scenario: scenario.clients >= 3)

    assert times(smallest) == []
    assert smallest.clients == 3


def test_the_result_always_fails() -> None:
    def fails(scenario: Scenario) -> bool:
        return len(scenario.faults) % 3 == 1 and scenario.clients > 2

    smallest = shrink(scenario_with(10), fails)

    assert fails(smallest)
