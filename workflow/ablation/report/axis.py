"""The view of one axis: its tables, entry by entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablation.figures.style import Look, looks
from ablation.language import numbers as fmt
from ablation.language.metrics import metrics_of, scaled, scaled_pair
from ablation.language.numbers import Entry
from ablation.language.verdicts import flags, worded
from ablation.language.words import Words, slug
from ablation.report.inputs import Inputs
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
    """One axis with all that concerns it.

    model, axis: of ``study.json``. of_model: the model's part of ``comparisons.json``. cells: the rows of ``cells.csv`` by
    label. replicates: its rows of ``replicates.csv``.
    """

    model: ModelDocument
    axis: AxisDocument
    of_model: dict[str, Any]
    metrics: list[str]
    cells: dict[str, dict[str, Any]]
    replicates: pd.DataFrame
    courses: dict[str, Course]
    looks: dict[str, Look]
    confidence: float

    @property
    def compared(self) -> dict[str, Any]:
        axis: dict[str, Any] = self.of_model["axes"][self.name]
        return axis

    @property
    def metric(self) -> str:
        return str(self.of_model["metric"])

    @property
    def better(self) -> str:
        return str(self.of_model["better"])

    @property
    def log(self) -> bool:
        return bool(self.of_model["log"])

    @property
    def margin(self) -> float:
        return float(self.of_model["margin"])

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
        row: dict[str, Any] = self.compared["rows"][label]
        return row

    def gap(self, label: str) -> float | None:
        """The difference to the reference, as shown."""
        return scaled(self.metric, self.row(label)["difference"])

    def gap_bounds(self, label: str) -> tuple[float, float] | None:
        """The interval of the difference, as shown."""
        return scaled_pair(self.metric, self.row(label)["difference_interval"])

    def verdict(self, label: str) -> Verdict:
        return Verdict(self.row(label)["verdict"])

    def summary(self, label: str, metric: str) -> dict[str, Any]:
        """One metric of one cell, as ``comparisons.json`` has it."""
        summaries: dict[str, Any] = self.of_model["cells"].get(self.cell(label).key) or {}
        return summaries.get(metric) or {}

    def cell(self, label: str) -> CellDocument:
        return self.axis.cell(label)

    def number(self, label: str, column: str) -> float | None:
        """One number of ``cells.csv``; None where the field is empty."""
        value = self.cells[label][column]
        return None if pd.isna(value) else float(value)

    def total(self, label: str) -> int:
        """Replicates that ran."""
        return int(self.number(label, "n_ok") or 0) + int(self.number(label, "n_diverged") or 0)


def axes_of(model: ModelDocument, inputs: Inputs) -> list[Axis]:
    """All axes of a model of ``study.json``."""
    name, palette = model.name, inputs.config["report"].get("palette")
    tables = {
        table_name: table[table["model"] == name] for table_name, table in inputs.tables.items()
    }
    by_key = {
        table_name: dict(iter(tables[table_name].groupby("key")))
        for table_name in ("epochs", "courses")
    }
    of_model = inputs.comparisons["models"][name]
    metrics = metrics_of(model, of_model["metric"], inputs.tables["replicates"])
    axes = []
    for axis in model.axes:
        cells, replicates = (
            table[table["axis"] == axis.name].astype({"label": str})
            for table in (tables["cells"], tables["replicates"])
        )
        courses = {}
        for cell in axis.cells:
            rows = [
                rows_of.get(cell.key, tables[table_name][:0])
                for table_name, rows_of in by_key.items()
            ]
            shown = replicates[replicates["label"] == cell.label]
            courses[cell.label] = course(cell.label, shown, *rows)
        axes.append(
            Axis(
                model=model,
                axis=axis,
                of_model=of_model,
                metrics=metrics,
                cells={row["label"]: row for row in cells.to_dict("records")},
                replicates=replicates,
                courses=courses,
                looks=looks([cell.label for cell in axis.cells], axis.reference, palette),
                confidence=inputs.confidence,
            )
        )
    return axes


def heads(axis: Axis, words: Words) -> list[dict[str, Any]]:
    """The first cell of every row: the value, its colour and mark, and its verdict."""
    rows = []
    for label in axis.labels:
        row, word = axis.row(label), axis.verdict(label)
        look = axis.looks[label]
        rows.append(
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
    return rows


def drawer_id(model: str, key: str) -> str:
    """The id of the section that shows one stored cell closely."""
    return slug(f"cell-{model}-{key}")


def notes(axis: Axis, label: str, words: Words) -> list[str]:
    """What stands below a verdict: an estimate below the margin, and where a comparison is judged that stands here too."""
    row, texts = axis.row(label), []
    if row["below_margin"]:
        texts.append(words("flag.below_margin"))
    if row["judged_on"] not in (None, axis.name):
        other = words.title(axis.model.axis(row["judged_on"]))
        level = fmt.percent(row["difference_level"])
        texts.append(words("axis.judged_on", axis=other, level=level))
    return texts


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


def number_entry(value: float | None, decimals: int, reason: str, *, sign: bool = False) -> Entry:
    """A number, or a dash with its reason for None and NaN."""
    if value is None or pd.isna(value):
        return entry(None, reason)
    return Entry(fmt.fixed(value, decimals, sign=sign))
