"""How many replicates would settle a row that cannot be decided yet."""

import math
from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtrit

from ablation.statistics.intervals import (
    check_level,
    check_ratio,
    variance_factor,
)

MOST_REPLICATES = 10_000
"""What would take more is as good as never: it counts as not to be settled by replicates."""


@dataclass(frozen=True)
class Settled:
    """The number of replicates and what the row would then be; both None where no number would do."""

    replicates: int | None
    as_: Literal["difference", "equivalence"] | None


def replicates_to_settle(
    difference: float,
    sd: float,
    *,
    n_pairs: int,
    degrees: float,
    level: float,
    margin: float | None,
    overlap_ratio: float,
    step: int = 1,
) -> Settled:
    """The smallest number of replicates whose interval would exclude 0 or lie inside the margin.

    It supposes that the mean ``difference`` and the standard deviation ``sd`` that the test used stay as they are, on one
    scale; only the half-width t · sd · sqrt(1/J + ratio) shrinks, t with as many more degrees of freedom as there are more
    pairs. Its floor, z · sd · sqrt(ratio), may be too wide for either: then only more data help.

    n_pairs: the pairs so far; the answer is above it. degrees: of ``sd``. level: of the interval. margin: None where none is
    declared. step: the answer is a multiple of it.
    Raises ValueError for a level outside (0, 1), a negative ratio or a step below 1.
    """
    check_level("level", level)
    check_ratio(overlap_ratio)
    if step < 1:
        raise ValueError(f"the step must be 1 or more, got {step}")
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
        return Settled(None, None)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return Settled(step * high, "difference" if distance >= inside else "equivalence")
