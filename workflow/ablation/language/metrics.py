"""How a metric is shown: accuracies in percent, everything else in its unit."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ablation.networks.registry import METRICS


def possible(metric: str, value: float) -> float:
    """A bound as shown, moved to the nearest value that the metric can take."""
    what = METRICS[metric]
    return min(max(value, what.lowest * what.scale), what.highest * what.scale)


def scaled(metric: str, value: float | None) -> float | None:
    """A stored number as shown; None and NaN become None."""
    return None if value is None or pd.isna(value) else float(value) * METRICS[metric].scale


def scaled_pair(metric: str, pair: Sequence[float] | None) -> tuple[float, float] | None:
    """Both bounds of an interval as shown."""
    if pair is None or pair[0] is None or pd.isna(pair[0]) or pd.isna(pair[1]):
        return None
    scale = METRICS[metric].scale
    return float(pair[0]) * scale, float(pair[1]) * scale


def metrics_of(model: str, first: str, replicates: pd.DataFrame) -> list[str]:
    """The metrics that a model has numbers for, the compared one first."""
    rows = replicates[replicates["model"] == model]
    present = [name for name in METRICS if name in rows and rows[name].notna().any()]
    return [first, *(name for name in present if name != first)]
