"""On which scale a metric is compared, and back into its unit."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
from ablation.statistics.scale import Scale
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

LINEAR, LOG = Scale(log=False), Scale(log=True)
ERRORS = st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=1, max_size=24)


def test_an_accuracy_stays_as_it_is() -> None:
    assert LINEAR.forward([0.5, 0.97]).tolist() == [0.5, 0.97]
    assert LINEAR.back(0.97) == 0.97
    assert LINEAR.margin(0.01) == 0.01
    # A reference of 0.9 does not matter to a difference of two points.
    assert LINEAR.effect(0.02, 0.9) == 0.02
    assert LINEAR.effect_interval((-0.01, 0.02), 0.9) == (-0.01, 0.02)


def test_an_error_is_compared_as_a_ratio_by_hand() -> None:
    assert LOG.forward([1, math.e, 20]) == pytest.approx([0, 1, 2.995732], abs=1e-6)
    assert LOG.back(2.995732) == pytest.approx(20, abs=1e-4)
    # 20 % more: log 1.2. Half as much again of 10 is 5 more, half of it 5 less.
    assert LOG.margin(1.2) == pytest.approx(0.1823216, abs=1e-7)
    assert LOG.effect(0.4054651, 10) == pytest.approx(5, abs=1e-5)
    assert LOG.effect(-0.6931472, 10) == pytest.approx(-5, abs=1e-5)
    assert LOG.effect_interval((-0.6931472, 0.4054651), 10) == pytest.approx((-5, 5), abs=1e-5)
    assert LOG.interval_back((0, math.log(3))) == pytest.approx((1, 3))


@pytest.mark.parametrize("scale", [LINEAR, LOG])
def test_no_interval_stays_none(scale: Scale) -> None:
    assert scale.interval_back(None) is scale.effect_interval(None, 3.0) is None


@given(ERRORS)
def test_the_effect_in_the_unit_is_that_of_the_geometric_means(
    pairs: list[tuple[float, float]],
) -> None:
    cell, reference = np.array(pairs).T
    difference = float(np.mean(LOG.forward(cell) - LOG.forward(reference)))
    centre = LOG.back(float(LOG.forward(reference).mean()))
    assert centre == pytest.approx(stats.gmean(reference))
    expected = stats.gmean(cell) - stats.gmean(reference)
    assert LOG.effect(difference, centre) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(st.floats(1.01, 5), st.floats(0.1, 10))
def test_the_margin_of_a_ratio_reaches_as_far_up_as_down(margin: float, reference: float) -> None:
    size = LOG.margin(margin)
    assert LOG.effect(size, reference) == pytest.approx(reference * (margin - 1))
    assert LOG.effect(-size, reference) == pytest.approx(reference * (1 / margin - 1))


def test_an_exact_zero_is_minus_infinity_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert LOG.forward([0.0, 1.0]).tolist() == [-math.inf, 0]
        assert LOG.back(-math.inf) == 0
    assert LINEAR.forward([0.0]).tolist() == [0.0]


def test_right_and_wrong_answers_become_numbers() -> None:
    found = LINEAR.of_samples({3: np.array([True, False, True])})
    assert found[3].tolist() == [1, 0, 1]
    assert found[3].dtype == np.float64


def test_samples_of_an_error_have_the_logarithm_of_its_mean_as_their_mean() -> None:
    samples: dict[int, Any] = {
        r: np.random.default_rng(r).exponential(5 + r, 30 + r) for r in range(4)
    }
    found = LOG.of_samples(samples)
    for r, values in samples.items():
        mean = sum(values) / len(values)
        assert found[r].mean() == pytest.approx(math.log(mean))
        assert found[r][0] == pytest.approx(math.log(mean) + values[0] / mean - 1)
        assert found[r].std(ddof=1) == pytest.approx(values.std(ddof=1) / mean)


def test_samples_of_an_error_scatter_as_the_logarithm_of_its_mean_does() -> None:
    # 4,000 test parts of 200: what s²/n of the linearised samples says is what log(mean) does.
    parts = np.random.default_rng(0).gamma(0.5, 10.0, (4000, 200))
    found = LOG.of_samples(dict(enumerate(parts[:500])))
    said = np.mean([part.var(ddof=1) / part.size for part in found.values()])
    assert said == pytest.approx(np.log(parts.mean(axis=1)).var(ddof=1), rel=0.08)


def test_a_replicate_whose_mean_is_zero_has_no_samples() -> None:
    found = LOG.of_samples({0: np.zeros(5), 1: np.array([0.0, 2.0])})
    assert list(found) == [1]
    assert found[1] == pytest.approx([-1, 1])  # log 1 + 0/1 − 1, log 1 + 2/1 − 1
    assert list(LINEAR.of_samples({0: np.zeros(5)})) == [0]
