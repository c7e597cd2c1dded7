"""Every ablation as a row of one forest plot."""

from __future__ import annotations

import math
from typing import Any

from ablation.language import numbers as fmt
from ablation.language.words import Words
from ablation.report.axis import Axis, heads
from ablation.report.axis_tables import comparison_cells, forest, forest_reach, margin_of

REACH = (1.5, 6.0)  # how many margins the forest reaches at least, at most
SHOWN = 0.9  # the share of interval ends that the forest shows, within that


def summary_view(axes: list[Axis], ranking: list[dict[str, Any]], words: Words) -> dict[str, Any]:
    """Groups of rows for the forest plot, the axes with the largest effects first, rows by size.

    ranking: of ``comparisons.json``. One scale for all axes of the model, so that lengths can be compared.
    """
    by_name = {axis.name: axis for axis in axes}
    first, reach = axes[0], _reach(axes)
    higher_is_better = first.better == "higher"
    groups = [
        {
            "id": axis.id,
            "title": words.title(axis.axis),
            "reference": words.value(axis.reference),
            "largest": largest_text(axis, ranked, words),
            "rows": _rows(axis, reach, words),
        }
        for ranked in ranking
        for axis in [by_name[ranked["axis"]]]
    ]
    return {
        "groups": groups,
        "ticks": ticks(reach),
        "left": words("summary.worse" if higher_is_better else "summary.better"),
        "right": words("summary.better" if higher_is_better else "summary.worse"),
    }


def _reach(axes: list[Axis]) -> float:
    """The difference at the ends of the forest."""
    margin = margin_of(axes[0])[1]
    bounds = [axis.gap_bounds(label) for axis in axes for label in axis.labels]
    return forest_reach(bounds, margin, limits=REACH, room=1.05, shown=SHOWN)


def _rows(axis: Axis, reach: float, words: Words) -> list[dict[str, Any]]:
    """One row per value but the reference, the largest differences first, those without one last."""
    cells = comparison_cells(axis, words)
    rows = []
    for i, (label, head) in enumerate(zip(axis.labels, heads(axis, words), strict=True)):
        if label == axis.reference:
            continue
        gap = axis.gap(label)
        rows.append(
            {
                **head,
                "size": -1.0 if gap is None else abs(gap),
                "difference": cells["difference"][i],
                "interval": cells["difference_interval"][i],
                "forest": forest(gap, axis.gap_bounds(label), reach, margin_of(axis)),
            }
        )
    return sorted(rows, key=lambda row: -row["size"])


def largest_text(axis: Axis, ranked: dict[str, Any], words: Words) -> str:
    """The largest effect of an axis."""
    if ranked["largest"] is None:
        return ""
    gap = axis.gap(ranked["largest"]) or 0.0
    number = words.difference(axis.metric, fmt.significant(gap, 2, sign=True))
    return words("summary.largest", difference=number, value=words.value(ranked["largest"]))


def ticks(reach: float) -> list[dict[str, Any]]:
    """Round differences on the forest's scale, with their place from 0 to 100."""
    raw = reach / 3.2
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(multiple * power for multiple in (1, 2, 2.5, 5, 10) if multiple * power >= raw)
    places = max(0, -math.floor(math.log10(step) + 1e-9)) + (step / power == 2.5)
    count = int(reach / step)
    return [
        {
            "place": round(50 + 48 * k * step / reach, 2),
            "text": fmt.fixed(k * step, places, sign=k != 0),
        }
        for k in range(-count, count + 1)
    ]
