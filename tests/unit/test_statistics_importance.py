"""How much an axis matters."""

import numpy as np
import pandas as pd
import pytest
from ablation.statistics.importance import axis_importance, noncentral_interval
from scipy import stats

J = 12


def table(effects: list[float], seed: int = 0, sd: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blocks = rng.normal(10, 3, (J, 1))
    return blocks + np.array(effects) + rng.normal(0, sd, (J, len(effects)))


def test_without_overlap_it_is_the_textbooks_repeated_measures() -> None:
    from statsmodels.stats.anova import AnovaRM

    values = table([0, 0.5, 1.5])
    long = pd.DataFrame(values).melt(ignore_index=False, var_name="cell").reset_index(names="block")
    line = AnovaRM(long, "value", "block", within=["cell"]).fit().anova_table.iloc[0]
    found = axis_importance(values, overlap_ratio=0, confidence=0.95)
    assert found is not None
    assert found.f == pytest.approx(line["F Value"])
    assert found.p == pytest.approx(line["Pr > F"])
    assert (found.df, found.df_error) == (line["Num DF"], line["Den DF"]) == (2, 22)
    f = line["F Value"]
    assert found.omega2 == pytest.approx(2 * (f - 1) / (2 * (f - 1) + 3 * J))


@pytest.mark.parametrize("ratio", [0.0, 0.25])
def test_two_cells_are_the_paired_test(ratio: float) -> None:
    values = table([0, 0.8])
    differences = values[:, 1] - values[:, 0]
    found = axis_importance(values, overlap_ratio=ratio, confidence=0.95)
    assert found is not None
    t = differences.mean() / (differences.std(ddof=1) * np.sqrt(1 / J + ratio))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(t), J - 1))
    assert found.f == pytest.approx(t**2)


def test_the_correction_divides_f_and_moves_the_interval() -> None:
    values = table([0, 2, 4])
    plain = axis_importance(values, overlap_ratio=0, confidence=0.95)
    found = axis_importance(values, overlap_ratio=0.25, confidence=0.95)
    assert plain is not None
    assert found is not None
    assert found.f == pytest.approx(plain.f / (1 + J * 0.25))
    v = 1 / J + 0.25
    effect = 2 * (found.f - 1) * v
    assert found.omega2 == pytest.approx(effect / (effect + 3))
    for bound, tail in zip(found.interval, (0.975, 0.025), strict=True):
        noncentrality = 3 * bound / ((1 - bound) * v)
        assert stats.ncf.cdf(found.f, 2, 22, noncentrality) == pytest.approx(tail, abs=1e-6)
    assert found.interval[0] < found.omega2 < found.interval[1]
    # More overlap, less certainty.
    assert np.ptp(found.interval) > np.ptp(plain.interval)


def test_no_effect_is_clipped_at_zero() -> None:
    found = axis_importance(table([0, 0, 0], seed=3), overlap_ratio=0.25, confidence=0.95)
    assert found is not None
    assert found.f < 1
    assert (found.omega2, found.interval[0]) == (0, 0)


def test_noncentral_interval_covers() -> None:
    rng = np.random.default_rng(0)
    observed = stats.ncf.rvs(2, 22, 8.0, size=1000, random_state=rng)
    bounds = [noncentral_interval(f, 2, 22, confidence=0.9) for f in observed]
    hits = np.mean([low <= 8 <= high for low, high in bounds])
    assert hits == pytest.approx(0.9, abs=0.03)
    low, high = noncentral_interval(1e5, 2, 46, confidence=0.95)
    assert 0 < low < 2e5 < high


def test_a_large_effect_reaches_towards_one_whatever_the_unit() -> None:
    found = axis_importance(table([0, 50, 100]), overlap_ratio=0.25, confidence=0.95)
    scaled = axis_importance(table([0, 50, 100]) * 1e-4, overlap_ratio=0.25, confidence=0.95)
    assert found is not None
    assert scaled is not None
    assert 0.99 < found.omega2 < 1
    assert scaled.omega2 == pytest.approx(found.omega2)


def test_has_nothing_to_compare_with() -> None:
    blocks = np.arange(J)[:, None]
    for shifted in (blocks + np.array([[0, 1.5]]), np.ones((J, 3))):
        assert axis_importance(shifted, overlap_ratio=0.25, confidence=0.95) is None
