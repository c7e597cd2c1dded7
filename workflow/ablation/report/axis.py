"""The view of one axis: its tables, entry by entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablation.figures.style import Look
from ablation.report import format as fmt
from ablation.report.format import Entry
from ablation.report.metrics import scaled, scaled_pair
from ablation.report.training import Course, course
from ablation.report.words import Words, slug

GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "<": "◀", ">": "▶"}
MARKS = {
    "better": "▲", "worse": "▼", "no detectable difference": "≈", "cannot tell": "?",
    "equivalent": "=", "diverged": "✕", "reference": "●", "failed": "!", "no reference": "–",
}  # fmt: skip
FOREST_MARGINS = (1.5, 5.0)  # how many margins the drawn differences reach at least, at most


@dataclass(frozen=True)
class Axis:
    """One axis with all that concerns it. cells: the rows of ``cells.csv`` by label."""

    model: dict[str, Any]
    axis: dict[str, Any]
    compared: dict[str, Any]
    metric: str
    metrics: list[str]
    margin: float
    cells: dict[str, dict[str, Any]]
    replicates: pd.DataFrame
    courses: dict[str, Course]
    looks: dict[str, Look]
    confidence: float

    @property
    def name(self) -> str:
        return str(self.axis["axis"])

    @property
    def labels(self) -> list[str]:
        return [str(cell["label"]) for cell in self.axis["cells"]]

    @property
    def reference(self) -> str:
        return str(self.axis["reference"])

    @property
    def id(self) -> str:
        return slug(f"{self.model['model']}-{self.name}")

    def row(self, label: str) -> dict[str, Any]:
        found: dict[str, Any] = self.compared["rows"][label]
        return found

    def cell(self, label: str) -> dict[str, Any]:
        found: dict[str, Any] = next(c for c in self.axis["cells"] if c["label"] == label)
        return found

    def number(self, label: str, column: str) -> float | None:
        """One number of ``cells.csv``; None where the field is empty."""
        value = self.cells[label][column]
        return None if pd.isna(value) else float(value)

    def total(self, label: str) -> int:
        """Replicates that ran."""
        return int(self.number(label, "n_ok") or 0) + int(self.number(label, "n_diverged") or 0)


def make_axis(
    model: dict[str, Any],
    axis: dict[str, Any],
    compared: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    *,
    metrics: list[str],
    looks: dict[str, Look],
    confidence: float,
) -> Axis:
    """Gather what concerns one axis. compared: the model's part of ``comparisons.json``."""
    here = {}
    for name in ("cells", "replicates"):
        table = tables[name]
        rows = table[(table["model"] == model["model"]) & (table["axis"] == axis["axis"])]
        here[name] = rows.assign(label=rows["label"].astype(str))
    epochs = tables["epochs"]
    epochs = epochs[epochs["model"] == model["model"]]
    courses = {}
    for cell in axis["cells"]:
        own = here["replicates"][here["replicates"]["label"] == cell["label"]]
        courses[cell["label"]] = course(cell["label"], own, epochs[epochs["key"] == cell["key"]])
    return Axis(
        model=model,
        axis=axis,
        compared=compared["axes"][axis["axis"]],
        metric=compared["metric"],
        metrics=metrics,
        margin=compared["margin"],
        courses=courses,
        looks=looks,
        confidence=confidence,
        cells={row["label"]: row for row in here["cells"].to_dict("records")},
        replicates=here["replicates"],
    )


def heads(axis: Axis, words: Words) -> list[dict[str, Any]]:
    """The first cell of every row: the value, its colour and mark, and its verdict."""
    found = []
    for label in axis.labels:
        word = axis.row(label)["verdict"]
        look = axis.looks[label]
        found.append(
            {
                "text": words.value(label),
                "colour": look.colour,
                "glyph": GLYPHS.get(look.marker, "●"),
                "is_reference": label == axis.reference,
                "verdict": slug(word),
                "mark": MARKS[word],
                "verdict_text": verdict_text(axis, label, words),
                "survivors_only": bool(axis.row(label)["survivors_only"]),
                "holm_alone": bool(axis.row(label).get("holm_alone")),
            }
        )
    return found


def verdict_text(axis: Axis, label: str, words: Words) -> str:
    """The verdict as words of the language, with its reason where there is one."""
    row = axis.row(label)
    text = words(f"verdict.{slug(row['verdict'])}")
    if row["verdict"] == "diverged":
        return words("verdict.diverged_in", k=row["n_diverged"], n=axis.total(label))
    if row["verdict"] == "cannot tell" and row.get("reason"):
        return words("verdict.because", verdict=text, reason=words(f"reason.{slug(row['reason'])}"))
    return text


