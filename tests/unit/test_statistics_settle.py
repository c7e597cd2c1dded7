"""How many replicates would settle a row."""

import math
from typing import Any

import numpy as np
import pytest
from ablation.statistics.intervals import mean_interval
from ablation.statistics.settle import MOST_REPLICATES, Settled, replicates_to_settle
from scipy import stats

BASE: dict[str, Any] = {"n_pairs": 6, "level": 0.975, "margin": 3.0, "test_train_ratio": 0.25}


def half(j: int, sd: float, ratio: float, level: float = 0.975) -> float:
    return float(stats.t.ppf((1 + level) / 2, j - 1) * sd * math.sqrt(1 / j + ratio))


@pytest.mark.parametrize(
    ("difference", "sd", "as_"),
    [(2.0, 1.5, "difference"), (-2.0, 1.5, "difference"), (0.2, 2.0, "equivalence")],
)
def test_the_smallest_count_by_trying_all(difference: float, sd: float, as_: str) -> None:
    found = replicates_to_settle(difference, sd, **BASE)
    room = abs(difference) if as_ == "difference" else 3.0 - abs(difference)
    expected = next(j for j in range(7, 10_000) if half(j, sd, 0.25) < room)
    assert found == Settled(expected, as_)


def test_the_interval_of_so_many_replicates_does_settle_it() -> None:
    found = replicates_to_settle(2.0, 1.5, **BASE)
    assert found.replicates is not None
    for count, settled in ((found.replicates, True), (found.replicates - 1, False)):
        pattern = np.random.default_rng(0).normal(size=count)
        sample = 2.0 + 1.5 * (pattern - pattern.mean()) / pattern.std(ddof=1)
        low, _ = mean_interval(sample, test_train_ratio=0.25, confidence=0.975)
        assert (low > 0) is settled


def test_blocks_of_six() -> None:
    alone = replicates_to_settle(2.0, 1.5, **BASE).replicates
    assert alone is not None
    blocks = replicates_to_settle(2.0, 1.5, **BASE, step=6).replicates
    assert blocks == 6 * math.ceil(alone / 6)
    assert blocks != alone
    # Never as many as there are already, also where some of them are lost.
    again = replicates_to_settle(2.0, 1.5, **(BASE | {"n_pairs": 23}), step=6).replicates
    assert again == 24


def test_only_more_data_help_below_the_floor() -> None:
    floor = stats.norm.ppf(1.975 / 2) * 1.5 * 0.5
    assert replicates_to_settle(floor * 0.99, 1.5, **(BASE | {"margin": 1.0})) == Settled(
        None, None
    )
    above = replicates_to_settle(floor * 1.01, 1.5, **(BASE | {"margin": 1.0}))
    assert above.as_ == "difference"
    # A fixed test set has no floor, but there is an end to what can be trained.
    fixed = BASE | {"test_train_ratio": 0.0, "margin": 0.01}
    assert replicates_to_settle(0.1, 1.0, **fixed).replicates == pytest.approx(505, abs=5)
    assert replicates_to_settle(0.01, 1.0, **fixed) == Settled(None, None)
    assert half(MOST_REPLICATES, 1.0, 0.0) > 0.01


@pytest.mark.parametrize("broken", [{"level": 95}, {"test_train_ratio": -1}, {"step": 0}])
def test_refuses(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replicates_to_settle(2.0, 1.5, **(BASE | broken))
