"""The answer first: every ablation as a row of one forest plot, and which axis matters most."""

from __future__ import annotations

import math
from typing import Any

from ablation.report import format as fmt
from ablation.report.axis import Axis, heads
from ablation.report.axis_tables import comparison_cells, forest
from ablation.report.metrics import scaled, scaled_pair
from ablation.report.prose import axis_sentences
from ablation.report.words import Words

REACH = (1.5, 6.0)  # how many margins the forest reaches at least, at most
SHOWN = 0.9  # the share of interval ends that the forest shows, within that
NOTHING = {
    "omega2": None,
    "low": None,
    "high": None,
    "text": "",
    "interval": "",
    "left_out": "",
    "survivors": "",
}


def summary_view(axes: list[Axis], words: Words) -> dict[str, Any]:
    """Groups of rows for the forest plot, the axes that move the metric most first, rows by size.

    One scale for all axes of the model, so that lengths can be compared.
    """
    first = axes[0]
    unit = scaled(first.metric, 1.0) or 1.0
    reach = _reach(axes)
    higher_is_better = first.better == "higher"
    groups = [
        {
            "id": axis.id,
            "title": words.title(axis.axis),
            "reference": words.value(axis.reference),
            "importance": importance_view(axis, words),
            "sentence": words.sentences(axis_sentences(axis, words)),
            "rows": _rows(axis, reach, words),
        }
        for axis in sorted(axes, key=_order)
    ]
    return {
        "groups": groups,
        "ticks": ticks(reach),
        "margin": fmt.significant(first.margin * unit, 2),
        "left": words("summary.worse" if higher_is_better else "summary.better"),
        "right": words("summary.better" if higher_is_better else "summary.worse"),
        "most": most_important(axes, words),
    }


def _reach(axes: list[Axis]) -> float:
    """The difference at the ends of the forest."""
    margin = float(scaled(axes[0].metric, axes[0].margin) or 1.0)
    ends = [
        max(map(abs, bounds))
        for axis in axes
        for label in axis.labels
        if axis.row(label)["verdict"] != "diverged"
        and (bounds := scaled_pair(axis.metric, axis.row(label)["difference_interval"]))
    ]
    ends.sort()
    widest = ends[math.ceil(SHOWN * len(ends)) - 1] if ends else 0.0
    return min(max(1.05 * widest, REACH[0] * margin), REACH[1] * margin)


def _order(axis: Axis) -> tuple[float, str]:
    found = axis.compared.get("importance")
    return (-(found["omega2"] or 0.0) if found else 1.0, axis.name)


def _rows(axis: Axis, reach: float, words: Words) -> list[dict[str, Any]]:
    """One row per value but the reference, the largest differences first, those without one last."""
    margin = float(scaled(axis.metric, axis.margin) or 1.0)
    cells = comparison_cells(axis, words)
    found = []
    for i, (label, head) in enumerate(zip(axis.labels, heads(axis, words), strict=True)):
        if label == axis.reference:
            continue
        row = axis.row(label)
        gap = scaled(axis.metric, row["difference"])
        bounds = scaled_pair(axis.metric, row["difference_interval"])
        found.append(
            {
                **head,
                "size": -1.0 if gap is None else abs(gap),
                "difference": cells["difference"][i],
                "interval": cells["difference_interval"][i],
                "forest": forest(gap, bounds, reach, margin),
            }
        )
    return sorted(found, key=lambda row: -row["size"])


def ticks(reach: float) -> list[dict[str, Any]]:
    """Round differences on the forest's scale, with their place from 0 to 100."""
    raw = reach / 3.2
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= raw)
    places = max(0, -math.floor(math.log10(step) + 1e-9)) + (step / power == 2.5)
    count = int(reach / step)
    return [
        {
            "place": round(50 + 48 * k * step / reach, 2),
            "text": fmt.fixed(k * step, places, sign=k != 0),
        }
        for k in range(-count, count + 1)
    ]


def importance_view(axis: Axis, words: Words) -> dict[str, Any]:
    """ω² of an axis with its interval, as text and as places from 0 to 100."""
    found = axis.compared.get("importance")
    if not found or found["omega2"] is None:
        return NOTHING
    low, high = found["interval"] or (None, None)
    left = [words.value(label) for label in found["left_out"]]
    return {
        "omega2": round(100 * found["omega2"], 1),
        "low": None if low is None else round(100 * low, 1),
        "high": None if high is None else round(100 * high, 1),
        "text": fmt.fixed(found["omega2"], 2),
        "interval": "" if low is None else fmt.interval(found["interval"], 2),
        "left_out": words("summary.left_out", values=words.join(left)) if left else "",
        "survivors": words("summary.survivors", n=found["n_replicates"])
        if found["survivors_only"]
        else "",
    }


def most_important(axes: list[Axis], words: Words) -> str:
    """Which axis moves the metric most, or that none surely does."""
    known = [axis for axis in sorted(axes, key=_order) if axis.compared.get("importance")]
    if not known:
        return words("summary.no_importance")
    top = known[0]
    found = top.compared["importance"]
    values = {
        "axis": words.title(top.axis),
        "omega2": fmt.fixed(found["omega2"], 2),
        "interval": fmt.interval(found["interval"], 2) if found["interval"] else fmt.DASH,
        "level": fmt.percent(found["level"]),
        "metric": words(f"metric.{top.metric}"),
    }
    sure = bool(found["interval"]) and found["interval"][0] > 0
    parts = [words("summary.most" if sure else "summary.most_unsure", **values)]
    apart = [axis for axis in axes if (axis.compared.get("importance") or {}).get("left_out")]
    none = [axis for axis in axes if not axis.compared.get("importance")]
    if apart or none:
        named = words.join([words.title(axis.axis) for axis in [*apart, *none]])
        parts.append(words("summary.apart", axes=named))
    return words.sentences(parts)
