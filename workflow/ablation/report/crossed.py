"""The view of one fixed test set: how far a difference reaches beyond it, for one axis."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import columns
from ablation.language.words import Words
from ablation.report.axis import Axis, entry, heads, no_difference


def crossed_rows(axis: Axis, words: Words) -> dict[str, Any] | None:
    """How far a difference over one fixed test set reaches beyond it; None without one."""
    by_label = {label: axis.row(label).get("crossed") for label in axis.labels}
    comparisons = [compared for compared in by_label.values() if compared is not None]
    if not comparisons:
        return None
    alpha = fmt.percent(1 - comparisons[0]["level"])
    n = fmt.count(comparisons[0]["n_samples"])
    why = [no_difference(axis, label, words) for label in axis.labels]
    differences, intervals = columns(
        axis.metric,
        [axis.row(label)["difference"] if by_label[label] else None for label in axis.labels],
        [compared and compared["difference_interval"] for compared in by_label.values()],
        why,
        sign=True,
    )
    rows = []
    for i, (label, head) in enumerate(zip(axis.labels, heads(axis, words), strict=True)):
        compared = by_label[label]
        tables = compared["mcnemar"] if compared else []
        pairs = [f"{row['only_cell']} : {row['only_reference']}" for row in tables]
        shares = compared and words("text.k_of_n", k=compared["n_rejected"], n=len(pairs))
        rows.append(
            {
                **head,
                "difference": differences[i],
                "interval": intervals[i],
                "pairs": entry(words.join(pairs) if pairs else None, why[i]),
                "rejected": entry(shares, why[i]),
            }
        )
    return {
        "rows": rows,
        "level": fmt.percent(comparisons[0]["level"]),
        "text": words("crossed.text", n=n, alpha=alpha),
    }
