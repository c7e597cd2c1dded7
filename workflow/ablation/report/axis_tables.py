"""The tables of one axis, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import columns, scaled
from ablation.language.numbers import Entry
from ablation.language.verdicts import worded
from ablation.language.words import Words
from ablation.report.axis import Axis, heads, no_difference, no_number, number_entry

FOREST_MARGINS = (1.5, 5.0)  # how many margins the drawn differences reach at least, at most


def comparison_cells(axis: Axis, words: Words) -> dict[str, list[Entry]]:
    """The columns of the tested metric's table, one entry per value.

    A cell in which half of the replicates or more diverged or collapsed has the median in place of a mean, and no interval.
    """
    rows = [axis.row(label) for label in axis.labels]
    why = [no_number(axis, label, words) for label in axis.labels]
    why_not = [no_difference(axis, label, words) for label in axis.labels]
    centres = [row["median"] if row["broken"] else row["mean"] for row in rows]
    mean, interval = columns(axis.metric, centres, [row["interval"] for row in rows], why)
    gaps, bounds = ([row[name] for row in rows] for name in ("difference", "difference_interval"))
    difference, difference_interval = columns(axis.metric, gaps, bounds, why_not, sign=True)
    p = [None if row["p_adjusted"] is None else fmt.p_value(row["p_adjusted"]) for row in rows]
    return {
        "mean": _medians(axis, mean, words),
        "interval": interval,
        "difference": difference,
        "difference_interval": difference_interval,
        "percent": fmt.entries([percent_text(row, words) for row in rows], why_not),
        "p": fmt.entries(p, why_not),
    }


def _medians(axis: Axis, centres: list[Entry], words: Words) -> list[Entry]:
    """A column of which broken cells have the median."""
    return [
        Entry(words("text.median", number=centre.text))
        if axis.row(label)["broken"] and not centre.reason
        else centre
        for label, centre in zip(axis.labels, centres, strict=True)
    ]


def percent_text(row: dict[str, Any], words: Words) -> str | None:
    """A ratio as a change in percent, with its interval."""
    if row["ratio"] is None:
        return None
    change = 100 * (row["ratio"] - 1)
    bounds = row["ratio_interval"] and [100 * (bound - 1) for bound in row["ratio_interval"]]
    places = fmt.column_decimals([bounds], [change]) if bounds else 0
    text = fmt.fixed(change, places, sign=True)
    return f"{text} {fmt.interval(bounds, places, sign=True)}" if bounds else text


def comparison_rows(axis: Axis, words: Words) -> list[dict[str, Any]]:
    """The table of the tested metric: one dict per value."""
    table, margin = comparison_cells(axis, words), margin_of(axis)
    bounds = [axis.gap_bounds(label) for label in axis.labels]
    reach = forest_reach(bounds, margin[1])
    return [
        {
            **head,
            **{name: column[i] for name, column in table.items()},
            "forest": forest(axis.gap(label), bounds[i], reach, margin),
        }
        for i, (label, head) in enumerate(zip(axis.labels, heads(axis, words), strict=True))
    ]


def margin_of(axis: Axis) -> tuple[float, float]:
    """The equivalence margin below and above no difference, as shown."""
    low, high = (scaled(axis.metric, end) or 0.0 for end in axis.margin_reach)
    return (low, high) if high > 0 else (-1.0, 1.0)


def forest_reach(
    bounds: Sequence[tuple[float, float] | None],
    margin: float,
    *,
    limits: tuple[float, float] = FOREST_MARGINS,
    room: float = 1.1,
    shown: float = 1.0,
) -> float:
    """The difference at the ends of the line.

    Args:
        bounds: the intervals.
        margin: of equivalence.
        limits: how many margins the line reaches at least, at most.
        room: a factor on the interval that decides.
        shown: the share of the intervals that end on the line.
    """
    ends = sorted(max(map(abs, pair)) for pair in bounds if pair)
    widest = ends[math.ceil(shown * len(ends)) - 1] if ends else 0.0
    return min(max(room * widest, limits[0] * margin), limits[1] * margin)


def forest(
    middle: float | None,
    bounds: tuple[float, float] | None,
    reach: float,
    margin: tuple[float, float],
) -> dict[str, Any] | None:
    """Where a difference stands on a line from 0 to 100 with 50 for no difference.

    reach: the difference at the ends of the line; beyond them stands an arrow.
    """
    if middle is None:
        return None

    def place(value: float) -> float:
        return round(50 + 48 * max(min(value / reach, 1.0), -1.0), 1)

    low, high = bounds if bounds is not None else (middle, middle)
    return {
        "low": place(low),
        "high": place(high),
        "middle": place(middle),
        "outside": abs(middle) > reach,
        "cut_low": low < -reach,
        "cut_high": high > reach,
        "margin_low": place(margin[0]),
        "margin_high": place(margin[1]),
    }


def other_rows(axis: Axis, words: Words) -> list[dict[str, Any]]:
    """The other metrics with their tests, the fate of the replicates, size and cost."""
    why = [no_number(axis, label, words) for label in axis.labels]
    rows: list[dict[str, Any]] = [{**head, "metrics": []} for head in heads(axis, words)]
    for metric in axis.metrics:
        if metric == axis.metric:
            continue
        summaries = [axis.summary(label, metric) for label in axis.labels]
        centres = [
            summary.get("median" if axis.row(label)["broken"] else "centre")
            for label, summary in zip(axis.labels, summaries, strict=True)
        ]
        intervals = [summary.get("interval") for summary in summaries]
        mean, interval = columns(metric, centres, intervals, why)
        mean = _medians(axis, mean, words)
        for row, label, *entries in zip(rows, axis.labels, mean, interval, strict=True):
            row["metrics"] += [*entries, _secondary(axis, label, metric, words)]
    for row, label, reason in zip(rows, axis.labels, why, strict=True):
        row["best_epoch"] = number_entry(axis.courses[label].best_epoch, 1, reason)
        for column in ("parameters", "multiply_adds"):
            row[column] = number_entry(axis.number(label, column), 0, reason)
    return rows


def _secondary(axis: Axis, label: str, metric: str, words: Words) -> Entry:
    """A test in a metric that decides no verdict: its adjusted p and what it would say."""
    comparison = axis.row(label)["others"].get(metric)
    if comparison is None or comparison["p_adjusted"] is None:
        return Entry(fmt.DASH, no_difference(axis, label, words))
    verdict = worded(comparison["verdict"], comparison["reason"], words)
    return Entry(
        words("table.p_and_verdict", p=fmt.p_value(comparison["p_adjusted"]), verdict=verdict)
    )


def class_rows(
    axis: Axis, published: dict[str, list[float]], words: Words
) -> list[dict[str, Any]] | None:
    """Accuracy per class in percent: ours, and the course report's where there is one."""
    classes = [f"class_{i}" for i in range(len(axis.model.classes))]
    if not classes or axis.replicates.reindex(columns=classes).isna().all(axis=None):
        return None
    replicates = axis.replicates[axis.replicates["status"] == "ok"]
    means = replicates.groupby("label")[classes].mean().reindex(axis.labels)
    rows = []
    for label, head in zip(axis.labels, heads(axis, words), strict=True):
        why, theirs = no_number(axis, label, words), published.get(label)
        ours = [number_entry(100 * value, 1, why) for value in means.loc[label]]
        shown = [fmt.fixed(100 * value, 1) for value in theirs] if theirs else None
        rows.append({**head, "ours": ours, "published": shown})
    return rows
