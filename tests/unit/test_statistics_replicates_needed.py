"""How many replicates would settle a row."""

import math
from typing import Any

import numpy as np
import pytest
from ablation.statistics.intervals import mean_interval
from ablation.statistics.replicates_needed import MOST_REPLICATES, replicates_needed
from scipy import stats

BASE: dict[str, Any] = {
    "n_pairs": 6,
    "degrees": 5.0,
    "level": 0.975,
    "margin": 3.0,
    "overlap_ratio": 0.25,
}
NEVER = {"replicates": None, "as": None}


def half(j: int, sd: float, ratio: float, level: float = 0.975, more: float = 0.0) -> float:
    """Half-width with J − 1 degrees, and some more that were lent."""
    return float(stats.t.ppf((1 + level) / 2, j - 1 + more) * sd * math.sqrt(1 / j + ratio))


@pytest.mark.parametrize(
    ("difference", "sd", "as_"),
    [(2.0, 1.5, "difference"), (-2.0, 1.5, "difference"), (0.2, 2.0, "equivalence")],
)
@pytest.mark.parametrize("more", [0.0, 12.5])
def test_the_smallest_count_by_trying_all(
    difference: float, sd: float, as_: str, more: float
) -> None:
    found = replicates_needed(difference, sd, **BASE | {"degrees": 5 + more})
    room = abs(difference) if as_ == "difference" else 3.0 - abs(difference)
    expected = next(j for j in range(7, 10_000) if half(j, sd, 0.25, more=more) < room)
    assert found == {"replicates": expected, "as": as_}


def test_degrees_that_others_lent_settle_it_earlier() -> None:
    alone = replicates_needed(2.0, 1.5, **BASE)["replicates"]
    lent = replicates_needed(2.0, 1.5, **BASE | {"degrees": 60.0})["replicates"]
    assert alone is not None and lent is not None
    assert lent < alone


def test_the_interval_of_so_many_replicates_does_settle_it() -> None:
    found = replicates_needed(2.0, 1.5, **BASE)
    assert found["replicates"] is not None
    for count, settled in ((found["replicates"], True), (found["replicates"] - 1, False)):
        pattern = np.random.default_rng(0).normal(size=count)
        sample = 2.0 + 1.5 * (pattern - pattern.mean()) / pattern.std(ddof=1)
        low, _ = mean_interval(sample, overlap_ratio=0.25, confidence=0.975)
        assert (low > 0) is settled


def test_blocks_of_six() -> None:
    alone = replicates_needed(2.0, 1.5, **BASE)["replicates"]
    assert alone is not None
    blocks = replicates_needed(2.0, 1.5, **BASE, step=6)["replicates"]
    assert blocks == 6 * math.ceil(alone / 6)
    assert blocks != alone
    # Never as many as there are already, also where some of them are lost.
    again = replicates_needed(2.0, 1.5, **BASE | {"n_pairs": 23, "degrees": 22.0}, step=6)
    assert again["replicates"] == 24


def test_without_a_margin_it_can_only_be_a_difference() -> None:
    without = BASE | {"margin": None}
    assert replicates_needed(2.0, 1.5, **without) == replicates_needed(2.0, 1.5, **BASE)
    assert replicates_needed(0.2, 2.0, **without) == NEVER


def test_only_more_data_help_below_the_floor() -> None:
    floor = stats.norm.ppf(1.975 / 2) * 1.5 * 0.5
    assert replicates_needed(floor * 0.99, 1.5, **(BASE | {"margin": 1.0})) == NEVER
    above = replicates_needed(floor * 1.01, 1.5, **(BASE | {"margin": 1.0}))
    assert above["as"] == "difference"
    # A fixed test set has no floor, but there is an end to what can be trained.
    fixed = BASE | {"overlap_ratio": 0.0, "margin": 0.01}
    assert replicates_needed(0.1, 1.0, **fixed)["replicates"] == pytest.approx(505, abs=5)
    assert replicates_needed(0.01, 1.0, **fixed) == NEVER
    assert half(MOST_REPLICATES, 1.0, 0.0) > 0.01
