"""The view of the course report's numbers beside ours, for one axis."""

from __future__ import annotations

from typing import Any

from ablation.report import format as fmt
from ablation.report import published as pub
from ablation.report.axis import Axis, entry, heads, no_number
from ablation.report.findings import ratio_of
from ablation.report.metrics import scaled, scaled_pair
from ablation.report.words import Words


def published_view(
    axis: Axis, published: dict[str, Any] | None, words: Words
) -> dict[str, Any] | None:
    """Rows per value and metric: each published run, ours, and whether they agree.

    None when the course report has no numbers for this axis, or trained on another amount of data.
    """
    if published is None or not pub.comparable(published, axis.model["data"]):
        return None
    if not any(axis.name in run["axes"] for run in published["runs"]):
        return None
    names = [run["name"] for run in published["runs"] if axis.name in run["axes"]]
    same_data = published["same_data"][axis.model["data"]["dataset"]]
    rows = []
    for label, head in zip(axis.labels, heads(axis, words), strict=True):
        runs = [
            found
            for found, run in zip(
                pub.runs(published, axis.name, label), published["runs"], strict=True
            )
            if axis.name in run["axes"]
        ]
        lines = [_line(axis, label, metric, runs=runs, same_data=same_data, words=words)
                 for metric in published["metrics"]]  # fmt: skip
        rows.append({**head, "lines": lines})
    missing = [
        label
        for run in published["runs"]
        for label in run["axes"].get(axis.name, {})
        if label not in axis.labels
    ]
    return {
        "runs": [words(f"published.run_{name}") for name in names],
        "rows": rows,
        "missing": words("published.missing", values=words.join([words.value(m) for m in missing]))
        if missing
        else "",
        "sentence": _sentence(rows, axis, words),
        "note": words("published.unstated") if axis.axis["with"] else "",
    }


def _line(
    axis: Axis,
    label: str,
    metric: str,
    *,
    runs: list[dict[str, float] | None],
    same_data: bool,
    words: Words,
) -> dict[str, Any]:
    own = axis.replicates[axis.replicates["label"] == label][metric]
    why = no_number(axis, label, words)
    verdicts, theirs = [], []
    bounds = None
    for run in runs:
        value = None if run is None else run.get(metric)
        word, bounds = pub.judged(
            value, own, ratio=ratio_of(axis.model), confidence=axis.confidence,
            same_data=same_data,
        )  # fmt: skip
        if run is not None and not run:  # the published run itself diverged
            all_diverged = axis.number(label, "n_ok") == 0 and axis.total(label) > 0
            word = "both-diverged" if all_diverged else "only-theirs-diverged"
        elif value is not None and word is None and axis.total(label):
            word = "only-ours-diverged" if axis.number(label, "n_ok") == 0 else None
        verdicts.append(word)
        theirs.append((scaled(metric, value), run))
    shown = scaled_pair(metric, bounds)
    mean = scaled(metric, axis.number(label, f"{metric}_mean"))
    # One digit more than the interval asks for: a published number is quoted, not measured.
    places = min(fmt.column_decimals([shown]) + 1, 4) if shown else 2
    return {
        "metric": words(f"metric.{metric}"),
        "runs": [
            {"entry": entry(None if value is None else fmt.fixed(value, places),
                            words("none.their_divergence" if run is not None else "none.not_published")),
             "verdict": word, "text": words(f"published.{word}") if word else ""}
            for (value, run), word in zip(theirs, verdicts, strict=True)
        ],
        "mean": entry(None if mean is None else fmt.fixed(mean, places), why),
        "interval": entry(None if shown is None else fmt.interval(shown, places), why),
    }  # fmt: skip


def _sentence(rows: list[dict[str, Any]], axis: Axis, words: Words) -> str:
    judged = [run["verdict"] for row in rows for line in row["lines"] for run in line["runs"]
              if run["verdict"] in ("inside", "outside")]  # fmt: skip
    if not judged:
        return ""
    return words("published.summary", k=judged.count("inside"), n=len(judged),
                 level=fmt.percent(axis.confidence))  # fmt: skip
