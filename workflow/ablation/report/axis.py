"""The view of one axis: its tables, entry by entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablation.figures.style import Look
from ablation.report import format as fmt
from ablation.report.format import Entry
from ablation.report.training import Course, course
from ablation.report.words import Words, slug

GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "<": "◀", ">": "▶"}
MARKS = {
    "better": "▲", "worse": "▼", "no detectable difference": "≈", "cannot tell": "?",
    "equivalent": "=", "diverged": "✕", "reference": "●", "failed": "!", "no reference": "–",
}  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """One axis with all that concerns it. cells: the rows of ``cells.csv`` by label."""

    model: dict[str, Any]
    axis: dict[str, Any]
    compared: dict[str, Any]
    metric: str
    metrics: list[str]
    better: str
    margin: float
    cells: dict[str, dict[str, Any]]
    replicates: pd.DataFrame
    courses: dict[str, Course]
    looks: dict[str, Look]
    confidence: float
    power: float

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
    power: float,
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
        better=compared["better"],
        margin=compared["margin"],
        courses=courses,
        looks=looks,
        confidence=confidence,
        power=power,
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
                "drawer": drawer_id(axis.model["model"], axis.cell(label)["key"]),
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


def drawer_id(model: str, key: str) -> str:
    """The id of the section that shows one stored cell closely."""
    return slug(f"cell-{model}-{key}")


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


def entry(text: str | None, reason: str) -> Entry:
    """A text, or a dash with its reason."""
    return Entry(text) if text is not None else Entry(fmt.DASH, reason)
