"""Paired tests, Holm, power, effect size, McNemar: by hand and against independent computations."""

import itertools
import math

import numpy as np
import pytest
from ablation.statistics.paired import (
    corrected_paired_test,
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


def test_corrected_test_by_hand() -> None:
    # 1, 2, 3, 4 (mean 2.5, S² = 5/3), ratio 1/4: t = 2.5 / sqrt(0.5 · 5/3) = 2.738613, 3 degrees.
    # For 3 degrees F(t) = 1/2 + [x/(1 + x²) + arctan x]/π with x = t/√3 = 1.581139:
    # x/(1 + x²) = 0.451754, arctan x = 1.006854, so F = 0.964289 and p = 2 (1 − F) = 0.071423.
    # d_z = 2.5/1.290994 = 1.936492; the factor for m = 3 is Γ(1.5)/(√1.5 Γ(1)) = 0.723601.
    test = corrected_paired_test([1, 2, 3, 4], overlap_ratio=0.25)
    assert test.p == pytest.approx(0.071423, abs=2e-6)
    assert test.effect_size == pytest.approx(1.936492 * 0.723601, abs=1e-5)
    assert (test.n_pairs, test.difference) == (4, 2.5)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=30))
def test_ratio_zero_is_the_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    a, b = np.array(pairs).T
    assume(np.std(a - b, ddof=1) > 1e-6 * max(1, abs(np.mean(a - b))))
    ours = corrected_paired_test(a - b, overlap_ratio=0)
    assert ours.p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-6, abs=1e-12)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.floats(0.01, 1))
def test_correction_never_lowers_p(differences: list[float], ratio: float) -> None:
    naive = corrected_paired_test(differences, overlap_ratio=0).p
    corrected = corrected_paired_test(differences, overlap_ratio=ratio).p
    assert (naive is None) == (corrected is None)
    if naive is not None and corrected is not None:
        assert corrected >= naive


def test_p_of_any_variance_and_degrees_by_hand() -> None:
    # t = 1.5/sqrt(2 (1/4 + 1/4)) = 1.5 with 3.5 degrees; the sign does not matter.
    expected = 2 * stats.t.sf(1.5, 3.5)
    assert p_value(1.5, 4, 2.0, 3.5, 0.25) == pytest.approx(expected)
    assert p_value(-1.5, 4, 2.0, 3.5, 0.25) == pytest.approx(expected)
    # Many degrees are the normal distribution, whose two tails beyond 1.96 are 5 %.
    assert p_value(1.959964, 4, 2.0, 1e9, 0.25) == pytest.approx(0.05, abs=1e-6)


def test_no_change_at_all_gives_p_one() -> None:
    test = corrected_paired_test([0.0] * 8, overlap_ratio=0.25)
    assert (test.p, test.effect_size, test.difference) == (1, 0, 0)


def test_a_constant_difference_cannot_be_tested() -> None:
    # In floats 0.3 − 0.2, 0.4 − 0.3 and 1.1 − 1 differ in the last bits; that is no spread.
    first, second = np.array([0.3, 0.4, 1.1]), np.array([0.2, 0.3, 1.0])
    assert np.std(first - second) > 0
    test = corrected_paired_test(first - second, overlap_ratio=0)
    assert (test.p, test.effect_size) == (None, None)
    assert test.difference == pytest.approx(0.1)


def test_two_pairs_have_a_p_but_no_effect_size() -> None:
    test = corrected_paired_test([1.0, 2.0], overlap_ratio=0)
    assert test.p is not None
    assert test.effect_size is None


@pytest.mark.parametrize("differences", [[1.0], [1.0, math.nan], [[1.0, 2.0]]])
def test_corrected_test_refuses_what_is_no_sample(differences: list[float]) -> None:
    with pytest.raises(ValueError):
        corrected_paired_test(differences, overlap_ratio=0.25)


def test_hedges_factor_removes_the_bias() -> None:
    # 200,000 samples of 5 from N(0.7, 1): the raw ratio is too large by 1/0.7979.
    draws = np.random.default_rng(0).normal(0.7, 1, (200_000, 5))
    raw = float(np.mean(draws.mean(axis=1) / draws.std(axis=1, ddof=1)))
    assert raw > 0.8
    assert raw * hedges_factor(4) == pytest.approx(0.7, abs=0.01)
    # The usual approximation 1 − 3/(4m − 1) is within 0.1 % at m = 23.
    assert hedges_factor(23) == pytest.approx(1 - 3 / 91, rel=1e-3)
    with pytest.raises(ValueError):
        hedges_factor(1)


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


