"""The view of one fixed test set: how far a difference reaches beyond it, for one axis."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled, scaled_pair
from ablation.language.words import Words
from ablation.report.axis import Axis, entry, heads, no_difference


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
