"""The views of a fixed test set, and of the best network on further test draws."""

from __future__ import annotations

from typing import Any

from ablation.report import format as fmt
from ablation.report.axis import Axis, entry, heads, no_difference
from ablation.report.metrics import scaled, scaled_pair
from ablation.report.words import Words

METRIC = "accuracy"


def crossed_rows(axis: Axis, words: Words) -> dict[str, Any] | None:
    """How far a difference over one fixed test set reaches beyond it; None without one."""
    found = {label: axis.row(label).get("crossed") for label in axis.labels}
    known = [compared for compared in found.values() if compared is not None]
    if not known:
        return None
    bounds = {
        label: scaled_pair(axis.metric, compared["difference_interval"]) if compared else None
        for label, compared in found.items()
    }
    gaps = {label: scaled(axis.metric, axis.row(label)["difference"]) for label in axis.labels}
    places = fmt.column_decimals(list(bounds.values()), [g for g in gaps.values() if g is not None])
    intervals = dict(
        zip(bounds, fmt.intervals(list(bounds.values()), places, sign=True), strict=True)
    )
    rows = []
    for label, head in zip(axis.labels, heads(axis, words), strict=True):
        compared, why = found[label], no_difference(axis, label, words)
        gap = gaps[label] if compared else None
        pairs = [
            f"{row['only_cell']} : {row['only_reference']}"
            for row in (compared or {}).get("mcnemar", [])
        ]
        rejected = (
            words("text.k_of_n", k=compared["n_rejected"], n=len(pairs)) if compared else None
        )
        rows.append(
            {
                **head,
                "difference": entry(
                    None if gap is None else fmt.fixed(gap, places, sign=True), why
                ),
                "interval": entry(intervals[label], why),
                "pairs": entry(words.join(pairs) if pairs else None, why),
                "rejected": entry(rejected, why),
            }
        )
    return {
        "rows": rows,
        "level": fmt.percent(known[0]["level"]),
        "text": words(
            "crossed.text",
            n=fmt.count(known[0]["n_samples"]),
            alpha=fmt.percent(1 - known[0]["level"]),
        ),
    }


def draws_view(
    draws: dict[str, Any] | None, settings: dict[str, str], confidence: float, words: Words
) -> dict[str, Any] | None:
    """The best network on its further test draws; None where there are none.

    settings: by cell, the words for it.
    """
    if not draws or not draws["draws"]:
        return None
    rows = draws["draws"]
    bounds = [scaled_pair(METRIC, row["interval"]) for row in rows]
    means = [scaled(METRIC, row["accuracy"]) for row in rows]
    places = fmt.column_decimals(bounds, [m for m in means if m is not None])
    intervals = fmt.intervals(bounds, places)
    return {
        "sentence": words(
            "draws.sentence",
            setting=settings[draws["cell"]],
            replicate=draws["replicate"],
            val_loss=fmt.significant(draws["val_loss"]),
            n=fmt.count(rows[0]["n"]),
            draws=len(rows),
        ),
        "level": fmt.percent(confidence),
        "rows": [
            {
                "text": words("draws.number", number=number),
                "n": fmt.count(row["n"]),
                "mean": entry(None if mean is None else fmt.fixed(mean, places), ""),
                "interval": entry(interval, ""),
                "digits": [
                    entry(
                        None if value is None else fmt.fixed(100 * value, 1), words("draws.absent")
                    )
                    for value in row["per_class_accuracy"]
                ],
            }
            for number, (row, mean, interval) in enumerate(
                zip(rows, means, intervals, strict=True), 1
            )
        ],
    }
