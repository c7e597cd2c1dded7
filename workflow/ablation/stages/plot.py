"""Draw all figures of one model."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # nosec B405 # for own drawings

import pandas as pd

from ablation.figures.model import draw
from ablation.language.words import Words
from ablation.results.frames import read_csv, read_tables
from ablation.stages.job import Inputs, Spec, entry_of
from ablation.store.document import ModelDocument
from ablation.store.files import write_text


def plot(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Draw all figures of a model as SVG."""
    study, comparisons, frames = read_tables(entry_of(inputs, "collect").folder)
    drawn = draw(
        study,
        comparisons,
        frames,
        read_predictions(study.model(spec["model"]), inputs),
        model=spec["model"],
        palette=spec["palette"],
        words=Words.of(spec["language"], "figure"),
        draws=entry_of(inputs, "draws").read("draws.json")["models"][spec["model"]],
    )
    for name, figure in drawn.items():
        ElementTree.fromstring(figure)  # nosec B314 # raises if the own figure is not well-formed
        write_text(draft / f"{name}.svg", figure.decode())


def read_predictions(model: ModelDocument, inputs: Inputs) -> dict[str, pd.DataFrame]:
    """The predictions of a regression's cells, by key; of another model none are drawn."""
    if model.task != "regression":
        return {}
    return {
        cell.key: read_csv(inputs["evaluate"][cell.evaluation].folder / "predictions.csv")
        for cell in model.sound()
    }
