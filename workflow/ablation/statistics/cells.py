"""What one stored cell reached in one metric: centre, spread, interval and what a single run would give."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ablation.statistics.crossed import Samples, crossed_interval
from ablation.statistics.intervals import Interval, mean_interval, prediction_interval
from ablation.statistics.judge import Setting
from ablation.statistics.replicates import Fate, Values


def cell_summary(
    values: Values, fate: Fate, setting: Setting, samples: Samples | None = None
) -> dict[str, Any]:
    """One metric of one cell, in its unit.

    Args:
        values: of the usable replicates, in the metric's unit.
        fate: of the cell.
        setting: how the metric is compared.
        samples: of single test samples on the metric's scale; with a fixed test set the interval crosses both.

    Returns:
        n; mean and sd; centre, the mean on the metric's scale (a geometric mean on the logarithm); median; interval of the
        centre; prediction, the interval of one new run on ``same_data`` (a pool that is split as ours is) and on
        ``other_data``. Intervals hold at the study's confidence. They are None with fewer than two values, with an exact 0 on
        the logarithm, and where half of the replicates or more diverged or collapsed: those fall into two heaps, which a t
        interval does not describe.
    """
    numbers = np.array([values[r] for r in sorted(values)], dtype=np.float64)
    scaled = setting.scale.forward(numbers)
    sound = len(numbers) > 1 and not fate.broken and bool(np.isfinite(scaled).all())
    interval: Interval | None = None
    prediction: Mapping[str, Interval] | None = None
    if sound:
        options: dict[str, Any] = {
            "overlap_ratio": setting.overlap_ratio,
            "confidence": setting.confidence,
        }
        if setting.fixed_test_set and samples:
            interval = crossed_interval(samples, confidence=setting.confidence, seed=setting.seed)
        interval = interval or mean_interval(scaled, **options)
        prediction = {
            "same_data": prediction_interval(scaled, **options),
            "other_data": prediction_interval(scaled, **options, same_data=False),
        }
    back = setting.scale.interval_back
    return {
        "n": len(numbers),
        "mean": float(numbers.mean()) if len(numbers) else None,
        "sd": float(numbers.std(ddof=1)) if len(numbers) > 1 else None,
        "centre": setting.scale.back(float(scaled.mean())) if len(numbers) else None,
        "median": float(np.median(numbers)) if len(numbers) else None,
        "interval": back(interval),
        "prediction": prediction and {name: back(bounds) for name, bounds in prediction.items()},
    }
