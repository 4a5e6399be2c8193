"""How cost grows: exponents between steps."""

import pytest

from bench.growth import exponents


def test_linear_quadratic_and_constant_costs_have_their_exponents() -> None:
    assert exponents((1, 10, 100), (2, 20, 200)) == pytest.approx([1, 1])
    assert exponents((1, 10, 20), (3, 300, 1200)) == pytest.approx([2, 2])
    assert exponents((5, 50), (7, 7)) == pytest.approx([0])


@pytest.mark.parametrize(("sizes", "costs"), [((1,), (1,)), ((1, 2), (1,)), ((), ())])
def test_one_step_says_nothing(sizes: tuple[float, ...], costs: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="a cost for each"):
        exponents(sizes, costs)
