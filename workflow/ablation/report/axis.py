"""The view of one axis: its tables, entry by entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablation.figures.style import Look
from ablation.language import numbers as fmt
from ablation.language.numbers import Entry
from ablation.language.verdicts import flags, worded
from ablation.language.words import Words, slug
from ablation.report.training import Course, course
from ablation.statistics.verdicts import Verdict
from ablation.store.document import AxisDocument, CellDocument, ModelDocument

GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "<": "◀", ">": "▶"}
MARKS = {
    Verdict.BETTER: "▲",
    Verdict.WORSE: "▼",
    Verdict.EQUIVALENT: "=",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_TESTED: "–",
    Verdict.FAILED: "!",
    Verdict.REFERENCE: "●",
}


@dataclass(frozen=True)
class Axis:
    """One axis with all that concerns it. cells: the rows of ``cells.csv`` by label; summaries: by key and metric."""

    model: ModelDocument
    axis: AxisDocument
    compared: dict[str, Any]
    metric: str
    metrics: list[str]
    better: str
    log: bool
    margin: float
    cells: dict[str, dict[str, Any]]
    summaries: dict[str, Any]
    replicates: pd.DataFrame
    courses: dict[str, Course]
    looks: dict[str, Look]
    confidence: float

    @property
    def name(self) -> str:
        return self.axis.name

    @property
    def labels(self) -> list[str]:
        return self.axis.labels

    @property
    def reference(self) -> str:
        return self.axis.reference

    @property
    def id(self) -> str:
        return slug(f"{self.model.name}-{self.name}")

    @property
    def margin_reach(self) -> tuple[float, float]:
        """The margin below and above no difference, in the metric's unit; on the logarithm around the reference."""
        if not self.log:
            return -self.margin, self.margin
        centre = self.row(self.reference)["mean"] or 0.0
        return centre * (1 / self.margin - 1), centre * (self.margin - 1)

    def row(self, label: str) -> dict[str, Any]:
        found: dict[str, Any] = self.compared["rows"][label]
        return found

    def verdict(self, label: str) -> Verdict:
        return Verdict(self.row(label)["verdict"])

    def summary(self, label: str, metric: str) -> dict[str, Any]:
        """One metric of one cell, as ``comparisons.json`` has it."""
        found: dict[str, Any] = (self.summaries.get(self.cell(label).key) or {}).get(metric) or {}
        return found

    def cell(self, label: str) -> CellDocument:
        return self.axis.cell(label)

    def number(self, label: str, column: str) -> float | None:
        """One number of ``cells.csv``; None where the field is empty."""
        value = self.cells[label][column]
        return None if pd.isna(value) else float(value)

    def total(self, label: str) -> int:
        """Replicates that ran."""
        return int(self.number(label, "n_ok") or 0) + int(self.number(label, "n_diverged") or 0)


def make_axis(
    model: ModelDocument,
    axis: AxisDocument,
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
        rows = table[(table["model"] == model.name) & (table["axis"] == axis.name)]
        here[name] = rows.assign(label=rows["label"].astype(str))
    found = {
        name: tables[name][tables[name]["model"] == model.name] for name in ("epochs", "courses")
    }
    courses = {}
    for cell in axis.cells:
        own = here["replicates"][here["replicates"]["label"] == cell.label]
        rows = (found[name][found[name]["key"] == cell.key] for name in ("epochs", "courses"))
        courses[cell.label] = course(cell.label, own, *rows)
    return Axis(
        model=model,
        axis=axis,
        compared=compared["axes"][axis.name],
        metric=compared["metric"],
        metrics=metrics,
        better=compared["better"],
        log=compared["log"],
        summaries=compared["cells"],
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
        row, word = axis.row(label), axis.verdict(label)
        look = axis.looks[label]
        found.append(
            {
                "text": words.value(label),
                "drawer": drawer_id(axis.model.name, axis.cell(label).key),
                "colour": look.colour,
                "glyph": GLYPHS.get(look.marker, "●"),
                "is_reference": label == axis.reference,
                "verdict": slug(word),
                "mark": MARKS[word],
                "verdict_text": worded(word, row["reason"], words),
                "flags": flags(row, words),
                "notes": notes(axis, label, words),
                "non_diverged_only": bool(row["non_diverged_only"]),
                "holm_alone": bool(row["holm_alone"]),
            }
        )
    return found


def drawer_id(model: str, key: str) -> str:
    """The id of the section that shows one stored cell closely."""
    return slug(f"cell-{model}-{key}")


def notes(axis: Axis, label: str, words: Words) -> list[str]:
    """What stands below a verdict: an estimate below the margin, and where a comparison is judged that stands here too."""
    row, found = axis.row(label), []
    if row["below_margin"]:
        found.append(words("flag.below_margin"))
    if row["judged_on"] not in (None, axis.name):
        other = words.title(axis.model.axis(row["judged_on"]))
        level = fmt.percent(row["difference_level"])
        found.append(words("axis.judged_on", axis=other, level=level))
    return found


def no_number(axis: Axis, label: str, words: Words) -> str:
    """Why a cell has no number."""
    if axis.cell(label).failed is not None:
        return words("none.failed")
    if axis.number(label, "n_ok") == 0:
        return words("none.diverged")
    return words("none.broken" if axis.row(label)["broken"] else "none.too_few")


def no_difference(axis: Axis, label: str, words: Words) -> str:
    """Why a cell has no difference to the reference, or no interval of it."""
    row = axis.row(label)
    if row["is_reference"]:
        return words("none.reference")
    if row["reason"] is not None:
        return words(f"reason.{slug(row['reason'])}")
    if row["broken"] or axis.row(axis.reference)["broken"]:
        return words("none.broken")
    return no_number(axis, label, words)


def entry(text: str | None, reason: str) -> Entry:
    """A text, or a dash with its reason."""
    return Entry(text) if text is not None else Entry(fmt.DASH, reason)
