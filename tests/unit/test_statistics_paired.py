"""Paired tests, Holm, power, effect size, McNemar: by hand and against independent computations."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from ablation.statistics.paired import (
    detection_power,
    hedges_factor,
    holm,
    mcnemar,
    p_value,
    smallest_detectable,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=7)


def corrected_p(differences: Any, ratio: float) -> float:
    values = np.asarray(differences, dtype=float)
    n = len(values)
    return p_value(values.mean(), n, values.var(ddof=1), n - 1, ratio)


def test_corrected_test_by_hand() -> None:
    # 1, 2, 3, 4 (mean 2.5, S² = 5/3), ratio 1/4: t = 2.5 / sqrt(0.5 · 5/3) = 2.738613, 3 degrees.
    # For 3 degrees F(t) = 1/2 + [x/(1 + x²) + arctan x]/π with x = t/√3 = 1.581139:
    # x/(1 + x²) = 0.451754, arctan x = 1.006854, so F = 0.964289 and p = 2 (1 − F) = 0.071423.
    # The factor of d_z for m = 3 is Γ(1.5)/(√1.5 Γ(1)) = 0.723601.
    assert corrected_p([1, 2, 3, 4], 0.25) == pytest.approx(0.071423, abs=2e-6)
    assert hedges_factor(3) == pytest.approx(0.723601, abs=1e-6)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=30))
def test_ratio_zero_is_the_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    a, b = np.array(pairs).T
    assume(np.std(a - b, ddof=1) > 1e-6 * max(1, abs(np.mean(a - b))))
    expected = stats.ttest_rel(a, b).pvalue
    assert corrected_p(a - b, 0) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.floats(0.01, 1))
def test_correction_never_lowers_p(differences: list[float], ratio: float) -> None:
    assume(np.std(differences) > 1e-6)
    assert corrected_p(differences, ratio) >= corrected_p(differences, 0)


def test_p_of_any_variance_and_degrees_by_hand() -> None:
    # t = 1.5/sqrt(2 (1/4 + 1/4)) = 1.5 with 3.5 degrees; the sign does not matter.
    expected = 2 * stats.t.sf(1.5, 3.5)
    assert p_value(1.5, 4, 2.0, 3.5, 0.25) == pytest.approx(expected)
    assert p_value(-1.5, 4, 2.0, 3.5, 0.25) == pytest.approx(expected)
    # Many degrees are the normal distribution, whose two tails beyond 1.96 are 5 %.
    assert p_value(1.959964, 4, 2.0, 1e9, 0.25) == pytest.approx(0.05, abs=1e-6)


def test_hedges_factor_removes_the_bias() -> None:
    # 200,000 samples of 5 from N(0.7, 1): the raw ratio is too large by 1/0.7979.
    draws = np.random.default_rng(0).normal(0.7, 1, (200_000, 5))
    raw = float(np.mean(draws.mean(axis=1) / draws.std(axis=1, ddof=1)))
    assert raw > 0.8
    assert raw * hedges_factor(4) == pytest.approx(0.7, abs=0.01)
    # The usual approximation 1 − 3/(4m − 1) is within 0.1 % at m = 23.
    assert hedges_factor(23) == pytest.approx(1 - 3 / 91, rel=1e-3)


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.5 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.5; the third would be 0.06.
    assert holm([0.03, 0.5, 0.01, 0.02]) == pytest.approx([0.06, 0.5, 0.04, 0.06])
    # The running maximum matters: 0.01 · 3 = 0.03 must not be followed by 0.011 · 2 = 0.022.
    assert holm([0.01, 0.011, 0.9]) == pytest.approx([0.03, 0.03, 0.9])
    # A family of 4 with two missing p-values counts those as 1.
    assert holm([0.01, 0.02], 4) == pytest.approx(holm([0.01, 0.02, 1, 1])[:2])
    assert holm([], 3) == []


@given(P_VALUES, st.floats(0.001, 0.999))
def test_holm_is_the_closure_of_bonferroni(p_values: list[float], alpha: float) -> None:
    # By the closure principle: i is rejected when Bonferroni rejects every subset that holds i.
    indices = range(len(p_values))
    subsets = [s for k in indices for s in itertools.combinations(indices, k + 1)]
    for i, adjusted in enumerate(holm(p_values)):
        closed = all(len(s) * min(p_values[j] for j in s) <= alpha for s in subsets if i in s)
        assume(abs(adjusted - alpha) > 1e-12)
        assert (adjusted <= alpha) == closed


@given(P_VALUES, st.integers(0, 5))
def test_holm_lies_between_the_raw_p_and_bonferroni(p_values: list[float], extra: int) -> None:
    family = len(p_values) + extra
    for p, adjusted in zip(p_values, holm(p_values, family), strict=True):
        assert p <= adjusted <= min(1, family * p) + 1e-15


@pytest.mark.parametrize(
    ("n_pairs", "ratio", "expected"),
    [(12, 0.25, 1.78), (24, 0.25, 1.58), (48, 0.25, 1.49), (12, 0.2, 1.64), (24, 0.2, 1.44)],
)
def test_smallest_detectable_difference(n_pairs: int, ratio: float, expected: float) -> None:
    assert smallest_detectable(n_pairs, overlap_ratio=ratio, degrees=n_pairs - 1) == pytest.approx(
        expected, abs=0.005
    )


@pytest.mark.parametrize(
    ("alpha", "degrees"),
    [(5e-5 * 10**-i, degrees) for i in range(4) for degrees in (23, 77, 766, 1000, 3898, 51653)],
)
def test_a_large_family_has_a_smallest_difference(alpha: float, degrees: float) -> None:
    found = smallest_detectable(24, overlap_ratio=0.2, alpha=alpha, degrees=degrees)
    reached = detection_power(found, 24, overlap_ratio=0.2, alpha=alpha, degrees=degrees)
    assert reached == pytest.approx(0.8, abs=1e-6)


def test_more_degrees_detect_less() -> None:
    # With endless degrees it is the normal test: (z(0.975) + z(0.8)) · sqrt(1/6 + 1/4).
    found = smallest_detectable(6, overlap_ratio=0.25, degrees=1e7)
    expected = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * math.sqrt(1 / 6 + 1 / 4)
    assert found == pytest.approx(expected, rel=1e-4)
    assert smallest_detectable(6, overlap_ratio=0.25, degrees=5) > 1.1 * found


def test_floor_of_the_detectable_difference() -> None:
    # (z(0.975) + z(0.8)) · sqrt(1/4) = (1.959964 + 0.841621)/2 = 1.400793
    assert smallest_detectable(100_000, overlap_ratio=0.25, degrees=99_999) == pytest.approx(
        1.4008, abs=1e-3
    )


def test_power_against_drawn_studies() -> None:
    # Equicorrelated differences whose correlation is the assumed one, 1/5 for ratio 1/4: a part
    # shared by all J, with 1/4 of the variance of the rest. So S² estimates 1 and
    # the variance of the mean is 1/J + 1/4.
    rng = np.random.default_rng(0)
    effect = smallest_detectable(12, overlap_ratio=0.25, degrees=11)
    shared = 0.5 * rng.normal(size=(20_000, 1))
    draws = effect + shared + rng.normal(size=(20_000, 12))
    t = draws.mean(axis=1) / np.sqrt((1 / 12 + 0.25) * draws.var(axis=1, ddof=1))
    found = float(np.mean(np.abs(t) > stats.t.ppf(0.975, 11)))
    assert found == pytest.approx(0.8, abs=0.012)


def test_power_of_nothing_is_alpha_and_grows_without_a_gap() -> None:
    options = {"overlap_ratio": 0.2, "alpha": 0.1, "degrees": 7}
    powers = [detection_power(e, 8, **options) for e in np.arange(0, 9, 0.1)]
    assert powers[0] == pytest.approx(0.1)
    assert np.all(np.diff(powers) > -1e-9)
    assert powers[-1] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("n_pairs", [2, 3, 5, 30])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_smallest_detectable_has_the_power_asked_for(n_pairs: int, alpha: float) -> None:
    options = {"overlap_ratio": 0, "alpha": alpha, "degrees": n_pairs - 1}
    effect = smallest_detectable(n_pairs, power=0.9, **options)
    power = detection_power(effect, n_pairs, **options)
    assert power == pytest.approx(0.9, abs=1e-6)


def test_mcnemar_by_hand() -> None:
    # 1 sample only the first got right, 7 only the second: 2 · (C(8,0) + C(8,1))/2⁸ = 18/256.
    first = [1] * 1 + [0] * 7 + [1] * 5 + [0] * 2
    second = [0] * 1 + [1] * 7 + [1] * 5 + [0] * 2
    assert mcnemar(first, second) == (1, 7, pytest.approx(18 / 256))
    assert mcnemar(first, first) == (0, 0, 1)
