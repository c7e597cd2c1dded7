"""What the tests do when nothing is there: two equally good learners, refitted on redrawn data.

Independent normal numbers would show nothing, since the trouble is that resampled splits share
rows. So data are drawn, split as the Boston study splits them, real learners are fitted and their
test errors compared.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablation.statistics.paired import corrected_paired_test

N_PARTS = 6
N_TRAIN_PARTS = 4
TEST_TRAIN_RATIO = 1 / N_TRAIN_PARTS


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts of one replicate."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True)
class NullRates:
    """Shares of null studies in which each test rejects; standard error of a share of alpha."""

    n_studies: int
    n_replicates: int
    naive: float
    corrected: float
    standard_error: float


def six_part_splits(n_rows: int, n_replicates: int, rng: np.random.Generator) -> list[Split]:
    """The Boston layout: replicate r tests on part r mod 6, validates on the next, trains on four.

    Each block of six replicates shares one shuffle, so its test parts cover every row once; the
    next block shuffles again. Raises ValueError when there are fewer than six rows.
    """
    if n_rows < N_PARTS:
        raise ValueError(f"{N_PARTS} rows are needed, got {n_rows}")
    splits = []
    for replicate in range(n_replicates):
        if replicate % N_PARTS == 0:
            parts = np.array_split(rng.permutation(n_rows), N_PARTS)
        test = replicate % N_PARTS
        validation = (test + 1) % N_PARTS
        train = [part for k, part in enumerate(parts) if k not in (test, validation)]
        splits.append(Split(np.concatenate(train), parts[validation], parts[test]))
    return splits


def simulate_null_errors(
    n_studies: int,
    n_replicates: int,
    rng: np.random.Generator,
    *,
    n_rows: int = 506,
    n_features: int = 40,
    noise: float = 1.0,
) -> NDArray[np.float64]:
    """Mean squared test errors of two least-squares learners, equally good in expectation.

    The target is a sum over two sets of ``n_features`` independent normal features each, plus
    noise; one learner sees the first set, the other the second. The sets are exchangeable, so
    neither is better over redrawn data,
    though one of them is a little better on any one draw: that luck is what overlapping splits
    repeat.
    Returns shape [n_studies, n_replicates, 2]; every study has its own data and its own splits.
    """
    errors = np.empty((n_studies, n_replicates, 2))
    for study in range(n_studies):
        features = rng.standard_normal((2, n_rows, n_features))
        target = features.sum(axis=(0, 2)) / np.sqrt(n_features)
        target += noise * rng.standard_normal(n_rows)
        splits = six_part_splits(n_rows, n_replicates, rng)
        for learner, columns in enumerate(features):
            errors[study, :, learner] = least_squares_errors(columns, target, splits)
    return errors


def least_squares_errors(
    features: NDArray[np.float64], target: NDArray[np.float64], splits: list[Split]
) -> NDArray[np.float64]:
    """Mean squared test error per split, shape [len(splits)], of least squares on its train part.

    features: shape [n_rows, n_features]; target: shape [n_rows]. No intercept: both are drawn
    around 0.
    """
    joined = np.column_stack([features, target])
    # One sum of products per split is the only thing the fit needs of the training rows; solved all
    # at once.
    products = np.stack([joined[s.train].T @ joined[s.train] for s in splits])
    weights = np.linalg.solve(products[:, :-1, :-1], products[:, :-1, -1:])[:, :, 0]
    residuals = (
        target[s.test] - features[s.test] @ w for s, w in zip(splits, weights, strict=True)
    )
    return np.array([np.mean(residual**2) for residual in residuals])


def null_rates(
    errors: NDArray[np.float64],
    n_replicates: int,
    *,
    test_train_ratio: float = TEST_TRAIN_RATIO,
    alpha: float = 0.05,
) -> NullRates:
    """How often the naive and the corrected paired t-test find a difference that is not there.

    errors: shape [n_studies, n_replicates or more, 2], of which the first are read, as
    ``simulate_null_errors`` gives them.
    Raises ValueError when the studies hold fewer replicates than asked for.
    """
    if errors.shape[1] < n_replicates:
        raise ValueError(f"{n_replicates} replicates asked for, {errors.shape[1]} simulated")
    differences = errors[:, :n_replicates, 0] - errors[:, :n_replicates, 1]

    def rejected(ratio: float) -> float:
        ps = [corrected_paired_test(row, test_train_ratio=ratio).p for row in differences]
        return float(np.mean([p is not None and p < alpha for p in ps]))

    n_studies = len(differences)
    return NullRates(
        n_studies,
        n_replicates,
        naive=rejected(0.0),
        corrected=rejected(test_train_ratio),
        standard_error=float(np.sqrt(alpha * (1 - alpha) / n_studies)),
    )
