"""Gather a study: read all views, histories and yardsticks, write its tables and comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from ablation import collect as tidy
from ablation.loglines import LOG, tail
from ablation.registry import MODELS
from ablation.schemas import validate_columns, validate_document
from ablation.statistics.compare import compare
from ablation.store import read_json, write_json, write_text
from ablation.tables import study_fingerprint


def collect(spec: dict[str, Any], output: Path) -> None:
    """Read all views, histories and yardsticks of a study; write its tables, ``study.json`` and ``comparisons.json``."""
    cells = [cell for model in spec["models"] for axis in model["axes"] for cell in axis["cells"]]
    views = {cell["cell"]: read_json(Path(cell["view"])) for cell in cells}
    references = {
        cell["cell"]: cell["label"] == axis["reference"]
        for model in spec["models"]
        for axis in model["axes"]
        for cell in axis["cells"]
    }
    good = [cell for cell in cells if "failed" not in views[cell["cell"]]["status"]]
    histories = {
        (cell["model"], cell["key"]): _history(Path(cell["store"]) / "train", cell["model"])
        for cell in good
    }
    yardsticks = {
        model["model"]: read_json(Path(model["yardsticks_file"]))["yardsticks"]
        for model in spec["models"]
    }
    logs = {cell["cell"]: _log(cell, views[cell["cell"]]) for cell in cells}
    study = tidy.study_document(spec["study"], spec["models"], views, yardsticks, logs)
    replicates = tidy.replicates_table(list(views.values()))
    settings = spec["statistics"]
    samples = _samples(good)
    comparisons = compare(
        study,
        replicates,
        confidence=settings["confidence"],
        margins=settings["margin"],
        metrics={n: (m.metrics[0].name, m.metrics[0].better) for n, m in MODELS.items()},
        samples=samples,
        steps={n: m.replicate_step for n, m in MODELS.items()},
        chance={n: m.chance for n, m in MODELS.items()},
    )
    tables = {
        "cells": tidy.cells_table(list(views.values()), references),
        "replicates": replicates,
        "epochs": tidy.epochs_table(histories),
    }
    for name, table in tables.items():
        write_text(output / f"{name}.csv", table.to_csv(index=False))
    failed = len(good) < len(cells)
    document = {"fingerprint": study_fingerprint(spec, failed), **study}
    validate_document(comparisons, "comparisons")
    validate_document(document, "study")
    write_json(output / "comparisons.json", comparisons)
    write_json(output / "study.json", document)


def _samples(cells: list[dict[str, Any]]) -> dict[str, dict[int, NDArray[Any]]]:
    """Cell name → the first metric of every test sample, by replicate; one key is read once."""
    read: dict[Path, dict[int, NDArray[Any]]] = {}
    found = {}
    for cell in cells:
        path = Path(cell["store"]) / f"eval-{cell['eval']}" / "predictions.csv"
        if path not in read:
            metric = MODELS[cell["model"]].metrics[0].name
            read[path] = tidy.per_sample_metric(pd.read_csv(path), metric)
        found[cell["cell"]] = read[path]
    return found


def _log(cell: dict[str, Any], view: dict[str, Any]) -> list[str] | None:
    """The end of a cell's log: of its training, or of what failed. None for an entry that has no log."""
    if "failed" in view["status"]:
        lines: list[str] | None = view["status"].get("log")
        return lines
    return tail(Path(cell["store"]) / "train" / LOG)


def _history(entry: Path, model: str) -> pd.DataFrame:
    """A cell's history, of the columns it must have; of no epochs it has none."""
    frame = pd.read_csv(entry / "history.csv")
    if len(frame):
        validate_columns(list(frame.columns), f"history_{model}")
    return frame
