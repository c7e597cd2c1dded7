"""On which scale a metric is compared, and how a difference on it reads in the metric's unit."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation.statistics.intervals import Interval


@dataclass(frozen=True)
class Scale:
    """Identity, or the natural logarithm for errors that are positive and skewed.

    On the logarithm a mean is a geometric mean, a difference is a ratio, and a margin of m stands for the ratios 1/m to m.
    """

    log: bool

    def forward(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values of the metric on this scale; −∞ for an exact 0 on the logarithm."""
        array = np.asarray(values, dtype=np.float64)
        if not self.log:
            return array
        with np.errstate(divide="ignore"):
            return np.log(array)

    def back(self, value: float) -> float:
        """A value on this scale in the metric's unit."""
        return float(np.exp(value)) if self.log else float(value)

    def interval_back(self, interval: Interval | None) -> Interval | None:
        """Both ends of an interval in the metric's unit."""
        return None if interval is None else (self.back(interval[0]), self.back(interval[1]))

    def effect(self, difference: float, reference: float) -> float:
        """A difference on this scale, in the metric's unit.

        Args:
            difference: cell minus reference, on this scale.
            reference: the centre of the reference in the metric's unit; on the logarithm the effect is
                reference × (ratio − 1).
        """
        return reference * float(np.expm1(difference)) if self.log else float(difference)

    def effect_interval(self, interval: Interval | None, reference: float) -> Interval | None:
        """Both ends of an interval of a difference, in the metric's unit."""
        if interval is None:
            return None
        return self.effect(interval[0], reference), self.effect(interval[1], reference)

    def margin(self, margin: float) -> float:
        """A margin as configured (a ratio above 1 on the logarithm) on this scale."""
        return float(np.log(margin)) if self.log else margin

    def of_samples(self, samples: Mapping[int, NDArray]) -> dict[int, NDArray[np.float64]]:
        """Values of single test samples ``[n]``, by replicate, whose mean is the replicate's metric on this scale.

        On the logarithm each is log(mean) + value/mean − 1: the first-order expansion of log(mean), so that what test
        samples do to a mean can be read from them (the delta method). A replicate whose mean is not above 0 has none.
        """
        if not self.log:
            return {r: np.asarray(part, dtype=np.float64) for r, part in samples.items()}
        means = {r: float(np.mean(part)) for r, part in samples.items()}
        return {
            r: np.log(means[r]) + np.asarray(part, dtype=np.float64) / means[r] - 1
            for r, part in samples.items()
            if means[r] > 0
        }
