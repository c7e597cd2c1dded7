"""How a metric is shown: accuracies in percent, everything else in its unit."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ablation.language import numbers as fmt
from ablation.store.document import ModelDocument
from ablation.tasks.task import METRICS, TASKS

Pair = Sequence[float] | None


def scaled(metric: str, value: float | None) -> float | None:
    """A stored number as shown; None and NaN become None."""
    return None if value is None or pd.isna(value) else float(value) * METRICS[metric].scale


def scaled_pair(metric: str, pair: Pair) -> tuple[float, float] | None:
    """Both bounds of an interval as shown."""
    if pair is None or pair[0] is None or pd.isna(pair[0]) or pd.isna(pair[1]):
        return None
    scale = METRICS[metric].scale
    return float(pair[0]) * scale, float(pair[1]) * scale


def possible_pair(metric: str, pair: Pair) -> tuple[float, float] | None:
    """Both bounds of a metric's own interval as shown, each moved to the nearest value that the metric can take."""
    bounds, definition = scaled_pair(metric, pair), METRICS[metric]
    if bounds is None:
        return None
    low, high = (
        min(max(bound, definition.lowest * definition.scale), definition.highest * definition.scale)
        for bound in bounds
    )
    return low, high


def metrics_of(model: ModelDocument, first: str, replicates: pd.DataFrame) -> list[str]:
    """The metrics of a model's task that it has numbers for, the compared one first."""
    rows = replicates[replicates["model"] == model.name]
    present = [
        metric.name for metric in TASKS[model.task].metrics if rows[metric.name].notna().any()
    ]
    return [first, *(name for name in present if name != first)]


def columns(
    metric: str,
    values: Sequence[float | None],
    intervals: Sequence[Pair],
    reasons: Sequence[str],
    *,
    sign: bool = False,
) -> tuple[list[fmt.Entry], list[fmt.Entry]]:
    """A column of stored numbers and one of their intervals, with one count of decimals; dashes with their reasons.

    sign: the numbers are differences, which may leave the range of the metric.
    """
    shown = [scaled(metric, value) for value in values]
    bounds = [(scaled_pair if sign else possible_pair)(metric, pair) for pair in intervals]
    places = fmt.column_decimals(bounds, [value for value in shown if value is not None])
    texts = [None if value is None else fmt.fixed(value, places, sign=sign) for value in shown]
    return (
        fmt.entries(texts, reasons),
        fmt.entries(fmt.intervals(bounds, places, sign=sign), reasons),
    )


def with_interval(metric: str, value: float | None, interval: Pair) -> str:
    """A stored difference with its interval in running text: ``+1.2 [+0.1, +2.3]``; a dash for None."""
    gap, bounds = scaled(metric, value), scaled_pair(metric, interval)
    if gap is None:
        return fmt.DASH
    places = fmt.column_decimals([bounds], [gap])
    number = fmt.fixed(gap, places, sign=True)
    return f"{number} {fmt.interval(bounds, places, sign=True)}" if bounds else number
