"""Verdicts of whole axes on redrawn data, where the truth is known."""

from functools import cache

import numpy as np
import pytest
from ablation.statistics.axis_simulation import (
    AxisRates,
    Learners,
    axis_rates,
    simulate_errors,
)
from ablation.statistics.paired import corrected_paired_test
from ablation.statistics.signflip import sign_flip_test
from ablation.statistics.simulation import least_squares_errors, six_part_splits
from numpy.typing import NDArray

AXES = 300
LEARNERS = Learners(effect=0.8, n_features=5)


@cache
def errors() -> NDArray[np.float64]:
    return simulate_errors(AXES, 24, LEARNERS, np.random.default_rng(5))


@cache
def rates(ratio: float = 0.25) -> AxisRates:
    return axis_rates(errors(), 24, LEARNERS, test_train_ratio=ratio)


def limit(rate: float, count: int = AXES) -> float:
    """Three standard errors over a rate."""
    return rate + 3 * float(np.sqrt(rate * (1 - rate) / count))


def test_the_learners_are_refitted_on_their_own_features() -> None:
    small = Learners(effect=0.5, n_features=3, n_rows=60)
    found = simulate_errors(1, 7, small, np.random.default_rng(3))[0]
    rng = np.random.default_rng(3)
    features = rng.standard_normal((60, 4, 3))
    target = (features.sum(axis=2) / np.sqrt(3)) @ small.weights + rng.standard_normal(60)
    splits = six_part_splits(60, 7, rng)
    for learner in range(4):
        expected = least_squares_errors(features[:, learner], target, splits)
        assert found[:, learner] == pytest.approx(expected)


def test_the_known_effect_is_the_one_that_comes_out() -> None:
    means = errors().mean(axis=1)
    for learner, effect in ((1, 0.0), (2, 0.0), (3, LEARNERS.effect)):
        gaps = means[:, learner] - means[:, 0]
        assert abs(gaps.mean() - effect) < 3 * gaps.std() / np.sqrt(AXES)
    with pytest.raises(ValueError, match="must be below 1"):
        _ = Learners(effect=1.1, n_features=5).weights


def test_no_effect_is_called_one_no_more_often_than_meant() -> None:
    assert rates().false <= limit(0.05)
    assert rates().omega2_false <= limit(0.05)
    # The same axes without the correction, and with it the guard: this test can fail.
    assert rates(0.0).false > 0.25
    assert rates(0.0).omega2_false > 0.25


def test_a_known_effect_is_found_as_often_as_expected() -> None:
    assert rates().expected == pytest.approx(0.83, abs=0.03)
    assert rates().found >= rates().expected - 3 * np.sqrt(0.8 * 0.2 / AXES)


def test_intervals_cover_the_true_difference() -> None:
    assert 1 - rates().covered <= limit(0.025, 2 * AXES)
    assert 1 - rates().jointly <= limit(0.05)
    assert 1 - rates().omega2_covered <= limit(0.05)
    assert rates(0.0).covered < 0.85
    assert rates(0.0).omega2_covered < 0.93


def test_a_difference_on_the_margin_is_not_declared_inside_it() -> None:
    assert rates().inside <= limit(0.0125)
    assert rates(0.0).inside > 0.05
    # Two that are equal are found so now and then: the word can be earned.
    assert rates().equivalent > 0.2


def test_enough_replicates_are_needed() -> None:
    with pytest.raises(ValueError, match="24 replicates asked for, 12 simulated"):
        axis_rates(np.ones((3, 12, 4)), 24, LEARNERS)


def test_flipping_signs_takes_overlapping_splits_for_independent_too() -> None:
    # Why it is shown and never decides: it rejects about as often as the naive t-test.
    gaps = errors()[:100, :12, 1] - errors()[:100, :12, 0]
    flips = np.mean([sign_flip_test(gap, seed=0).p < 0.05 for gap in gaps])
    naive = np.mean(
        [(corrected_paired_test(gap, test_train_ratio=0).p or 0) < 0.05 for gap in gaps]
    )
    assert flips > 0.1
    assert flips == pytest.approx(naive, abs=0.05)
