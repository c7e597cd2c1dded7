"""What the drawers of an invented study show, and a verification of it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from ablation.figures import portraits as figures
from ablation.language.words import Words
from ablation.portraits.kernels import first_replicate, kernels
from ablation.portraits.mistakes import confusion, mistakes
from ablation.portraits.residuals import residuals, with_residuals
from ablation.store.document import CellDocument, ModelDocument

from report.invented import REPLICATES
from report.sample import Sample, sample

VERIFICATION = {
    "when": "2026-01-31T12:00:00+00:00",
    "n_cells": 27,
    "cells": [{"cell": "cnn/kernel_5", "outcome": "identical"},
              {"cell": "fnn/depth_2", "outcome": "within tolerance"}],
}  # fmt: skip


@cache
def portraits(
    language: str = "en", failed: tuple[str, ...] = (), axes: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """By model, the documents that the portraits stage would write of a sample, or of some axes of it."""
    made = sample(failed=failed)
    return {model.name: portraits_of(made, model, language, axes) for model in made.document.models}


def portraits_of(
    made: Sample, model: ModelDocument, language: str = "en", axes: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """The portraits of one model of a sample."""
    words = Words.of(language).about(model)
    cells = {
        cell.key: _portrait(made, model, cell, words)
        for axis, cell in model.places()
        if not cell.failed and (axes is None or axis.name in axes)
    }
    return {"cells": cells}


def _portrait(
    made: Sample, model: ModelDocument, cell: CellDocument, words: Words
) -> dict[str, Any]:
    rows = made.tables["replicates"]
    rows = rows[rows["cell"] == cell.name]
    epochs, key = made.tables["epochs"], cell.key
    own = rows[["key", "replicate", "status"]].merge(epochs[epochs["key"] == key])
    own = own.assign(ok=own["status"] == "ok")
    portrait: dict[str, Any] = {
        "curves": figures.curves(own, words, f"c{key}").decode(),
    }
    if model.task == "regression":
        return portrait | {"residuals": _residuals(made.predictions[key], words, key)}
    counts = cell.confusion_matrix or []
    portrait |= {"confusion": confusion(counts, counts[::-1])}
    return portrait | (_pictures(rows) if model.images else {})


def _pictures(rows: pd.DataFrame) -> dict[str, Any]:
    rng, first = np.random.default_rng(3), first_replicate(rows)
    assert first is not None
    images = rng.integers(0, 255, (60, 28, 28), dtype=np.uint8)
    weights = rng.normal(size=(REPLICATES["cnn"], 16, 1, 5, 5))
    return {"mistakes": mistakes(_classified(rng), images), "kernels": kernels(weights, first)}


def _residuals(predictions: pd.DataFrame, words: Words, key: str) -> dict[str, Any] | None:
    numbers = residuals(predictions) if len(predictions) else None
    if numbers is not None:
        svg = figures.residuals(with_residuals(predictions), words, f"r{key}")
        numbers["svg"] = svg.decode() if svg else None
    return numbers


def _classified(rng: np.random.Generator) -> pd.DataFrame:
    n = 60
    label = rng.integers(0, 10, n)
    predicted = np.where(rng.random(n) < 0.3, (label + 1) % 10, label)
    return pd.DataFrame(
        {"replicate": 0, "index": np.arange(n), "label": label, "predicted": predicted,
         "loss": 1.0, "confidence": rng.uniform(0.4, 1.0, n)}
    )  # fmt: skip
