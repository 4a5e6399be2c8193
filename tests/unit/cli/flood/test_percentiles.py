"""Percentiles by nearest rank, the same with and without numpy."""

import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.cli.flood.percentiles import (
    Quantities,
    Summary,
    numpy_quantities,
    plain_quantities,
    summarize,
)

BOTH_WAYS = pytest.mark.parametrize("quantities", [plain_quantities, numpy_quantities])


@BOTH_WAYS
def test_a_percentile_is_the_value_of_its_rank(quantities: Quantities) -> None:
    values = array("q", range(1000, 0, -1))

    assert summarize(values, quantities) == Summary(
        count=1000, min=1, mean=500.5, p50=500, p90=900, p99=990, p99_9=999, max=1000
    )


@BOTH_WAYS
def test_one_value_is_every_percentile(quantities: Quantities) -> None:
    assert summarize(array("q", [7]), quantities) == Summary(1, 7, 7.0, 7, 7, 7, 7, 7)


def test_no_values_have_no_percentiles() -> None:
    assert summarize(array("q")) == Summary(0)


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=1500))
def test_numpy_gives_what_plain_python_gives(values: list[int]) -> None:
    numbers = array("q", values)

    assert summarize(numbers, numpy_quantities) == summarize(numbers, plain_quantities)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=300))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[int]) -> None:
    summary = summarize(array("q", values), plain_quantities)

    for share, percentile in ((500, summary.p50), (900, summary.p90), (999, summary.p99_9)):
        assert percentile is not None
        not_above = sum(value <= percentile for value in values)
        below = sum(value < percentile for value in values)
        assert below * 1000 < share * len(values) <= not_above * 1000


def test_values_are_left_in_their_order() -> None:
    values = array("q", [3, 1, 2])

    summarize(values, numpy_quantities)

    assert values.tolist() == [3, 1, 2]


def test_without_numpy_the_plain_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)

    assert summarize(array("q", [1, 2, 3])).p50 == 2
