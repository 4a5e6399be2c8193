"""The stage of every checker's test."""

import pytest

from tests.unit.sim.checkers.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
