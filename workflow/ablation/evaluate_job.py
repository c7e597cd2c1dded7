"""Test one trained cell and publish its metrics and predictions."""

from __future__ import annotations

import csv
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode

from ablation.canonical import key_of
from ablation.schemas import validate_columns, validate_document
from ablation.store import StoreError, publish, put_aside_if_damaged, read_json, write_json
from ablation.summary import replicate_rows, summarise

OUTCOMES = ("prediction", "predicted", "confidence", "loss")


def evaluate(
    job: dict[str, Any], entry: Path, train_part: Path, test_part: Path, output: Path
) -> None:
    """Test a trained cell and publish metrics and predictions.

    Args:
        job: ``key`` of the cell; ``eval``, the digest of the evaluation code; ``module``, the network's own part of it;
            ``metrics``, their names.
        entry: the cell's store folder.
        train_part, test_part: the prepared data.
        output: ``metrics.json`` in the evaluation's folder.
    """
    key, digest, entry = job["key"], job["eval"], entry / "train"
    status = read_json(entry.parent / "status.json") or {}
    if "failed" in status:
        raise StoreError(f"training failed: {status['failed']}")
    torch.set_num_threads(1)
    put_aside_if_damaged(entry)
    spec = read_json(entry / "spec.json")
    if key_of(spec) != key:
        raise StoreError(f"{entry} holds another specification than {key}")
    module = import_module(job["module"])
    train, test = load_file(train_part), load_file(test_part)
    parameters, stacked = spec["parameters"], load_file(entry / "model.safetensors")
    seen = {name: train[name] for name in ("mean", "scale")}
    metrics, columns = module.evaluate(parameters, stacked, {**test, **seen})
    sizes = module.sizes(train, test, spec["data"]["dataset"])
    rows = replicate_rows(metrics, read_json(entry / "replicates.json"), module.LOSS)
    ok = {row["replicate"] for row in rows if row["status"] == "ok"}
    document = {
        "fingerprint": digest,
        "key": key,
        "eval": digest,
        "status": {"ok": len(ok), "diverged": len(rows) - len(ok)},
        "metrics": summarise(rows, job["metrics"]),
        "replicates": rows,
        "confusion_matrix": _confusion(module, columns, ok),
        "model_size": _model_size(module, parameters, stacked),
        "data": {
            "sha256": spec["data"]["files"],
            "prepared": train_part.parent.name,
            **sizes,
        },
    }
    validate_document(document, "store_metrics")
    validate_columns(list(columns), f"predictions_{spec['model']}")
    with publish(output.parent) as draft:
        _write_predictions(draft / "predictions.csv", columns, ok)
        write_json(draft / "metrics.json", document)


def _write_predictions(path: Path, columns: dict[str, Any], ok: set[int]) -> None:
    """Write ``predictions.csv``; what a diverged replicate predicts is left empty."""
    given = [column.tolist() for column in columns.values()]
    outcome = [name in OUTCOMES for name in columns]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*given, strict=True):
            kept = row[0] in ok
            writer.writerow(
                [value if kept or not out else "" for value, out in zip(row, outcome, strict=True)]
            )


def _confusion(module: Any, columns: dict[str, Any], ok: set[int]) -> list[list[int]] | None:
    """Counts over the ok replicates, for a classifier."""
    if "predicted" not in columns:
        return None
    usable = np.isin(columns["replicate"], sorted(ok))
    counts = module.confusion_matrix(columns["label"][usable], columns["predicted"][usable])
    return [[int(count) for count in row] for row in counts]


def _model_size(module: Any, parameters: dict[str, Any], stacked: dict[str, Any]) -> dict[str, int]:
    """Trainable parameters and multiply-adds per sample of one replicate."""
    network = module.plain(parameters, stacked, 0)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *module.SHAPE))
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "multiply_adds": counter.get_total_flops() // 2,
    }