def no_number(axis: Axis, label: str, words: Words) -> str:
    """Why a cell has no number."""
    if axis.cell(label)["failed"] is not None:
        return words("none.failed")
    if axis.number(label, "n_ok") == 0:
        return words("none.diverged")
    return words("none.too_few")


def no_difference(axis: Axis, label: str, words: Words) -> str:
    """Why a cell has no difference to the reference."""
    row = axis.row(label)
    if row["is_reference"]:
        return words("none.reference")
    if row["verdict"] == "no reference":
        return words("none.no_reference")
    if row["n_diverged"] and row["difference"] is not None:
        return words("none.not_tested")
    return no_number(axis, label, words)


def comparison_rows(axis: Axis, words: Words) -> list[dict[str, Any]]:
    """The table of the compared metric: one dict per value."""
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
        "mean": ([None if m is None else fmt.fixed(m, places) for m in means], why),
        "interval": (fmt.intervals(bounds, places), why),
        "difference": (
            [None if g is None else fmt.fixed(g, gap_places, sign=True) for g in gaps],
            why_not,
        ),
        "difference_interval": (fmt.intervals(gap_bounds, gap_places, sign=True), why_not),
        "p": ([None if r["p_adjusted"] is None else fmt.p_value(r["p_adjusted"]) for r in rows],
              why_not),
        "effect": ([None if r["effect_size"] is None else fmt.fixed(r["effect_size"], 2, sign=True)
                    for r in rows], why_not),
    }  # fmt: skip
    table = {name: fmt.entries(texts, reasons) for name, (texts, reasons) in columns.items()}
    margin = float(scaled(axis.metric, axis.margin) or 1.0)
    widest = max((abs(bound) for pair in gap_bounds if pair for bound in pair), default=0.0)
    reach = min(max(1.1 * widest, FOREST_MARGINS[0] * margin), FOREST_MARGINS[1] * margin)
    found = []
    for i, head in enumerate(heads(axis, words)):
        drawn = forest(gaps[i], gap_bounds[i], reach, margin)
        found.append(
            {**head, **{name: column[i] for name, column in table.items()}, "forest": drawn}
        )
    return found


def forest(
    middle: float | None, bounds: tuple[float, float] | None, reach: float, margin: float
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
        "margin": round(48 * margin / reach, 1),
    }


def other_rows(axis: Axis, words: Words) -> list[dict[str, Any]]:
    """The other metrics, the fate of the replicates, size and cost."""
    others = [metric for metric in axis.metrics if metric != axis.metric]
    table: dict[str, list[Entry]] = {}
    why = [no_number(axis, label, words) for label in axis.labels]
    for metric in others:
        means = [scaled(metric, axis.number(label, f"{metric}_mean")) for label in axis.labels]
        bounds = [
            scaled_pair(metric, [axis.number(label, f"{metric}_{end}") for end in ("low", "high")])  # type: ignore[misc]
            for label in axis.labels
        ]
        places = fmt.column_decimals(bounds, [m for m in means if m is not None])
        table[f"{metric}_mean"] = fmt.entries(
            [None if m is None else fmt.fixed(m, places) for m in means], why
        )
        table[f"{metric}_interval"] = fmt.entries(fmt.intervals(bounds, places), why)
    found = []
    for i, (label, head) in enumerate(zip(axis.labels, heads(axis, words), strict=True)):
        row: dict[str, Any] = {**head, "metrics": []}
        for metric in others:
            row["metrics"] += [table[f"{metric}_mean"][i], table[f"{metric}_interval"][i]]
        best = axis.courses[label].best_epoch
        row["best_epoch"] = entry(None if best is None else fmt.count(best), why[i])
        row["diverged"] = (
            Entry(
                words(
                    "text.k_of_n", k=int(axis.number(label, "n_diverged") or 0), n=axis.total(label)
                )
            )
            if axis.total(label)
            else Entry(fmt.DASH, why[i])
        )
        for column in ("parameters", "multiply_adds", "seconds"):
            value = axis.number(label, column)
            text = None if value is None else fmt.count(value)
            if column == "seconds" and value is not None:
                text = fmt.fixed(value, 1)
            row[column] = entry(text, why[i])
        found.append(row)
    return found


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


def entry(text: str | None, reason: str) -> Entry:
    """A text, or a dash with its reason."""
    return Entry(text) if text is not None else Entry(fmt.DASH, reason)
