"""The numbers of a tested cell: metrics, predictions, size. Tensors in, plain values out."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

OUTCOMES = ("prediction", "predicted", "confidence", "loss")
Columns = dict[str, Any]


def evaluate(
    module: str,
    spec: dict[str, Any],
    stacked: dict[str, Tensor],
    parts: tuple[dict[str, Tensor], dict[str, Tensor]],
    *,
    replicates: list[dict[str, Any]],
    metrics: list[str],
) -> tuple[dict[str, Any], list[list[Any]]]:
    """Test a trained cell.

    Args:
        module: the name of the network's own part of it.
        spec: of the training.
        stacked: the trained weights, ``[R, …]``.
        parts: the prepared train and test part.
        replicates: what training says of each.
        metrics: their names.

    Returns:
        ``status``, ``metrics``, ``replicates``, ``confusion_matrix``, ``model_size`` and the sizes of the parts; and the rows
        of the predictions, their head first, without what a diverged replicate predicts.
    """
    network = import_module(module)
    train, test = parts
    seen = {name: train[name] for name in ("mean", "scale")}
    found, columns = network.evaluate(spec["parameters"], stacked, {**test, **seen})
    rows = replicate_rows(found, replicates, network.LOSS)
    ok = {row["replicate"] for row in rows if row["status"] == "ok"}
    numbers = {
        "status": {"ok": len(ok), "diverged": len(rows) - len(ok)},
        "metrics": summarise(rows, metrics),
        "replicates": rows,
        "confusion_matrix": _confusion(network, columns, ok),
        "model_size": _model_size(network, spec["parameters"], stacked),
        "data": network.sizes(train, test, spec["data"]["dataset"]),
    }
    return numbers, _predictions(columns, ok)


def replicate_rows(
    metrics: list[dict[str, Any]], training: list[dict[str, Any]], finite: str
) -> list[dict[str, Any]]:
    """Join each replicate's test metrics with what training says of it.

    A diverged replicate has null metrics, even where its earlier parameters were finite.

    Args:
        metrics: one dictionary per replicate.
        training: ``replicate``, ``diverged``, ``best_epoch`` and ``val_loss`` per replicate.
        finite: the metric that must be finite.
    """
    rows = []
    for row, facts in zip(metrics, training, strict=True):
        usable = not facts["diverged"] and math.isfinite(row[finite])
        rows.append(
            {
                "replicate": facts["replicate"],
                "status": "ok" if usable else "diverged",
                **{name: value if usable else None for name, value in row.items()},
                "best_epoch": facts["best_epoch"] if usable else None,
                "val_loss": facts["val_loss"] if usable else None,
            }
        )
    return rows


def summarise(rows: list[dict[str, Any]], names: list[str]) -> dict[str, dict[str, Any]]:
    """Mean, standard deviation and count of each metric over the ok replicates.

    Intervals are the study's: ``comparisons.json`` has them, at its confidence.
    """
    summary = {}
    for name in names:
        values = np.array([row[name] for row in rows if row["status"] == "ok"], dtype=np.float64)
        summary[name] = {
            "mean": float(values.mean()) if len(values) else None,
            "sd": float(values.std(ddof=1)) if len(values) > 1 else None,
            "n": len(values),
        }
    return summary


def _predictions(columns: Columns, ok: set[int]) -> list[list[Any]]:
    """The head and the rows, in which outcomes of diverged replicates are empty."""
    usable = np.isin(columns["replicate"], sorted(ok)).tolist()
    plain = {name: column.tolist() for name, column in columns.items()}
    for name in plain.keys() & set(OUTCOMES):
        plain[name] = [v if kept else "" for v, kept in zip(plain[name], usable, strict=True)]
    return [list(plain), *map(list, zip(*plain.values(), strict=True))]


def _confusion(network: Any, columns: Columns, ok: set[int]) -> list[list[int]] | None:
    """Counts over the ok replicates, for a classifier."""
    if "predicted" not in columns:
        return None
    usable = np.isin(columns["replicate"], sorted(ok))
    counts = network.confusion_matrix(columns["label"][usable], columns["predicted"][usable])
    return [[int(count) for count in row] for row in counts]


def _model_size(
    network: Any, parameters: dict[str, Any], stacked: dict[str, Tensor]
) -> dict[str, int]:
    """Trainable parameters and multiply-adds per sample of one replicate."""
    plain = network.sequential(parameters, stacked, 0)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        plain(torch.zeros(1, *network.SHAPE))
    return {
        "parameters": sum(p.numel() for p in plain.parameters()),
        "multiply_adds": counter.get_total_flops() // 2,
    }
