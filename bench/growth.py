"""How cost grows with size: the exponent between steps."""

import itertools
import math
from collections.abc import Sequence

LINEAR_MAX = 1.3
"""What counts as linear: with ten times as many, each may cost twice as much.

Tables that no longer fit the processor's caches cost that; a list that is searched from its
beginning costs ten times as much.
"""


def exponents(sizes: Sequence[float], costs: Sequence[float]) -> list[float]:
    """Return the exponents by which cost grows with size, from each step to the next.

    1 is linear, 2 quadratic; a cost that stays what it was has 0. Sizes are positive and ascending.
    Raises ValueError unless there is a cost for each of at least two sizes.
    """
    if len(sizes) < 2 or len(sizes) != len(costs):
        raise ValueError(f"{len(costs)} costs at {len(sizes)} sizes; give a cost for each of two")
    steps = zip(sizes, costs, strict=True)
    logs = [(math.log(size), math.log(max(cost, 1e-12))) for size, cost in steps]
    return [
        (cost - cost_before) / (size - size_before)
        for (size_before, cost_before), (size, cost) in itertools.pairwise(logs)
    ]
