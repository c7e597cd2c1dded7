"""The data on which the statistics were chosen, and that on them the tests err no more often than they say.

``make simulate`` measures the same with thousands of studies, for docs/statistics.md.
"""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ablation.statistics.paired import sign_flip_test
from numpy.typing import NDArray
from scipy import stats

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from simulation import tables
from simulation.layouts import (
    PART_SIZES,
    POOL,
    Classification,
    Regression,
    Study,
    drawn_splits,
    six_part_splits,
)
from simulation.methods import METHODS, Compared

STUDIES = 150
FNN = Regression((1.0, 1.0), n_features=5)
CNN = Classification((1.2, 1.2), n_features=4)


@cache
def fnn_differences() -> NDArray[np.float64]:
    """Of the log MSE of two equal learners: ``[studies, J]``."""
    rng = np.random.default_rng(11)
    tables = [np.log(FNN.study(24, rng).metric("mse")) for _ in range(STUDIES)]
    return np.array([table[:, 1] - table[:, 0] for table in tables])


@cache
def cnn_studies() -> tuple[Study, ...]:
    rng = np.random.default_rng(12)
    return tuple(CNN.study(12, rng) for _ in range(STUDIES))


def rejected(differences: NDArray[np.float64], ratio: float) -> float:
    """How often a difference is found between equals, by scipy."""
    n = differences.shape[1]
    error = np.sqrt((1 / n + ratio) * differences.var(axis=1, ddof=1))
    p = 2 * stats.t.sf(np.abs(differences.mean(axis=1)) / error, n - 1)
    share = float(np.mean(p < 0.05))
    assert share == tables.rejected(differences, ratio)
    return share


def test_the_level_holds_on_the_layout_of_boston_and_fails_without_the_correction() -> None:
    differences = fnn_differences()
    means = differences.mean(axis=1)
    assert abs(means.mean()) < 3 * means.std() / np.sqrt(STUDIES)  # equals they are
    assert FNN.overlap_ratio == pytest.approx(1 / 5)
    assert rejected(differences, FNN.overlap_ratio) < 0.09
    assert rejected(differences, 0.0) > 0.2


def test_the_level_holds_on_the_layout_of_mnist() -> None:
    differences = np.array([np.diff(s.metric("accuracy"))[:, 0] for s in cnn_studies()])
    assert CNN.overlap_ratio == pytest.approx(500 / 4500)
    assert abs(differences.mean()) < 3 * differences.mean(axis=1).std() / np.sqrt(STUDIES)
    assert rejected(differences, CNN.overlap_ratio) < 0.09
    assert rejected(differences, 0.0) > rejected(differences, CNN.overlap_ratio) + 0.03


def test_what_decides_keeps_the_level_and_the_floor() -> None:
    rates = {}
    for name, estimate in METHODS.items():
        ps = []
        for study in cnn_studies():
            compared = Compared(study, CNN, [(0,)])
            variances, degrees = estimate(compared)
            ps.append(float(compared.p_values((variances, degrees), CNN.overlap_ratio)[0]))
            if "floor" in name:
                assert np.all(variances >= compared.floors)
        rates[name] = float(np.mean(np.array(ps) < 0.05))
    assert list(rates) == [
        "sample variance", "floor", "pooled over the factor", "moderated", "moderated, with floor",
    ]  # fmt: skip
    assert rates["moderated, with floor"] <= rates["moderated"] < 0.09


def test_the_floor_of_the_test_samples_is_the_least_that_differences_scatter() -> None:
    # Here training adds little to it: S² is on average at or somewhat above the floor, never far below.
    found = [Compared(study, CNN, [(0,)]) for study in cnn_studies()]
    observed = np.mean([one.variances[0] for one in found])
    floor = np.mean([one.floors[0] for one in found])
    assert 0.95 < observed / floor < 2


def test_independent_numbers_would_show_nothing() -> None:
    # Why learners are refitted: on independent numbers even the naive test keeps its level.
    numbers = np.random.default_rng(1).normal(size=(1000, 12))
    assert rejected(numbers, 0.0) == pytest.approx(0.05, abs=0.021)  # 3 standard errors


def test_flipping_signs_takes_overlapping_splits_for_independent_too() -> None:
    # Why it is shown and never decides.
    differences = fnn_differences()[:60]
    flips = np.mean([sign_flip_test(row, seed=0)["p"] < 0.05 for row in differences])
    assert flips > 0.15
    assert flips == pytest.approx(rejected(differences, 0.0), abs=0.1)


