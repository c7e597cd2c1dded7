"""What the verdicts of whole axes do on redrawn data, where the truth is known.

Four least-squares learners each see their own set of features of one target. Three sets weigh the
same; the fourth weighs less, so that its learner is worse by a number that can be written down. Data
are drawn anew for every axis and split as Boston is, and the errors go through the very code that
judges a study.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablation.statistics.axes import Setting, compare_axis
from ablation.statistics.importance import axis_importance
from ablation.statistics.paired import detection_power
from ablation.statistics.replicates import CellNumbers
from ablation.statistics.simulation import (
    N_PARTS,
    N_TRAIN_PARTS,
    TEST_TRAIN_RATIO,
    six_part_splits,
)

EQUAL_AXIS = (0, 1, 2)
"""A reference and two learners that are as good."""
UNEQUAL_AXIS = (0, 1, 3)
"""A reference, one as good, and one that is worse."""
LABELS = ("reference", "equal", "other")


@dataclass(frozen=True)
class Learners:
    """Four learners of the same target, the last of them worse.

    effect: how much worse, in the unit of the mean squared error, below 1 + f/(n − f − 1) with f
    ``n_features`` and n training rows.
    """

    effect: float
    n_features: int = 10
    n_rows: int = 506
    noise: float = 1.0

    @property
    def inflation(self) -> float:
        """Expected test error over the variance that a set leaves: 1 + f/(n − f − 1) for normal features."""
        n_train = self.n_rows * N_TRAIN_PARTS / N_PARTS
        return 1 + self.n_features / (n_train - self.n_features - 1)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Standard deviation that each set gives to the target. Raises ValueError for too large an effect."""
        rest = 1 - self.effect / self.inflation
        if rest < 0:
            raise ValueError(f"the effect must be below {self.inflation:.3g}, got {self.effect}")
        return np.array([1.0, 1.0, 1.0, np.sqrt(rest)])


@dataclass(frozen=True)
class AxisRates:
    """Shares of simulated axes (rows, for intervals) with an outcome; 0 to 1.

    false: "better" or "worse" anywhere on an axis of equals. found: the worse learner is called so.
    expected: the power behind it. covered: intervals of a difference, at their own level, that hold
    the true one; jointly: axes of which all do. inside: the worse learner is declared within a
    margin that is its true difference. equivalent: an equal one within that margin.
    omega2_false: ω²'s F rejects on an axis of equals; omega2_covered: its interval holds the truth
    on the unequal axis.
    """

    n_axes: int
    n_replicates: int
    false: float
    found: float
    expected: float
    covered: float
    jointly: float
    inside: float
    equivalent: float
    omega2_false: float
    omega2_covered: float


