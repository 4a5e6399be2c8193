"""Runs in child processes; a run that dies or hangs is a verdict too."""

import os
import signal
import time

import pytest

from spread.sim import jobs
from spread.sim.jobs import Verdict, run_all
from spread.sim.run import Outcome
from spread.sim.scenario import Scenario, draw
from spread.sim.trace import History

# What runs tests side by side has threads, unlike the simulator, whose children are forked.
pytestmark = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)

DIES, HANGS = 3, 5


def outcome(scenario: Scenario) -> Outcome:
    return Outcome(
        scenario=scenario,
        digest=f"{scenario.seed:016x}",
        violations=[],
        virtual_ns=0,
        healing_ns=0,
        rings=0,
        installs=0,
        messages=0,
        deliveries=0,
        views=0,
        events=0,
        history=History(),
    )


def run_badly(scenario: Scenario) -> Outcome:
    if scenario.seed == DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    while scenario.seed == HANGS:
        time.sleep(60)
    return outcome(scenario)


@pytest.fixture(autouse=True)
def bad_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let seed 3 die and seed 5 hang; children are forked, so they inherit it."""
    monkeypatch.setattr(jobs, "simulate", run_badly)


def verdicts(seeds: list[int], *, processes: int, patience_s: float = 60) -> dict[int, Verdict]:
    scenarios = iter([draw(seed) for seed in seeds])
    return {
        verdict.scenario.seed: verdict
        for verdict in run_all(scenarios, processes, patience_s=patience_s)
    }


def test_every_scenario_gets_its_verdict() -> None:
    found = verdicts([10, 11, 12, 13, 14], processes=2)

    assert {seed: verdict.digest for seed, verdict in found.items()} == {
        seed: f"{seed:016x}" for seed in (10, 11, 12, 13, 14)
    }


def test_a_run_that_aborts_is_told_and_the_others_go_on() -> None:
    found = verdicts([1, DIES, 2, 4], processes=1)

    (violation,) = found[DIES].violations
    assert violation.startswith("aborted: the process ended with status -9")
    assert not any(found[seed].violations for seed in (1, 2, 4))


def test_a_run_that_hangs_is_ended_and_the_others_go_on() -> None:
    found = verdicts([1, HANGS, 2], processes=1, patience_s=5)

    assert found[HANGS].violations == ("stuck: no end within 5 s",)
    assert not any(found[seed].violations for seed in (1, 2))
