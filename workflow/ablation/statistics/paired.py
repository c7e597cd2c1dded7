"""Tests of a difference between two cells, paired by replicate."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from ablation.statistics.intervals import as_sample, variance_factor

N_FLIPS = 9_999
"""With up to this many sign patterns (13 pairs) all are tried; beyond, as many are drawn."""


def p_value(
    mean: float, n_pairs: int, variance: float, degrees: float, overlap_ratio: float
) -> float:
    """Two-sided p of the corrected resampled t-test: t = mean / sqrt((1/J + r) S²).

    Source: Nadeau & Bengio (2003); its false positives were measured again by Bouckaert & Frank (2004).

    Args:
        mean: of the differences, cell minus reference on the same split.
        n_pairs: J.
        variance: of one difference, above 0.
        degrees: of freedom of the variance; J − 1 where it is the sample variance.
        overlap_ratio: see ``variance_factor``.
    """
    t = mean / math.sqrt(variance * variance_factor(n_pairs, overlap_ratio))
    return float(2 * stats.t.sf(abs(t), degrees))


def hedges_factor(degrees: int) -> float:
    """The factor that makes a standardised mean unbiased: Γ(m/2) / (√(m/2) Γ((m − 1)/2)), for two degrees or more.

    Source: Hedges (1981), Journal of Educational Statistics 6.
    """
    half = degrees / 2
    log_ratio = special.gammaln(half) - special.gammaln(half - 0.5)
    return float(math.exp(log_ratio) / math.sqrt(half))


# Not statsmodels' multipletests: it gives the same numbers, and takes ten thousand times as long for a few p.
def holm(p_values: Sequence[float], n_comparisons: int | None = None) -> list[float]:
    """Holm's step-down adjustment: the smallest error levels at which each p is rejected.

    Source: Holm (1979), Scandinavian Journal of Statistics 6.

    Args:
        p_values: in any order.
        n_comparisons: size of the family, by default the number of p-values. A larger family stands for comparisons that were
            planned but gave no p-value; they count as p = 1.
    """
    family = len(p_values) if n_comparisons is None else n_comparisons
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (family - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def detection_power(
    effect: float, n_pairs: int, *, overlap_ratio: float, alpha: float = 0.05, degrees: float
) -> float:
    """Chance that the corrected test finds a true difference of ``effect`` s.d. of the pairs.

    It takes the corrected variance to be the true one; where the correction is too wide the power is less. The test statistic
    is then noncentral t with ``degrees`` of freedom.
    """
    shift = abs(effect) / math.sqrt(variance_factor(n_pairs, overlap_ratio))
    critical = stats.t.ppf(1 - alpha / 2, degrees)
    # Both tails as upper ones: far out scipy's lower tail, nct.cdf(-critical, degrees, shift), can be NaN.
    return float(sum(stats.nct.sf(critical, degrees, sign * shift) for sign in (1, -1)))


def smallest_detectable(
    n_pairs: int, *, overlap_ratio: float, alpha: float = 0.05, power: float = 0.8, degrees: float
) -> float:
    """True difference, in s.d. of the paired difference, that is found with chance ``power`` (above alpha).

    Example: 1.64 for 12 pairs with ratio 1/5 and 11 degrees, 1.44 for 24 and 23.
    """

    def missing(effect: float) -> float:
        reached = detection_power(
            effect, n_pairs, overlap_ratio=overlap_ratio, alpha=alpha, degrees=degrees
        )
        return reached - power

    upper = 1.0
    while missing(upper) < 0:
        upper *= 2
    return float(optimize.brentq(missing, 0.0, upper, xtol=1e-9))


def mcnemar(first_correct: ArrayLike, second_correct: ArrayLike) -> tuple[int, int, float]:
    """Exact McNemar test of two trained networks on the same test samples.

    One pair of replicates at a time: pooled ones would count each test sample once per replicate.
    Source: McNemar (1947), Psychometrika 12; the binomial form over the discordant samples.

    Args:
        first_correct, second_correct: ``[n]``, truth values in the same order of samples.

    Returns:
        How many samples only the first and only the second got right; the two-sided p.
    """
    first, second = np.asarray(first_correct, bool), np.asarray(second_correct, bool)
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(~first & second))
    discordant = only_first + only_second
    p = stats.binomtest(only_first, discordant).pvalue if discordant else 1.0
    return only_first, only_second, float(p)


def sign_flip_test(differences: ArrayLike, *, seed: int) -> dict[str, float | bool | int]:
    """Fisher's two-sided randomisation test of paired differences: flip their signs in every way.

    If neither cell is better, each difference would have come as readily with the other sign. With J pairs there are 2^J
    patterns. Where they are too many, ``N_FLIPS`` are drawn and the observed one counts as one more.

    It asks for no normal distribution, but takes the pairs for independent: overlapping splits make it reject too often.
    Sources: Fisher (1935), "The design of experiments"; Phipson & Smyth (2010) on the count of a drawn test.

    Args:
        differences: ``[J]``, J ≥ 2, cell minus reference, in any unit.
        seed: of what is drawn.

    Returns:
        ``p``: twice the share of sign patterns whose mean lies as far out on the observed side. ``smallest_p``: the least that
        this number of pairs can give. ``exact``: whether every pattern was tried. ``n_pairs``.
    """
    sample = as_sample(differences)
    exact = 2**sample.size <= N_FLIPS
    test = stats.permutation_test(
        (sample,),
        _mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=N_FLIPS,
        rng=np.random.default_rng(seed),
    )
    return {
        "p": float(test.pvalue),
        "smallest_p": 2 / 2**sample.size if exact else 2 / (N_FLIPS + 1),
        "exact": exact,
        "n_pairs": sample.size,
    }


def _mean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.asarray(values.mean(axis=axis))
