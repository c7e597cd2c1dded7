"""Tests of a difference between two cells, paired by replicate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from ablation.statistics.intervals import (
    NO_SPREAD,
    as_sample,
    check_level,
    check_ratio,
    variance_factor,
)


@dataclass(frozen=True)
class PairedTest:
    """The corrected t-test of paired differences.

    difference: mean of the J differences, in the metric's unit; sd: their standard deviation, same
    unit.
    p: two-sided; 1 when all differences are 0, None when they are all the same other number, for
    then the spread is unknown and nothing can be tested.
    effect_size: Hedges-corrected d_z, without unit; None where p is None, and for two pairs.
    """

    n_pairs: int
    difference: float
    sd: float
    p: float | None
    effect_size: float | None


@dataclass(frozen=True)
class McNemar:
    """Samples that only the first, or only the second network got right; exact two-sided p."""

    only_first: int
    only_second: int
    p: float


def corrected_paired_test(differences: ArrayLike, *, overlap_ratio: float) -> PairedTest:
    """Corrected resampled t-test: t = mean / sqrt((1/J + r) S²), J − 1 degrees.

    differences: shape [J], cell minus reference on the same split, on any one scale.
    overlap_ratio: r; see ``variance_factor``. 0 gives the ordinary paired t-test, right for one fixed test set only.
    Raises ValueError for fewer than two differences, differences that are not finite, or a negative
    ratio.
    Source: Nadeau & Bengio (2003); its false positives were measured again by Bouckaert & Frank
    (2004).
    """
    sample = as_sample(differences)
    check_ratio(overlap_ratio)
    n_pairs, mean, sd = sample.size, float(sample.mean()), float(sample.std(ddof=1))
    if sd <= NO_SPREAD * abs(mean):
        unchanged = mean == 0
        outcome = (1.0, 0.0) if unchanged else (None, None)
        return PairedTest(n_pairs, mean, 0.0, *outcome)
    p = p_value(mean, n_pairs, sd**2, n_pairs - 1, overlap_ratio)
    effect_size = mean / sd * hedges_factor(n_pairs - 1) if n_pairs > 2 else None
    return PairedTest(n_pairs, mean, sd, p, effect_size)


def p_value(
    mean: float, n_pairs: int, variance: float, degrees: float, overlap_ratio: float
) -> float:
    """Two-sided p of a mean of paired differences whose variance is estimated with any degrees of freedom.

    variance: of one difference, above 0. overlap_ratio: see ``variance_factor``.
    """
    t = mean / math.sqrt(variance * variance_factor(n_pairs, overlap_ratio))
    return float(2 * stats.t.sf(abs(t), degrees))


def hedges_factor(degrees_of_freedom: int) -> float:
    """The factor that makes a standardised mean unbiased: Γ(m/2) / (√(m/2) Γ((m − 1)/2)).

    Raises ValueError for fewer than two degrees of freedom, where no factor can do it.
    Source: Hedges (1981), Journal of Educational Statistics 6.
    """
    if degrees_of_freedom < 2:
        raise ValueError(f"2 degrees of freedom are needed, got {degrees_of_freedom}")
    half = degrees_of_freedom / 2
    log_ratio = special.gammaln(half) - special.gammaln(half - 0.5)
    return float(math.exp(log_ratio) / math.sqrt(half))


def holm(p_values: Sequence[float], n_comparisons: int | None = None) -> list[float]:
    """Holm's step-down adjustment: the smallest error levels at which each p is rejected.

    n_comparisons: size of the family, by default the number of p-values. A larger family stands for
    comparisons that were planned but gave no p-value; they count as p = 1.
    Raises ValueError for a p-value outside [0, 1] or a family smaller than the list.
    Source: Holm (1979), Scandinavian Journal of Statistics 6.
    """
    family = len(p_values) if n_comparisons is None else n_comparisons
    if family < len(p_values):
        raise ValueError(f"{len(p_values)} p-values do not fit a family of {family}")
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("a p-value lies outside [0, 1]")
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (family - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def detection_power(
    effect: float,
    n_pairs: int,
    *,
    overlap_ratio: float,
    alpha: float = 0.05,
    degrees: float | None = None,
) -> float:
    """Chance that the corrected test finds a true difference of ``effect`` s.d. of the pairs.

    It takes the corrected variance to be the true one; where the correction is too wide the power
    is less. The test statistic is then noncentral t with ``degrees`` of freedom, by default J − 1.
    Raises ValueError for fewer than two pairs, a negative ratio, or alpha outside (0, 1).
    """
    if n_pairs < 2:
        raise ValueError(f"2 pairs are needed, got {n_pairs}")
    check_ratio(overlap_ratio)
    check_level("alpha", alpha)
    freedom = n_pairs - 1 if degrees is None else degrees
    shift = abs(effect) / math.sqrt(variance_factor(n_pairs, overlap_ratio))
    critical = stats.t.ppf(1 - alpha / 2, freedom)
    # The wrong-sided tail matters only near shift 0; far out scipy's series for it can end in NaN.
    wrong_side = stats.nct.cdf(-critical, freedom, shift) if shift < 5 else 0.0
    return float(stats.nct.sf(critical, freedom, shift) + wrong_side)


def smallest_detectable(
    n_pairs: int,
    *,
    overlap_ratio: float,
    alpha: float = 0.05,
    power: float = 0.8,
    degrees: float | None = None,
) -> float:
    """True difference, in s.d. of the paired difference, that is found with chance ``power``.

    Example: 1.64 for 12 pairs with ratio 1/5, 1.44 for 24.
    Raises ValueError like ``detection_power``, and for a power that is not between alpha and 1.
    """
    _check_power(alpha, power)

    def missing(effect: float) -> float:
        found = detection_power(
            effect, n_pairs, overlap_ratio=overlap_ratio, alpha=alpha, degrees=degrees
        )
        return found - power

    upper = 1.0
    while missing(upper) < 0:
        upper *= 2
    return float(optimize.brentq(missing, 0.0, upper, xtol=1e-9))


def mcnemar(first_correct: ArrayLike, second_correct: ArrayLike) -> McNemar:
    """Exact McNemar test of two trained networks on the same test samples.

    first_correct, second_correct: shape [n], booleans (or 0/1), in the same order of samples.
    Raises ValueError for another shape: pooling replicates would count each test sample once per
    replicate.
    Source: McNemar (1947), Psychometrika 12; the binomial form over the discordant samples.
    """
    first, second = _truths(first_correct), _truths(second_correct)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            f"expected two lists over the same samples, got {first.shape} and {second.shape}; "
            "test one pair of replicates at a time"
        )
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(~first & second))
    discordant = only_first + only_second
    p = stats.binomtest(only_first, discordant).pvalue if discordant else 1.0
    return McNemar(only_first, only_second, float(p))


def _truths(values: ArrayLike) -> np.ndarray:
    truths = np.asarray(values)
    if not np.isin(truths, (0, 1)).all():
        raise ValueError("correctness must be true or false for every sample")
    return truths.astype(bool)


def _check_power(alpha: float, power: float) -> None:
    check_level("alpha", alpha)
    if not alpha < power < 1:
        raise ValueError(f"power must lie between alpha and 1, got {power}")
