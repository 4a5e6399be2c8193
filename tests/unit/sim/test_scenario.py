"""Scenarios: drawn from seeds, kept as JSON."""

import json

import pytest

from spread.sim.faults import PROFILES, Kind
from spread.sim.scenario import Scenario, draw


def test_a_seed_always_draws_the_same_scenario() -> None:
    assert draw(7) == draw(7)


def test_seeds_draw_different_scenarios() -> None:
    assert len({draw(seed) for seed in range(50)}) == 50


def test_json_brings_the_same_scenario_back() -> None:
    scenarios = [draw(seed) for seed in range(20)]

    again = [Scenario.from_json(scenario.to_json()) for scenario in scenarios]

    assert again == scenarios


def test_the_text_has_one_line_for_each_fault() -> None:
    scenario = draw(3)

    lines = scenario.to_json().splitlines()

    assert sum('"at_ns"' in line for line in lines) == len(scenario.faults) > 3


def test_a_text_of_another_format_is_refused() -> None:
    fields = json.loads(draw(1).to_json())
    fields["format"] = 1

    with pytest.raises(ValueError, match="format 2"):
        Scenario.from_json(json.dumps(fields))


def test_the_number_of_daemons_keeps_its_bounds() -> None:
    sizes = {draw(seed, daemons=(4, 6)).cluster.size for seed in range(60)}

    assert sizes == {4, 5, 6}


def test_every_daemon_is_in_a_segment_that_is_not_empty() -> None:
    segments = [draw(seed).segments for seed in range(100)]

    assert {len(each) for each in segments} == {1, 2, 3}
    assert all(count >= 1 for each in segments for count in each)


def test_the_standard_profile_draws_every_kind_of_fault() -> None:
    kinds = {fault.kind for seed in range(40) for fault in draw(seed).faults}

    assert kinds == set(Kind)


def test_faults_come_at_the_rates_of_the_reference_runs() -> None:
    scenarios = [draw(seed) for seed in range(200)]

    gaps_s = [
        (second.at_ns - first.at_ns) * scenario.scale / 1e9
        for scenario in scenarios
        for first, second in zip(scenario.faults, scenario.faults[1:], strict=False)
    ]

    cascades = sum(gap <= 0.1 for gap in gaps_s) / len(gaps_s)
    assert 0.1 <= cascades <= 0.3
    assert max(gaps_s) <= 2.0
    assert min(gap for gap in gaps_s if gap > 0.1) >= 0.199


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_faults_lie_within_the_run_and_name_daemons_that_exist(name: str) -> None:
    for seed in range(20):
        scenario = draw(seed, faults=name)
        for fault in scenario.faults:
            assert 0 <= fault.at_ns < scenario.length_ns
            assert 0 <= fault.daemon < scenario.cluster.size
            assert fault.other != fault.daemon


def test_without_faults_there_are_none() -> None:
    assert all(not draw(seed, faults="none").faults for seed in range(20))
