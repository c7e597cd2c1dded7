"""Intervals: of a mean over replicates, of one new run, and bootstraps over test samples."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Interval = tuple[float, float]

NO_SPREAD = 1e-9
"""A standard deviation this small beside the mean is rounding error."""

MINIMUM_BOOTSTRAP_SIZE = 30
"""Below this a bootstrap over test samples covers visibly less than it says."""

_DRAWS_AT_ONCE = 2_000_000  # bounds the memory of a bootstrap to tens of megabytes


def as_sample(values: ArrayLike, minimum: int = 2) -> NDArray[np.float64]:
    """The values as a float array of shape [n].

    Raises ValueError for another shape, for fewer than ``minimum`` values, and for a value that is
    not finite.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1:
        raise ValueError(f"expected one value per replicate or sample, got shape {sample.shape}")
    if sample.size < minimum:
        raise ValueError(f"{minimum} values are needed, got {sample.size}")
    if not np.isfinite(sample).all():
        raise ValueError("a value is not finite; leave diverged replicates out before")
    return sample


def check_level(name: str, value: float) -> None:
    """Raises ValueError unless ``value``, a probability, lies strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value}")


def check_ratio(overlap_ratio: float) -> None:
    """Raises ValueError unless the ratio that corrects for overlapping splits is finite and not negative."""
    if not 0 <= overlap_ratio < np.inf:
        raise ValueError(f"the overlap ratio must be 0 or more, got {overlap_ratio}")


def variance_factor(n_replicates: int, overlap_ratio: float) -> float:
    """Variance of the mean in units of the sample variance S²: 1/J + r.

    Splits drawn again from one pool share rows, so their results are correlated and S²/J is far too small. Nadeau & Bengio
    (2003) put the correlation ρ at the share of the pool that tests, ρ = n_test / n_pool, so that
    r = ρ/(1 − ρ) = n_test / (n_pool − n_test): 1/(k − 1) for parts of k (Bouckaert & Frank 2004). Ratio 0 is the usual 1/J,
    for replicates that share one fixed test set and differ in their seeds alone.
    """
    return 1 / n_replicates + overlap_ratio


def mean_interval(values: ArrayLike, *, overlap_ratio: float, confidence: float) -> Interval:
    """Interval of the mean over J replicates: corrected variance, Student's t, J − 1 degrees.

    values: shape [J], one number per replicate, in the metric's unit; also the paired differences
    of two cells.
    overlap_ratio: see ``variance_factor``; 0 gives the plain t interval.
    Raises ValueError for fewer than two values, values that are not finite, a negative ratio, or a
    confidence that is not between 0 and 1.
    Source: Nadeau & Bengio (2003), "Inference for the generalization error", Machine Learning 52.
    """
    sample = as_sample(values)
    check_level("confidence", confidence)
    check_ratio(overlap_ratio)
    spread = sample.std(ddof=1) * np.sqrt(variance_factor(sample.size, overlap_ratio))
    return _t_interval(sample, spread, confidence)


def difference_interval(
    mean: float,
    n_pairs: int,
    variance: float,
    degrees: float,
    *,
    overlap_ratio: float,
    confidence: float,
) -> Interval:
    """Interval of a mean of paired differences whose variance is estimated with any degrees of freedom.

    variance: of one difference. overlap_ratio: see ``variance_factor``.
    Raises ValueError for a confidence outside (0, 1).
    """
    check_level("confidence", confidence)
    error = np.sqrt(variance * variance_factor(n_pairs, overlap_ratio))
    half = float(stdtrit(degrees, (1 + confidence) / 2) * error)
    return mean - half, mean + half


def prediction_interval(
    values: ArrayLike, *, overlap_ratio: float, confidence: float, same_data: bool = True
) -> Interval:
    """Interval that should hold one new single run, such as a number that somebody else published.

    values: shape [J], one number per replicate, in the metric's unit.
    same_data: the new run splits the data that our replicates split. It is then as correlated with
    each of ours as they are with one another, so the common part cancels in the difference and the
    variance is S² (1 + 1/J). A run on data drawn afresh shares nothing with ours: its own variance
    is S² (1 + ratio), as S² leaves the shared part out, and with that of our mean the sum is
    S² (1 + 1/J + 2 ratio).
    Raises ValueError like ``mean_interval``.
    Source: the usual t prediction interval; the correlation is that of Nadeau & Bengio (2003).
    """
    sample = as_sample(values)
    check_level("confidence", confidence)
    check_ratio(overlap_ratio)
    shared = 0.0 if same_data else 2 * overlap_ratio
    spread = sample.std(ddof=1) * np.sqrt(1 + 1 / sample.size + shared)
    return _t_interval(sample, spread, confidence)


def two_way_bootstrap(
    values: ArrayLike, *, confidence: float, rng: np.random.Generator, n_resamples: int = 4000
) -> Interval:
    """Interval of the grand mean when replicates and test samples are both random.

    values: shape [J, n], replicate × test sample (0/1 correctness, loss), J ≥ 2 and n ≥ 30. Rows
    and columns are drawn independently and crossed. Of the J rows J − 1 are drawn: that makes the
    expected bootstrap variance of the replicates S²/J, where J draws would give S² (J − 1)/J², too
    little when J is 5 or 6.

    The half-width is the standard deviation of the bootstrap means times Student's t: quantiles of
    the bootstrap means themselves cover too little with few replicates (under 90 % instead of 95 % for 5).
    Its degrees of freedom are Satterthwaite's, J − 1 where the replicates are all the spread.
    Raises ValueError for another shape, too few rows or columns, or values that are not finite.
    Sources: Owen (2007), "The pigeonhole bootstrap", Annals of Applied Statistics 1; Satterthwaite
    (1946), "An approximate distribution of estimates of variance components", Biometrics 2.
    """
    table = np.asarray(values, dtype=np.float64)
    check_level("confidence", confidence)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < MINIMUM_BOOTSTRAP_SIZE:
        raise ValueError(
            f"2 replicates and {MINIMUM_BOOTSTRAP_SIZE} test samples are needed at least, "
            f"got shape {table.shape}"
        )
    if not np.isfinite(table).all():
        raise ValueError("a value is not finite; leave diverged replicates out before")
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
    half = float(stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(variance))
    return middle - half, middle + half


def _t_interval(sample: NDArray[np.float64], spread: float, confidence: float) -> Interval:
    mean = float(sample.mean())
    half = float(stdtrit(sample.size - 1, (1 + confidence) / 2) * spread)
    return mean - half, mean + half


def _batches(total: int, width: int) -> list[int]:
    """``total`` rows of ``width`` draws, cut into sizes that keep the memory bounded."""
    size = max(1, _DRAWS_AT_ONCE // width)
    return [min(size, total - start) for start in range(0, total, size)]


def _counts(rng: np.random.Generator, rows: int, items: int, draws: int) -> NDArray[np.float64]:
    """Shape [rows, items]: how often each item came up in ``draws`` draws with replacement."""
    flat = rng.integers(0, items, (rows, draws)) + items * np.arange(rows)[:, None]
    return np.bincount(flat.ravel(), minlength=rows * items).reshape(rows, items).astype(np.float64)
