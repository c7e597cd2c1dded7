"""From a test and an interval to a verdict, and the consistency of p and interval."""

from typing import Any

import numpy as np
import pytest
from ablation.statistics.intervals import mean_interval, t_interval, variance_factor
from ablation.statistics.paired import holm, p_value
from ablation.statistics.verdicts import (
    Verdict,
    bonferroni_level,
    holm_alone,
    lies_within,
    verdict_of,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

BASE: dict[str, Any] = {
    "difference": -2.0,
    "p_adjusted": 0.3,
    "interval": (-3.5, 0.5),
    "margin": 3.0,
    "alpha": 0.05,
    "better": "lower",
}
REJECTS = {"p_adjusted": 0.01, "interval": (-3.5, -0.5)}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "inconclusive"),
        ({"interval": (-1.6, 0.2)}, "practically equivalent"),
        ({"interval": (-6.0, 2.0)}, "inconclusive"),  # as wide, it is the same state
        ({"interval": (-1.6, 0.2), "margin": None}, "inconclusive"),
        (REJECTS, "better"),
        (REJECTS | {"better": "higher"}, "worse"),
        (REJECTS | {"difference": 2.0}, "worse"),
        (REJECTS | {"difference": 2.0, "better": "higher"}, "better"),
        (REJECTS | {"margin": None}, "better"),
        # A sure sign comes first, also where its size does not matter.
        (REJECTS | {"margin": 9.0}, "better"),
        # Strictly below the error level, strictly inside the margin.
        ({"p_adjusted": 0.05}, "inconclusive"),
        ({"margin": 3.5}, "inconclusive"),
        ({"margin": 3.6}, "practically equivalent"),
        ({"p_adjusted": 0.08, "alpha": 0.1}, "better"),
    ],
)
def test_verdict_table(changes: dict[str, Any], word: str) -> None:
    assert verdict_of(**(BASE | changes)).value == word


def test_which_verdicts_stand_on_a_test_and_which_decide() -> None:
    words = {verdict.value: (verdict.tested, verdict.conclusive) for verdict in Verdict}
    assert words == {
        "better": (True, True),
        "worse": (True, True),
        "practically equivalent": (True, True),
        "inconclusive": (True, False),
        "not tested": (False, False),
        "failed": (False, False),
        "reference": (False, False),
    }


def test_the_other_side_of_a_verdict() -> None:
    changed = {v.value: v.mirrored.value for v in Verdict if v.mirrored is not v}
    assert changed == {"better": "worse", "worse": "better"}


def test_bonferroni_level() -> None:
    assert bonferroni_level(0.95, 2) == pytest.approx(0.975)
    assert bonferroni_level(0.95, 1) == pytest.approx(0.95)


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0, 0.5), st.floats(0.5, 9))
def test_an_interval_without_zero_never_stands_beside_a_p_that_does_not_reject(
    seed: int, n_comparisons: int, ratio: float, factor: float
) -> None:
    # Also with a spread that is not the pairs' own, with degrees of its own.
    rng = np.random.default_rng(seed)
    means = rng.uniform(-3, 3, n_comparisons)
    variances, degrees = factor * rng.chisquare(7, n_comparisons) / 7, 7 * factor
    ps = [p_value(m, 8, v, degrees, ratio) for m, v in zip(means, variances, strict=True)]
    level = bonferroni_level(0.95, n_comparisons)
    for mean, variance, p in zip(means, variances, holm(ps), strict=True):
        error = np.sqrt(variance * variance_factor(8, ratio))
        interval = t_interval(mean, error, degrees, level)
        excludes_zero = not interval[0] <= 0 <= interval[1]
        rejects = p < 1 - 0.95
        assert rejects or not excludes_zero
        assert holm_alone(p, interval, 1 - 0.95) == (rejects and not excludes_zero)


def test_holm_can_reject_alone() -> None:
    # Two comparisons: the first is clear, so the second is tested at 5 %, its interval at 97.5 %.
    noise = np.array([-1.0, -0.5, 0.0, 0.0, 0.5, 1.0])
    second = 0.8 + noise  # t = 0.8/(0.7071/√6) = 2.771: p = 0.039, between 0.025 and 0.05
    ps = [p_value(x.mean(), 6, x.var(ddof=1), 5, 0) for x in (9 + noise, second)]
    assert 0.025 < ps[1] < 0.05
    interval = mean_interval(second, overlap_ratio=0, confidence=0.975)
    assert interval[0] < 0 < interval[1]
    assert holm_alone(holm(ps)[1], interval, 0.05)
    assert not holm_alone(0.06, interval, 0.05)
    assert not holm_alone(None, None, 0.05)


@pytest.mark.parametrize(
    ("interval", "inside"),
    [
        ((-2.9, 2.9), True),
        ((-2.9, 3.0), False),
        ((-3.0, 2.9), False),
        ((1.0, 2.0), True),
        ((3.1, 4.0), False),
        (None, False),
    ],
)
def test_inside_the_margin_is_strict_and_on_both_sides(interval: Any, inside: bool) -> None:
    assert lies_within(interval, 3.0) is inside
    assert lies_within(interval, None) is False


@given(st.integers(0, 10_000), st.floats(0, 0.5), st.floats(0.1, 4))
def test_an_interval_inside_the_margin_is_two_one_sided_tests(
    seed: int, ratio: float, margin: float
) -> None:
    sample = np.random.default_rng(seed).normal(0.3, 1, 8)
    level = bonferroni_level(0.95, 3)
    interval = mean_interval(sample, overlap_ratio=ratio, confidence=level)
    error = sample.std(ddof=1) * np.sqrt(1 / 8 + ratio)
    above = stats.t.sf((sample.mean() + margin) / error, 7)
    below = stats.t.cdf((sample.mean() - margin) / error, 7)
    assert lies_within(interval, margin) == (max(above, below) < (1 - level) / 2)
