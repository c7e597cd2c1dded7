"""Intervals: of a mean over replicates, of one new run, and a bootstrap over replicates and test samples."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Interval = tuple[float, float]

NO_SPREAD = 1e-9
"""A standard deviation this small beside the mean is rounding error."""

MINIMUM_BOOTSTRAP_SIZE = 30
"""Below this a bootstrap over test samples covers visibly less than it says."""

_DRAWS_AT_ONCE = 2_000_000  # bounds the memory of a bootstrap to tens of megabytes


def as_sample(values: ArrayLike) -> NDArray[np.float64]:
    """The values as a float array of shape [n].

    Raises:
        ValueError: for another shape, fewer than two values, or a value that is not finite.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size < 2:
        raise ValueError(f"two replicates are needed, one value each, got shape {sample.shape}")
    if not np.isfinite(sample).all():
        raise ValueError("a value is not finite; leave diverged replicates out before")
    return sample


def variance_factor(n_replicates: int, overlap_ratio: float) -> float:
    """Variance of the mean in units of the sample variance S²: 1/J + r.

    Splits drawn again from one pool share rows, so their results are correlated and S²/J is far too small. Nadeau & Bengio
    (2003) put the correlation ρ at the share of the pool that tests, ρ = n_test / n_pool, so that
    r = ρ/(1 − ρ) = n_test / (n_pool − n_test): 1/(k − 1) for parts of k (Bouckaert & Frank 2004). Ratio 0 is the usual 1/J,
    for replicates that share one fixed test set and differ in their seeds alone.
    """
    return 1 / n_replicates + overlap_ratio


def t_interval(middle: float, error: float, degrees: float, confidence: float) -> Interval:
    """Interval of an estimate whose standard error has any degrees of freedom: Student's t."""
    half = float(stdtrit(degrees, (1 + confidence) / 2) * error)
    return middle - half, middle + half


def mean_interval(values: ArrayLike, *, overlap_ratio: float, confidence: float) -> Interval:
    """Interval of the mean over replicates: corrected variance, Student's t, J − 1 degrees.

    Source: Nadeau & Bengio (2003), "Inference for the generalization error", Machine Learning 52.

    Args:
        values: ``[J]``, one number per replicate.
        overlap_ratio: see ``variance_factor``.
        confidence: of the interval.
    """
    sample = as_sample(values)
    error = sample.std(ddof=1) * np.sqrt(variance_factor(sample.size, overlap_ratio))
    return t_interval(float(sample.mean()), error, sample.size - 1, confidence)


def prediction_interval(
    values: ArrayLike, *, overlap_ratio: float, confidence: float, same_data: bool = True
) -> Interval:
    """Interval that should hold one new single run, such as a number that somebody else published.

    Source: the usual t prediction interval; the correlation is that of Nadeau & Bengio (2003).

    Args:
        values: ``[J]``, one number per replicate.
        overlap_ratio: see ``variance_factor``.
        confidence: of the interval.
        same_data: the new run splits the data that our replicates split. It is then as correlated with each of ours as they
            are with one another, so the common part cancels in the difference and the variance is S² (1 + 1/J). A run on data
            drawn afresh shares nothing with ours: its own variance is S² (1 + ratio), as S² leaves the shared part out, and
            with that of our mean the sum is S² (1 + 1/J + 2 ratio).
    """
    sample = as_sample(values)
    shared = 0.0 if same_data else 2 * overlap_ratio
    error = sample.std(ddof=1) * np.sqrt(1 + 1 / sample.size + shared)
    return t_interval(float(sample.mean()), error, sample.size - 1, confidence)


def two_way_bootstrap(
    values: ArrayLike, *, confidence: float, rng: np.random.Generator, n_resamples: int = 4000
) -> Interval:
    """Interval of the grand mean when replicates and test samples are both random.

    Rows and columns are drawn independently and crossed. Of the J rows J − 1 are drawn: that makes the expected bootstrap
    variance of the replicates S²/J, where J draws would give S² (J − 1)/J², too little when J is 5 or 6.

    The half-width is the standard deviation of the bootstrap means times Student's t: quantiles of
    the bootstrap means themselves cover too little with few replicates (under 90 % instead of 95 % for 5).
    Its degrees of freedom are Satterthwaite's, J − 1 where the replicates are all the spread.
    Sources: Owen (2007), "The pigeonhole bootstrap", Annals of Applied Statistics 1; Satterthwaite
    (1946), "An approximate distribution of estimates of variance components", Biometrics 2.

    Args:
        values: ``[J, n]``, replicate × test sample (0/1 correctness, loss), J ≥ 2 and n ≥ 30; finite.
        confidence: of the interval.
        rng: draws the rows and columns.
        n_resamples: how often.
    """
    table = np.asarray(values, dtype=np.float64)
    n_replicates, n_samples = table.shape
    means = []
    for rows in _batches(n_resamples, n_samples):
        drawn = _counts(rng, rows, n_replicates, n_replicates - 1) @ table
        means.append((drawn * _counts(rng, rows, n_samples, n_samples)).sum(axis=1))
    scale = (n_replicates - 1) * n_samples
    variance = float(np.concatenate(means).var(ddof=1)) / scale**2
    of_replicates = float(table.mean(axis=1).var(ddof=1)) / n_replicates
    middle = float(table.mean())
    if variance == 0:
        return middle, middle
    share = min(of_replicates / variance, 1.0)
    freedom = (n_replicates - 1) / share**2 if share > 0 else np.inf
    return t_interval(middle, np.sqrt(variance), freedom, confidence)


def _batches(total: int, width: int) -> list[int]:
    """``total`` rows of ``width`` draws, cut into sizes that keep the memory bounded."""
    size = max(1, _DRAWS_AT_ONCE // width)
    return [min(size, total - start) for start in range(0, total, size)]


def _counts(rng: np.random.Generator, rows: int, items: int, draws: int) -> NDArray[np.float64]:
    """Shape [rows, items]: how often each item came up in ``draws`` draws with replacement."""
    flat = rng.integers(0, items, (rows, draws)) + items * np.arange(rows)[:, None]
    return np.bincount(flat.ravel(), minlength=rows * items).reshape(rows, items).astype(np.float64)
