"""Look closer at the cells of one model: a document with what each shows beside its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from safetensors import safe_open

from ablation import published
from ablation.figures import portraits as figures
from ablation.portraits.kernels import FIRST_LAYER, first_replicate, kernels
from ablation.portraits.mistakes import confusion, mistakes
from ablation.portraits.residuals import residuals, with_residuals
from ablation.portraits.series import series
from ablation.report.messages import load as load_messages
from ablation.report.words import Words
from ablation.schemas import validate_document
from ablation.store import put_aside_if_damaged, read_json, write_text
from ablation.tables import read_csv, read_tables, study_fingerprint

Cell = dict[str, Any]


def portraits(spec: dict[str, Any], tables: Path, output: Path) -> None:
    """Write the portraits of a model's cells, by key; a failed cell has none.

    Args:
        spec: ``model``; ``baseline``, the key of its baseline cell or None; ``language`` of the figures.
        tables: the folder of ``study.json`` and the tables.
        output: the document.
    """
    study, _, frames, failed = read_tables(tables)
    model = next(part for part in study["models"] if part["model"] == spec["model"])
    cells = {
        cell["key"]: cell for axis in model["axes"] for cell in axis["cells"] if not cell["failed"]
    }
    words = Words(load_messages(spec["language"]))
    facts = published.load()["facts"].get(model["data"]["dataset"], {})
    found: dict[str, Any] = {}
    for key, cell in cells.items():
        replicates = frames["replicates"]
        replicates = replicates[replicates["cell"] == cell["cell"]]
        portrait = _training(key, frames["epochs"], replicates, words)
        if spec["model"] == "cnn":
            baseline = cells.get(spec["baseline"]) if key != spec["baseline"] else None
            portrait |= _classifier(cell, baseline, replicates)
        elif spec["model"] == "fnn":
            portrait |= _regression(key, cell, facts.get("censored_at"), words)
        found[key] = portrait
    document = {
        "fingerprint": study_fingerprint(spec, failed),
        "model": spec["model"],
        "baseline": spec["baseline"],
        "cells": found,
    }
    validate_document(document, "portraits")
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    write_text(output, text + "\n")


def _training(
    key: str, epochs: pd.DataFrame, replicates: pd.DataFrame, words: Words
) -> dict[str, Any]:
    """Learning curves, as a figure and as numbers."""
    fates = replicates[["key", "replicate", "status"]]
    own = fates.merge(epochs[epochs["key"] == key], on=["key", "replicate"])
    own = own.assign(ok=own["status"] == "ok")
    figure = figures.curves(own, words, f"c{key}") if len(own) else None
    return {"series": series(own), "curves": _text(figure)}


def _classifier(cell: Cell, baseline: Cell | None, replicates: pd.DataFrame) -> dict[str, Any]:
    """Mistakes, kernels and confusions."""
    store, prepared = Path(cell["store"]), read_json(Path(cell["view"]))["data"]["prepared"]
    put_aside_if_damaged(store / "train")
    with safe_open(store.parents[1] / "data" / prepared / "test.safetensors", "numpy") as part:
        images = part.get_tensor("images")
    with safe_open(store / "train" / "model.safetensors", "numpy") as network:
        weights = network.get_tensor(FIRST_LAYER)
    first = first_replicate(replicates)
    return {
        "mistakes": mistakes(_predictions(cell), images),
        "kernels": None if first is None else kernels(weights, first),
        "confusion": confusion(
            cell["confusion_matrix"], baseline["confusion_matrix"] if baseline else None
        ),
    }


def _regression(key: str, cell: Cell, censored_at: float | None, words: Words) -> dict[str, Any]:
    """Residuals, in figures and as a figure."""
    predictions = _predictions(cell)
    found = residuals(predictions, censored_at)
    if found is not None:
        made = with_residuals(predictions)
        found["svg"] = _text(figures.residuals(made, words, f"r{key}"))
    return {"residuals": found}


def _predictions(cell: Cell) -> pd.DataFrame:
    return read_csv(Path(cell["store"]) / f"eval-{cell['eval']}" / "predictions.csv")


def _text(figure: bytes | None) -> str | None:
    """A drawn figure as text. Raises ParseError if it is not well-formed."""
    if figure is None:
        return None
    ElementTree.fromstring(figure)
    return figure.decode()
