"""A minute in one row of characters."""

from hypothesis import given
from hypothesis import strategies as st

from spread.monitor.sparkline import STEPS, sparkline


def test_the_largest_value_is_the_highest_step_and_zero_the_lowest() -> None:
    points = [(0.5, 0.0), (1.5, 50.0), (2.5, 100.0)]

    assert sparkline(points, width=3, end_s=3, span_s=3) == "▁▅█"


def test_a_slice_without_a_value_is_a_gap() -> None:
    points = [(0.5, 1.0), (9.5, 1.0)]

    assert sparkline(points, width=10, end_s=10, span_s=10) == "█        █"


def test_slices_between_two_neighbouring_values_are_filled() -> None:
    points = [(0.5, 1.0), (1.5, 1.0)]

    assert sparkline(points, width=8, end_s=2, span_s=2).strip() == "█" * 5


def test_what_is_older_than_the_span_is_not_shown() -> None:
    assert sparkline([(0.0, 5.0)], width=4, end_s=100, span_s=60) == "    "


def test_all_zero_is_a_flat_line() -> None:
    assert sparkline([(0.5, 0.0), (1.5, 0.0)], width=2, end_s=2, span_s=2) == "▁▁"


POINTS = st.lists(st.tuples(st.floats(-10, 200), st.none() | st.floats(0, 1e12)), max_size=80)


@given(POINTS, st.integers(0, 200))
def test_it_is_as_wide_as_asked_and_made_of_steps(
    points: list[tuple[float, float | None]], width: int
) -> None:
    line = sparkline(points, width=width, end_s=100, span_s=60)

    assert len(line) == width
    assert set(line) <= {" ", *STEPS}
