"""How a metric is shown: accuracies in percent, everything else in its unit."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

ORDER = ("mse", "mae", "r2", "accuracy", "loss")
SCALE = {"accuracy": 100.0}


def scale(metric: str) -> float:
    """What a stored number is multiplied by before it is shown."""
    return SCALE.get(metric, 1.0)


def possible(metric: str, value: float) -> float:
    """A bound as shown, moved to the nearest value that the metric can take."""
    if metric == "accuracy":
        return min(max(value, 0.0), 100.0)
    return min(value, 1.0) if metric == "r2" else max(value, 0.0)


def scaled(metric: str, value: float | None) -> float | None:
    """A stored number as shown; None and NaN become None."""
    return None if value is None or pd.isna(value) else float(value) * scale(metric)


def scaled_pair(metric: str, pair: Sequence[float] | None) -> tuple[float, float] | None:
    """Both bounds of an interval as shown."""
    if pair is None or pair[0] is None or pd.isna(pair[0]) or pd.isna(pair[1]):
        return None
    return float(pair[0]) * scale(metric), float(pair[1]) * scale(metric)


def metrics_of(model: str, first: str, replicates: pd.DataFrame) -> list[str]:
    """The metrics that a model has numbers for, the compared one first."""
    rows = replicates[replicates["model"] == model]
    present = [name for name in ORDER if name in rows and rows[name].notna().any()]
    return [first, *(name for name in present if name != first)]
