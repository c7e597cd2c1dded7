"""A difference between two groups of replicates that share no splits."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import stdtrit

from ablation.statistics.intervals import (
    Interval,
    as_sample,
    check_level,
    check_ratio,
    variance_factor,
)


@dataclass(frozen=True)
class UnpairedTest:
    """Welch's test with corrected variances.

    n: replicates of the smaller group; difference: second minus first, in the metric's unit; error:
    its standard error, same unit; freedom: degrees of freedom; p: two-sided, 1 where both groups
    are one and the same number, None where two groups without any spread differ.
    """

    n: int
    difference: float
    error: float
    freedom: float
    p: float | None

    def interval(self, confidence: float) -> Interval | None:
        """Interval of the difference; None where the spread is unknown.

        Raises ValueError for a confidence outside (0, 1).
        """
        check_level("confidence", confidence)
        if self.error == 0:
            return None
        half = float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error
        return self.difference - half, self.difference + half


def corrected_welch_test(
    first: ArrayLike, second: ArrayLike, *, overlap_ratios: tuple[float, float]
) -> UnpairedTest:
    """Each mean has the variance (1/J + r) S² of its own group; the two are added.

    first, second: shape [J] and [K], in the metric's unit. overlap_ratios: r of
    each group, 0 with a fixed test set. Where both groups split the same pool of data, their means
    move together and the test errs on the safe side.
    Raises ValueError for fewer than two values, values that are not finite, or a negative ratio.
    Sources: Welch (1947), Biometrika 34; the degrees of freedom are Satterthwaite's (1946); the
    variances are those of Nadeau & Bengio (2003).
    """
    groups = [as_sample(first), as_sample(second)]
    for ratio in overlap_ratios:
        check_ratio(ratio)
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
