"""A difference between two groups of replicates that share no splits."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ablation.statistics.intervals import Interval, as_sample, t_interval, variance_factor


@dataclass(frozen=True)
class UnpairedTest:
    """Welch's test with corrected variances."""

    n: int  # replicates of the smaller group
    difference: float  # second minus first
    error: float  # its standard error; 0 where the spread is unknown
    freedom: float
    p: (
        float | None
    )  # two-sided; 1 where all are one number, None where two groups without spread differ

    def interval(self, confidence: float) -> Interval | None:
        """Interval of the difference; None where the spread is unknown."""
        if self.error == 0:
            return None
        return t_interval(self.difference, self.error, self.freedom, confidence)


def corrected_welch_test(
    first: ArrayLike, second: ArrayLike, *, overlap_ratios: tuple[float, float]
) -> UnpairedTest:
    """Each mean has the variance (1/J + r) S² of its own group; the two are added.

    Where both groups split the same pool of data, their means move together and the test errs on the safe side.
    Sources: Welch (1947), Biometrika 34; the degrees of freedom are Satterthwaite's (1946); the
    variances are those of Nadeau & Bengio (2003).

    Args:
        first, second: ``[J]`` and ``[K]``, in the metric's unit.
        overlap_ratios: r of each group, 0 with a fixed test set.

    Raises:
        ValueError: for fewer than two values, or values that are not finite.
    """
    groups = [as_sample(first), as_sample(second)]
    difference = float(groups[1].mean() - groups[0].mean())
    variances = [
        float(group.var(ddof=1)) * variance_factor(group.size, ratio)
        for group, ratio in zip(groups, overlap_ratios, strict=True)
    ]
    n, total = min(group.size for group in groups), sum(variances)
    if total <= (1e-9 * float(np.abs(np.concatenate(groups)).max())) ** 2:  # rounding error
        return UnpairedTest(n, difference, 0.0, math.inf, 1.0 if difference == 0 else None)
    shares = zip(variances, groups, strict=True)
    freedom = total**2 / sum(v**2 / (group.size - 1) for v, group in shares)
    error = math.sqrt(total)
    p = float(2 * stats.t.sf(abs(difference) / error, freedom))
    return UnpairedTest(n, difference, error, freedom, p)
