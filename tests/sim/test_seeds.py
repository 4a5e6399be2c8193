"""Whole runs: some seeds of each profile here, hundreds with `make sim`, more with `make soak`.

What failed once is kept in `schedules/` and runs each time.
"""

from pathlib import Path

import pytest

from spread.sim.faults import PROFILES
from spread.sim.run import simulate
from spread.sim.scenario import Scenario, draw

SCHEDULES = sorted(Path(__file__).with_name("schedules").glob("*.json"))
SECOND_NS = 1_000_000_000


@pytest.mark.parametrize("profile", sorted(PROFILES))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_run_keeps_all_guarantees(seed: int, profile: str) -> None:
    outcome = simulate(draw(seed, faults=profile, length_ns=SECOND_NS))

    again = f"python -m spread.sim --seed {seed} --faults {profile} --length 1 --trace"
    assert outcome.violations == [], f"again: {again}"


@pytest.mark.parametrize("path", SCHEDULES, ids=lambda path: path.stem)
def test_what_failed_once_keeps_all_guarantees(path: Path) -> None:
    outcome = simulate(Scenario.from_json(path.read_text()))

    assert outcome.violations == [], f"again: python -m spread.sim --replay {path} --trace"


def test_a_run_is_the_same_each_time() -> None:
    scenario = draw(11, length_ns=SECOND_NS)

    first, second = simulate(scenario), simulate(scenario)

    assert first.digest == second.digest
    assert first.deliveries == second.deliveries > 100


def test_a_run_from_its_file_is_the_run_from_its_seed() -> None:
    scenario = draw(12, length_ns=SECOND_NS)

    again = Scenario.from_json(scenario.to_json())

    assert simulate(again).digest == simulate(scenario).digest


def test_other_seeds_are_other_runs() -> None:
    digests = {simulate(draw(seed, length_ns=SECOND_NS // 10)).digest for seed in range(4)}

    assert len(digests) == 4


def test_runs_have_what_they_are_about() -> None:
    outcomes = [simulate(draw(seed, length_ns=SECOND_NS)) for seed in (21, 22)]

    assert all(outcome.installs > 10 for outcome in outcomes)
    assert all(outcome.deliveries > 500 for outcome in outcomes)
    assert all(outcome.views > 50 for outcome in outcomes)
