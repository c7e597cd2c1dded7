"""How many replicates would settle a row that cannot be decided yet."""

import math
from typing import Any

from scipy.special import stdtrit

from ablation.statistics.intervals import variance_factor

MOST_REPLICATES = 10_000
"""What would take more is as good as never: it counts as not to be settled by replicates."""


def replicates_needed(
    difference: float,
    sd: float,
    *,
    n_pairs: int,
    degrees: float,
    level: float,
    margin: float | None,
    overlap_ratio: float,
    step: int = 1,
) -> dict[str, Any]:
    """The smallest number of replicates whose interval would exclude 0 or lie inside the margin.

    It supposes that mean and standard deviation stay as they are; only the half-width t · sd · sqrt(1/J + ratio) shrinks, t
    with as many more degrees of freedom as there are more pairs. Its floor, z · sd · sqrt(ratio), may be too wide for either:
    then only more data help.

    Args:
        difference: the mean.
        sd: the standard deviation that the test used, on the same scale.
        n_pairs: the pairs so far; the answer is above it.
        degrees: of ``sd``.
        level: of the interval.
        margin: None where none is declared.
        overlap_ratio: see ``variance_factor``.
        step: the answer is a multiple of it.

    Returns:
        ``replicates`` and what the row would then be, ``as`` (difference or equivalence); both None where no number would.
    """
    distance = abs(difference)
    inside = -math.inf if margin is None else margin - distance
    # An interval of this half-width or more does neither.
    needed = max(distance, inside)

    def settles(blocks: int) -> bool:
        count = step * blocks
        spread = sd * math.sqrt(variance_factor(count, overlap_ratio))
        return float(stdtrit(degrees + count - n_pairs, (1 + level) / 2)) * spread < needed

    low, high = max(n_pairs, 1) // step, MOST_REPLICATES // step
    if low >= high or not settles(high):
        return {"replicates": None, "as": None}
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return {
        "replicates": step * high,
        "as": "difference" if distance >= inside else "equivalence",
    }