def simulate_errors(
    n_axes: int, n_replicates: int, learners: Learners, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Mean squared test errors, shape [n_axes, n_replicates, 4]; every axis has its own data and splits."""
    f, n_rows = learners.n_features, learners.n_rows
    weights = learners.weights
    errors = np.empty((n_axes, n_replicates, len(weights)))
    for axis in range(n_axes):
        features = rng.standard_normal((n_rows, len(weights), f))
        target = (features.sum(axis=2) / np.sqrt(f)) @ weights
        target += learners.noise * rng.standard_normal(n_rows)
        splits = six_part_splits(n_rows, n_replicates, rng)
        columns = np.column_stack([features.reshape(n_rows, -1), target])
        # All that a fit needs of its training rows, for all learners and splits at once.
        products = np.stack([columns[s.train].T @ columns[s.train] for s in splits])
        for learner in range(len(weights)):
            own = slice(learner * f, (learner + 1) * f)
            fitted = np.linalg.solve(products[:, own, own], products[:, own, -1:])[:, :, 0]
            for replicate, split in enumerate(splits):
                test = columns[split.test]
                residual = test[:, -1] - test[:, own] @ fitted[replicate]
                errors[axis, replicate, learner] = np.mean(residual**2)
    return errors


def axis_rates(
    errors: NDArray[np.float64],
    n_replicates: int,
    learners: Learners,
    *,
    test_train_ratio: float = TEST_TRAIN_RATIO,
    confidence: float = 0.95,
) -> AxisRates:
    """How often the verdicts of simulated axes are right, with a given correction (0: the naive test).

    errors: of ``simulate_errors``; the first ``n_replicates`` are read. The margin is the true
    difference of the worse learner. The expected power is that of ``detection_power`` at the axis's
    first step, for the true difference in true standard deviations.
    Raises ValueError when fewer replicates were simulated than asked for.
    """
    if errors.shape[1] < n_replicates:
        raise ValueError(f"{n_replicates} replicates asked for, {errors.shape[1]} simulated")
    setting = Setting(
        metric="mse",
        better="lower",
        margin=learners.effect,
        ratio=test_train_ratio,
        fixed_test_set=False,
        n_replicates=n_replicates,
        confidence=confidence,
        power=0.8,
    )
    equal, unequal = (errors[:, :n_replicates, list(a)] for a in (EQUAL_AXIS, UNEQUAL_AXIS))
    nulls = [_rows(each, setting) for each in equal]
    found = [_rows(each, setting) for each in unequal]
    truths = (0.0, learners.effect)
    hits = np.array([_covered(rows, truths) for rows in found])
    sd = float(np.sqrt((unequal[:, :, 2] - unequal[:, :, 0]).var(axis=1, ddof=1).mean()))
    shares = [
        axis_importance(each, test_train_ratio=test_train_ratio, confidence=confidence)
        for each in equal
    ]
    truth = _true_omega2(unequal, learners.effect)
    intervals = [
        share.interval
        for each in unequal
        if (
            share := axis_importance(each, test_train_ratio=test_train_ratio, confidence=confidence)
        )
    ]
    return AxisRates(
        n_axes=len(errors),
        n_replicates=n_replicates,
        false=_share(any(row["verdict"] in ("better", "worse") for row in rows) for rows in nulls),
        found=_share(rows[1]["verdict"] == "worse" for rows in found),
        expected=detection_power(
            learners.effect / sd,
            n_replicates,
            test_train_ratio=test_train_ratio,
            alpha=(1 - confidence) / len(truths),
        ),
        covered=float(hits.mean()),
        jointly=float(hits.all(axis=1).mean()),
        inside=_share(_declared_inside(rows[1]) for rows in found),
        equivalent=_share(rows[0]["verdict"] == "equivalent" for rows in found),
        omega2_false=_share(share is not None and share.p < 1 - confidence for share in shares),
        omega2_covered=_share(low <= truth <= high for low, high in intervals),
    )


def _rows(errors: NDArray[np.float64], setting: Setting) -> list[dict]:
    """The two rows of one axis beside its reference; errors: shape [J, 3]."""
    numbers = {
        label: CellNumbers(metric=dict(enumerate(column)), n_total=len(column))
        for label, column in zip(LABELS, errors.T.tolist(), strict=True)
    }
    cells = [{"cell": label, "label": label, "failed": None} for label in LABELS]
    axis = {"axis": "simulated", "reference": LABELS[0], "cells": cells}
    rows = compare_axis(axis, numbers, setting)["rows"]
    return [rows[label] for label in LABELS[1:]]


def _covered(rows: list[dict], truths: Sequence[float]) -> list[bool]:
    intervals = [row["difference_interval"] for row in rows]
    return [low <= truth <= high for (low, high), truth in zip(intervals, truths, strict=True)]


def _declared_inside(row: dict) -> bool:
    return bool(row["verdict"] == "equivalent" or row["within_margin"])


def _true_omega2(errors: NDArray[np.float64], effect: float) -> float:
    """σ²_α / (σ²_α + σ²) with the true cell means, and σ² the mean square error over all axes."""
    centred = errors - errors.mean(axis=1, keepdims=True) - errors.mean(axis=2, keepdims=True)
    centred += errors.mean(axis=(1, 2), keepdims=True)
    _, n_replicates, n_cells = errors.shape
    degrees = (n_replicates - 1) * (n_cells - 1)
    variance = float(np.mean((centred**2).sum(axis=(1, 2)) / degrees))
    of_cells = float(np.var([0.0, 0.0, effect]))
    return of_cells / (of_cells + variance)


def _share(outcomes: object) -> float:
    return float(np.mean(list(outcomes)))  # type: ignore[call-overload]
