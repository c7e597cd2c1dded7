"""The view of the course report's numbers beside ours, for one axis."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled
from ablation.language.words import Words
from ablation.report.axis import Axis, entry, heads, no_number, number_entry
from ablation.report.findings import prediction
from ablation.results import published as pub


def published_view(
    axis: Axis, published: dict[str, Any] | None, words: Words
) -> dict[str, Any] | None:
    """Rows per value and metric: each published run, ours, and whether they are compatible.

    None when the course report has no numbers for this axis, or trained on another amount of data.
    """
    if published is None or not pub.comparable(published, axis.model):
        return None
    runs = [run for run in published["runs"] if axis.name in run["axes"]]
    if not runs:
        return None
    same_data = bool(published["same_data"][axis.model.data["dataset"]])
    rows = []
    for label, head in zip(axis.labels, heads(axis, words), strict=True):
        theirs = pub.runs({**published, "runs": runs}, axis.name, label)
        lines = [
            _line(axis, label, metric, runs=theirs, same_data=same_data, words=words)
            for metric in published["metrics"]
        ]
        rows.append({**head, "lines": lines})
    theirs_alone = [
        words.value(label)
        for run in runs
        for label in run["axes"][axis.name]
        if label not in axis.labels
    ]
    missing = words("published.missing", values=words.join(theirs_alone)) if theirs_alone else ""
    return {
        "runs": [words(f"published.run_{name}") for name in (run["name"] for run in runs)],
        "rows": rows,
        "missing": missing,
        "sentence": _sentence(rows, axis, words),
        "note": words("published.unstated") if axis.axis.fixed else "",
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
    why = no_number(axis, label, words)
    bounds = prediction(axis, label, metric, same_data=same_data)
    values = [(scaled(metric, (run or {}).get(metric)), run) for run in runs]
    verdicts = [_compatible(axis, label, value, run, bounds) for value, run in values]
    mean = scaled(metric, axis.summary(label, metric).get("centre"))
    # One digit more than the interval asks for: a published number is quoted, not measured.
    places = min(fmt.column_decimals([bounds]) + 1, 4) if bounds else 2
    diverged, unpublished = words("none.their_divergence"), words("none.not_published")
    return {
        "metric": words(f"metric.{metric}"),
        "tested": metric == axis.metric,
        "runs": [
            {
                "entry": number_entry(value, places, diverged if run is not None else unpublished),
                "verdict": word,
                "text": words(f"published.{word}") if word else "",
            }
            for (value, run), word in zip(values, verdicts, strict=True)
        ],
        "mean": number_entry(mean, places, why),
        "interval": entry(None if bounds is None else fmt.interval(bounds, places), why),
    }


def _compatible(
    axis: Axis,
    label: str,
    value: float | None,
    run: dict[str, float] | None,
    bounds: tuple[float, float] | None,
) -> str | None:
    """Whether a published run and ours could be of one kind; None where nothing was published, or nothing can be said."""
    row = axis.row(label)
    ours_diverged = 2 * row["n_diverged"] >= row["n_total"] > 0
    if run is not None and not run:  # the published run itself diverged
        return "both-diverged" if ours_diverged else "only-theirs-diverged"
    if value is None:
        return None
    if ours_diverged:
        return "only-ours-diverged"
    if bounds is None:
        return None
    return "inside" if bounds[0] <= value <= bounds[1] else "outside"


def _sentence(rows: list[dict[str, Any]], axis: Axis, words: Words) -> str:
    """How many runs are compatible with ours, each counted once, by the tested metric."""
    judged = [
        run["verdict"]
        for row in rows
        for line in row["lines"]
        if line["tested"]
        for run in line["runs"]
        if run["verdict"]
    ]
    if not judged:
        return ""
    counts = {"k": judged.count("inside"), "n": len(judged)}
    metric, level = words(f"metric.{axis.metric}"), fmt.percent(axis.confidence)
    diverged = [
        words(f"published.counted.{word}", n=judged.count(word))
        for word in ("both-diverged", "only-ours-diverged", "only-theirs-diverged")
        if word in judged
    ]
    return words.sentences(
        [words("published.summary", **counts, level=level, metric=metric), *diverged]
    )
