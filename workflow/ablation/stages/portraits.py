"""Look closer at the cells of one model: a document with what each shows beside its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from safetensors import safe_open

from ablation.figures import portraits as figures
from ablation.language.catalogue import load as load_messages
from ablation.language.words import Words
from ablation.portraits.kernels import FIRST_LAYER, first_replicate, kernels
from ablation.portraits.mistakes import confusion, mistakes
from ablation.portraits.residuals import residuals, with_residuals
from ablation.results import published
from ablation.results.frames import read_csv, read_tables
from ablation.stages.job import Inputs, Spec, one
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
    study, _, frames = read_tables(one(inputs, "collect").folder)
    model = study.model(spec["model"])
    cells = {cell.key: cell for cell in model.sound()}
    words = Words(load_messages(spec["language"], "figure"))
    known = published.load()["facts"].get(model.data["dataset"], {})
    found: dict[str, Any] = {}
    for key, cell in cells.items():
        replicates = frames["replicates"]
        replicates = replicates[replicates["cell"] == cell.name]
        portrait = _training(key, frames["epochs"], replicates, words)
        if spec["model"] == "cnn":
            baseline = cells.get(spec["baseline"]) if key != spec["baseline"] else None
            portrait |= _classifier(cell, baseline, replicates, inputs)
        elif spec["model"] == "fnn":
            portrait |= _regression(
                key, _predictions(cell, inputs), known.get("censored_at"), words
            )
        found[key] = portrait
    document = {"model": spec["model"], "baseline": spec["baseline"], "cells": found}
    validate_document(document, "portraits")
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    write_text(draft / "portraits.json", text + "\n")


def _training(
    key: str, epochs: pd.DataFrame, replicates: pd.DataFrame, words: Words
) -> dict[str, Any]:
    """Learning curves."""
    fates = replicates[["key", "replicate", "status"]]
    own = fates.merge(epochs[epochs["key"] == key], on=["key", "replicate"])
    own = own.assign(ok=own["status"] == "ok")
    figure = figures.curves(own, words, f"c{key}") if len(own) else None
    return {"curves": _text(figure)}


def _classifier(
    cell: CellDocument, baseline: CellDocument | None, replicates: pd.DataFrame, inputs: Inputs
) -> dict[str, Any]:
    """Mistakes, kernels and confusions."""
    data, trained = inputs["prepare"][cell.prepared], inputs["train"][cell.key]
    with safe_open(data.folder / "test.safetensors", "numpy") as part:
        images = part.get_tensor("images")
    with safe_open(trained.folder / "model.safetensors", "numpy") as network:
        weights = network.get_tensor(FIRST_LAYER)
    first = first_replicate(replicates)
    return {
        "mistakes": mistakes(_predictions(cell, inputs), images),
        "kernels": None if first is None else kernels(weights, first),
        "confusion": confusion(
            cell.confusion_matrix, baseline.confusion_matrix if baseline else None
        ),
    }


def _regression(
    key: str, predictions: pd.DataFrame, censored_at: float | None, words: Words
) -> dict[str, Any]:
    """Residuals, in figures and as a figure."""
    found = residuals(predictions, censored_at)
    if found is not None:
        made = with_residuals(predictions)
        found["svg"] = _text(figures.residuals(made, words, f"r{key}"))
    return {"residuals": found}


def _predictions(cell: CellDocument, inputs: Inputs) -> pd.DataFrame:
    return read_csv(inputs["evaluate"][cell.evaluation].folder / "predictions.csv")


def _text(figure: bytes | None) -> str | None:
    """A drawn figure as text. Raises ParseError if it is not well-formed."""
    if figure is None:
        return None
    ElementTree.fromstring(figure)
    return figure.decode()
