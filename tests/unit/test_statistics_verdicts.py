"""The verdict table: every word, what outranks what, and the consistency of p and interval."""

from typing import Any

import numpy as np
import pytest
from ablation.statistics.intervals import mean_interval
from ablation.statistics.paired import PairedTest, corrected_paired_test, holm
from ablation.statistics.verdicts import (
    Fate,
    bonferroni_level,
    can_be_tested,
    decide,
    holm_alone,
    lies_within,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

GOOD = Fate(failed=False, n_total=24, n_ok=24, n_diverged=0)
FAILED = Fate(failed=True, n_total=0, n_ok=0, n_diverged=0)
SOME = Fate(failed=False, n_total=24, n_ok=21, n_diverged=3)
ALL = Fate(failed=False, n_total=24, n_ok=0, n_diverged=24)
EMPTY = Fate(failed=False, n_total=24, n_ok=0, n_diverged=0)

BASE: dict[str, Any] = {
    "fate": GOOD,
    "reference": GOOD,
    "is_reference": False,
    "n_pairs": 24,
    "test": PairedTest(24, -2.0, 3.0, 0.3, -0.6),
    "p_adjusted": 0.3,
    "interval": (-3.5, -0.5),
    "margin": 3.0,
    "alpha": 0.05,
    "better": "lower",
}
REJECTS = {"p_adjusted": 0.01}
WIDE = {"interval": (-6.0, 2.0)}
FEW = {"n_pairs": 4, "p_adjusted": None, "test": PairedTest(4, -2.0, 3.0, 0.001, -0.6)}
NO_SPREAD = {"p_adjusted": None, "interval": None, "test": PairedTest(24, 0.1, 0.0, None, None)}
UP = {"test": PairedTest(24, 2.0, 3.0, 0.01, 0.6)}


@pytest.mark.parametrize(
    ("changes", "word", "text"),
    [
        ({}, "no detectable difference", "no detectable difference"),
        (REJECTS, "better", "better"),
        (REJECTS | {"better": "higher"}, "worse", "worse"),
        (REJECTS | UP, "worse", "worse"),
        (REJECTS | UP | {"better": "higher"}, "better", "better"),
        ({"p_adjusted": 0.05}, "no detectable difference", "no detectable difference"),
        ({"margin": 3.6}, "equivalent", "equivalent: inside ± 3.6"),
        ({"margin": 3.5}, "no detectable difference", "no detectable difference"),
        ({"margin": 3.6} | REJECTS, "better", "better"),
        ({"margin": 3.6, "reference": SOME}, "equivalent", "equivalent: inside ± 3.6 (only where"),
        ({"margin": 3.6, "fate": SOME}, "diverged", "diverged in 3 of 24"),
        (FEW | {"margin": 3.6}, "cannot tell", "cannot tell: 4 usable pairs"),
        (WIDE, "cannot tell", "cannot tell: ± 4 is over the margin of 3"),
        (WIDE | REJECTS, "better", "better"),
        (FEW, "cannot tell", "cannot tell: 4 usable pairs, 5 are needed"),
        (FEW | {"n_pairs": 1, "test": None}, "cannot tell", "cannot tell: 1 usable pair, 5"),
        (NO_SPREAD, "cannot tell", "cannot tell: the difference is the same in every pair"),
        ({"fate": SOME}, "diverged", "diverged in 3 of 24"),
        ({"fate": SOME} | REJECTS, "diverged", "diverged in 3 of 24"),
        ({"fate": ALL, "n_pairs": 0, "test": None}, "diverged", "diverged in 24 of 24"),
        ({"fate": SOME, "reference": ALL}, "diverged", "diverged in 3 of 24"),
        ({"fate": SOME, "is_reference": True}, "diverged", "diverged in 3 of 24"),
        ({"is_reference": True}, "reference", "reference"),
        ({"fate": FAILED}, "failed", "failed"),
        ({"fate": FAILED, "is_reference": True}, "failed", "failed"),
        ({"reference": FAILED}, "no reference", "no reference: it failed"),
        ({"reference": ALL}, "no reference", "no reference: it diverged in 24 of 24"),
        ({"reference": EMPTY}, "no reference", "no reference: it has no usable replicate"),
        ({"reference": SOME} | REJECTS, "better", "better (only where the reference survived: 21"),
        ({"reference": SOME}, "no detectable difference", "no detectable difference (only where"),
    ],
)
def test_verdict_table(changes: dict[str, Any], word: str, text: str) -> None:
    verdict = decide(**(BASE | changes))
    assert verdict.word == word
    assert verdict.text.startswith(text)
    assert (verdict.reason is not None) == (word == "cannot tell")


def test_bonferroni_level() -> None:
    assert bonferroni_level(0.95, 2) == pytest.approx(0.975)
    assert bonferroni_level(0.95, 1) == pytest.approx(0.95)
    with pytest.raises(ValueError):
        bonferroni_level(0.95, 0)
    with pytest.raises(ValueError):
        bonferroni_level(95, 2)


def test_what_can_be_tested() -> None:
    assert can_be_tested(PairedTest(5, 1.0, 1.0, 0.2, 0.5))
    assert not can_be_tested(PairedTest(4, 1.0, 1.0, 0.2, 0.5))
    assert not can_be_tested(PairedTest(24, 1.0, 0.0, None, None))
    assert not can_be_tested(None)


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0, 0.5))
def test_an_interval_without_zero_never_stands_beside_a_p_that_does_not_reject(
    seed: int, n_comparisons: int, ratio: float
) -> None:
    rng = np.random.default_rng(seed)
    shifts = rng.uniform(-3, 3, n_comparisons)
    cells = [shift + rng.normal(size=8) for shift in shifts]
    tests = [corrected_paired_test(cell, test_train_ratio=ratio) for cell in cells]
    adjusted = holm([test.p for test in tests if test.p is not None])
    level = bonferroni_level(0.95, n_comparisons)
    for cell, p in zip(cells, adjusted, strict=True):
        interval = mean_interval(cell, test_train_ratio=ratio, confidence=level)
        excludes_zero = not interval[0] <= 0 <= interval[1]
        rejects = p < 1 - 0.95
        assert rejects or not excludes_zero
        assert holm_alone(p, interval, 1 - 0.95) == (rejects and not excludes_zero)


def test_holm_can_reject_alone() -> None:
    # Two comparisons: the first is clear, so the second is tested at 5 %, its interval at 97.5 %.
    noise = np.array([-1.0, -0.5, 0.0, 0.0, 0.5, 1.0])
    second = 0.8 + noise  # t = 0.8/(0.7071/√6) = 2.771: p = 0.039, between 0.025 and 0.05
    ps = [corrected_paired_test(x, test_train_ratio=0).p or 0.0 for x in (9 + noise, second)]
    assert 0.025 < ps[1] < 0.05
    interval = mean_interval(second, test_train_ratio=0, confidence=0.975)
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


@given(st.integers(0, 10_000), st.floats(0, 0.5), st.floats(0.1, 4))
def test_an_interval_inside_the_margin_is_two_one_sided_tests(
    seed: int, ratio: float, margin: float
) -> None:
    sample = np.random.default_rng(seed).normal(0.3, 1, 8)
    level = bonferroni_level(0.95, 3)
    interval = mean_interval(sample, test_train_ratio=ratio, confidence=level)
    error = sample.std(ddof=1) * np.sqrt(1 / 8 + ratio)
    above = stats.t.sf((sample.mean() + margin) / error, 7)
    below = stats.t.cdf((sample.mean() - margin) / error, 7)
    assert lies_within(interval, margin) == (max(above, below) < (1 - level) / 2)
