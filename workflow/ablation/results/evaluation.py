"""The numbers of a tested cell: metrics, predictions, size. Tensors in, plain values out."""

from __future__ import annotations

import math
import sys
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, _FlopCounterMode

from ablation.tasks import classification
from ablation.tasks.task import TASKS
from ablation.training.network import network_of, outputs

OUTCOMES = ("prediction", "predicted", "confidence", "loss")
Columns = dict[str, Any]
Tensors = dict[str, Tensor]


def evaluate(
    spec: dict[str, Any],
    tensors: Tensors,
    parts: tuple[Tensors, Tensors],
    *,
    replicates: list[dict[str, Any]],
) -> tuple[dict[str, Any], list[list[Any]]]:
    """Test a trained cell.

    Args:
        spec: of the training.
        tensors: the trained weights, ``[R, …]``.
        parts: the prepared train and test part.
        replicates: what training says of each.

    Returns:
        ``status``, ``metrics``, ``replicates``, ``confusion_matrix``, ``model_size`` and the sizes of the parts; and the rows
        of the predictions, their head first, without what a diverged replicate predicts.
    """
    task = import_module(f"ablation.tasks.{spec['task']}")
    train, test = parts
    found, columns = [], []
    for replicate, count in enumerate(test["test_n"].tolist()):
        index = test["test_index"][replicate, :count]
        output = outputs(spec, tensors, train, test, replicate=replicate, index=index)
        metrics, own = task.score(test["target"][index].numpy(), output.numpy())
        place = {"replicate": np.full(count, replicate), "index": test["row"][index].numpy()}
        found.append(metrics)
        columns.append({**place, **own})
    table = {name: np.concatenate([own[name] for own in columns]) for name in columns[0]}
    rows = replicate_rows(found, replicates, task.LOSS)
    ok = {row["replicate"] for row in rows if row["status"] == "ok"}
    numbers = {
        "status": {"ok": len(ok), "diverged": len(rows) - len(ok)},
        "metrics": summarise(rows, [metric.name for metric in TASKS[spec["task"]].metrics]),
        "replicates": rows,
        "confusion_matrix": _confusion(table, ok, int(train["outputs"])),
        "model_size": _model_size(network_of(spec, tensors, train, 0), train["inputs"]),
        "data": sizes(train, test),
    }
    return numbers, _predictions(table, ok)


def evaluate_draws(
    spec: dict[str, Any], tensors: Tensors, parts: tuple[Tensors, Tensors], replicate: int
) -> list[dict[str, Any]]:
    """Test one replicate of a classifier on each of its further draws.

    Returns:
        Per draw that holds any sample its size ``n``, ``accuracy``, ``loss``, ``per_class_accuracy`` and ``confusion_matrix``.
    """
    (train, test), found = parts, []
    counts = test["draw_n"][replicate].tolist()
    for index, count in zip(test["draw_index"][replicate], counts, strict=True):
        if count == 0:  # no group that the replicate has not seen is small enough
            continue
        own = index[:count]
        output = outputs(spec, tensors, train, test, replicate=replicate, index=own).numpy()
        labels = test["target"][own].numpy()
        metrics, columns = classification.score(labels, output)
        matrix = classification.confusion_matrix(labels, columns["predicted"], output.shape[1])
        found.append({"n": count, **metrics, "confusion_matrix": matrix.tolist()})
    return found


def sizes(train: Tensors, test: Tensors) -> dict[str, Any]:
    """Samples of each part, the fewest and the most of any replicate, and the ratio that corrects for overlapping splits.

    The ratio is 1/(k − 1) of k parts (Bouckaert & Frank 2004), n_test / (n_pool − n_test) of test parts drawn from one pool,
    and 0 of a fixed test set.
    """
    counts = {
        "n_train": train["train_n"],
        "n_validation": train["validation_n"],
        "n_test": test["test_n"],
    }
    fixed, parts, pool = bool(test["fixed"]), int(test["parts"]), int(test["pool"])
    tested = float(test["test_n"].double().mean())
    overlap = 1 / (parts - 1) if parts else tested / (pool - tested)
    return {
        **{name: [int(count.min()), int(count.max())] for name, count in counts.items()},
        "overlap_ratio": 0.0 if fixed else overlap,
        "fixed_test_set": fixed,
    }


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


def _confusion(columns: Columns, ok: set[int], classes: int) -> list[list[int]] | None:
    """Counts over the ok replicates, for a classifier."""
    if "predicted" not in columns:
        return None
    usable = np.isin(columns["replicate"], sorted(ok))
    label, predicted = columns["label"][usable], columns["predicted"][usable]
    matrix: list[list[int]] = classification.confusion_matrix(label, predicted, classes).tolist()
    return matrix


def _model_size(network: nn.Module, inputs: Tensor) -> dict[str, int]:
    """Trainable parameters and multiply-adds per sample of one replicate.

    Args:
        network: of one replicate, in evaluation mode.
        inputs: as prepared: a table ``[N, F]``, or images ``[N, H, W]`` or ``[N, C, H, W]``.
    """
    shape = inputs.shape[1:]
    sample = torch.zeros(1, *((1, *shape) if len(shape) == 2 else shape))
    _count_without_compiler()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(sample)
    return {
        "parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "multiply_adds": counter.get_total_flops() // 2,
    }


def _count_without_compiler() -> None:
    """Tell torch that its counter of operations needs no protection from compilation.

    For that protection torch would import its compiler, which takes nearly as long as all else that testing a cell imports.
    Where a network has imported it, the protection stays.
    """
    if "torch._dynamo" not in sys.modules:
        dispatch: Any = _FlopCounterMode.__torch_dispatch__
        plain = getattr(dispatch, "__wrapped__", dispatch)
        plain.__dynamo_disable = plain  # what torch would put there once it had imported it
