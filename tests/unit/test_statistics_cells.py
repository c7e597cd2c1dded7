"""What one stored cell reached in one metric."""

import math
from typing import Any

import numpy as np
import pytest
from ablation.statistics.cells import cell_summary
from ablation.statistics.replicates import Fate
from ablation.statistics.scale import Scale
from scipy import stats
from test_statistics_judge import setting

VALUES = dict(enumerate(np.random.default_rng(0).lognormal(2.5, 0.4, 12)))
NUMBERS = np.array(list(VALUES.values()))
LOG = Scale(log=True)
RATIO = 0.2


def summary(values: Any = VALUES, fate: Fate | None = None, **changes: Any) -> dict[str, Any]:
    return cell_summary(values, fate or Fate(n_total=12), setting(**changes))


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_an_error_has_a_geometric_mean_and_intervals_on_the_logarithm(confidence: float) -> None:
    found = summary(scale=LOG, confidence=confidence)
    logs = np.log(NUMBERS)
    t, sd = stats.t.ppf((1 + confidence) / 2, 11), logs.std(ddof=1)

    def ends(variance: float) -> tuple[float, float]:
        half = t * sd * math.sqrt(variance)
        return math.exp(logs.mean() - half), math.exp(logs.mean() + half)

    assert found["centre"] == pytest.approx(stats.gmean(NUMBERS))
    assert found["mean"] == pytest.approx(NUMBERS.mean())
    assert found["sd"] == pytest.approx(NUMBERS.std(ddof=1))
    assert found["median"] == pytest.approx(np.median(NUMBERS))
    assert found["n"] == 12
    assert found["interval"] == pytest.approx(ends(1 / 12 + RATIO))
    assert found["prediction"]["same_data"] == pytest.approx(ends(1 + 1 / 12))
    assert found["prediction"]["other_data"] == pytest.approx(ends(1 + 1 / 12 + 2 * RATIO))


def test_an_accuracy_has_an_arithmetic_mean() -> None:
    found = summary()
    half = stats.t.ppf(0.975, 11) * NUMBERS.std(ddof=1)
    centre = NUMBERS.mean()
    assert found["centre"] == found["mean"] == pytest.approx(centre)
    wide = half * math.sqrt(1 / 12 + RATIO)
    assert found["interval"] == pytest.approx((centre - wide, centre + wide))
    wide = half * math.sqrt(13 / 12)
    assert found["prediction"]["same_data"] == pytest.approx((centre - wide, centre + wide))


@pytest.mark.parametrize(
    "fate",
    [
        Fate(n_total=24, diverged=frozenset(range(12))),
        Fate(n_total=12, collapsed=frozenset(range(6))),
    ],
)
def test_a_broken_cell_has_a_median_and_no_intervals(fate: Fate) -> None:
    found = summary(fate=fate, scale=LOG)
    assert found["interval"] is found["prediction"] is None
    assert found["median"] == pytest.approx(np.median(NUMBERS))
    assert found["n"] == 12
    nearly = Fate(n_total=12, collapsed=frozenset(range(5)))
    assert summary(fate=nearly, scale=LOG)["interval"] is not None


def test_an_exact_zero_has_no_interval_on_the_logarithm() -> None:
    values = {**VALUES, 3: 0.0}
    found = summary(values, scale=LOG)
    assert found["interval"] is found["prediction"] is None
    assert found["centre"] == 0
    assert summary(values)["interval"] is not None


def test_few_values() -> None:
    one = summary({4: 2.0}, scale=LOG)
    assert (one["n"], one["mean"], one["centre"], one["median"]) == (1, 2.0, pytest.approx(2), 2.0)
    assert one["sd"] is one["interval"] is one["prediction"] is None
    none = summary({})
    assert none == {"n": 0} | dict.fromkeys(
        ("mean", "sd", "centre", "median", "interval", "prediction")
    )


def crossed(scale: Scale) -> tuple[dict[str, Any], np.ndarray]:
    """A cell on one fixed test set, whose samples are a sum of luck of the replicate and of the sample."""
    rng = np.random.default_rng(4)
    rows, columns = rng.normal(0, 0.02, 12), rng.normal(0, 0.5, 900)
    table = 5 + (rows - rows.mean())[:, None] + columns - columns.mean()
    values = dict(enumerate(table.mean(axis=1)))
    samples = scale.of_samples(dict(enumerate(table)))
    options = setting(scale=scale, fixed_test_set=True, overlap_ratio=0.0, seed=7)
    return cell_summary(values, Fate(n_total=12), options, samples), table


@pytest.mark.parametrize("log", [False, True])
def test_on_a_fixed_test_set_the_interval_crosses_replicates_and_samples(log: bool) -> None:
    found, table = crossed(Scale(log))
    of_rows = table.mean(axis=1).var(ddof=1) / 12
    of_columns = table.mean(axis=0).var() / 900
    variance = of_rows + of_columns
    # Satterthwaite's degrees; on the logarithm all is relative to the mean of 5.
    half = stats.t.ppf(0.975, 11 / (of_rows / variance) ** 2) * math.sqrt(variance)
    alone = stats.t.ppf(0.975, 11) * math.sqrt(of_rows)
    assert half > 2 * alone
    expected = (5 * math.exp(-half / 5), 5 * math.exp(half / 5)) if log else (5 - half, 5 + half)
    assert found["interval"] == pytest.approx(expected, abs=0.06 * half)
    # One more run meets the same test set: its luck is that of training alone.
    low, high = found["prediction"]["same_data"]
    alone = stats.t.ppf(0.975, 11) * table.mean(axis=1).std(ddof=1) * math.sqrt(13 / 12)
    assert (high - low) / 2 == pytest.approx(alone, rel=1e-3)
    assert found["prediction"]["other_data"] == found["prediction"]["same_data"]


def test_a_fixed_test_set_without_samples_has_the_plain_interval() -> None:
    found = summary(fixed_test_set=True, overlap_ratio=0.0)
    expected = stats.ttest_1samp(NUMBERS, 0).confidence_interval(0.95)
    assert found["interval"] == pytest.approx((expected.low, expected.high))
