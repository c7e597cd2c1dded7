"""False positives on redrawn data: the naive test fails, the corrected one does not."""

import numpy as np
import pytest
from ablation.statistics.simulation import (
    least_squares_errors,
    null_rates,
    simulate_null_errors,
    six_part_splits,
)


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
    with pytest.raises(ValueError):
        six_part_splits(5, 6, np.random.default_rng(0))


def test_least_squares_is_refitted_on_the_train_rows_alone() -> None:
    rng = np.random.default_rng(0)
    features, target = rng.normal(size=(60, 3)), rng.normal(size=60)
    splits = six_part_splits(60, 7, rng)
    expected = []
    for split in splits:
        weights = np.linalg.lstsq(features[split.train], target[split.train], rcond=None)[0]
        expected.append(np.mean((target[split.test] - features[split.test] @ weights) ** 2))
    assert least_squares_errors(features, target, splits) == pytest.approx(expected)


def test_naive_test_fails_and_the_corrected_one_holds() -> None:
    errors = simulate_null_errors(300, 24, np.random.default_rng(11), n_features=10)
    # Neither learner is better: the mean difference over studies is within 3 standard errors of 0.
    differences = (errors[:, :, 0] - errors[:, :, 1]).mean(axis=1)
    assert abs(differences.mean()) < 3 * differences.std() / np.sqrt(300)
    twelve, all_24 = null_rates(errors, 12), null_rates(errors, 24)
    assert 0.10 < twelve.naive < 0.30
    assert 0.25 < all_24.naive < 0.50
    for rates in (twelve, all_24):
        assert rates.corrected <= 0.05
        assert rates.n_studies == 300


def test_independent_numbers_would_show_nothing() -> None:
    # Why learners are refitted: on independent numbers even the naive test keeps its level.
    errors = np.random.default_rng(1).normal(size=(1000, 12, 2))
    assert null_rates(errors, 12).naive == pytest.approx(0.05, abs=0.021)  # 3 standard errors


def test_rates_need_enough_replicates() -> None:
    with pytest.raises(ValueError, match="24 replicates asked for, 12 simulated"):
        null_rates(np.zeros((3, 12, 2)), 24)
