"""Views → tidy tables and ``study.json``. Pure: documents and frames in, documents and frames out."""

from __future__ import annotations

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from ablation.statistics.metric import Metric
from ablation.store.document import ModelDocument
from ablation.store.formats import columns_of, validate_columns
from ablation.tasks.task import METRICS, TASKS

View = dict[str, Any]
PLACE = ("model", "axis", "label", "cell", "key")


def metrics_on(model: ModelDocument) -> tuple[Metric, ...]:
    """The metrics of a model's task, with what its data decide of them."""
    return TASKS[model.task].metrics_on(unit=model.unit, classes=len(model.classes))


def cells_table(views: list[View], compared: dict[str, Any]) -> pd.DataFrame:
    """One row per cell and axis.

    Args:
        views: the content of every cell's ``metrics.json``, with its place.
        compared: the models of ``comparisons.json``, which make the intervals (``_low`` to ``_high``) and what they are
            about (``_centre``: a geometric mean where the metric is compared on the logarithm).
    """
    rows = []
    for view in views:
        cost, size = view["cost"] or {}, view["model_size"] or {}
        environment, status = view["environment"] or {}, view["status"]
        judged = compared[view["model"]]["axes"][view["axis"]]["rows"][view["label"]]
        losses = [r["val_loss"] for r in view["replicates"] if r["val_loss"] is not None]
        entry = compared[view["model"]]
        judged = entry["axes"][view["axis"]]["rows"][view["label"]]
        row = {
            **{name: view[name] for name in PLACE},
            "is_reference": judged["is_reference"],
            "status": "failed" if "failed" in status else "ok",
            "n_ok": status["ok"],
            "n_diverged": status["diverged"],
            "n_collapsed": judged["n_collapsed"],
        }
        for name in METRICS:
            metric = (view["metrics"] or {}).get(name) or {}
            metrics = (entry["cells"].get(view["key"]) or {}).get(name) or {}
            low, high = metrics.get("interval") or (None, None)
            row |= {f"{name}_mean": metric.get("mean"), f"{name}_sd": metric.get("sd")}
            row |= {
                f"{name}_centre": metrics.get("centre"),
                f"{name}_low": low,
                f"{name}_high": high,
            }
        row["val_loss_mean"] = sum(losses) / len(losses) if losses else None
        row |= {name: size.get(name) for name in ("parameters", "multiply_adds")}
        costs = ("seconds", "cpu_seconds", "peak_memory_bytes", "samples_per_second")
        row |= {name: cost.get(name) for name in costs}
        row |= {name: environment.get(name) for name in ("device", "precision", "torch")}
        rows.append(row)
    frame = pd.DataFrame(rows)
    validate_columns(list(frame.columns), "cells")
    return frame


def replicates_table(views: list[View]) -> pd.DataFrame:
    """One row per cell, axis and replicate; a column per class, as many as the model with the most has."""
    rows = []
    classes = max(
        (
            len(entry.get("per_class_accuracy") or ())
            for view in views
            for entry in view["replicates"]
        ),
        default=0,
    )
    for view in views:
        place = {name: view[name] for name in PLACE}
        for replicate in view["replicates"]:
            row = {**place, "replicate": replicate["replicate"], "status": replicate["status"]}
            row |= {name: replicate.get(name) for name in METRICS}
            row |= {name: replicate[name] for name in ("best_epoch", "val_loss")}
            accuracies = replicate.get("per_class_accuracy") or []
            row |= {f"class_{i}": dict(enumerate(accuracies)).get(i) for i in range(classes)}
            rows.append(row)
    columns = None if rows else pd.Index(columns_of("replicates"))
    frame = pd.DataFrame(rows, columns=columns).astype({"best_epoch": "Int64"})
    validate_columns(list(frame.columns), "replicates")
    return frame


def joined_table(name: str, frames: dict[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """One table of what each entry has in a file of its own, of (model, key) → its rows.

    Args:
        name: ``epochs``, of every ``history.csv``, or ``gradients``.
        frames: what was read.
    """
    columns = columns_of(name)
    kept = [
        frame.assign(model=model, key=key).reindex(columns=columns)
        for (model, key), frame in frames.items()
        if len(frame)
    ]
    frame = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=columns)
    validate_columns(list(frame.columns), name)
    return frame


def per_sample_metric(predictions: pd.DataFrame, metric: str) -> dict[int, NDArray[Any]]:
    """A metric of each test sample ``[n]``, by replicate.

    Args:
        predictions: ``predictions.csv`` of a cell; the rows of diverged replicates are empty and left out.
        metric: its mean over the samples is the replicate's metric; one that is no such mean (R²) gives nothing.
    """
    rows, per_sample = predictions.dropna(), METRICS[metric].per_sample
    if per_sample is None:
        return {}
    return {int(r): values.to_numpy() for r, values in per_sample(rows).groupby(rows["replicate"])}


def study_document(
    study: dict[str, Any],
    models: list[dict[str, Any]],
    views: dict[str, View],
    yardsticks: dict[str, Any],
    logs: dict[str, list[str] | None],
) -> dict[str, Any]:
    """``study.json``: the grid with what each cell became.

    Args:
        study: name, seed and title.
        models: the grid as the workflow passes it: model, replicates, parameters, dataset, axes with cells.
        views: cell name → view.
        yardsticks: model → name → metrics per replicate.
        logs: cell name → the last lines of its log, where they are known.
    """
    described = []
    for model in models:
        axes = []
        for axis in model["axes"]:
            cells = [
                {**cell, **_outcome(views[cell["cell"]]), "log": logs.get(cell["cell"])}
                for cell in axis["cells"]
            ]
            axes.append({**axis, "cells": cells})
        data = _sizes(model, views)
        sizes = data or {"overlap_ratio": 0.0, "fixed_test_set": False}
        described.append({**model, "data": {**model["data"], **sizes}, "axes": axes})
    named = {
        model: {name: {"replicates": rows} for name, rows in group.items()}
        for model, group in yardsticks.items()
    }
    return {"study": study, "models": described, "yardsticks": named}


def _sizes(model: dict[str, Any], views: dict[str, View]) -> dict[str, Any] | None:
    """The sizes of a model's parts: the baseline's, or where all on its data failed another cell's."""
    facts = [v["data"] for v in views.values() if v["model"] == model["model"] and v["data"]]
    baseline = model["data"].get("prepared")
    return next((data for data in facts if data["prepared"] == baseline), next(iter(facts), None))


def _outcome(view: View) -> dict[str, Any]:
    return {
        "failed": view["status"].get("failed"),
        "confusion_matrix": view["confusion_matrix"],
        "environment": view["environment"],
        "finished_at": (view["cost"] or {}).get("finished_at"),
        "parameters": view["spec"]["parameters"],
    }
