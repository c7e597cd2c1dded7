"""Intervals: hand-computed, against scipy, and by simulated coverage."""

import numpy as np
import pytest
from ablation.statistics.intervals import (
    mean_interval,
    prediction_interval,
    t_interval,
    two_way_bootstrap,
    variance_factor,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

SAMPLES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


def test_mean_interval_by_hand() -> None:
    # 1, 2, 3, 4: mean 2.5, S² = (2.25 + 0.25 + 0.25 + 2.25)/3 = 5/3. Variance of the mean:
    # (1/4 + 1/4) · 5/3 = 0.83333, root 0.912871. t(0.975, 3) = 3.182446. Half-width 2.905163.
    low, high = mean_interval([1, 2, 3, 4], overlap_ratio=0.25, confidence=0.95)
    assert (low, high) == pytest.approx((2.5 - 2.905163, 2.5 + 2.905163), abs=1e-5)


@given(SAMPLES)
def test_ratio_zero_is_the_plain_t_interval(values: list[float]) -> None:
    ours = mean_interval(values, overlap_ratio=0, confidence=0.9)
    if np.std(values) > 1e-6 * max(1.0, abs(float(np.mean(values)))):
        scipys = stats.ttest_1samp(values, 0).confidence_interval(0.9)
        assert ours == pytest.approx((scipys.low, scipys.high), rel=1e-9, abs=1e-6)
    else:
        assert ours == pytest.approx((values[0], values[0]), rel=1e-3, abs=1e-3)


@given(SAMPLES, st.floats(0, 1), st.floats(0.01, 1))
def test_more_overlap_never_narrows(values: list[float], ratio: float, more: float) -> None:
    narrow = mean_interval(values, overlap_ratio=ratio, confidence=0.95)
    wide = mean_interval(values, overlap_ratio=ratio + more, confidence=0.95)
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


def test_prediction_interval_by_hand() -> None:
    # As above: S = 1.290994, t = 3.182446. Same data: S · sqrt(1 + 1/4) = 1.443376, half 4.593466.
    # Fresh data, ratio 1/4: S · sqrt(1 + 1/4 + 2/4) = 1.707825, half 5.435063.
    values = [1, 2, 3, 4]
    same = prediction_interval(values, overlap_ratio=0.25, confidence=0.95)
    fresh = prediction_interval(values, overlap_ratio=0.25, confidence=0.95, same_data=False)
    assert same == pytest.approx((2.5 - 4.593466, 2.5 + 4.593466), abs=1e-5)
    assert fresh == pytest.approx((2.5 - 5.435063, 2.5 + 5.435063), abs=1e-5)


def test_variance_factor_by_hand() -> None:
    # Six parts: ρ = 1/6, r = ρ/(1 − ρ) = 1/5. With 24 replicates 1/24 + 1/5 = 0.241667.
    assert variance_factor(24, 1 / 5) == pytest.approx(0.241667, abs=1e-6)
    assert variance_factor(12, 0) == pytest.approx(1 / 12)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), st.floats(1, 50), st.floats(0.05, 0.99))