@pytest.mark.parametrize(("p_values", "family"), [([0.1, 0.2], 1), ([1.1], 1), ([math.nan], 1)])
def test_holm_refuses(p_values: list[float], family: int) -> None:
    with pytest.raises(ValueError):
        holm(p_values, family)


@pytest.mark.parametrize(
    ("n_pairs", "ratio", "expected"),
    [(12, 0.25, 1.78), (24, 0.25, 1.58), (48, 0.25, 1.49), (12, 0.2, 1.64), (24, 0.2, 1.44)],
)
def test_smallest_detectable_difference(n_pairs: int, ratio: float, expected: float) -> None:
    assert smallest_detectable(n_pairs, overlap_ratio=ratio) == pytest.approx(expected, abs=0.005)


def test_more_degrees_detect_less() -> None:
    # With endless degrees it is the normal test: (z(0.975) + z(0.8)) · sqrt(1/6 + 1/4).
    found = smallest_detectable(6, overlap_ratio=0.25, degrees=1e7)
    expected = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * math.sqrt(1 / 6 + 1 / 4)
    assert found == pytest.approx(expected, rel=1e-4)
    assert smallest_detectable(6, overlap_ratio=0.25) > 1.1 * found


def test_floor_of_the_detectable_difference() -> None:
    # (z(0.975) + z(0.8)) · sqrt(1/4) = (1.959964 + 0.841621)/2 = 1.400793
    assert smallest_detectable(100_000, overlap_ratio=0.25) == pytest.approx(1.4008, abs=1e-3)


def test_power_against_drawn_studies() -> None:
    # Equicorrelated differences whose correlation is the assumed one, 1/5 for ratio 1/4: a part
    # shared by all J, with 1/4 of the variance of the rest. So S² estimates 1 and
    # the variance of the mean is 1/J + 1/4.
    rng = np.random.default_rng(0)
    effect = smallest_detectable(12, overlap_ratio=0.25)
    shared = 0.5 * rng.normal(size=(20_000, 1))
    draws = effect + shared + rng.normal(size=(20_000, 12))
    t = draws.mean(axis=1) / np.sqrt((1 / 12 + 0.25) * draws.var(axis=1, ddof=1))
    found = float(np.mean(np.abs(t) > stats.t.ppf(0.975, 11)))
    assert found == pytest.approx(0.8, abs=0.012)


def test_power_of_nothing_is_alpha_and_grows_without_a_gap() -> None:
    powers = [detection_power(e, 8, overlap_ratio=0.2, alpha=0.1) for e in np.arange(0, 9, 0.1)]
    assert powers[0] == pytest.approx(0.1)
    assert np.all(np.diff(powers) > -1e-9)
    assert powers[-1] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("n_pairs", [2, 3, 5, 30])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_smallest_detectable_has_the_power_asked_for(n_pairs: int, alpha: float) -> None:
    effect = smallest_detectable(n_pairs, overlap_ratio=0, alpha=alpha, power=0.9)
    power = detection_power(effect, n_pairs, overlap_ratio=0, alpha=alpha)
    assert power == pytest.approx(0.9, abs=1e-6)


def test_power_refuses_impossible_settings() -> None:
    with pytest.raises(ValueError, match="2 pairs"):
        smallest_detectable(1, overlap_ratio=0)
    with pytest.raises(ValueError, match="power"):
        smallest_detectable(5, overlap_ratio=0, power=1)
    with pytest.raises(ValueError, match="alpha"):
        smallest_detectable(5, overlap_ratio=0.2, alpha=0)


def test_mcnemar_by_hand() -> None:
    # 1 sample only the first got right, 7 only the second: 2 · (C(8,0) + C(8,1))/2⁸ = 18/256.
    first = [1] * 1 + [0] * 7 + [1] * 5 + [0] * 2
    second = [0] * 1 + [1] * 7 + [1] * 5 + [0] * 2
    test = mcnemar(first, second)
    assert (test.only_first, test.only_second) == (1, 7)
    assert test.p == pytest.approx(18 / 256)
    assert mcnemar(first, first).p == 1


def test_mcnemar_never_pools() -> None:
    first = np.array([[1, 1, 0, 1, 1], [1, 0, 0, 1, 1]])
    second = np.array([[0, 0, 0, 1, 0], [0, 1, 0, 1, 1]])
    with pytest.raises(ValueError, match="one pair of replicates at a time"):
        mcnemar(first, second)


def test_mcnemar_refuses_what_is_no_truth_value() -> None:
    with pytest.raises(ValueError, match="true or false"):
        mcnemar([0.9, 1], [1, 0])
    with pytest.raises(ValueError):
        mcnemar([True], [True, False])
