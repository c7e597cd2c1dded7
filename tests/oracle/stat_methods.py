"""The textbook formulas behind docs/statistics.md, each from its source, in NumPy and SciPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, optimize, special, stats

Floats = NDArray[np.float64]
POWER = 0.8
DRAWN_SIGNS = 5000  # sign patterns, the observed one among them, where not all are tried


class Near(float):
    """A number that the other side finds with random numbers, and how far it may be from it: five standard errors."""

    error: float

    def __new__(cls, value: float, error: float) -> Near:
        near = super().__new__(cls, value)
        near.error = error
        return near


def drawn(p: float) -> Near:
    """An exact p-value where the other side draws signs."""
    return Near(p, 5 * sqrt(p * (1 - p) / DRAWN_SIGNS) + 2 / DRAWN_SIGNS)


def holm(values: Sequence[float | None], family: int) -> list[float | None]:
    """Holm (1979) in a family of which some members may have no p-value: those count, but are never first."""
    adjusted: list[float | None] = [None] * len(values)
    known = sorted((p, i) for i, p in enumerate(values) if p is not None)
    largest = 0.0
    for rank, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, p * (family - rank)))
        adjusted[i] = largest
    return adjusted


@dataclass(frozen=True)
class Prior:
    """What the spreads of a set of comparisons say about one of them (Smyth 2004)."""

    degrees: float
    variance: float
    cap: float

    def moderate(self, variance: float, degrees: float) -> tuple[float, float]:
        """The moderated variance and its degrees of freedom, which never exceed those that went in."""
        if self.degrees == inf:
            return self.variance, self.cap
        total = self.degrees + degrees
        mixed = (self.degrees * self.variance + degrees * variance) / total
        return mixed, min(total, self.cap)


def fit_prior(variances: Sequence[float], degrees: Sequence[float]) -> Prior | None:
    """Smyth (2004), section 6.2: the moments of log S² by the digamma and the trigamma function."""
    if len(variances) < 2:
        return None
    half = np.asarray(degrees, float) / 2
    centred = np.log(variances) - special.digamma(half) + np.log(half)
    excess = centred.var(ddof=1) - special.polygamma(1, half).mean()
    cap = float(np.sum(degrees))
    if excess <= 0:
        return Prior(inf, float(np.exp(centred.mean())), cap)
    # trigamma falls from infinity to 0, so that its logarithm has one root
    root = optimize.brentq(
        lambda x: np.log(special.polygamma(1, np.exp(x))) - np.log(excess), -40, 40, xtol=1e-15
    )
    prior = float(np.exp(root))
    variance = float(np.exp(centred.mean() + special.digamma(prior) - np.log(prior)))
    return Prior(2 * prior, variance, cap)


def t_half_width(variance: float, degrees: float, level: float) -> float:
    """Half the width of the t interval of a quantity with this estimated variance."""
    return float(stats.t.ppf((1 + level) / 2, degrees) * np.sqrt(variance))


def t_test(estimate: float, variance: float, degrees: float) -> float:
    """The two-sided p-value."""
    return float(2 * stats.t.sf(abs(estimate) / np.sqrt(variance), degrees))


def hedges(differences: Floats) -> float:
    """Hedges' (1981) unbiased standardised mean of paired differences, with the exact factor."""
    degrees = len(differences) - 1
    log_factor = special.gammaln(degrees / 2) - special.gammaln((degrees - 1) / 2)
    factor = np.exp(log_factor) / np.sqrt(degrees / 2)
    return float(factor * differences.mean() / differences.std(ddof=1))


def sign_flip(differences: Floats) -> float:
    """The exact p-value of Fisher's randomisation test: the sums of two halves are met in the middle."""
    half = len(differences) // 2
    left, right = (_signed_sums(part) for part in (differences[:half], differences[half:]))
    right.sort()
    # Sums that are equal but for the order of their terms count as equal.
    least = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()
    above = len(right) - np.searchsorted(right, least - left, "left")
    below = np.searchsorted(right, -least - left, "right")
    return min(1.0, float((above.sum() + below.sum()) / 2 ** len(differences)))


def _signed_sums(values: Floats) -> Floats:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def power(shift: float, degrees: float, alpha: float) -> float:
    """Power of the two-sided t-test: the normal's, averaged over the estimated standard deviation."""
    critical = stats.t.isf(alpha / 2, degrees)
    low, high = stats.chi2.ppf(1e-17, degrees), stats.chi2.isf(1e-17, degrees)
    nodes, weights = _nodes()
    chi2 = low + (nodes + 1) / 2 * (high - low)
    bound = critical * np.sqrt(chi2 / degrees)
    rejects = special.ndtr(shift - bound) + special.ndtr(-shift - bound)
    return float((weights * stats.chi2.pdf(chi2, degrees) * rejects).sum() * (high - low) / 2)


@cache
def _nodes() -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(200)


def detectable(standard_error: float, degrees: float, alpha: float) -> float:
    """The true difference that the test finds with a power of 80 %."""
    shift = optimize.brentq(lambda x: power(x, degrees, alpha) - POWER, 0, 60, xtol=1e-12)
    return float(shift * standard_error)


def mean_largest(count: int) -> float:
    """The expectation of the largest of so many standard normals."""
    density = stats.norm.pdf

    def largest(x: float) -> float:
        return float(x * count * density(x) * special.ndtr(x) ** (count - 1))

    return float(integrate.quad(largest, -12, 12, epsabs=1e-13, limit=200)[0])


@dataclass(frozen=True)
class Effect:
    """A term of a blocked or repeated-measures analysis of variance, F corrected for overlapping splits."""

    f: float
    degrees: int
    error_degrees: int
    p: float
    omega2: float
    interval: list[float]


@dataclass(frozen=True)
class Design:
    """So many cells with so many replicates each, r, and the confidence of intervals."""

    replicates: int
    cells: int
    ratio: float
    confidence: float


def effect(squares: tuple[float, float], degrees: tuple[int, int], design: Design) -> Effect:
    """From sums of squares: F over 1 + J r, its ω² (Olejnik and Algina 2003), and the interval by the noncentral F (Steiger
    2004).
    """
    f = squares[0] / degrees[0] / (squares[1] / degrees[1])
    f /= 1 + design.replicates * design.ratio
    per_mean = 1 / design.replicates + design.ratio
    gain = (f - 1) * degrees[0] * per_mean
    omega2 = max(0.0, gain / (gain + design.cells)) if f > 1 else 0.0
    tails = [(1 + design.confidence) / 2, (1 - design.confidence) / 2]
    shifts = [_noncentrality(f, degrees, tail) * per_mean for tail in tails]
    interval = [shift / (shift + design.cells) for shift in shifts]
    return Effect(f, *degrees, float(stats.f.sf(f, *degrees)), omega2, interval)


def _noncentrality(f: float, degrees: tuple[int, int], tail: float) -> float:
    """The noncentrality at which a smaller F has this probability; 0 if it has less without one."""
    if stats.f.cdf(f, *degrees) <= tail:
        return 0.0
    high = 1.0
    while stats.ncf.cdf(f, *degrees, high) > tail:
        high *= 2
    return float(
        optimize.brentq(lambda x: stats.ncf.cdf(f, *degrees, x) - tail, 1e-12, high, xtol=1e-11)
    )
