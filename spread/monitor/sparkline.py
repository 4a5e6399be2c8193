"""A curve of the last minute in one row of characters.

Each character stands for a slice of time and is as high as the largest value in it; a slice
without a value is blank, so a daemon that was silent shows a gap.
"""

from collections.abc import Iterable
from typing import Final

__all__ = ["sparkline"]

STEPS: Final = "▁▂▃▄▅▆▇█"


def sparkline(
    points: Iterable[tuple[float, float | None]], *, width: int, end_s: float, span_s: float
) -> str:
    """Return `width` characters for the time from `end_s - span_s` to `end_s`.

    Zero is the lowest step, and the largest value the highest.
    """
    slices: list[float | None] = [None] * max(0, width)
    for at_s, value in points:
        index = int((at_s - (end_s - span_s)) / span_s * width)
        if value is None or not 0 <= index <= width or not slices:
            continue
        index = min(index, width - 1)
        slices[index] = max(value, slices[index] or 0.0)
    _bridge(slices, bins_max=max(1, round(width / span_s * BRIDGE_S)))
    top = max((value for value in slices if value is not None), default=0.0)
    return "".join(" " if value is None else _step(value, top) for value in slices)


BRIDGE_S: Final = 2.5
"""Values come once a second: slices between two that are no further apart have the earlier's."""


def _bridge(slices: list[float | None], *, bins_max: int) -> None:
    last: int | None = None
    for index, value in enumerate(slices):
        if value is None:
            continue
        if last is not None and 1 < index - last <= bins_max:
            slices[last + 1 : index] = [slices[last]] * (index - last - 1)
        last = index


def _step(value: float, top: float) -> str:
    if top <= 0:
        return STEPS[0]
    return STEPS[min(len(STEPS) - 1, int(max(0.0, value) / top * (len(STEPS) - 1) + 0.5))]
