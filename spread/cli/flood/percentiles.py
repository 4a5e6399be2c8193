"""Percentiles by nearest rank: with numpy where it is installed, without it else.

The percentile p of n values is the smallest of them that at least p percent of the values do not
exceed: the one of rank ceil(n * p / 100) when they are sorted. It is one of the values; nothing is
interpolated. Ranks are computed in integers, p in thousandths, so that both ways give the same.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Quantities", "Summary", "numpy_quantities", "plain_quantities", "summarize"]

# In thousandths: 50, 90, 99 and 99.9 percent.
_PERCENTILES = (500, 900, 990, 999)


@dataclass(frozen=True, slots=True)
class Summary:
    """Values in brief, in the unit of the values; all None when there are none."""

    count: int
    min: int | None = None
    mean: float | None = None
    p50: int | None = None
    p90: int | None = None
    p99: int | None = None
    p99_9: int | None = None
    max: int | None = None


Quantities = Callable[["array[int]", Sequence[int]], tuple[list[int], int]]
"""Returns the values with the given indexes when sorted, and the sum of all."""


def summarize(values: "array[int]", quantities: Quantities | None = None) -> Summary:
    """Return minimum, mean, percentiles and maximum of 64-bit integers (type code "q")."""
    count = len(values)
    if count == 0:
        return Summary(0)
    indexes = [0, *(-(-count * each // 1000) - 1 for each in _PERCENTILES), count - 1]
    (low, p50, p90, p99, p99_9, high), total = (quantities or _best_quantities())(values, indexes)
    return Summary(count, low, total / count, p50, p90, p99, p99_9, high)


def plain_quantities(values: "array[int]", indexes: Sequence[int]) -> tuple[list[int], int]:
    """Do it with what Python has."""
    ordered = sorted(values)
    return [ordered[index] for index in indexes], sum(ordered)


def numpy_quantities(values: "array[int]", indexes: Sequence[int]) -> tuple[list[int], int]:
    """Do it with numpy, several times as fast."""
    import numpy as np

    numbers = np.frombuffer(values, dtype=np.int64)
    parted = np.partition(numbers, sorted(set(indexes)))
    return [int(parted[index]) for index in indexes], int(numbers.sum())


def _best_quantities() -> Quantities:
    try:
        import numpy  # noqa: F401 - only whether it is there.
    except ImportError:
        return plain_quantities
    return numpy_quantities
