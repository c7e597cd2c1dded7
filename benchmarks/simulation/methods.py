"""Ways to estimate the variance of a paired difference, to be compared on data whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from ablation.statistics.paired import p_value
from ablation.statistics.spread import moderated, sampling_floor, spread_factor, variance_prior
from numpy.typing import NDArray

from simulation.layouts import Classification, Regression, Study

Layout = Regression | Classification
Estimate = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Variances and degrees of freedom of all comparisons of a study."""


class Compared:
    """Learners 1 to K − 1 of one study against learner 0, in the accuracy.

    axes: which comparisons stand on one axis, for pooling over it.
    """

    def __init__(self, study: Study, layout: Layout, axes: Sequence[Sequence[int]]) -> None:
        self.table = study.metric("accuracy")
        self.differences = self.table[:, 1:] - self.table[:, :1]
        self.n_replicates, self.n_comparisons = self.differences.shape
        self.means = self.differences.mean(axis=0)
        self.variances = self.differences.var(axis=0, ddof=1)
        self.axes = axes
        factor = spread_factor(self.n_replicates, layout.overlap_ratio, layout.step)
        reference = study.of_samples("accuracy", 0)
        self.floors = np.array(
            [
                sampling_floor(study.of_samples("accuracy", k + 1), reference, factor)
                for k in range(self.n_comparisons)
            ]
        )

    def plain(self) -> Estimate:
        """The sample variance."""
        return self.variances, np.full(self.n_comparisons, self.n_replicates - 1.0)

    def floor(self) -> Estimate:
        """The sample variance, never below what the test samples alone must give."""
        return np.maximum(self.variances, self.floors), self.plain()[1]

    def pooled(self) -> Estimate:
        """Twice the mean square error of the axis, as in a blocked analysis of variance."""
        variances, degrees = np.empty(self.n_comparisons), np.empty(self.n_comparisons)
        for axis in self.axes:
            own = list(axis)
            cells = self.table[:, [0, *(k + 1 for k in own)]]
            centred = cells - cells.mean(axis=0) - cells.mean(axis=1, keepdims=True) + cells.mean()
            degrees[own] = (self.n_replicates - 1) * len(own)
            variances[own] = 2 * float(np.sum(centred**2)) / degrees[own[0]]
        return variances, degrees

    def moderated(self) -> Estimate:
        """Drawn towards the variances of the study's other comparisons."""
        degrees = [self.n_replicates - 1] * self.n_comparisons
        prior = variance_prior(list(self.variances), degrees)
        found = [moderated(v, degrees[0], prior, sum(degrees)) for v in self.variances]
        return np.array([v for v, _ in found]), np.array([d for _, d in found])

    def moderated_floor(self) -> Estimate:
        """The moderated variance, never below the floor."""
        variances, degrees = self.moderated()
        return np.maximum(variances, self.floors), degrees

    def p_values(self, estimate: Estimate, overlap_ratio: float) -> NDArray[np.float64]:
        """Two-sided p of every comparison."""
        rows = zip(self.means, *estimate, strict=True)
        return np.array(
            [p_value(m, self.n_replicates, max(v, 1e-12), d, overlap_ratio) for m, v, d in rows]
        )


METHODS: Mapping[str, Callable[[Compared], Estimate]] = {
    "sample variance": Compared.plain,
    "floor": Compared.floor,
    "pooled over the factor": Compared.pooled,
    "moderated": Compared.moderated,
    "moderated, with floor": Compared.moderated_floor,
}
