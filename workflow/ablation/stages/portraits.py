"""Look closer at the cells of one model: a document with what each shows beside its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # nosec B405 # for own drawings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import safe_open

from ablation.figures import portraits as figures
from ablation.language.words import Words
from ablation.portraits.kernels import first_layer, first_replicate, kernels
from ablation.portraits.mistakes import confusion, mistakes
from ablation.portraits.residuals import residuals, with_residuals
from ablation.results.frames import read_csv, read_tables
from ablation.stages.job import Inputs, Spec, entry_of
from ablation.store.document import CellDocument
from ablation.store.files import write_text
from ablation.store.formats import validate_document


def portraits(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Write the portraits of a model's cells, by key, as ``portraits.json``; a failed cell has none.

    Args:
        spec: ``model``; ``baseline``, the key of its baseline cell or None; ``language`` of the figures.
        inputs: the tables, the trained and tested cells, and the prepared data.
        draft: gets the document.
        facts: not used.
    """
    study, _, frames = read_tables(entry_of(inputs, "collect").folder)
    model = study.model(spec["model"])
    cells = {cell.key: cell for cell in model.sound()}
    words = Words.of(spec["language"], "figure").about(model)
    courses = dict(iter(frames["epochs"].groupby("key")))
    fates = dict(iter(frames["replicates"].groupby("cell")))
    by_cell: dict[str, Any] = {}
    for key, cell in cells.items():
        replicates = fates[cell.name]
        portrait = _training(key, courses.get(key), replicates, words)
        predictions = _predictions(cell, inputs)
        if model.task == "regression":
            portrait |= _regression(key, predictions, words)
        else:
            baseline = cells.get(spec["baseline"]) if key != spec["baseline"] else None
            against = baseline.confusion_matrix if baseline else None
            portrait["confusion"] = confusion(cell.confusion_matrix, against)
        if model.task == "classification" and model.images:
            portrait |= _pictures(cell, predictions, replicates, inputs)
        by_cell[key] = portrait
    document = {"model": spec["model"], "baseline": spec["baseline"], "cells": by_cell}
    validate_document(document, "portraits")
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    write_text(draft / "portraits.json", text + "\n")


def _training(
    key: str, epochs: pd.DataFrame | None, replicates: pd.DataFrame, words: Words
) -> dict[str, Any]:
    """Learning curves. epochs: the rows of the cell; None where it was trained for none."""
    if epochs is None:
        return {"curves": None}
    rows = replicates[["key", "replicate", "status"]].merge(epochs, on=["key", "replicate"])
    rows = rows.assign(ok=rows["status"] == "ok")
    return {"curves": _text(figures.curves(rows, words, f"c{key}"))}


def _pictures(
    cell: CellDocument, predictions: pd.DataFrame, replicates: pd.DataFrame, inputs: Inputs
) -> dict[str, Any]:
    """Mistakes and kernels of a classifier of images."""
    data, trained = inputs["prepare"][cell.prepared], inputs["train"][cell.key]
    images, places = _images(data.folder / "test.safetensors")
    placed = predictions.assign(index=predictions["index"].map(places))
    channels = 1 if images.ndim == 3 else int(images.shape[1])
    first = first_replicate(replicates)
    with safe_open(trained.folder / "model.safetensors", "numpy") as network:
        names = list(network.keys())
        shapes = {name: network.get_slice(name).get_shape() for name in names}
        layer = first_layer(shapes, channels)
        weights = network.get_tensor(layer) if layer and first is not None else None
    return {
        "mistakes": mistakes(placed, images),
        "kernels": None if first is None or weights is None else kernels(weights, first),
    }


def _images(path: Path) -> tuple[NDArray[np.uint8], dict[int, int]]:
    """The test images, and where each is among them by its number in the predictions.

    That number is the row in the raw data where the file tells it.
    """
    with safe_open(path, "numpy") as part:
        names = set(part.keys())
        images = part.get_tensor("inputs" if "inputs" in names else "images")
        rows = part.get_tensor("row") if "row" in names else np.arange(len(images))
    return images, {int(row): place for place, row in enumerate(rows)}


def _regression(key: str, predictions: pd.DataFrame, words: Words) -> dict[str, Any]:
    """Residuals, in figures and as a figure."""
    portrait = residuals(predictions)
    if portrait is not None:
        rows = with_residuals(predictions)
        portrait["svg"] = _text(figures.residuals(rows, words, f"r{key}"))
    return {"residuals": portrait}


def _predictions(cell: CellDocument, inputs: Inputs) -> pd.DataFrame:
    return read_csv(inputs["evaluate"][cell.evaluation].folder / "predictions.csv")


def _text(figure: bytes | None) -> str | None:
    """A drawn figure as text. Raises ParseError if it is not well-formed."""
    if figure is None:
        return None
    ElementTree.fromstring(figure)  # nosec B314 # an own drawing
    return figure.decode()
