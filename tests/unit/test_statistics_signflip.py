"""Flipping the signs of paired differences."""

from itertools import product

import numpy as np
import pytest
from ablation.statistics.paired import N_FLIPS, sign_flip_test

SAMPLE = np.array([0.9, -0.2, 1.4, 0.3, 0.8, -0.1])


def test_every_pattern_counted_by_hand() -> None:
    patterns = np.array(list(product((-1, 1), repeat=6)))
    means = (patterns * SAMPLE).mean(axis=1)
    expected = 2 * np.mean(means >= SAMPLE.mean() - 1e-12)
    found = sign_flip_test(SAMPLE, seed=0)
    assert found["p"] == pytest.approx(expected)
    assert (found["exact"], found["n_pairs"]) == (True, 6)
    assert found["smallest_p"] == pytest.approx(2 / 64)
    assert sign_flip_test(-SAMPLE, seed=0)["p"] == pytest.approx(expected)


@pytest.mark.parametrize(("n", "exact"), [(2, True), (5, True), (13, True), (14, False)])
def test_the_smallest_p_is_reached_and_never_passed(n: int, exact: bool) -> None:
    found = sign_flip_test(1 + np.random.default_rng(0).random(n), seed=0)
    assert found["exact"] is exact
    assert found["p"] >= found["smallest_p"]
    assert found["smallest_p"] == pytest.approx(2 / 2**n if exact else 2 / (N_FLIPS + 1))
    if exact:
        assert found["p"] == pytest.approx(found["smallest_p"])


def test_the_smallest_p_of_drawn_patterns() -> None:
    # With 24 pairs of one sign none of the drawn patterns is as far out: the count is 1 on each side.
    found = sign_flip_test(1 + np.random.default_rng(0).random(24), seed=0)
    assert found["p"] == pytest.approx(2 / (N_FLIPS + 1)) == found["smallest_p"]


def test_drawn_patterns_repeat_with_the_seed() -> None:
    sample = np.random.default_rng(1).normal(0.3, 1, 24)
    assert sign_flip_test(sample, seed=1) == sign_flip_test(sample, seed=1)
    assert sign_flip_test(sample, seed=1)["p"] != sign_flip_test(sample, seed=2)["p"]
    assert sign_flip_test(sample, seed=1)["p"] == pytest.approx(
        sign_flip_test(sample, seed=2)["p"], rel=0.2
    )


def test_no_difference_and_too_few() -> None:
    assert sign_flip_test(np.zeros(6), seed=0)["p"] == 1
    with pytest.raises(ValueError, match="two replicates"):
        sign_flip_test([1.0], seed=0)