def test_the_t_interval_takes_any_error_and_degrees(
    middle: float, error: float, degrees: float, confidence: float
) -> None:
    expected = stats.t.interval(confidence, degrees, loc=middle, scale=error)
    found = t_interval(middle, error, degrees, confidence)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def pool_runs(n_replicates: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Means of test parts of a sixth of a new pool, and that of a part of another pool."""
    pool, means = rng.exponential(size=60), []
    while len(means) < n_replicates:
        means += [part.mean() for part in np.array_split(rng.permutation(pool), 6)]
    return np.array(means), float(rng.exponential(size=10).mean())


def test_prediction_intervals_hold_a_new_run_and_the_interval_of_the_mean_does_not() -> None:
    # 12 of ours; the next is from a fresh shuffle of the same pool, as a published run on it would be.
    rng = np.random.default_rng(5)
    inside = {"same": 0, "other": 0, "mean": 0, "same for other": 0}
    for _ in range(1000):
        means, other = pool_runs(18, rng)
        ours, new = means[:12], means[12]
        options = {"overlap_ratio": 0.2, "confidence": 0.9}
        same = prediction_interval(ours, **options)
        fresh = prediction_interval(ours, **options, same_data=False)
        mean = mean_interval(ours, **options | {"overlap_ratio": 0})
        inside["same"] += same[0] <= new <= same[1]
        inside["other"] += fresh[0] <= other <= fresh[1]
        inside["mean"] += mean[0] <= new <= mean[1]
        inside["same for other"] += same[0] <= other <= same[1]
    assert inside["same"] / 1000 == pytest.approx(0.9, abs=0.03)
    assert inside["other"] / 1000 == pytest.approx(0.9, abs=0.03)
    assert inside["same for other"] < inside["other"] - 20
    assert inside["mean"] / 1000 < 0.65


def test_two_way_bootstrap_counts_both_sources_of_spread() -> None:
    # value = row effect + column effect, no noise: Var(mean) = S²_row/J + S²_column/n exactly, so
    # the interval must be ± 1.96 of its root; either source alone is much narrower.
    rng = np.random.default_rng(3)
    rows, columns = 3 * rng.normal(size=40), 20 * rng.normal(size=900)
    rows = rows - rows.mean()
    columns = columns - columns.mean()
    low, high = two_way_bootstrap(rows[:, None] + columns, confidence=0.95, rng=rng)
    row_part, column_part = rows.var(ddof=1) / 40, columns.var() / 900
    half = 1.96 * np.sqrt(row_part + column_part)
    assert (high - low) / 2 == pytest.approx(half, rel=0.06)
    assert half > 1.2 * 1.96 * np.sqrt(max(row_part, column_part))


def test_two_way_bootstrap_of_few_replicates_is_not_too_narrow() -> None:
    # With J draws out of J = 6 the spread would be sqrt(5/6) = 0.913 of this, and without Student's
    # t 1 / 1.11 of it.
    rng = np.random.default_rng(4)
    rows = rng.normal(size=6)
    table = np.repeat(rows[:, None], 30, axis=1)
    low, high = two_way_bootstrap(table, confidence=0.6827, rng=rng, n_resamples=40_000)
    t = stats.t.ppf((1 + 0.6827) / 2, 5)
    assert (high - low) / 2 == pytest.approx(t * rows.std(ddof=1) / np.sqrt(6), rel=0.05)


def test_two_way_bootstrap_covers_with_five_replicates() -> None:
    """Where replicates are nearly all of the spread, half of it, and little of it."""
    rng = np.random.default_rng(5)
    for row_sd in (3.0, 1.0, 0.3):
        hits = 0
        for _ in range(400):
            rows, columns = row_sd * rng.normal(size=5), np.sqrt(200) * rng.normal(size=200)
            table = rows[:, None] + columns + rng.normal(size=(5, 200))
            low, high = two_way_bootstrap(table, confidence=0.95, rng=rng, n_resamples=300)
            hits += low <= 0 <= high
        assert hits / 400 > 0.925, row_sd


def test_the_bootstrap_repeats_with_the_same_seed() -> None:
    table = np.random.default_rng(0).normal(size=(5, 50))
    first, again, other = (
        two_way_bootstrap(table, confidence=0.9, rng=np.random.default_rng(seed), n_resamples=200)
        for seed in (7, 7, 8)
    )
    assert first == again != other


@pytest.mark.parametrize("values", [[1.0], [], [1.0, np.nan], [1.0, np.inf], [[1.0, 2.0]]])
def test_intervals_refuse_what_is_no_sample(values: list[float]) -> None:
    for interval in (mean_interval, prediction_interval):
        with pytest.raises(ValueError):
            interval(values, overlap_ratio=0.25, confidence=0.95)
