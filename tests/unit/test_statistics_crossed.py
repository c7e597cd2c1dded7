"""Replicates crossed with the samples of one fixed test set."""

import numpy as np
import pytest
from ablation.statistics.crossed import crossed_comparison, crossed_interval
from scipy import stats

N = 2000


def right(rate: float, replicates: int = 5, seed: int = 0) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(seed)
    hard = rng.random(N)  # some images are hard for every replicate
    return {r: (rng.random(N) < 0.5) | (hard < rate) for r in range(replicates)}


def test_the_interval_holds_the_mean_and_repeats() -> None:
    samples = right(0.97)
    interval = crossed_interval(samples, confidence=0.95, seed=3)
    assert interval is not None
    mean = float(np.mean(list(samples.values())))
    assert interval[0] < mean < interval[1]
    assert crossed_interval(samples, confidence=0.95, seed=3) == interval
    assert crossed_interval(samples, confidence=0.95, seed=4) != interval


def test_it_is_wider_than_the_interval_for_these_images_alone() -> None:
    samples = right(0.9)
    low, high = crossed_interval(samples, confidence=0.95, seed=0) or (0, 0)
    means = [float(own.mean()) for own in samples.values()]
    alone = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert high - low > alone.high - alone.low


def test_a_comparison_counts_pair_by_pair() -> None:
    reference = {0: np.zeros(N, bool), 1: np.ones(N, bool), 3: np.ones(N, bool)}
    cell = {r: own.copy() for r, own in reference.items()} | {2: np.ones(N, bool)}
    cell[0][:6] = True
    cell[1][:4] = False
    found = crossed_comparison(cell, reference, confidence=0.95, seed=0)
    assert found is not None
    rows = [(row["replicate"], row["only_cell"], row["only_reference"]) for row in found["mcnemar"]]
    assert rows == [(0, 6, 0), (1, 0, 4), (3, 0, 0)]
    expected = [stats.binomtest(6, 6).pvalue, stats.binomtest(4, 4).pvalue, 1.0]
    assert [row["p"] for row in found["mcnemar"]] == pytest.approx(expected)
    assert found["n_rejected"] == 1
    assert found["n_samples"] == N
    low, high = found["difference_interval"]
    assert low < (6 - 4) / 3 / N < high


def test_too_little_to_cross() -> None:
    assert crossed_interval(right(0.9, replicates=1), confidence=0.95, seed=0) is None
    assert crossed_comparison(right(0.9), {}, confidence=0.95, seed=0) is None
    one = crossed_comparison(right(0.9), {0: np.ones(N, bool)}, confidence=0.95, seed=0)
    assert one is not None
    assert one["difference_interval"] is None
    assert len(one["mcnemar"]) == 1
