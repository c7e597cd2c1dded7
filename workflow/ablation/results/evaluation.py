"""The numbers of a tested cell: metrics, predictions, size. Tensors in, plain values out."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ablation.results.summary import replicate_rows, summarise

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


def _predictions(columns: Columns, ok: set[int]) -> list[list[Any]]:
    given = [column.tolist() for column in columns.values()]
    outcome = [name in OUTCOMES for name in columns]
    rows = [list(columns)]
    for row in zip(*given, strict=True):
        kept = row[0] in ok
        rows.append([v if kept or not out else "" for v, out in zip(row, outcome, strict=True)])
    return rows


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
