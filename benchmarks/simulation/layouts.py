"""Data drawn anew, the splits of the two studies, and learners whose true difference is known.

Independent normal numbers would show nothing, since the trouble is that resampled splits share rows. So data are drawn, split
as the studies split them, and real learners are fitted: linear ones, each on its own set of features, which are exchangeable,
so that all of them are equally good over redrawn data, though on any one draw some are a little better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

N_PARTS = 6
POOL, PART_SIZES = 5_000, (2_400, 600, 500)


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts of one replicate."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True)
class Study:
    """Every learner on every split.

    samples: per replicate, the loss of each test sample, ``[n, K]`` (squared error, or 1 for a wrong answer). validation:
    mean losses of the validation parts, ``[J, K]``.
    """

    samples: list[NDArray[np.float64]]
    validation: NDArray[np.float64]

    def metric(self, name: str) -> NDArray[np.float64]:
        """``mse``, ``mae`` (of squared errors) or ``accuracy`` (of wrong answers), ``[J, K]``."""
        if name == "mae":
            return np.array([np.sqrt(part).mean(axis=0) for part in self.samples])
        means = np.array([part.mean(axis=0) for part in self.samples])
        return 1 - means if name == "accuracy" else means

    def of_samples(self, name: str, learner: int) -> dict[int, NDArray[np.float64]]:
        """One learner's metric of every test sample, by replicate."""
        columns = [part[:, learner] for part in self.samples]
        forms = {"mse": lambda x: x, "mae": np.sqrt, "accuracy": lambda x: 1 - x}
        return {r: forms[name](column) for r, column in enumerate(columns)}


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


def drawn_splits(
    labels: NDArray[np.int64],
    n_replicates: int,
    rng: np.random.Generator,
    sizes: Sequence[int] = PART_SIZES,
) -> list[Split]:
    """The MNIST layout: disjoint parts of these sizes, drawn for each replicate out of the whole pool, stratified by class."""
    classes = [np.flatnonzero(labels == each) for each in np.unique(labels)]
    cuts = np.cumsum([0, *(size // len(classes) for size in sizes)])
    splits = []
    for _ in range(n_replicates):
        shuffled = [rng.permutation(members) for members in classes]
        parts = [np.concatenate([members[a:b] for members in shuffled]) for a, b in pairwise(cuts)]
        splits.append(Split(*parts))
    return splits


@dataclass(frozen=True)
class Regression:
    """K linear learners of one target on 506 rows, split into six parts.

    The target is a sum over K sets of features, plus noise; learner k sees set k alone. weights: standard deviation that each
    set gives to the target; a learner whose set weighs less is worse. noise: ``normal``, ``t3`` (heavy tails) or ``skewed``
    (lognormal), of standard deviation ``noise_sd``. A target is cut at its 97th percentile where ``censored``.
    """

    weights: tuple[float, ...]
    n_features: int = 10
    noise: str = "normal"
    noise_sd: float = 1.0
    censored: bool = False
    n_rows: int = 506
    overlap_ratio: float = field(default=1 / (N_PARTS - 1), init=False)
    step: int = field(default=N_PARTS, init=False)

    def study(self, n_replicates: int, rng: np.random.Generator) -> Study:
        """One data set with its splits, fitted and tested."""
        f, n_learners = self.n_features, len(self.weights)
        features = rng.standard_normal((self.n_rows, n_learners, f))
        target = (features.sum(axis=2) / np.sqrt(f)) @ np.array(self.weights)
        target += self.noise_sd * self._noise(rng)
        if self.censored:
            target = np.minimum(target, np.quantile(target, 0.97))
        splits = six_part_splits(self.n_rows, n_replicates, rng)
        columns = [range(k * f, (k + 1) * f) for k in range(n_learners)]
        return _fitted(features.reshape(self.n_rows, -1), target, splits, columns, classify=False)

    def _noise(self, rng: np.random.Generator) -> NDArray[np.float64]:
        n = self.n_rows
        if self.noise == "t3":
            return rng.standard_t(3, n) / np.sqrt(3)
        if self.noise == "skewed":
            return (rng.lognormal(0, 1, n) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)
        return rng.standard_normal(n)


@dataclass(frozen=True)
class Classification:
    """K linear classifiers of two classes on a pool of 5,000, about 95 % right, drawn into parts as the MNIST study draws.

    All see a shared set of features; beside it, learner k has a set of its own. separations: of the classes along each own set;
    a smaller one makes a worse learner. overlaps: the share of learner 0's own set that learner k sees in place of as much of
    its own, so that the two err on the same samples more often and their differences scatter less.
    """

    separations: tuple[float, ...]
    overlaps: tuple[float, ...] = ()
    n_features: int = 20
    n_shared: int = 5
    shared_separation: float = 3.2
    overlap_ratio: float = field(default=PART_SIZES[2] / (POOL - PART_SIZES[2]), init=False)
    step: int = field(default=1, init=False)

    def study(self, n_replicates: int, rng: np.random.Generator) -> Study:
        """One data set with its splits, fitted and tested."""
        f, first, n_learners = self.n_features, 1 + self.n_shared, len(self.separations)
        labels = np.repeat([0, 1], POOL // 2)
        side = labels - 0.5
        features = rng.standard_normal((POOL, first + n_learners * f))
        features[:, 0] = 1
        features[:, 1:first] += side[:, None] * self.shared_separation / np.sqrt(self.n_shared)
        for k, separation in enumerate(self.separations):
            features[:, first + k * f : first + (k + 1) * f] += (
                side[:, None] * separation / np.sqrt(f)
            )
        splits = drawn_splits(labels, n_replicates, rng)
        columns = [self._columns(k) for k in range(n_learners)]
        return _fitted(features, side, splits, columns, classify=True)

    def _columns(self, learner: int) -> list[int]:
        f, first = self.n_features, 1 + self.n_shared
        overlap = self.overlaps[learner] if self.overlaps else 0.0
        n_common = 0 if learner == 0 else round(overlap * f)
        start = first + learner * f
        common = range(first, first + n_common)
        return [*range(first), *common, *range(start + n_common, start + f)]


def _fitted(
    features: NDArray[np.float64],
    target: NDArray[np.float64],
    splits: list[Split],
    columns: Sequence[Sequence[int]],
    *,
    classify: bool,
) -> Study:
    """Fit every learner by least squares on every train part and test it. No intercept is added."""
    joined = np.column_stack([features, target])
    chosen = [np.asarray(own) for own in columns]

    def losses(rows: NDArray[np.int64], fits: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        predicted = np.column_stack(
            [features[np.ix_(rows, own)] @ w for own, w in zip(chosen, fits, strict=True)]
        )
        truth = target[rows, None]
        wrong = (predicted > 0) != (truth > 0) if classify else (predicted - truth) ** 2
        return wrong.astype(np.float64)

    samples, validation = [], []
    for split in splits:
        # All that a fit needs of its training rows, for all learners at once.
        products = joined[split.train].T @ joined[split.train]
        fits = [np.linalg.solve(products[np.ix_(own, own)], products[own, -1]) for own in chosen]
        samples.append(losses(split.test, fits))
        validation.append(losses(split.validation, fits).mean(axis=0))
    return Study(samples, np.array(validation))
