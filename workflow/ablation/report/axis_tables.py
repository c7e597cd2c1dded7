"""The tables of one axis, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled, scaled_pair
from ablation.language.numbers import Entry
from ablation.language.verdicts import worded
from ablation.language.words import Words
from ablation.report.axis import Axis, entry, heads, no_difference, no_number

FOREST_MARGINS = (1.5, 5.0)  # how many margins the drawn differences reach at least, at most


def comparison_cells(axis: Axis, words: Words) -> dict[str, list[Entry]]:
    """The columns of the tested metric's table, one entry per value.

    A cell in which half of the replicates or more diverged or collapsed has the median in place of a mean, and no interval.
    """
    rows = [axis.row(label) for label in axis.labels]
    why = [no_number(axis, label, words) for label in axis.labels]
    why_not = [no_difference(axis, label, words) for label in axis.labels]
    means = [scaled(axis.metric, row["mean"]) for row in rows]
    bounds = [scaled_pair(axis.metric, row["interval"]) for row in rows]
    gaps = [scaled(axis.metric, row["difference"]) for row in rows]
    gap_bounds = [scaled_pair(axis.metric, row["difference_interval"]) for row in rows]
    places = fmt.column_decimals(bounds, [m for m in means if m is not None])
    gap_places = fmt.column_decimals(gap_bounds, [g for g in gaps if g is not None])
    columns = {
        "mean": ([_centre(row, axis, places, words) for row in rows], why),
        "interval": (fmt.intervals(bounds, places), why),
        "difference": (
            [None if g is None else fmt.fixed(g, gap_places, sign=True) for g in gaps],
            why_not,
        ),
        "difference_interval": (fmt.intervals(gap_bounds, gap_places, sign=True), why_not),
        "percent": ([percent_text(row, words) for row in rows], why_not),
        "p": (
            [None if r["p_adjusted"] is None else fmt.p_value(r["p_adjusted"]) for r in rows],
            why_not,
        ),
    }
    return {name: fmt.entries(texts, reasons) for name, (texts, reasons) in columns.items()}


def _centre(row: dict[str, Any], axis: Axis, places: int, words: Words) -> str | None:
    number = scaled(axis.metric, row["median"] if row["broken"] else row["mean"])
    if number is None:
        return None
    text = fmt.fixed(number, places)
    return words("text.median", number=text) if row["broken"] else text


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
    table = comparison_cells(axis, words)
    gaps = [scaled(axis.metric, axis.row(label)["difference"]) for label in axis.labels]
    gap_bounds = [
        scaled_pair(axis.metric, axis.row(label)["difference_interval"]) for label in axis.labels
    ]
    margin = margin_of(axis)
    reach = forest_reach(gap_bounds, margin[1])
    return [
        {
            **head,
            **{name: column[i] for name, column in table.items()},
            "forest": forest(gaps[i], gap_bounds[i], reach, margin),
        }
        for i, head in enumerate(heads(axis, words))
    ]


def margin_of(axis: Axis) -> tuple[float, float]:
    """The equivalence margin below and above no difference, as shown."""
    low, high = (scaled(axis.metric, end) or 0.0 for end in axis.margin_reach)
    return (low, high) if high > 0 else (-1.0, 1.0)


def forest_reach(bounds: Sequence[tuple[float, float] | None], margin: float) -> float:
    """The difference at the ends of the line: the widest interval's, but so many margins."""
    widest = max((abs(bound) for pair in bounds if pair for bound in pair), default=0.0)
    least, most = FOREST_MARGINS
    return min(max(1.1 * widest, least * margin), most * margin)


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
    others = [metric for metric in axis.metrics if metric != axis.metric]
    table: dict[str, list[Entry]] = {}
    why = [no_number(axis, label, words) for label in axis.labels]
    for metric in others:
        found = [axis.summary(label, metric) for label in axis.labels]
        broken = [axis.row(label)["broken"] for label in axis.labels]
        means = [
            scaled(metric, one.get("median" if lost else "centre"))
            for one, lost in zip(found, broken, strict=True)
        ]
        bounds = [scaled_pair(metric, one.get("interval")) for one in found]
        places = fmt.column_decimals(bounds, [m for m in means if m is not None])
        texts = [None if m is None else fmt.fixed(m, places) for m in means]
        table[f"{metric}_mean"] = fmt.entries(
            [
                words("text.median", number=text) if lost and text is not None else text
                for text, lost in zip(texts, broken, strict=True)
            ],
            why,
        )
        table[f"{metric}_interval"] = fmt.entries(fmt.intervals(bounds, places), why)
    rows = []
    for i, (label, head) in enumerate(zip(axis.labels, heads(axis, words), strict=True)):
        row: dict[str, Any] = {**head, "metrics": []}
        for metric in others:
            row["metrics"] += [
                table[f"{metric}_mean"][i],
                table[f"{metric}_interval"][i],
                _secondary(axis, label, metric, words),
            ]
        best = axis.courses[label].best_epoch
        row["best_epoch"] = entry(None if best is None else fmt.fixed(best, 1), why[i])
        for column in ("parameters", "multiply_adds", "seconds"):
            value = axis.number(label, column)
            text = None if value is None else fmt.count(value)
            if column == "seconds" and value is not None:
                text = fmt.fixed(value, 1)
            row[column] = entry(text, why[i])
        rows.append(row)
    return rows


def _secondary(axis: Axis, label: str, metric: str, words: Words) -> Entry:
    """A test in a metric that decides no verdict: its adjusted p and what it would say."""
    found = axis.row(label)["others"].get(metric)
    if found is None or found["p_adjusted"] is None:
        return Entry(fmt.DASH, no_difference(axis, label, words))
    verdict = worded(found["verdict"], found["reason"], words)
    return Entry(words("table.p_and_verdict", p=fmt.p_value(found["p_adjusted"]), verdict=verdict))


def digit_rows(
    axis: Axis, published: dict[str, list[float]], words: Words
) -> list[dict[str, Any]] | None:
    """Accuracy per digit in percent: ours, and the course report's where there is one."""
    columns = [f"class_{digit}" for digit in range(10)]
    if not set(columns) <= set(axis.replicates) or axis.replicates[columns].isna().all(axis=None):
        return None
    found = []
    for label, head in zip(axis.labels, heads(axis, words), strict=True):
        own = axis.replicates[
            (axis.replicates["label"] == label) & (axis.replicates["status"] == "ok")
        ]
        ours = own[columns].astype(float).mean()
        why = no_number(axis, label, words)
        found.append({
            **head,
            "ours": [entry(None if pd.isna(v) else fmt.fixed(100 * v, 1), why) for v in ours],
            "published": [fmt.fixed(100 * v, 1) for v in published[label]]
            if label in published else None,
        })  # fmt: skip
    return found
