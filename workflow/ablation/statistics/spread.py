"""The spread of paired differences, so that no verdict rests on a spread that came out small by luck."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special

from ablation.statistics.crossed import Samples
from ablation.statistics.intervals import NO_SPREAD

SMALLEST_POOL = 3
"""With fewer comparisons nothing is learnt of how variances scatter."""
ALIKE = 1e-8
"""Variances whose logarithms scatter by no more than this beyond chance are all alike."""


@dataclass(frozen=True)
class Prior:
    """What the comparisons of a model say of a variance before its own differences are seen."""

    variance: float  # its typical size
    degrees: float  # of freedom that this is worth; infinite where all variances are alike


@dataclass(frozen=True)
class Spread:
    """The variance a test uses, and its degrees of freedom."""

    observed: float  # S², the sample variance of the differences
    pooled: float  # after the other comparisons of the model were heard
    floor: float  # what the test samples alone must give, 0 where that is unknown
    degrees: float

    @property
    def used(self) -> float:
        return max(self.pooled, self.floor)


def variance_prior(variances: Sequence[float], degrees: Sequence[int]) -> Prior | None:
    """Fit a scaled inverse χ² distribution to sample variances, by the moments of their logarithms.

    None with fewer than three. The same differences enter through a shared reference, which makes the variances a little more
    alike than independent ones; the simulations of docs/statistics.md have that in them.
    Source: Smyth (2004), "Linear models and empirical Bayes methods", section 6.2.
    """
    if len(variances) < SMALLEST_POOL:
        return None
    half = np.asarray(degrees, dtype=np.float64) / 2
    logs = np.log(variances) - special.digamma(half) + np.log(half)
    middle = float(logs.mean())
    excess = float(logs.var(ddof=1) - special.polygamma(1, half).mean())
    if excess <= ALIKE:
        return Prior(math.exp(middle), math.inf)
    prior = 2 * _trigamma_inverse(excess)
    return Prior(math.exp(middle + special.digamma(prior / 2) - math.log(prior / 2)), prior)


def _trigamma_inverse(value: float) -> float:
    def missing(log_x: float) -> float:
        return float(special.polygamma(1, math.exp(log_x)) - value)

    return math.exp(optimize.brentq(missing, -20.0, 20.0, xtol=1e-12))


def moderated(variance: float, degrees: int, prior: Prior | None, most: int) -> tuple[float, float]:
    """A variance drawn towards the prior, and its degrees of freedom, ``most`` at most (those of all comparisons).

    Source: Smyth (2004), equation 3.
    """
    if prior is None:
        return variance, float(degrees)
    if math.isinf(prior.degrees):
        return prior.variance, float(most)
    total = prior.degrees + degrees
    pooled = (prior.degrees * prior.variance + degrees * variance) / total
    return pooled, min(total, float(most))


def spread_factor(n_replicates: int, overlap_ratio: float, step: int) -> float:
    """How much of the chance of one test part shows up as a spread between replicates.

    Test parts are drawn from one pool without replacement, so the luck of replicates has a common part that no spread
    between them shows. With ρ = r/(1 + r) the share of the pool that tests, two test parts drawn independently have the
    correlation ρ, those of one block (``step`` disjoint parts) none on average over the block: 1 − ρ (J − k)/(J − 1).
    """
    correlation = overlap_ratio / (1 + overlap_ratio)
    return 1 - correlation * max(n_replicates - step, 0) / (n_replicates - 1)


def sampling_floor(cell: Samples, reference: Samples, factor: float) -> float:
    """The variance that paired differences have from their test samples alone, on the scale of the samples.

    Mean over replicates of s²/n, s² the variance of the differences sample by sample, times ``spread_factor``. For right and
    wrong answers this is McNemar's variance. 0 without two samples in common.
    """
    parts = [
        float(difference.var(ddof=1) / difference.size)
        for r in sorted(cell.keys() & reference.keys())
        if (difference := np.asarray(cell[r], np.float64) - reference[r]).size > 1
    ]
    return factor * float(np.mean(parts)) if parts else 0.0


def noise_of(samples: Samples, *, overlap_ratio: float, step: int) -> dict[str, Any] | None:
    """The spread of a mean over replicates, and the part of it that comes of a finite test part.

    The mean of n samples has by itself the variance s²/n, s² that of the samples; ``spread_factor`` says how much of it shows
    between replicates that draw from one pool. Over the replicates the mean is taken. What is left is due to training: other
    rows to learn from, other initial weights, other orders.

    Only for test parts that are drawn per replicate: replicates that share a test set share its luck.

    Returns:
        ``sd`` of the metric over replicates; ``sd_test``: what the test part alone gives; ``share``: (sd_test / sd)², above 1
        where the replicates happened to lie closer together than their test parts alone should let them, None where nothing
        varies. None with fewer than two replicates, or a test part of fewer than two samples.
    """
    parts = [np.asarray(part, dtype=np.float64) for part in samples.values()]
    if len(parts) < 2 or min(part.size for part in parts) < 2:
        return None
    sd = float(np.std([part.mean() for part in parts], ddof=1))
    factor = spread_factor(len(parts), overlap_ratio, step)
    sd_test = float(np.sqrt(factor * np.mean([part.var(ddof=1) / part.size for part in parts])))
    return {"sd": sd, "sd_test": sd_test, "share": None if sd == 0 else (sd_test / sd) ** 2}


def has_spread(differences: Sequence[float]) -> bool:
    """Whether differences vary by more than rounding does."""
    return float(np.std(differences, ddof=1)) > NO_SPREAD * abs(float(np.mean(differences)))


def spreads(
    differences: Mapping[str, Sequence[float]],
    floors: Mapping[str, float],
    poolable: Mapping[str, bool],
) -> dict[str, Spread]:
    """The spread of every comparison of a model.

    Args:
        differences: by comparison, at least two each.
        floors: see ``sampling_floor``; missing ones are 0.
        poolable: whether a comparison may inform the others and be informed; one whose replicates fell into two heaps may not,
            nor one without spread.
    """
    observed = {name: float(np.var(values, ddof=1)) for name, values in differences.items()}
    degrees = {name: len(values) - 1 for name, values in differences.items()}
    pool = [
        name
        for name, differences_of_pairs in differences.items()
        if poolable[name] and has_spread(differences_of_pairs)
    ]
    prior = variance_prior([observed[n] for n in pool], [degrees[n] for n in pool])
    most = sum(degrees[name] for name in pool)
    result = {}
    for name, variance in observed.items():
        pooled, freedom = moderated(variance, degrees[name], prior if name in pool else None, most)
        result[name] = Spread(variance, pooled, floors.get(name, 0.0), freedom)
    return result
