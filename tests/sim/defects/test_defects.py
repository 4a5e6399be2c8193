"""Rules that are taken away are missed: by the checkers that are named, in simulated runs."""

from collections.abc import Callable

import pytest

from spread.sim.checkers import CHECKERS
from tests.sim.defects.catalogue import DEFECTS
from tests.sim.defects.compiled_rules import can_switch_off
from tests.sim.defects.defect import Defect
from tests.sim.defects.page import PAGE, rows_of
from tests.sim.defects.scripts import lost_cause, lost_commit
from tests.sim.defects.trial import catch

NAMES = {checker.number: checker.name for checker in CHECKERS}
COMPILED = pytest.mark.skipif(
    not can_switch_off(), reason="rules of the compiled core are switched off by `make defects`"
)


TRIED = [
    pytest.param(
        each,
        id=each.name.replace(" ", "-"),
        marks=(COMPILED,) if each.is_compiled else (),
    )
    for each in DEFECTS
]


@pytest.mark.parametrize("defect", TRIED)
def test_a_missing_rule_is_reported(defect: Defect) -> None:
    assert catch(defect) is not None


@pytest.mark.parametrize("script", [lost_cause, lost_commit])
def test_a_script_is_harmless_with_all_rules(script: Callable[[int], list[str]]) -> None:
    assert script(0) == []


def test_every_guarantee_is_broken_by_some_defect() -> None:
    broken = {number for defect in DEFECTS for number in defect.caught}

    assert broken == set(NAMES)


def test_the_page_tells_of_every_defect() -> None:
    told = rows_of(PAGE.read_text())

    assert sorted(told) == sorted(
        (f"{number} {NAMES[number]}", defect.rule, defect.part)
        for defect in DEFECTS
        for number in defect.caught
    )
