"""One paired comparison on the metric's scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from oracle.stat_methods import Floats, t_half_width, t_test

FEW_PAIRS = 5


@dataclass(frozen=True)
class Spread:
    """Variances of the paired differences, and the degrees of freedom of the one used."""

    observed: float
    pooled: float
    floor: float
    degrees: float

    @property
    def used(self) -> float:
        """Never below the floor."""
        return max(self.pooled, self.floor)


@dataclass(frozen=True)
class Test:
    """One comparison on the metric's scale: ``cell`` minus ``reference``."""

    __test__ = False

    differences: Floats
    centre: float | None
    median: float | None
    broken: bool
    logged: bool
    ratio: float
    level: float
    spread: Spread | None = None
    adjusted: float | None = None

    @property
    def mean(self) -> float:
        """The estimate on the scale."""
        return float(self.differences.mean())

    @property
    def estimate(self) -> float:
        """What is shown as the difference: of a broken cell the median, as its values fall into two heaps."""
        return float(np.median(self.differences)) if self.broken else self.mean

    @property
    def variance(self) -> float:
        """Of the mean, corrected for overlapping splits."""
        assert self.spread is not None
        return self.spread.used * (1 / len(self.differences) + self.ratio)

    @property
    def p(self) -> float | None:
        """Unadjusted."""
        if self.spread is None:
            return None
        return t_test(self.mean, self.variance, self.spread.degrees)

    @property
    def interval(self) -> tuple[float, float] | None:
        """On the scale, at the level of the family; a broken cell has none."""
        if self.spread is None or self.broken:
            return None
        half = t_half_width(self.variance, self.spread.degrees, self.level)
        return self.mean - half, self.mean + half

    def in_unit(self, value: float) -> float:
        """A difference on the scale as one in the unit."""
        if not self.logged:
            return value
        assert self.centre is not None
        return float(self.centre * np.expm1(value))

    @property
    def shown(self) -> float:
        """The estimate in the unit: of a broken cell a ratio of medians is taken of the reference's median."""
        if not self.logged or not self.broken:
            return self.in_unit(self.estimate)
        assert self.median is not None
        return float(self.median * np.expm1(self.estimate))

    def inside(self, margin: float | None) -> bool:
        """Whether the whole interval lies within the margin."""
        if margin is None or self.interval is None:
            return False
        return max(map(abs, self.interval)) < self.bound(margin)

    def bound(self, margin: float) -> float:
        """The margin on the scale."""
        return float(np.log(margin)) if self.logged else margin

    def alone(self, family: int) -> Test:
        """Adjusted by Bonferroni for a family of so many."""
        return replace(self, adjusted=None if self.p is None else min(1.0, self.p * family))

    def verdict(self, margin: float | None, lower: bool, alpha: float) -> str:
        """Before diverged replicates are thought of."""
        if self.adjusted is None:
            return "not tested"
        if self.adjusted < alpha:
            return "better" if (self.mean < 0) == lower else "worse"
        return "practically equivalent" if self.inside(margin) else "inconclusive"


def reason_not_tested(test: Test, same: bool) -> str | None:
    """Why a comparison has no p-value."""
    if len(test.differences) < FEW_PAIRS:
        return "few pairs"
    if same or not test.differences.any():
        return "identical"
    if not np.isfinite(test.differences).all():
        return "zero"
    if np.ptp(test.differences) < 1e-12 * np.abs(test.differences).max():
        return "no spread"
    return None