def test_layout_is_that_of_boston() -> None:
    splits = six_part_splits(506, 14, np.random.default_rng(0))
    everything = set(range(506))
    for r, split in enumerate(splits):
        parts = [set(split.train), set(split.validation), set(split.test)]
        assert set.union(*parts) == everything
        assert sum(map(len, parts)) == 506
        assert {len(parts[1]), len(parts[2])} <= {84, 85}
        if r % 6 != 5 and r < 13:
            assert set(splits[r + 1].test) == parts[1]
    for block in (splits[:6], splits[6:12]):
        assert set().union(*(set(s.test) for s in block)) == everything
        assert set(block[5].validation) == set(block[0].test)
    assert set(splits[6].test) != set(splits[0].test)
    with pytest.raises(ValueError, match="6 rows"):
        six_part_splits(5, 6, np.random.default_rng(0))


def test_layout_is_that_of_mnist() -> None:
    labels = np.repeat([0, 1], POOL // 2)
    splits = drawn_splits(labels, 8, np.random.default_rng(0))
    for split in splits:
        parts = [split.train, split.validation, split.test]
        assert tuple(map(len, parts)) == PART_SIZES == (2400, 600, 500)
        assert len(set(np.concatenate(parts))) == sum(PART_SIZES)  # disjoint
        assert [labels[part].mean() for part in parts] == [0.5] * 3  # stratified
    # Each draws for itself: two test parts have a tenth of their rows in common.
    shared = [
        len(np.intersect1d(one.test, other.test)) / 500
        for i, one in enumerate(splits)
        for other in splits[:i]
    ]
    assert np.mean(shared) == pytest.approx(0.1, abs=0.015)


def test_learners_are_refitted_on_their_own_features_of_the_train_rows_alone() -> None:
    layout = Regression((1.0, 0.5), n_features=3, n_rows=60)
    study = layout.study(7, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    features = rng.standard_normal((60, 2, 3))
    target = (features.sum(axis=2) / np.sqrt(3)) @ [1.0, 0.5] + rng.standard_normal(60)
    for r, split in enumerate(six_part_splits(60, 7, rng)):
        for k in range(2):
            own = features[:, k]
            weights = np.linalg.lstsq(own[split.train], target[split.train], rcond=None)[0]
            errors = (target - own @ weights) ** 2
            assert study.samples[r][:, k] == pytest.approx(errors[split.test])
            assert study.validation[r, k] == pytest.approx(errors[split.validation].mean())
            assert study.metric("mse")[r, k] == pytest.approx(errors[split.test].mean())
            absolute = np.abs(target - own @ weights)[split.test].mean()
            assert study.metric("mae")[r, k] == pytest.approx(absolute)
            assert study.of_samples("mse", k)[r] == pytest.approx(errors[split.test])


def test_a_worse_learner_is_worse_and_classifiers_get_most_right() -> None:
    study = Regression((1.0, 0.5)).study(12, np.random.default_rng(0))
    assert np.all(study.metric("mse")[:, 1] > study.metric("mse")[:, 0])
    accuracy = cnn_studies()[0].metric("accuracy")
    assert np.all((accuracy > 0.9) & (accuracy < 1))
    right = cnn_studies()[0].of_samples("accuracy", 1)
    assert accuracy[:, 1] == pytest.approx([right[r].mean() for r in range(12)])


def test_classifiers_that_share_features_err_together() -> None:
    rng = np.random.default_rng(4)
    layout = Classification((1.2, 1.2, 1.2), overlaps=(1, 0.8, 0), n_features=5)
    wrong = np.concatenate(layout.study(6, rng).samples)
    close = np.corrcoef(wrong[:, 0], wrong[:, 1])[0, 1]
    assert close > np.corrcoef(wrong[:, 0], wrong[:, 2])[0, 1] + 0.05


@pytest.mark.parametrize("noise", ["normal", "t3", "skewed"])
def test_noise_has_the_spread_that_is_asked_for(noise: str) -> None:
    layout = Regression((0.0,), n_features=1, noise=noise, noise_sd=2.0, n_rows=4000)
    errors = np.concatenate(layout.study(6, np.random.default_rng(7)).samples)
    assert errors.mean() == pytest.approx(4, rel=0.2)  # nothing else is in the target


def test_verdicts_of_whole_axes_find_what_is_there() -> None:
    assert list(tables.TABLES) == ["ratio", "spread", "scale", "optimism", "verdicts"]
    heads, rows = tables.verdict_table(2, 0)
    assert {len(row) for row in rows} == {len(heads)}
    assert [row[0] for row in rows].count("CNN: accuracy") == 2
